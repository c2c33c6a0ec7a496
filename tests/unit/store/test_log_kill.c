/*
 * kill -9 never loses a message that was acknowledged, nor doubles one, nor tears its two entries
 * apart: a child appends messages between a few owners, tells every completion through a pipe,
 * and kills itself at a turn chosen beforehand; the next child loads its records and goes on.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "io/shard.h"

static struct store_decl account = STORE_DECL("account_log", STORE_LOG, 1, "Messages.");
static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

enum { ROUNDS = 25, PAIRS = 8, IN_FLIGHT = 24, NUMBERS_MAX = 200000 };

struct writer {
	struct world *world;
	struct log_conversation records[PAIRS][2];
	int pipe_fd;
	uint32_t issued;
};

struct pending {
	struct writer *writer;
	uint32_t number;
};

static struct bytes owner_of(uint32_t pair, int side)
{
	static char names[PAIRS][2][16];

	snprintf(names[pair][side], 16, "%c%u@d", side ? 'b' : 'a', pair);
	return bytes_of(names[pair][side]);
}

static void write_next(struct writer *writer, struct pending *pending);

static void written(int status, uint64_t seq, void *context)
{
	struct pending *pending = context;
	struct writer *writer = pending->writer;

	(void)seq;
	check(status == 0);
	check(write(writer->pipe_fd, &pending->number, sizeof(pending->number)) ==
	      sizeof(pending->number));
	write_next(writer, pending);
}

/* Every eighth goes another way: with an item, or into two classes of retention. */
static void write_next(struct writer *writer, struct pending *pending)
{
	uint32_t number = pending->number = writer->issued++, pair = number % PAIRS;
	struct log_conversation *records = writer->records[pair];
	struct store_batch *batch = store_batch_new(writer->world->store, owner_of(pair, 0));
	struct log_entry entry = { .kind = ENTRY_MESSAGE };
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	entry.bytes = entry.origin_id = bytes_of(text);
	for (int side = 0; side < 2; side++) {
		records[side].name = owner_of(pair, !side);
		entry.conversation = entry.peer = records[side].name;
		entry.time_us = 0;
		store_batch_turn_to(batch, owner_of(pair, side));
		log_append(batch, &account, &records[side], &entry);
		if (number % 16 == 9)
			entry.retention = 1;
	}
	if (number % 16 == 1)
		store_put(batch, &map, bytes_of(text), bytes_of(text));
	store_commit(writer->world->store, &batch, written, pending);
}

static void open_world(struct world *world, const char *dir)
{
	const struct shards_config shards = { .count = 1 };

	*world = (struct world){
		.config = { .engine = "sqlite", .data_dir = dir, .log_memory_kib = 16 },
	};
	check(shards_new(&shards, &world->shards) == 0);
	shard_enter(world->shards->shards[0]);
	check(world_open(world) == 0);
}

static void load(struct world *world, uint32_t pair, int side, struct log_conversation *record)
{
	struct store_read *read = store_read_new(world->store, owner_of(pair, side));
	const struct log_conversation *found;
	int status;

	log_read_conversation(read, &account, owner_of(pair, !side));
	read = read_wait(&read, &status);
	check(status == 0);
	found = log_read_records(read, 0);
	if (found)
		*record = *found;
	store_read_free(&read);
}

static void child_writes(const char *dir, int pipe_fd, uint32_t first, uint32_t turns)
{
	static struct writer writer;
	struct pending pending[IN_FLIGHT];
	struct world world;

	open_world(&world, dir);
	writer = (struct writer){ .world = &world, .pipe_fd = pipe_fd, .issued = first };
	for (uint32_t pair = 0; pair < PAIRS; pair++) {
		load(&world, pair, 0, &writer.records[pair][0]);
		load(&world, pair, 1, &writer.records[pair][1]);
	}
	for (int i = 0; i < IN_FLIGHT; i++) {
		pending[i].writer = &writer;
		write_next(&writer, &pending[i]);
	}
	while (turns-- > 0)
		shard_turn(LOOP_FOREVER);
	kill(getpid(), SIGKILL);
}

/* n dense, ids rising, numbers rising, both sides equal, nothing acknowledged missing. */
static int verify_pair(struct world *world, uint32_t pair, const uint32_t *numbers,
		       size_t count)
{
	struct store_read *reads[2];
	const struct log_entry *entry[2];
	uint64_t n = 0, last = 0;
	size_t at = 0;
	int status;

	for (int side = 0; side < 2; side++) {
		reads[side] = store_read_new(world->store, owner_of(pair, side));
		log_read_page(reads[side], &account, &(struct log_query){ 0 });
		log_read_conversations(reads[side], &account);
		reads[side] = read_wait(&reads[side], &status);
		check(status == 0);
		entry[side] = log_read_entries(reads[side], 0);
	}
	for (; entry[0] && entry[1]; entry[0] = entry[0]->next, entry[1] = entry[1]->next) {
		uint64_t number = 0;

		bytes_to_u64(entry[0]->bytes, &number);
		if (!bytes_equal(entry[0]->bytes, entry[1]->bytes) || entry[0]->n != ++n ||
		    entry[1]->n != n || number <= last)
			return 1;
		last = number;
		while (at < count && numbers[at] % PAIRS != pair)
			at++;
		if (at < count && numbers[at] < number)
			return 2;
		if (at < count && numbers[at] == number)
			at++;
	}
	while (at < count && numbers[at] % PAIRS != pair)
		at++;
	if (entry[0] || entry[1] || at < count)
		return 3;
	for (int side = 0; side < 2; side++) {
		const struct log_conversation *record = log_read_records(reads[side], 1);

		if ((record ? record->last_n : 0) != n)
			return 4;
		store_read_free(&reads[side]);
	}
	return 0;
}

static int child_verifies(const char *dir, const uint32_t *numbers, size_t count)
{
	struct world world;

	open_world(&world, dir);
	for (uint32_t pair = 0; pair < PAIRS; pair++) {
		int status = verify_pair(&world, pair, numbers, count);

		if (status) {
			print_error("pair %u: %d\n", pair, status);
			return status;
		}
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static size_t run_writer(const char *dir, uint32_t first, uint32_t turns, uint32_t *numbers,
			 size_t count)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child_writes(dir, fds[1], first, turns);
	}
	close(fds[1]);
	while (count < NUMBERS_MAX &&
	       read(fds[0], &numbers[count], sizeof(*numbers)) == sizeof(*numbers))
		count++;
	close(fds[0]);
	assert_true(WIFSIGNALED(wait_for(pid)));
	return count;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static void kill_9_loses_and_doubles_nothing(void **state)
{
	static uint32_t numbers[NUMBERS_MAX];
	char dir[] = "/tmp/hearth-log-kill-XXXXXX", command[64];
	unsigned seed = 815;
	size_t count = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		pid_t pid;

		count = run_writer(dir, round * 10000 + 1, (uint32_t)rand_r(&seed) % 80,
				   numbers, count);
		qsort(numbers, count, sizeof(*numbers), compare);
		pid = fork();
		if (pid == 0)
			_exit(child_verifies(dir, numbers, count));
		assert_int_equal(wait_for(pid), 0);
	}
	print_message("%zu messages acknowledged over %d kills\n", count, ROUNDS);
	assert_true(count > ROUNDS);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_9_loses_and_doubles_nothing),
	};

	store_register(&account);
	store_register(&map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
