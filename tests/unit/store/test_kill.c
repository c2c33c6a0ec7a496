/*
 * kill -9 never loses a completed commit: a child commits, tells every completion through a
 * pipe, and kills itself at a point chosen by its own counter; then another process looks.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "io/shard.h"

static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

enum { ROUNDS = 20, OWNERS = 10, IN_FLIGHT = 16 };

struct writer {
	struct world *world;
	int pipe_fd;
	uint32_t issued;
	uint32_t turns_left; /* when it reaches 0, the process dies */
};

struct pending {
	struct writer *writer;
	uint32_t number;
};

static void name_owner(uint32_t number, char ret_owner[16])
{
	snprintf(ret_owner, 16, "u%u@d", number % OWNERS);
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

/* Batch N puts its own key, and N as the owner's newest: both or none must be there. */
static void write_next(struct writer *writer, struct pending *pending)
{
	struct store_batch *batch;
	char owner[16], key[16];

	pending->number = writer->issued++;
	name_owner(pending->number, owner);
	snprintf(key, sizeof(key), "%u", pending->number);
	batch = store_batch_new(writer->world->store, bytes_of(owner));
	store_put(batch, &map, bytes_of(key), bytes_of(key));
	store_put(batch, &map, BYTES_LIT("newest"), bytes_of(key));
	store_commit(writer->world->store, &batch, written, pending);
}

static void open_world(struct world *world, const char *dir)
{
	const struct shards_config shards = { .count = 1 };

	*world = (struct world){ .config = { .engine = "sqlite", .data_dir = dir } };
	check(shards_new(&shards, &world->shards) == 0);
	shard_enter(world->shards->shards[0]);
	check(world_open(world) == 0);
}

static void child_writes(const char *dir, int pipe_fd, uint32_t first, uint32_t turns)
{
	struct pending pending[IN_FLIGHT];
	struct world world;
	struct writer writer = { &world, pipe_fd, first, turns };

	open_world(&world, dir);
	for (int i = 0; i < IN_FLIGHT; i++) {
		pending[i].writer = &writer;
		write_next(&writer, &pending[i]);
	}
	while (writer.turns_left-- > 0)
		shard_turn(LOOP_FOREVER);
	kill(getpid(), SIGKILL);
}

/* In a process of its own, because threads and fork do not mix. */
static int child_verifies(const char *dir, const uint32_t *numbers, size_t count)
{
	struct world world;
	uint32_t newest[OWNERS] = { 0 };

	open_world(&world, dir);
	for (size_t i = 0; i < count; i++) {
		char owner[16], key[16];
		const char *value;

		name_owner(numbers[i], owner);
		snprintf(key, sizeof(key), "%u", numbers[i]);
		value = get(&world, owner, &map, key);
		if (!value || strcmp(value, key) != 0) {
			print_error("acknowledged and gone: %s of %s\n", key, owner);
			return 1;
		}
		newest[numbers[i] % OWNERS] = numbers[i];
	}
	for (uint32_t i = 0; i < OWNERS; i++) {
		char owner[16];
		const char *value;

		name_owner(i, owner);
		value = get(&world, owner, &map, "newest");
		if (newest[i] > 0 && (!value || strtoul(value, NULL, 10) < newest[i]))
			return 1;
		/* Atomic: the newest of a batch is there only with its own key. */
		if (value && !get(&world, owner, &map, value))
			return 1;
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Returns how many numbers the child has acknowledged in all. */
static size_t run_writer(const char *dir, uint32_t first, uint32_t turns, uint32_t *numbers,
			 size_t count, size_t room)
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
	while (count < room &&
	       read(fds[0], &numbers[count], sizeof(*numbers)) == sizeof(*numbers))
		count++;
	close(fds[0]);
	assert_true(WIFSIGNALED(wait_for(pid)));
	return count;
}

static void run_verifier(const char *dir, const uint32_t *numbers, size_t count)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(child_verifies(dir, numbers, count));
	assert_int_equal(wait_for(pid), 0);
}

static void kill_9_loses_nothing_acknowledged(void **state)
{
	enum { ROOM = 100000 };
	static uint32_t numbers[ROOM];
	char dir[] = "/tmp/hearth-kill-XXXXXX", command[64];
	unsigned seed = 4711;
	size_t count = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t first = round * 10000 + 1;

		count = run_writer(dir, first, (uint32_t)rand_r(&seed) % 60, numbers, count,
				   ROOM);
		run_verifier(dir, numbers, count);
	}
	print_message("%zu commits acknowledged over %d kills\n", count, ROUNDS);
	assert_true(count > ROUNDS);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_9_loses_nothing_acknowledged),
	};

	store_register(&map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
