/* The census sees every session of every shard; a kick ends those it names. */
#include "unit.h"

#include "core/census.h"

enum { ACCOUNTS = 8, DEVICES = 3 };

static struct client *clients[ACCOUNTS][DEVICES];

static int setup(void **state)
{
	char name[64], jid[64];

	(void)state;
	world_start();
	world_open();
	for (unsigned a = 0; a < ACCOUNTS; a++) {
		snprintf(jid, sizeof(jid), "user%u@localhost", a);
		world_add_account(bytes_of(jid));
		for (unsigned d = 0; d < DEVICES; d++) {
			snprintf(name, sizeof(name), "c%u-%u", a, d);
			snprintf(jid, sizeof(jid), "user%u@localhost/d%u", a, d);
			clients[a][d] = unit_login(name, jid);
		}
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned a = 0; a < ACCOUNTS; a++)
		for (unsigned d = 0; d < DEVICES; d++)
			client_free(&clients[a][d]);
	world_end();
	scratch_fini();
	return 0;
}

static struct {
	bool is_done;
	unsigned rows, available, of_user3, shards;
	uint64_t sessions, users, streams;
} seen;

static void census_done(struct census *census)
{
	unsigned shards = 0;

	seen.is_done = true;
	seen.sessions = census->sessions;
	seen.users = census->users;
	seen.streams = census->streams;
	for (const struct census_row *row = census->rows; row != NULL; row = row->next) {
		seen.rows++;
		seen.available += row->is_available && row->priority == 5;
		seen.of_user3 += bytes_has_prefix(row->jid, BYTES_LIT("user3@localhost/d"));
		shards |= 1u << row->shard;
		assert_string_equal(row->carrier, "memory");
		assert_bytes(row->peer, "memory");
		assert_true(row->is_secure);
		assert_true(row->bound_at_us > 0);
	}
	seen.shards = (unsigned)__builtin_popcount(shards);
	assert_int_equal(census->rows_found, seen.rows);
}

static void take(struct bytes bare, uint32_t limit)
{
	memset(&seen, 0, sizeof(seen));
	shard_enter(world_shards()->shards[2]);
	census_take(bare, limit, census_done, NULL);
	world_settle();
	assert_true(seen.is_done);
}

static void sees_all(void **state)
{
	(void)state;
	client_send(clients[0][0], BYTES_LIT("<presence><priority>5</priority></presence>"));
	world_settle();
	take(BYTES_NONE, 1000);
	assert_int_equal(seen.sessions, ACCOUNTS * DEVICES);
	assert_int_equal(seen.users, ACCOUNTS);
	assert_int_equal(seen.streams, ACCOUNTS * DEVICES);
	assert_int_equal(seen.rows, ACCOUNTS * DEVICES);
	assert_int_equal(seen.available, 1);
	assert_int_equal(seen.of_user3, DEVICES);
	assert_true(seen.shards > 1);
	unit_count(clients[0][0]);
}

static void one_account_and_a_limit(void **state)
{
	(void)state;
	take(BYTES_LIT("user3@localhost"), 1000);
	assert_int_equal(seen.rows, DEVICES);
	assert_int_equal(seen.of_user3, DEVICES);
	assert_int_equal(seen.sessions, ACCOUNTS * DEVICES);
	take(BYTES_LIT("nobody@localhost"), 1000);
	assert_int_equal(seen.rows, 0);
	take(BYTES_NONE, 5);
	assert_int_equal(seen.rows, 5);
	assert_int_equal(seen.sessions, ACCOUNTS * DEVICES);
	take(BYTES_LIT("user3@localhost"), 2);
	assert_int_equal(seen.rows, 2);
}

static void kicks_one_or_all(void **state)
{
	(void)state;
	assert_int_equal(world_kick(BYTES_LIT("user3@localhost/d1")), 1);
	assert_true(client_is_closed(clients[3][1]));
	assert_false(client_is_closed(clients[3][0]));
	assert_int_equal(world_kick(BYTES_LIT("user3@localhost/d1")), 0);
	assert_int_equal(world_kick(BYTES_LIT("user3@localhost")), DEVICES - 1);
	assert_true(client_is_closed(clients[3][0]));
	assert_true(client_is_closed(clients[3][2]));
	assert_int_equal(world_kick(BYTES_LIT("user3@localhost")), 0);
	assert_int_equal(world_kick(BYTES_LIT("nobody@localhost")), 0);
	assert_false(client_is_closed(clients[4][1]));
	take(BYTES_NONE, 1000);
	assert_int_equal(seen.sessions, (ACCOUNTS - 1) * DEVICES);
	assert_int_equal(seen.users, ACCOUNTS - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(sees_all), TEST(one_account_and_a_limit),
					    TEST(kicks_one_or_all) };

	world_register(&(struct world_options){ .shards = 4 });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
