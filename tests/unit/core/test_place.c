/*
 * A bare JID's bucket is the same at every start and for every number of shards; its shard
 * follows from it, so `shards` may change between two starts.
 */
#include "unit.h"

#include <ftw.h>
#include <unistd.h>

#include "core/core.h"
#include "core/place.h"
#include "io/worker.h"
#include "store/open.h"

enum { NAMES = 2000 };

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* One start of the server; buckets: what was found, or what must be found. */
static void start(const char *dir, unsigned shard_count, uint32_t buckets[NAMES], bool is_first)
{
	struct store_config config = {
		.engine = "sqlite", .data_dir = dir, .cache_kib = 256, .readers = 1
	};
	unsigned used[256] = { 0 }, used_count = 0;
	struct shards *shards;
	struct store *store;
	struct err err;
	char name[64];

	assert_int_equal(shards_new(&(struct shards_config){ .count = shard_count }, &shards),
			 0);
	assert_int_equal(worker_pool_new(0, 16, &config.workers), 0);
	shard_enter(shards->shards[0]);
	assert_int_equal(store_open(&config, &store, &err), 0);
	core_start(store);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "user%u@example.org", i);
		uint32_t bucket = store_bucket(store, bytes_of(name));
		unsigned shard = place_shard(jid_of(name));
		assert_true(bucket < STORE_BUCKETS);
		if (is_first)
			buckets[i] = bucket;
		assert_int_equal(bucket, buckets[i]);
		assert_int_equal(shard, bucket % shard_count);
		assert_int_equal(place_is_here(jid_of(name)), shard == 0);
		used_count += used[shard]++ == 0;
		/* all devices of an account are at one home */
		snprintf(name, sizeof(name), "user%u@example.org/phone", i);
		assert_int_equal(place_shard(jid_of(name)), shard);
	}
	/* spread: nobody is idle, nobody has far more than a fair share */
	assert_int_equal(used_count, shard_count);
	for (unsigned i = 0; i < shard_count && shard_count <= 4; i++)
		assert_true(used[i] < 2 * NAMES / shard_count || shard_count == 1);
	store_close(&store);
	worker_pool_free(&config.workers);
	shard_enter(NULL);
	shards_free(&shards);
	scratch_fini();
}

static void stable(void **state)
{
	static uint32_t buckets[NAMES];
	char dir[] = "/tmp/hearth-place-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	start(dir, 1, buckets, true);
	start(dir, 4, buckets, false);
	start(dir, 3, buckets, false);
	start(dir, 32, buckets, false);
	start(dir, 1, buckets, false);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stable) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
