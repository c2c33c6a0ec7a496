/* The wheel against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/timer.h"

enum { TIMERS = 300, STEPS = 20000 };

struct model {
	struct timer timer;
	bool is_armed;
	bool has_fired;
};

static struct wheel wheel;
static struct model models[TIMERS];
static uint64_t seed = 88172645463325252ull;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void fired(struct timer *timer)
{
	struct model *model = container_of(timer, struct model, timer);

	assert_true(model->is_armed);
	assert_false(timer_is_armed(timer));
	model->is_armed = false;
	model->has_fired = true;
}

/* All magnitudes, so that every level is used. */
static uint64_t random_delay(void)
{
	return next_random() & (((uint64_t)1 << (next_random() % 38)) - 1);
}

static uint64_t model_next(uint64_t now)
{
	uint64_t next = TIMER_NEVER;

	for (int i = 0; i < TIMERS; i++)
		if (models[i].is_armed && models[i].timer.at_ms < next)
			next = models[i].timer.at_ms;
	return next != TIMER_NEVER && next < now ? now : next;
}

static void check_run(uint64_t now)
{
	unsigned expected = 0, ran;

	for (int i = 0; i < TIMERS; i++) {
		models[i].has_fired = false;
		expected += models[i].is_armed && models[i].timer.at_ms <= now;
	}
	ran = wheel_run(&wheel, now);
	assert_int_equal(ran, expected);
	for (int i = 0; i < TIMERS; i++)
		if (models[i].has_fired)
			assert_true(models[i].timer.at_ms <= now);
		else if (models[i].is_armed)
			assert_true(models[i].timer.at_ms > now);
}

static void as_naive_model(void **state)
{
	uint64_t now = 1000003;

	(void)state;
	wheel_init(&wheel, now);
	for (int i = 0; i < TIMERS; i++)
		timer_init(&models[i].timer, "test", fired);
	for (int i = 0; i < STEPS; i++) {
		struct model *model = &models[next_random() % TIMERS];
		switch (next_random() % 4) {
		case 0:
		case 1:
			timer_arm_at(&wheel, &model->timer, now + random_delay());
			model->is_armed = true;
			break;
		case 2:
			timer_disarm(&model->timer);
			model->is_armed = false;
			break;
		default:
			now += random_delay() >> (next_random() % 20);
			check_run(now);
		}
		assert_int_equal(wheel_next_exact_ms(&wheel), model_next(wheel.now_ms));
		assert_true(wheel_next_ms(&wheel) <= wheel_next_exact_ms(&wheel));
	}
}

static struct timer again;
static unsigned times;

static void arm_for_now(struct timer *timer)
{
	times++;
	timer_arm(&wheel, timer, 0);
}

static void armed_for_now_waits_for_the_next_run(void **state)
{
	(void)state;
	clock_fake_start(0);
	wheel_init(&wheel, clock_ms());
	timer_init(&again, "again", arm_for_now);
	timer_arm(&wheel, &again, 5);
	assert_int_equal(wheel_run(&wheel, clock_ms()), 0);
	clock_fake_advance_ms(4);
	assert_int_equal(wheel_run(&wheel, clock_ms()), 0);
	clock_fake_advance_ms(1);
	assert_int_equal(wheel_run(&wheel, clock_ms()), 1);
	assert_int_equal(wheel_run(&wheel, clock_ms()), 1);
	assert_int_equal(times, 2);
	timer_disarm(&again);
	assert_int_equal(wheel_next_ms(&wheel), TIMER_NEVER);
	clock_fake_stop();
}

static struct timer pair[2];

static void disarm_other(struct timer *timer)
{
	times++;
	timer_disarm(timer == &pair[0] ? &pair[1] : &pair[0]);
}

static void disarmed_in_the_same_run(void **state)
{
	(void)state;
	times = 0;
	wheel_init(&wheel, 100);
	for (int i = 0; i < 2; i++) {
		timer_init(&pair[i], "pair", disarm_other);
		timer_arm_at(&wheel, &pair[i], 150);
	}
	assert_int_equal(wheel_run(&wheel, 200), 1);
	assert_int_equal(times, 1);
}

static void is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct timer) <= 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_naive_model),
		cmocka_unit_test(armed_for_now_waits_for_the_next_run),
		cmocka_unit_test(disarmed_in_the_same_run),
		cmocka_unit_test(is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
