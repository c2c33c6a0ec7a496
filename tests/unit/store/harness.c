#include "harness.h"

#include <ftw.h>
#include <unistd.h>

#include "io/shard.h"
#include "io/worker.h"

const char *harness_engine = "memory";

int world_open(struct world *world)
{
	struct err err = { 0 };
	int status = store_open(&world->config, &world->store, &err);

	if (status < 0)
		print_error("store_open: %s\n", err.text);
	return status;
}

void world_close(struct world *world)
{
	store_close(&world->store);
}

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct shards_config shards = { .count = 2 };

	assert_non_null(world);
	world->engine = harness_engine;
	snprintf(world->dir, sizeof(world->dir), "/tmp/hearth-store-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(shards_new(&shards, &world->shards), 0);
	assert_int_equal(worker_pool_new(0, 16, &world->pool), 0);
	world->config = (struct store_config){
		.engine = harness_engine,
		.data_dir = world->dir,
		.cache_kib = 256,
		.readers = 2,
		.workers = world->pool,
	};
	shard_enter(world->shards->shards[0]);
	*state = world;
	return world_open(world);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

int world_teardown(void **state)
{
	struct world *world = *state;

	shards_run_until_idle(world->shards);
	worker_pool_free(&world->pool);
	store_close(&world->store);
	shard_enter(NULL);
	shards_free(&world->shards);
	nftw(world->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(world);
	scratch_fini();
	return 0;
}

void turn_until(const int *status)
{
	while (*status == PENDING)
		shard_turn(1000);
}

void note_status(int status, uint64_t seq, void *context)
{
	int *place = context;

	assert_true(seq > 0 || status < 0);
	*place = status;
}

int commit(struct world *world, struct store_batch **batch)
{
	int status = PENDING;

	store_commit(world->store, batch, note_status, &status);
	assert_null(*batch);
	turn_until(&status);
	return status;
}

struct taken {
	struct store_read *read;
	int status;
};

static void take(struct store_read *read, int status, void *context)
{
	struct taken *taken = context;

	taken->read = store_read_take(read);
	taken->status = status;
}

struct store_read *read_wait(struct store_read **read, int *ret_status)
{
	struct taken taken = { NULL, PENDING };

	store_read_submit(read, take, &taken);
	turn_until(&taken.status);
	*ret_status = taken.status;
	return taken.read;
}

void put(struct world *world, const char *owner, const struct store_decl *decl, const char *key,
	 const char *value)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));

	store_put(batch, decl, bytes_of(key), bytes_of(value));
	assert_int_equal(commit(world, &batch), 0);
}

const char *get(struct world *world, const char *owner, const struct store_decl *decl,
		const char *key)
{
	static char value[256];
	struct store_read *read = store_read_new(world->store, bytes_of(owner));
	struct bytes found;
	int status;

	store_read_get(read, decl, bytes_of(key));
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	found = store_read_value(read, 0);
	if (found.ptr)
		snprintf(value, sizeof(value), "%.*s", BYTES_ARG(found));
	store_read_free(&read);
	return found.ptr ? value : NULL;
}

const char *scan(struct world *world, const char *owner, const struct store_decl *decl,
		 const char *prefix, const char *after, uint32_t limit)
{
	static char keys[4096];
	struct store_read *read = store_read_new(world->store, bytes_of(owner));
	const struct store_item *item;
	size_t len = 0;
	int status;

	store_read_scan(read, decl, bytes_of(prefix), bytes_of(after), limit);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	keys[0] = '\0';
	for (item = store_read_items(read, 0); item; item = item->next) {
		assert_ptr_equal(item->decl, decl);
		len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%.*s",
					len ? " " : "", BYTES_ARG(item->key));
	}
	if (store_read_is_partial(read, 0))
		snprintf(keys + len, sizeof(keys) - len, "…");
	store_read_free(&read);
	return keys;
}

void assert_bytes(struct bytes b, const char *expected)
{
	assert_non_null(b.ptr);
	assert_int_equal(b.len, strlen(expected));
	assert_memory_equal(b.ptr, expected, b.len);
}
