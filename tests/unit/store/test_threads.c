/*
 * Shards with threads of their own share one store: what one shard wrote, four find again, each
 * the owners of its buckets. Run by the thread sanitizer in the long check.
 */
#include <semaphore.h>

#include "harness.h"
#include "io/shard.h"

static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

enum { OWNERS = 400, ROUNDS = 5 };

struct job {
	struct store *store;
	unsigned shards;
	uint32_t round; /* what the values are now; each is raised by one */
	sem_t done;
	_Atomic uint32_t failures;
};

struct step {
	struct job *job;
	char owner[16];
};

static uint32_t number_of(struct bytes value)
{
	uint64_t number = 0;

	bytes_to_u64(value, &number);
	return (uint32_t)number;
}

static void finish(struct step *step, bool is_good)
{
	step->job->failures += !is_good;
	sem_post(&step->job->done);
	free(step);
}

static void verified(struct store_read *read, int status, void *context)
{
	struct step *step = context;

	finish(step,
	       status == 0 && number_of(store_read_value(read, 0)) == step->job->round + 1);
}

static void written(int status, uint64_t seq, void *context)
{
	struct step *step = context;

	(void)seq;
	if (status < 0)
		step->job->failures++;
}

/* Reads its own write in the same breath: the store has to put them in order. */
static void loaded(struct store_read *read, int status, void *context)
{
	struct step *step = context;
	struct store *store = step->job->store;
	uint32_t number = number_of(store_read_value(read, 0));
	struct store_batch *batch = store_batch_new(store, bytes_of(step->owner));
	char value[16];

	if (status < 0 || number != step->job->round) {
		store_batch_free(&batch);
		finish(step, false);
		return;
	}
	snprintf(value, sizeof(value), "%u", number + 1);
	store_put(batch, &map, BYTES_LIT("n"), bytes_of(value));
	store_commit(store, &batch, written, step);
	store_get(store, bytes_of(step->owner), &map, BYTES_LIT("n"), verified, step);
}

static void begin(struct shard *shard, void *context)
{
	struct job *job = context;

	for (int i = 0; i < OWNERS; i++) {
		struct step *step = calloc(1, sizeof(*step));
		struct bytes owner;

		snprintf(step->owner, sizeof(step->owner), "u%d@d", i);
		owner = bytes_of(step->owner);
		step->job = job;
		if (store_bucket(job->store, owner) % job->shards == shard->id)
			store_get(job->store, owner, &map, BYTES_LIT("n"), loaded, step);
		else
			free(step);
	}
}

static void run_round(struct world *world, unsigned count, uint32_t round)
{
	const struct shards_config config = { .count = count };
	struct shards *shards;
	struct job job = { .shards = count, .round = round };

	sem_init(&job.done, 0, 0);
	assert_int_equal(shards_new(&config, &shards), 0);
	assert_int_equal(world_open(world), 0);
	job.store = world->store;
	assert_int_equal(shards_start(shards, begin, &job), 0);
	for (int i = 0; i < OWNERS; i++)
		sem_wait(&job.done);
	shards_stop(shards);
	world_close(world);
	shards_free(&shards);
	assert_int_equal(job.failures, 0);
	sem_destroy(&job.done);
}

static void shards_may_change_at_any_start(void **state)
{
	struct world *world = *state;
	static const unsigned counts[ROUNDS] = { 1, 4, 2, 8, 1 };

	world_close(world);
	shard_enter(NULL);
	for (uint32_t round = 0; round < ROUNDS; round++)
		run_round(world, counts[round], round);
	shard_enter(world->shards->shards[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shards_may_change_at_any_start, world_setup,
						world_teardown),
	};

	harness_engine = "sqlite";
	store_register(&map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
