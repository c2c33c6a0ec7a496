#include "unit.h"

#include "base/clock.h"

static void real_time_moves_on(void **state)
{
	uint64_t start = clock_ns(), cpu = clock_cpu_ns();

	assert_false(clock_is_fake());
	while (clock_ns() == start || clock_cpu_ns() == cpu)
		;
	assert_true(clock_ns() > start);
	assert_true(clock_real_us() > 1700000000ull * 1000000);
}

static void fake_time_moves_when_told(void **state)
{
	uint64_t before = clock_ms(), start;

	clock_fake_start(1000);
	assert_true(clock_is_fake());
	start = clock_ms();
	assert_true(start >= before);
	assert_int_equal(clock_real_us(), 1000);
	clock_fake_advance_ms(5);
	assert_int_equal(clock_ms(), start + 5);
	assert_int_equal(clock_real_us(), 6000);
	clock_fake_step_real_us(-2000);
	assert_int_equal(clock_real_us(), 4000);
	assert_int_equal(clock_ms(), start + 5);
	clock_fake_stop();
	assert_false(clock_is_fake());
	assert_true(clock_real_us() > 1000000);
}

static void monotonic_time_never_goes_back(void **state)
{
	uint64_t last;

	for (int i = 0; i < 3; i++) {
		clock_fake_start(0);
		clock_fake_advance_ms(3600000);
		last = clock_ns();
		clock_fake_stop();
		assert_true(clock_ns() >= last);
		clock_fake_stop();
		assert_true(clock_ns() >= last);
	}
}

static void advance(void *arg)
{
	clock_fake_advance_ms(1);
}

static void moving_real_time_aborts(void **state)
{
	assert_true(unit_aborts(advance, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_time_moves_on),
		cmocka_unit_test(fake_time_moves_when_told),
		cmocka_unit_test(monotonic_time_never_goes_back),
		cmocka_unit_test(moving_real_time_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
