/* Guesses are delayed, by account and by address; nobody is locked out. */
#include "unit.h"

#include "base/clock.h"
#include "core/core.h"
#include "core/domain.h"
#include "core/throttle.h"

static struct shards *shards;

static int setup(void **state)
{
	(void)state;
	clock_fake_start(1767225600ull * 1000000);
	assert_int_equal(shards_new(&(struct shards_config){ .count = 1 }, &shards), 0);
	shard_enter(shards->shards[0]);
	core_shard_start(domain_set_new(NULL, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	core_shard_stop();
	domain_forget_all();
	shard_enter(NULL);
	shards_free(&shards);
	clock_fake_stop();
	scratch_fini();
	return 0;
}

static const struct bytes home = { "\xcb\x00\x71\x05", 4 };
static const struct bytes other = { "\xcb\x00\x71\x06", 4 };

static void fail_times(const char *account, struct bytes address, unsigned times)
{
	while (times-- > 0)
		throttle_result(jid_of(account), address, false);
}

static uint32_t delay(const char *account, struct bytes address)
{
	return throttle_delay_ms(jid_of(account), address);
}

static void the_first_cost_nothing(void **state)
{
	(void)state;
	assert_int_equal(delay("romeo@a", home), 0);
	fail_times("romeo@a", home, THROTTLE_FREE - 1);
	assert_int_equal(delay("romeo@a", home), 0);
}

static void doubles_up_to_a_bound(void **state)
{
	uint32_t before = 0;

	(void)state;
	fail_times("romeo@a", BYTES_NONE, THROTTLE_FREE);
	for (int i = 0; i < 10; i++) {
		uint32_t now = delay("romeo@a", BYTES_NONE);
		assert_true(now > 0 && now <= THROTTLE_MAX_MS);
		assert_true(now == THROTTLE_MAX_MS || before == 0 || now == 2 * before);
		before = now;
		fail_times("romeo@a", BYTES_NONE, 1);
	}
	assert_int_equal(before, THROTTLE_MAX_MS);
	fail_times("romeo@a", BYTES_NONE, 100000);
	assert_int_equal(delay("romeo@a", BYTES_NONE), THROTTLE_MAX_MS);
}

static void by_account_wherever_from(void **state)
{
	(void)state;
	fail_times("romeo@a", home, THROTTLE_FREE);
	assert_true(delay("romeo@a", other) > 0);
	assert_int_equal(delay("juliet@a", other), 0);
}

static void by_address_whoever(void **state)
{
	(void)state;
	fail_times("romeo@a", home, 1);
	fail_times("juliet@a", home, 1);
	fail_times("nurse@a", home, 1);
	assert_true(delay("tybalt@a", home) > 0);
	assert_int_equal(delay("romeo@a", other), 0);
}

/* A login of the owner forgives the account, not the address that guesses on. */
static void success_forgives_the_account(void **state)
{
	(void)state;
	fail_times("romeo@a", home, 10);
	throttle_result(jid_of("romeo@a"), other, true);
	assert_int_equal(delay("romeo@a", other), 0);
	assert_true(delay("romeo@a", home) > 0);
}

static void forgets(void **state)
{
	(void)state;
	fail_times("romeo@a", home, 10);
	clock_fake_advance_ms((THROTTLE_FORGET_S + 1) * 1000ull);
	assert_int_equal(delay("romeo@a", home), 0);
	/* and begins anew, not where it was */
	fail_times("romeo@a", home, 1);
	assert_int_equal(delay("romeo@a", home), 0);
}

static void an_address_is_no_account(void **state)
{
	(void)state;
	fail_times("romeo@a", bytes_of("romeo@a"), THROTTLE_FREE - 1);
	assert_int_equal(delay("romeo@a", bytes_of("romeo@a")), 0);
}

/* Bounded: the oldest goes first, the newest stays. */
static void is_bounded(void **state)
{
	char name[32];

	(void)state;
	for (unsigned i = 0; i < THROTTLE_ENTRIES + 10; i++) {
		snprintf(name, sizeof(name), "user%u@a", i);
		fail_times(name, BYTES_NONE, THROTTLE_FREE);
		arena_reset(scratch());
	}
	assert_int_equal(delay("user0@a", BYTES_NONE), 0);
	assert_int_equal(delay("user9@a", BYTES_NONE), 0);
	assert_true(delay("user10@a", BYTES_NONE) > 0);
	assert_true(delay(name, BYTES_NONE) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_cost_nothing),	    TEST(doubles_up_to_a_bound),
		TEST(by_account_wherever_from),	    TEST(by_address_whoever),
		TEST(success_forgives_the_account), TEST(forgets),
		TEST(an_address_is_no_account),	    TEST(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
