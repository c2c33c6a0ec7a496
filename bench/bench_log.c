/*
 * What the embedded log costs. A message is one batch with the entries of both its owners, 300
 * bytes of content; 10,000 owners in pairs that talk a while, drawn unevenly.
 *
 * 	bench_log append COUNT [process|power]	CPU of all threads with 1 to 128 in flight
 * 	bench_log rate SECONDS PER_SECOND [process|power]	latency of commits at an even pace
 * 	bench_log fill COUNT			then newest pages, and the month's expiry
 *
 * The directory is made in TMPDIR and left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "io/loop.h"
#include "io/shard.h"
#include "store/engine.h"
#include "store/log.h"

enum { OWNERS = 10000, CONTACTS = 20, CONTENT_BYTES = 300, IN_FLIGHT_MAX = 256 };

static struct store_decl account = STORE_DECL("account_log", STORE_LOG, 1, "Messages.");

struct bench {
	struct store *store;
	struct log_conversation *records; /* by owner and contact */
	uint64_t random;
	uint64_t left, outstanding, answered;
	uint32_t *latencies_us;
	bool has_failed, is_paced;
};

struct slot {
	struct bench *bench;
	uint64_t start_ns;
};

static char names[OWNERS][32];

static uint64_t next_random(struct bench *bench)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return bench->random >> 33;
}

/* Low numbers talk more. */
static uint32_t draw_owner(struct bench *bench)
{
	uint64_t a = next_random(bench) % (OWNERS - CONTACTS);
	uint64_t b = next_random(bench) % OWNERS;

	return (uint32_t)(a * b / OWNERS);
}

static struct bytes name_of(uint32_t owner)
{
	return bytes_make(names[owner], 21);
}

/* Contacts are neighbours: owner o has o+1 … o+CONTACTS/2 and those below. */
static struct log_conversation *record_of(struct bench *bench, uint32_t owner, uint32_t other)
{
	int32_t distance = (int32_t)other - (int32_t)owner;
	uint32_t at = (uint32_t)(distance + CONTACTS / 2);
	struct log_conversation *record =
		&bench->records[owner * (CONTACTS + 1) + at % (CONTACTS + 1)];

	record->name = name_of(other);
	return record;
}

static void write_one(struct slot *slot);

static void written(int status, uint64_t seq, void *context)
{
	struct slot *slot = context;
	struct bench *bench = slot->bench;

	(void)seq;
	bench->has_failed |= status < 0;
	bench->latencies_us[bench->answered++] =
		(uint32_t)((clock_ns() - slot->start_ns) / 1000);
	bench->outstanding--;
	if (bench->is_paced)
		free(slot);
	else if (bench->left > 0)
		write_one(slot);
}

static void write_one(struct slot *slot)
{
	static const char content[CONTENT_BYTES] = "<message type='chat'><body>What is said.";
	struct bench *bench = slot->bench;
	uint32_t from = draw_owner(bench);
	uint32_t to = (from + 1 + (uint32_t)next_random(bench) % (CONTACTS / 2)) % OWNERS;
	struct log_entry entry = { .kind = ENTRY_MESSAGE,
				   .flags = ENTRY_IN_ARCHIVE | ENTRY_OUTGOING,
				   .conversation = name_of(to),
				   .peer = name_of(to),
				   .origin_id = BYTES_LIT("0123456789abcdef"),
				   .bytes = bytes_make(content, sizeof(content)) };
	struct store_batch *batch = store_batch_new(bench->store, name_of(from));

	slot->start_ns = clock_ns();
	bench->left--;
	bench->outstanding++;
	log_append(batch, &account, record_of(bench, from, to), &entry);
	store_batch_turn_to(batch, name_of(to));
	entry.time_us = 0;
	entry.flags = ENTRY_IN_ARCHIVE | ENTRY_COUNTS_UNREAD;
	entry.conversation = entry.peer = name_of(from);
	log_append(batch, &account, record_of(bench, to, from), &entry);
	store_commit(bench->store, &batch, written, slot);
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
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static uint32_t quantile(const struct bench *bench, uint64_t permille)
{
	return bench->answered ? bench->latencies_us[(bench->answered - 1) * permille / 1000]
			       : 0;
}

static void report(struct bench *bench, const char *name, uint64_t cpu, uint64_t wall_ns,
		   int64_t groups)
{
	qsort(bench->latencies_us, bench->answered, sizeof(uint32_t), compare);
	printf("%-14s %6.2f us CPU %8.0f /s  us: p50 %u p99 %u p99.9 %u max %u  group %.1f\n",
	       name, (double)cpu / (double)bench->answered,
	       (double)bench->answered / ((double)wall_ns / 1e9), quantile(bench, 500),
	       quantile(bench, 990), quantile(bench, 999), quantile(bench, 1000),
	       (double)bench->answered / (double)(groups ? groups : 1));
	fflush(stdout);
}

static void append(struct bench *bench, uint64_t count, uint32_t in_flight)
{
	struct slot slots[IN_FLIGHT_MAX];
	uint64_t cpu = cpu_us(), wall = clock_ns();
	int64_t groups = metric_read(&store_groups);
	char name[32];

	bench->left = count;
	bench->answered = 0;
	bench->latencies_us = calloc(count, sizeof(uint32_t));
	for (uint32_t i = 0; i < in_flight; i++) {
		slots[i].bench = bench;
		write_one(&slots[i]);
	}
	while (bench->outstanding > 0)
		shard_turn(LOOP_FOREVER);
	snprintf(name, sizeof(name), "%u in flight", in_flight);
	report(bench, name, cpu_us() - cpu, clock_ns() - wall,
	       metric_read(&store_groups) - groups);
	free(bench->latencies_us);
}

/* Open loop: what should have been sent is sent, however late the answers are. */
static void rate(struct bench *bench, uint64_t seconds, uint64_t per_second)
{
	uint64_t cpu = cpu_us(), start = clock_ns(), count = seconds * per_second, sent = 0;
	int64_t groups = metric_read(&store_groups);

	bench->is_paced = true;
	bench->left = count;
	bench->answered = 0;
	bench->latencies_us = calloc(count, sizeof(uint32_t));
	while (sent < count || bench->outstanding > 0) {
		uint64_t due = (clock_ns() - start) * per_second / 1000000000;

		for (; sent < due && sent < count; sent++) {
			struct slot *slot = calloc(1, sizeof(*slot));

			slot->bench = bench;
			write_one(slot);
		}
		shard_turn(1);
	}
	report(bench, "paced", cpu_us() - cpu, clock_ns() - start,
	       metric_read(&store_groups) - groups);
	free(bench->latencies_us);
	bench->is_paced = false;
}

/* ---- reading ---- */

struct page {
	struct bench *bench;
	uint32_t entries;
	bool is_done;
};

static void got_page(struct store_read *read, int status, void *context)
{
	struct page *page = context;
	const struct log_entry *entry = log_read_entries(read, 0);

	page->bench->has_failed |= status < 0;
	for (; entry; entry = entry->next)
		page->entries++;
	page->is_done = true;
}

static void pages(struct bench *bench, const char *name, uint32_t count, bool with_contact,
		  bool is_only_newest)
{
	uint64_t cpu = cpu_us(), wall = clock_ns(), entries = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t owner = draw_owner(bench);
		struct log_query query = { .limit = 50, .is_backward = is_only_newest };
		struct store_read *read = store_read_new(bench->store, name_of(owner));
		struct page page = { .bench = bench };

		if (with_contact)
			query.conversation = name_of((owner + 1) % OWNERS);
		log_read_page(read, &account, &query);
		store_read_submit(&read, got_page, &page);
		while (!page.is_done)
			shard_turn(LOOP_FOREVER);
		entries += page.entries;
	}
	cpu = cpu_us() - cpu;
	wall = clock_ns() - wall;
	printf("%-24s %7.1f us CPU %7.1f us  %.1f entries\n", name, (double)cpu / count,
	       (double)wall / 1e3 / count, (double)entries / count);
	fflush(stdout);
}

static void noted(int status, uint64_t seq, void *context)
{
	(void)seq;
	*(int *)context = status;
}

static void expire(struct bench *bench)
{
	uint32_t month = log_id_month(log_id_next(bench->store)) + 1;
	uint64_t wall = clock_ns();
	int status = 1;

	log_expire(bench->store, 0, month, noted, &status);
	while (status == 1)
		shard_turn(LOOP_FOREVER);
	printf("the month is gone after %.1f ms\n", (double)(clock_ns() - wall) / 1e6);
	append(bench, 20000, 32);
}

static void fill(struct bench *bench, uint64_t count)
{
	append(bench, count, 128);
	for (int round = 0; round < 2; round++) {
		pages(bench, "newest 50", 5000, false, true);
		pages(bench, "newest 50 with a contact", 2000, true, true);
		pages(bench, "oldest 50", 2000, false, false);
	}
	expire(bench);
}

static int open_store(struct bench *bench, const struct store_config *config)
{
	uint64_t start = clock_ns();
	struct err err;
	int status = store_open(config, &bench->store, &err);

	if (status < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("opened in %.0f ms\n", (double)(clock_ns() - start) / 1e6);
	return status;
}

static int usage(void)
{
	fprintf(stderr, "bench_log append COUNT | rate SECONDS PER_SECOND | fill COUNT "
			"[process|power]\n");
	return 1;
}

static void run(struct bench *bench, int argc, char **argv)
{
	static const uint32_t in_flight[] = { 1, 8, 32, 128 };
	uint64_t count = strtoull(argv[2], NULL, 10);

	if (strcmp(argv[1], "append") == 0)
		for (size_t i = 0; i < array_len(in_flight); i++)
			append(bench, i == 0 ? count / 4 : count, in_flight[i]);
	else if (strcmp(argv[1], "rate") == 0 && argc > 3)
		rate(bench, count, strtoull(argv[3], NULL, 10));
	else
		fill(bench, count);
}

int main(int argc, char **argv)
{
	struct store_config config = { .engine = "sqlite" };
	const struct shards_config shards_config = { .count = 1 };
	struct bench bench = { .random = 4711 };
	char dir[256];
	struct shards *shards;

	if (argc < 3)
		return usage();
	snprintf(dir, sizeof(dir), "%s/bench-log-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	config.data_dir = mkdtemp(dir);
	check(config.data_dir);
	if (strcmp(argv[argc - 1], "power") == 0)
		config.durability = STORE_POWER;
	for (uint32_t i = 0; i < OWNERS; i++)
		snprintf(names[i], sizeof(names[i]), "user%05u@example.org", i);
	bench.records = calloc((size_t)OWNERS * (CONTACTS + 1), sizeof(*bench.records));
	store_register(&account);
	check(shards_new(&shards_config, &shards) == 0);
	shard_enter(shards->shards[0]);
	if (open_store(&bench, &config) < 0)
		return 1;
	run(&bench, argc, argv);
	check(!bench.has_failed);
	store_close(&bench.store);
	if (open_store(&bench, &config) < 0)
		return 1;
	store_close(&bench.store);
	printf("%s can be removed\n", config.data_dir);
	shard_enter(NULL);
	shards_free(&shards);
	free(bench.records);
	return 0;
}
