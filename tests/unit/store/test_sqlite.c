/* What only the embedded engine has to answer for: files, versions, locks, full disks. */
#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faulty_vfs.h"
#include "harness.h"
#include "base/metric.h"
#include "base/option.h"
#include "store/engine.h"

static struct store_decl map = STORE_DECL("map", STORE_MAP, 2, "A map.");
static struct store_decl uploads = STORE_DECL("uploads", STORE_BLOB, 1, "Uploads.");

static void path_of(const struct world *world, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", world->dir, name);
}

static void reopen(struct world *world)
{
	world_close(world);
	assert_int_equal(world_open(world), 0);
}

/* By another connection, while the store is closed. */
static void run_sql(const struct world *world, const char *sql)
{
	char path[128];
	sqlite3 *db;

	path_of(world, "hearth.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void data_and_buckets_survive_a_restart(void **state)
{
	struct world *world = *state;
	uint32_t buckets[100];
	char owner[16], path[128];
	struct stat stat_of_key;

	for (int i = 0; i < 100; i++) {
		snprintf(owner, sizeof(owner), "user%d@d", i);
		put(world, owner, &map, "k", owner);
		buckets[i] = store_bucket(world->store, bytes_of(owner));
		assert_true(buckets[i] < STORE_BUCKETS);
	}
	path_of(world, "hash.key", path);
	assert_int_equal(stat(path, &stat_of_key), 0);
	assert_int_equal(stat_of_key.st_mode & 0777, 0600);
	assert_int_equal(stat_of_key.st_size, 16);
	reopen(world);
	for (int i = 0; i < 100; i++) {
		snprintf(owner, sizeof(owner), "user%d@d", i);
		assert_string_equal(get(world, owner, &map, "k"), owner);
		assert_int_equal(store_bucket(world->store, bytes_of(owner)), buckets[i]);
	}
}

static int open_status(struct world *world, char ret_text[400])
{
	struct err err = { 0 };
	struct store *store = NULL;
	int status = store_open(&world->config, &store, &err);

	snprintf(ret_text, 400, "%s", err.text);
	if (status == 0)
		store_close(&store);
	return status;
}

static void newer_data_is_refused(void **state)
{
	struct world *world = *state;
	char text[400];

	world_close(world);
	run_sql(world, "PRAGMA user_version = 99");
	assert_int_equal(open_status(world, text), -EPROTONOSUPPORT);
	assert_non_null(strstr(text, "99"));
	run_sql(world, "PRAGMA user_version = 2; UPDATE store SET version = 3 "
		       "WHERE name = 'map'");
	assert_int_equal(open_status(world, text), -EPROTONOSUPPORT);
	assert_non_null(strstr(text, "map"));
	run_sql(world, "UPDATE store SET version = 1, shape = 0 WHERE name = 'map'");
	assert_int_equal(open_status(world, text), -EINVAL);
	run_sql(world, "UPDATE store SET shape = 1 WHERE name = 'map'");
	assert_int_equal(open_status(world, text), 0);
	run_sql(world, "PRAGMA application_id = 7");
	assert_int_equal(open_status(world, text), -EINVAL);
}

static void older_data_is_migrated(void **state)
{
	struct world *world = *state;

	put(world, "a@d", &map, "k", "v");
	world_close(world);
	run_sql(world, "DROP TABLE log_pending; DROP TABLE log_gone; DROP TABLE log_expired; "
		       "DROP TABLE log_state; PRAGMA user_version = 1");
	assert_int_equal(world_open(world), 0);
	assert_string_equal(get(world, "a@d", &map, "k"), "v");
}

static void other_files_are_refused(void **state)
{
	struct world *world = *state;
	char text[400], path[128];
	FILE *file;

	world_close(world);
	path_of(world, "hearth.db", path);
	file = fopen(path, "w");
	fputs("This is not a database, but long enough to be looked at as one.", file);
	for (int i = 0; i < 100; i++)
		fputs("filling filling filling filling", file);
	fclose(file);
	assert_true(open_status(world, text) < 0);
	assert_non_null(strstr(text, "hearth.db"));
}

static void a_directory_is_opened_once(void **state)
{
	struct world *world = *state;
	char text[400];

	assert_int_equal(open_status(world, text), -EBUSY);
	world_close(world);
	assert_int_equal(open_status(world, text), 0);
}

static void bad_configurations_are_refused(void **state)
{
	struct world *world = *state;
	const char *dir = world->config.data_dir;
	char text[400];

	world_close(world);
	world->config.engine = "tape";
	assert_int_equal(open_status(world, text), -EINVAL);
	assert_non_null(strstr(text, "tape"));
	world->config.engine = "sqlite";
	world->config.data_dir = "/nonexistent/directory";
	assert_int_equal(open_status(world, text), -ENOENT);
	world->config.data_dir = dir;
}

static void options_make_a_configuration(void **state)
{
	struct settings *settings;
	struct store_config config;
	struct err err;

	(void)state;
	for (struct option *const *option = store_options; *option; option++)
		option_register(*option);
	settings = settings_new(NULL);
	store_config_init(&config, settings);
	assert_string_equal(config.engine, "sqlite");
	assert_int_equal(config.durability, STORE_PROCESS);
	assert_int_equal(config.cache_kib, 2048);
	assert_int_equal(config.backlog_bytes, 64 << 20);
	assert_int_equal(settings_set(settings, option_find(BYTES_LIT("durability")),
				      BYTES_LIT("power"), &err),
			 0);
	store_config_init(&config, settings);
	assert_int_equal(config.durability, STORE_POWER);
	settings_free(&settings);
}

static void issue(struct world *world, const char *owner, const char *key, int *status)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));

	*status = PENDING;
	store_put(batch, &map, bytes_of(key), BYTES_LIT("v"));
	store_put(batch, &map, BYTES_LIT("both"), BYTES_LIT("v"));
	store_commit(world->store, &batch, note_status, status);
}

static void check_fault(struct world *world, _Atomic int *place, int fault, int expected)
{
	int first, second;

	put(world, "a@d", &map, "before", "v");
	*place = fault;
	issue(world, "a@d", "lost", &first);
	issue(world, "b@d", "lost", &second);
	turn_until(&first);
	turn_until(&second);
	*place = 0;
	assert_int_equal(first, expected);
	assert_int_equal(second, expected);
	issue(world, "a@d", "after", &first);
	turn_until(&first);
	assert_int_equal(first, 0);
	assert_string_equal(scan(world, "a@d", &map, NULL, NULL, 0), "after before both");
	assert_string_equal(scan(world, "b@d", &map, NULL, NULL, 0), "");
	reopen(world);
	assert_string_equal(scan(world, "a@d", &map, NULL, NULL, 0), "after before both");
	assert_string_equal(scan(world, "b@d", &map, NULL, NULL, 0), "");
}

static void a_full_disk_fails_commits_and_is_survived(void **state)
{
	check_fault(*state, &faulty_write, SQLITE_FULL, -ENOSPC);
}

static void a_failing_disk_fails_commits_and_is_survived(void **state)
{
	check_fault(*state, &faulty_write, SQLITE_IOERR_WRITE, -EIO);
}

static void power_waits_for_the_disk(void **state)
{
	struct world *world = *state;
	int status;

	faulty_sync = SQLITE_IOERR_FSYNC;
	issue(world, "z@d", "k", &status);
	turn_until(&status);
	faulty_sync = 0;
	assert_int_equal(status, 0);
	world_close(world);
	world->config.durability = STORE_POWER;
	assert_int_equal(world_open(world), 0);
	check_fault(world, &faulty_sync, SQLITE_IOERR_FSYNC, -EIO);
}

static void what_waits_is_committed_as_a_group(void **state)
{
	enum { BATCHES = 320 };
	struct world *world = *state;
	int64_t groups, commits = metric_read(&store_commits);
	int status[BATCHES];
	char owner[16];

	groups = metric_read(&store_groups);
	for (int i = 0; i < BATCHES; i++) {
		snprintf(owner, sizeof(owner), "u%d@d", i);
		issue(world, owner, "k", &status[i]);
	}
	for (int i = 0; i < BATCHES; i++) {
		turn_until(&status[i]);
		assert_int_equal(status[i], 0);
	}
	assert_int_equal(metric_read(&store_commits) - commits, BATCHES);
	groups = metric_read(&store_groups) - groups;
	assert_in_range(groups, BATCHES / 32, BATCHES / 32 + 1);
}

static void the_log_of_pages_stays_small(void **state)
{
	struct world *world = *state;
	char path[128], owner[16];
	struct stat wal;
	int status;

	for (int i = 0; i < 4000; i++) {
		snprintf(owner, sizeof(owner), "u%d@d", i * 7919 % 4000);
		issue(world, owner, "k", &status);
		turn_until(&status);
		assert_int_equal(status, 0);
	}
	path_of(world, "hearth.db-wal", path);
	assert_int_equal(stat(path, &wal), 0);
	assert_in_range(wal.st_size, 1, 80 << 20);
}

/* ---- files of blobs ---- */

static int count_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		char below[400];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		count += entry->d_type == DT_DIR ? count_files(below) : 1;
	}
	closedir(dir);
	return count;
}

static int blob_files(const struct world *world)
{
	char path[128];

	path_of(world, "blobs", path);
	return count_files(path);
}

static void ignore(int status, struct bytes bytes, void *context)
{
	int *place = context;

	(void)bytes;
	*place = status;
}

static void put_blob(struct world *world, const char *owner, const char *key)
{
	const struct blob_info info = { .size_bytes = 3 };
	struct blob_stream *stream =
		blob_put_new(world->store, &uploads, bytes_of(owner), bytes_of(key), &info);
	int status = PENDING;

	blob_write(stream, BYTES_LIT("abc"), ignore, &status);
	turn_until(&status);
	assert_int_equal(status, 0);
	status = PENDING;
	blob_commit(&stream, note_status, &status);
	turn_until(&status);
	assert_int_equal(status, 0);
	shards_run_until_idle(world->shards);
}

static void files_of_deleted_blobs_are_unlinked(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, BYTES_LIT("a@d"));
	char key[8];

	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put_blob(world, "a@d", key);
	}
	put_blob(world, "b@d", "k");
	put_blob(world, "b@d", "k");
	store_delete_owner(batch);
	assert_int_equal(commit(world, &batch), 0);
	/* The sweep has no answer to wait for; each commit gives it another chance. */
	for (int i = 0; i < 10000 && blob_files(world) > 1; i++)
		put(world, "c@d", &map, "k", "v");
	assert_int_equal(blob_files(world), 1);
}

static void a_restart_mends_what_a_crash_left(void **state)
{
	struct world *world = *state;
	char from[128], to[128];
	struct blob_stream *stream;
	int status = PENDING;

	put_blob(world, "a@d", "k");
	world_close(world);
	/* As if the crash had come between the commit and the move, and during another put. */
	path_of(world, "blobs/01/0000000000000001", from);
	path_of(world, "blobs/tmp/0000000000000001", to);
	assert_int_equal(rename(from, to), 0);
	path_of(world, "blobs/tmp/0000000000000002", to);
	fclose(fopen(to, "w"));
	assert_int_equal(world_open(world), 0);
	assert_int_equal(blob_files(world), 1);
	assert_int_equal(access(from, F_OK), 0);
	stream = blob_get_new(world->store, &uploads, BYTES_LIT("a@d"), BYTES_LIT("k"), ignore,
			      &status);
	turn_until(&status);
	assert_int_equal(status, 0);
	blob_free(&stream);
	put_blob(world, "a@d", "another");
	assert_int_equal(blob_files(world), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(data_and_buckets_survive_a_restart),
		TEST_OF(newer_data_is_refused),
		TEST_OF(older_data_is_migrated),
		TEST_OF(other_files_are_refused),
		TEST_OF(a_directory_is_opened_once),
		TEST_OF(bad_configurations_are_refused),
		cmocka_unit_test(options_make_a_configuration),
		TEST_OF(a_full_disk_fails_commits_and_is_survived),
		TEST_OF(a_failing_disk_fails_commits_and_is_survived),
		TEST_OF(power_waits_for_the_disk),
		TEST_OF(what_waits_is_committed_as_a_group),
		TEST_OF(the_log_of_pages_stays_small),
		TEST_OF(files_of_deleted_blobs_are_unlinked),
		TEST_OF(a_restart_mends_what_a_crash_left),
	};

	harness_engine = "sqlite";
	faulty_vfs_install();
	store_register(&map);
	store_register(&uploads);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
