/*
 * What the embedded store costs: CPU of all threads per commit of one map item, and per read
 * that loads a user (one doc, a roster of ten, a blocklist), with 1 to 128 in flight on one
 * shard; latency as the shard sees it. 10,000 owners, values of 200 bytes.
 *
 * 	bench_store [commits per row] [directory]	the directory is filled and left
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "io/shard.h"
#include "store/engine.h"

enum { OWNERS = 10000, VALUE_BYTES = 200, IN_FLIGHT_MAX = 128, CONTACTS = 10 };

static struct store_decl card = STORE_DECL("card", STORE_DOC, 1, "Cards.");
static struct store_decl roster = STORE_DECL("roster", STORE_MAP, 1, "Rosters.");
static struct store_decl blocklist = STORE_DECL("blocklist", STORE_MAP, 1, "Blocklists.");

struct bench {
	struct store *store;
	uint32_t left, outstanding;
	uint64_t random;
	uint64_t *latencies_ns;
	uint32_t answered;
	bool has_failed;
};

struct slot {
	struct bench *bench;
	uint64_t start_ns;
	void (*next)(struct slot *slot);
};

static uint64_t next_random(struct bench *bench)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return bench->random >> 33;
}

static struct bytes owner_name(uint64_t number, char room[32])
{
	int len = snprintf(room, 32, "user%05u@example.org", (unsigned)(number % OWNERS));

	return bytes_make(room, (size_t)len);
}

static void answered(struct slot *slot, int status)
{
	struct bench *bench = slot->bench;

	bench->has_failed |= status < 0;
	bench->latencies_ns[bench->answered++] = clock_ns() - slot->start_ns;
	bench->outstanding--;
	if (bench->left > 0)
		slot->next(slot);
}

static void start(struct slot *slot)
{
	slot->start_ns = clock_ns();
	slot->bench->left--;
	slot->bench->outstanding++;
}

static void written(int status, uint64_t seq, void *context)
{
	(void)seq;
	answered(context, status);
}

static void write_one(struct slot *slot)
{
	static const char value[VALUE_BYTES] = "A roster item, or whatever is about so long.";
	struct bench *bench = slot->bench;
	struct store_batch *batch;
	char name[32], key[32];

	start(slot);
	batch = store_batch_new(bench->store, owner_name(next_random(bench), name));
	store_put(batch, &roster, owner_name(next_random(bench) % CONTACTS, key),
		  bytes_make(value, sizeof(value)));
	store_commit(bench->store, &batch, written, slot);
}

static void loaded(struct store_read *read, int status, void *context)
{
	check(status < 0 || store_read_items(read, 1));
	answered(context, status);
}

static void load_one(struct slot *slot)
{
	struct bench *bench = slot->bench;
	struct store_read *read;
	char name[32];

	start(slot);
	read = store_read_new(bench->store, owner_name(next_random(bench), name));
	store_read_get(read, &card, BYTES_NONE);
	store_read_scan(read, &roster, BYTES_NONE, BYTES_NONE, 0);
	store_read_scan(read, &blocklist, BYTES_NONE, BYTES_NONE, 0);
	store_read_submit(&read, loaded, slot);
}

static uint64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* Of sorted latencies. */
static double quantile_us(const struct bench *bench, uint64_t percent)
{
	uint64_t index = bench->answered * percent / 100;

	return (double)bench->latencies_ns[index] / 1e3;
}

static void run(struct bench *bench, const char *name, void (*next)(struct slot *),
		uint32_t count, uint32_t in_flight)
{
	struct slot slots[IN_FLIGHT_MAX];
	uint64_t cpu = cpu_us(), wall = clock_ns();
	int64_t groups = metric_read(&store_groups);

	bench->left = count;
	bench->answered = 0;
	bench->latencies_ns = calloc(count, sizeof(uint64_t));
	for (uint32_t i = 0; i < in_flight; i++) {
		slots[i] = (struct slot){ .bench = bench, .next = next };
		next(&slots[i]);
	}
	while (bench->outstanding > 0)
		shard_turn(LOOP_FOREVER);
	cpu = cpu_us() - cpu;
	wall = clock_ns() - wall;
	groups = metric_read(&store_groups) - groups;
	qsort(bench->latencies_ns, bench->answered, sizeof(uint64_t), compare);
	printf("%-16s %4u in flight %7.2f us CPU %8.0f /s  p50 %6.0f us  p99 %6.0f us", name,
	       in_flight, (double)cpu / count, count / ((double)wall / 1e9),
	       quantile_us(bench, 50), quantile_us(bench, 99));
	printf(groups > 0 ? "  group %.1f\n" : "\n", (double)count / (double)groups);
	free(bench->latencies_ns);
}

/* Everybody gets a card and CONTACTS contacts, so that rows are replaced as in real life. */
static void fill(struct bench *bench)
{
	static const char value[VALUE_BYTES] = "Filled.";
	struct slot slot = { .bench = bench };

	bench->latencies_ns = calloc(OWNERS, sizeof(uint64_t));
	for (uint32_t i = 0; i < OWNERS; i++) {
		char name[32], key[32];
		struct store_batch *batch = store_batch_new(bench->store, owner_name(i, name));

		store_put(batch, &card, BYTES_NONE, bytes_make(value, sizeof(value)));
		for (uint32_t j = 0; j < CONTACTS; j++)
			store_put(batch, &roster, owner_name(j, key),
				  bytes_make(value, sizeof(value)));
		bench->outstanding++;
		store_commit(bench->store, &batch, written, &slot);
		if (i % 1000 == 999)
			while (bench->outstanding > 0)
				shard_turn(LOOP_FOREVER);
	}
	free(bench->latencies_ns);
}

static void run_all(const struct store_config *config, uint32_t count)
{
	static const uint32_t in_flight[] = { 1, 8, 32, 128 };
	const char *name = config->durability == STORE_POWER ? "power" : "process";
	struct bench bench = { .random = 4711 };
	struct err err;

	if (store_open(config, &bench.store, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	fill(&bench);
	for (size_t i = 0; i < array_len(in_flight); i++) {
		char row[32];

		snprintf(row, sizeof(row), "put, %s", name);
		run(&bench, row, write_one, count, in_flight[i]);
	}
	for (size_t i = 0; i < array_len(in_flight); i++)
		run(&bench, "load a user", load_one, count, in_flight[i]);
	check(!bench.has_failed);
	store_close(&bench.store);
}

int main(int argc, char **argv)
{
	struct store_config config = { .engine = "sqlite", .cache_kib = 2048 };
	const struct shards_config shards_config = { .count = 1 };
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
	char dir[] = "/tmp/bench-store-XXXXXX";
	struct shards *shards;

	config.data_dir = argc > 2 ? argv[2] : mkdtemp(dir);
	check(config.data_dir && count > 0);
	mkdir(config.data_dir, 0700);
	store_register(&card);
	store_register(&roster);
	store_register(&blocklist);
	check(shards_new(&shards_config, &shards) == 0);
	shard_enter(shards->shards[0]);
	run_all(&config, count);
	config.durability = STORE_POWER;
	run_all(&config, count);
	printf("%s can be removed\n", config.data_dir);
	shard_enter(NULL);
	shards_free(&shards);
	return 0;
}
