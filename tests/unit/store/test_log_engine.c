/* What only the embedded engine's logs have to answer for: their files, crashes, full disks. */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "faulty_vfs.h"
#include "harness.h"
#include "io/shard.h"

static struct store_decl account = STORE_DECL("account_log", STORE_LOG, 1, "Messages.");
static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

#define ALICE BYTES_LIT("alice@d")
#define BOB BYTES_LIT("bob@d")

static struct log_conversation of_alice, of_bob;

static int setup(void **state)
{
	int status = world_setup(state);

	of_alice = (struct log_conversation){ .name = BOB };
	of_bob = (struct log_conversation){ .name = ALICE };
	return status;
}

/* A message from alice to bob, one content; retention differs: one for each. */
static struct store_batch *message(struct world *world, const char *text, uint32_t retention,
				   uint64_t ret_ids[2])
{
	struct store_batch *batch = store_batch_new(world->store, ALICE);
	struct log_entry entry = {
		.kind = ENTRY_MESSAGE, .conversation = BOB, .peer = BOB, .bytes = bytes_of(text)
	};

	log_append(batch, &account, &of_alice, &entry);
	ret_ids[0] = entry.id;
	store_batch_turn_to(batch, BOB);
	entry.conversation = entry.peer = ALICE;
	entry.retention = retention;
	entry.time_us = 0;
	log_append(batch, &account, &of_bob, &entry);
	ret_ids[1] = entry.id;
	return batch;
}

static void say(struct world *world, const char *text, uint64_t ret_ids[2])
{
	struct store_batch *batch = message(world, text, 0, ret_ids);

	assert_int_equal(commit(world, &batch), 0);
}

static const char *texts(struct world *world, struct bytes owner)
{
	static char text[4096];
	struct store_read *read = store_read_new(world->store, owner);
	const struct log_entry *entry;
	size_t len = 0;
	int status;

	log_read_page(read, &account, &(struct log_query){ 0 });
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	text[0] = '\0';
	for (entry = log_read_entries(read, 0); entry; entry = entry->next)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s",
					len ? " " : "", BYTES_ARG(entry->bytes));
	store_read_free(&read);
	return text;
}

static void reopen(struct world *world)
{
	world_close(world);
	assert_int_equal(world_open(world), 0);
}

/* ---- files ---- */

static void month_path(const struct world *world, uint32_t retention, char ret_path[160])
{
	uint32_t month = log_id_month(of_alice.last_id);

	snprintf(ret_path, 160, "%s/log/%u-%04u-%02u.db", world->dir, retention, month / 12,
		 month % 12 + 1);
}

/* By another connection; the store may be open. */
static int64_t ask_file(const struct world *world, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	char path[160];
	sqlite3 *db;
	int64_t value = -1;

	month_path(world, 0, path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

static int count_in_log_dir(const struct world *world)
{
	char path[128];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/log", world->dir);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static void a_message_is_one_row(void **state)
{
	struct world *world = *state;
	uint64_t ids[2];

	assert_int_equal(count_in_log_dir(world), 0);
	for (int i = 0; i < 5; i++)
		say(world, "text", ids);
	assert_int_equal(ask_file(world, "SELECT count(*) FROM msg"), 5);
	assert_int_equal(ask_file(world, "SELECT count(*) FROM msg WHERE b IS NULL"), 0);
	assert_int_equal(ask_file(world, "SELECT count(*) FROM log"), 0);
}

/* Removal has no answer to wait for; each commit gives it another chance. */
static void wait_for_file(struct world *world, const char *sql, int64_t expected)
{
	for (int i = 0; i < 20000 && ask_file(world, sql) != expected; i++)
		put(world, "c@d", &map, "k", "v");
	assert_int_equal(ask_file(world, sql), expected);
}

static void deleted_content_leaves_the_file_with_its_last_owner(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, ALICE);
	uint64_t ids[2];

	for (int i = 0; i < 100; i++)
		say(world, "secret", ids);
	store_delete_owner(batch);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(texts(world, ALICE), "");
	wait_for_file(world, "SELECT count(*) FROM msg WHERE a IS NOT NULL", 0);
	assert_int_equal(ask_file(world, "SELECT count(*) FROM msg WHERE body IS NOT NULL"),
			 100);
	batch = store_batch_new(world->store, BOB);
	log_trim(batch, &account, BYTES_NONE, UINT64_MAX);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(texts(world, BOB), "");
	wait_for_file(world, "SELECT count(*) FROM msg WHERE body IS NOT NULL", 0);
	wait_for_file(world, "SELECT count(*) FROM log", 0);
	/* n goes on for bob, whose records stayed, and begins anew for alice. */
	reopen(world);
	of_alice = (struct log_conversation){ .name = BOB };
	say(world, "again", ids);
	assert_int_equal(of_alice.last_n, 1);
	assert_int_equal(of_bob.last_n, 101);
	assert_string_equal(texts(world, ALICE), "again");
}

static void a_tombstone_takes_the_content_along(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, ALICE);
	struct log_entry tombstone = { .kind = ENTRY_TOMBSTONE, .bytes = BYTES_LIT("gone") };
	uint64_t ids[2];

	say(world, "secret", ids);
	tombstone.id = ids[0];
	log_amend(batch, &account, &tombstone);
	store_batch_turn_to(batch, BOB);
	tombstone.id = ids[1];
	log_amend(batch, &account, &tombstone);
	assert_int_equal(commit(world, &batch), 0);
	assert_int_equal(
		ask_file(world,
			 "SELECT count(*) FROM msg WHERE instr(body, CAST('secret' AS BLOB))"),
		0);
	reopen(world);
	assert_string_equal(texts(world, ALICE), "gone");
	assert_string_equal(texts(world, BOB), "gone");
	say(world, "next", ids);
	assert_string_equal(texts(world, ALICE), "gone next");
}

static void a_start_finds_what_was_not_written_behind(void **state)
{
	struct world *world = *state;
	char text[8];
	uint64_t ids[2];

	world_close(world);
	world->config.log_memory_kib = 8;
	assert_int_equal(world_open(world), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(world, text, ids);
		if (i % 17 == 0)
			reopen(world);
	}
	/* Some of them are in the index, some are not, and the records neither. */
	assert_in_range(ask_file(world, "SELECT count(*) FROM log"), 10, 390);
	assert_int_equal(of_alice.last_n, 200);
	assert_non_null(strstr(texts(world, BOB), "0 1 2 3"));
	assert_non_null(strstr(texts(world, ALICE), "197 198 199"));
}

static void expired_months_leave_the_disk(void **state)
{
	struct world *world = *state;
	int status = PENDING;
	uint64_t ids[2];
	char path[160];

	say(world, "old", ids);
	assert_string_equal(texts(world, BOB), "old"); /* a reader has it open */
	month_path(world, 0, path);
	assert_int_equal(access(path, F_OK), 0);
	log_expire(world->store, 0, log_id_month(ids[0]) + 1, note_status, &status);
	turn_until(&status);
	assert_int_equal(status, 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(texts(world, BOB), "");
	say(world, "new", ids);
	assert_string_equal(texts(world, BOB), "new");
	reopen(world);
	assert_string_equal(texts(world, BOB), "new");
	assert_int_equal(of_bob.last_n, 2);
	world_close(world);
	assert_int_equal(count_in_log_dir(world), 1);
	assert_int_equal(world_open(world), 0);
}

static void ids_rise_over_a_restart_with_a_clock_set_back(void **state)
{
	struct world *world = *state;
	uint64_t ids[2], before, unused;

	clock_fake_start(1798000000000000);
	say(world, "1", ids);
	before = ids[1];
	unused = log_id_next(world->store);
	world_close(world);
	clock_fake_step_real_us(-86400000000 * 60);
	assert_int_equal(world_open(world), 0);
	say(world, "2", ids);
	assert_true(ids[0] > before);
	assert_true(ids[0] > unused);
	assert_string_equal(texts(world, ALICE), "1 2");
	clock_fake_stop();
}

static void the_month_may_change_between_two_sides(void **state)
{
	struct world *world = *state;
	struct store_batch *batch;
	struct log_entry entry = { .kind = ENTRY_MESSAGE,
				   .conversation = BOB,
				   .bytes = BYTES_LIT("midnight") };
	uint64_t first;

	clock_fake_start(1798761599999000); /* the last millisecond of 2026 */
	batch = store_batch_new(world->store, ALICE);
	log_append(batch, &account, &of_alice, &entry);
	first = entry.id;
	clock_fake_step_real_us(1000);
	store_batch_turn_to(batch, BOB);
	entry.conversation = ALICE;
	log_append(batch, &account, &of_bob, &entry);
	assert_int_equal(log_id_month(entry.id), log_id_month(first) + 1);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(texts(world, ALICE), "midnight");
	assert_string_equal(texts(world, BOB), "midnight");
	clock_fake_stop();
}

/* ---- crashes ---- */

/* As a crash leaves it: copied while the store is open and has just answered. */
static void crash(struct world *world, const char *spoil)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "mkdir %s.crash && cp -r %s/. %s.crash && rm -f %s.crash/store.lock",
		 world->dir, world->dir, world->dir, world->dir);
	assert_int_equal(system(command), 0);
	world_close(world);
	snprintf(command, sizeof(command), "rm -r %s && mv %s.crash %s", world->dir, world->dir,
		 world->dir);
	assert_int_equal(system(command), 0);
	if (spoil) {
		snprintf(command, sizeof(command), spoil, world->dir);
		assert_int_equal(system(command), 0);
	}
	assert_int_equal(world_open(world), 0);
}

static void a_torn_tail_opens_with_what_is_before_it(void **state)
{
	struct world *world = *state;
	uint64_t ids[2];

	for (int i = 0; i < 20; i++)
		say(world, "kept", ids);
	crash(world, "for f in %s/log/*-wal; do truncate -s -2000 $f; "
		     "printf 'not what was written here' >> $f; done");
	assert_in_range(strlen(texts(world, BOB)), strlen("kept") * 10, strlen("kept ") * 20);
	/* The actor loads its records again, and goes on. */
	of_alice.last_n = of_bob.last_n = (strlen(texts(world, BOB)) + 1) / 5;
	say(world, "new", ids);
	assert_non_null(strstr(texts(world, BOB), "kept new"));
}

static void a_half_made_month_opens(void **state)
{
	struct world *world = *state;
	char path[160];
	uint64_t ids[2];
	int fd;

	of_alice.last_id = log_id_next(world->store);
	month_path(world, 0, path);
	*strrchr(path, '/') = '\0';
	mkdir(path, 0700);
	month_path(world, 0, path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	reopen(world);
	say(world, "fine", ids);
	assert_string_equal(texts(world, BOB), "fine");
}

/* The rows of a batch on two months wait in the database until they are moved. */
static void rows_on_their_way_are_moved_at_the_next_start(void **state)
{
	struct world *world = *state;
	struct store_batch *batch;
	uint64_t ids[2];

	say(world, "1", ids);
	batch = message(world, "2", 1, ids);
	assert_int_equal(commit(world, &batch), 0);
	/* As if the crash had come before they were moved: the files of then, the rows of now. */
	crash(world, "rm %s/log/1-*");
	assert_string_equal(texts(world, ALICE), "1 2");
	assert_string_equal(texts(world, BOB), "1 2");
	crash(world, NULL);
	assert_string_equal(texts(world, BOB), "1 2");
	say(world, "3", ids);
	assert_string_equal(texts(world, ALICE), "1 2 3");
}

/* ---- full disks ---- */

static void check_fault(struct world *world, int fault, int expected, uint32_t retention)
{
	struct log_conversation alice_before, bob_before;
	struct store_batch *batch;
	uint64_t ids[2];

	say(world, "1", ids);
	alice_before = of_alice;
	bob_before = of_bob;
	faulty_write = fault;
	batch = message(world, "lost", retention, ids);
	assert_int_equal(commit(world, &batch), expected);
	faulty_write = 0;
	of_alice = alice_before;
	of_bob = bob_before;
	assert_string_equal(texts(world, ALICE), "1");
	say(world, "2", ids);
	assert_string_equal(texts(world, ALICE), "1 2");
	reopen(world);
	assert_string_equal(texts(world, ALICE), "1 2");
	assert_string_equal(texts(world, BOB), "1 2");
}

static void a_full_disk_fails_appends_and_is_survived(void **state)
{
	check_fault(*state, SQLITE_FULL, -ENOSPC, 0);
}

static void a_failing_disk_fails_appends_and_is_survived(void **state)
{
	check_fault(*state, SQLITE_IOERR_WRITE, -EIO, 0);
}

static void a_full_disk_fails_batches_on_two_months_too(void **state)
{
	check_fault(*state, SQLITE_FULL, -ENOSPC, 1);
}

/* Committed in the database, and then the file cannot be written: nothing new until it can. */
static void rows_that_cannot_be_moved_wait(void **state)
{
	struct world *world = *state;
	struct log_conversation alice_before, bob_before;
	struct store_batch *batch;
	uint64_t ids[2];
	char path[160];

	say(world, "1", ids);
	month_path(world, 1, path);
	assert_int_equal(mkdir(path, 0700), 0);
	batch = message(world, "2", 1, ids);
	assert_int_equal(commit(world, &batch), 0);
	alice_before = of_alice;
	bob_before = of_bob;
	batch = message(world, "refused", 0, ids);
	assert_int_equal(commit(world, &batch), -ENOSPC);
	of_alice = alice_before;
	of_bob = bob_before;
	put(world, "c@d", &map, "k", "v");
	assert_int_equal(rmdir(path), 0);
	say(world, "3", ids);
	assert_string_equal(texts(world, ALICE), "1 2 3");
	assert_string_equal(texts(world, BOB), "1 2 3");
	reopen(world);
	assert_string_equal(texts(world, BOB), "1 2 3");
}

static void power_waits_for_the_disk(void **state)
{
	struct world *world = *state;
	struct store_batch *batch;
	uint64_t ids[2];

	world_close(world);
	world->config.durability = STORE_POWER;
	assert_int_equal(world_open(world), 0);
	say(world, "1", ids);
	faulty_sync = SQLITE_IOERR_FSYNC;
	batch = message(world, "2", 0, ids);
	assert_int_equal(commit(world, &batch), -EIO);
	faulty_sync = 0;
	assert_string_equal(texts(world, ALICE), "1");
}

/* ---- under load ---- */

static void the_log_of_pages_stays_small(void **state)
{
	enum { BURST = 64, ROUNDS = 150 };
	struct world *world = *state;
	int statuses[BURST];
	char path[180];
	struct stat wal;
	uint64_t ids[2];

	world_close(world);
	world->config.log_memory_kib = 256;
	assert_int_equal(world_open(world), 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BURST; i++) {
			struct store_batch *batch =
				message(world, "a text of some length, to fill pages", 0, ids);

			statuses[i] = PENDING;
			store_commit(world->store, &batch, note_status, &statuses[i]);
		}
		for (int i = 0; i < BURST; i++) {
			turn_until(&statuses[i]);
			assert_int_equal(statuses[i], 0);
		}
	}
	month_path(world, 0, path);
	strcat(path, "-wal");
	assert_int_equal(stat(path, &wal), 0);
	assert_in_range(wal.st_size, 1, 80 << 20);
	assert_int_equal(of_bob.last_n, BURST * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
		TEST_OF(a_message_is_one_row),
		TEST_OF(deleted_content_leaves_the_file_with_its_last_owner),
		TEST_OF(a_tombstone_takes_the_content_along),
		TEST_OF(a_start_finds_what_was_not_written_behind),
		TEST_OF(expired_months_leave_the_disk),
		TEST_OF(ids_rise_over_a_restart_with_a_clock_set_back),
		TEST_OF(the_month_may_change_between_two_sides),
		TEST_OF(a_torn_tail_opens_with_what_is_before_it),
		TEST_OF(a_half_made_month_opens),
		TEST_OF(rows_on_their_way_are_moved_at_the_next_start),
		TEST_OF(a_full_disk_fails_appends_and_is_survived),
		TEST_OF(a_failing_disk_fails_appends_and_is_survived),
		TEST_OF(a_full_disk_fails_batches_on_two_months_too),
		TEST_OF(rows_that_cannot_be_moved_wait),
		TEST_OF(power_waits_for_the_disk),
		TEST_OF(the_log_of_pages_stays_small),
	};

	harness_engine = "sqlite";
	faulty_vfs_install();
	store_register(&account);
	store_register(&map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
