#include "unit.h"

#include <pthread.h>

#include "base/metric.h"

static struct metric apples = METRIC_COUNTER("apples", "Apples.");
static struct metric pears = METRIC_GAUGE("pears", "Pears.");
static struct metric stray = METRIC_COUNTER("stray", "Never registered.");
static struct metric twin = METRIC_COUNTER("apples", "Another one of the name.");

static void counts(void **state)
{
	metric_register(&apples);
	metric_register(&pears);
	metric_register(&apples);
	assert_int_equal(metric_read(&apples), 0);
	metric_add(&apples, 2);
	metric_add(&apples, 3);
	metric_add(&pears, 5);
	metric_add(&pears, -7);
	metric_add(&stray, 1);
	assert_int_equal(metric_read(&apples), 5);
	assert_int_equal(metric_read(&pears), -2);
	assert_int_equal(metric_read(&stray), 0);
}

static void *add_many(void *arg)
{
	for (int i = 0; i < 100000; i++)
		metric_add(&apples, 1);
	return NULL;
}

static void sums_threads_also_ended_ones(void **state)
{
	pthread_t threads[2];
	int64_t before = metric_read(&apples), last = before;

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, add_many, NULL);
	for (int i = 0; i < 100; i++) { /* a counter seen from outside never goes back */
		int64_t now = metric_read(&apples);
		assert_true(now >= last);
		last = now;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_read(&apples), before + 200000);
}

static void note(const struct metric *metric, int64_t value, void *context)
{
	const struct metric ***next = context;

	assert_int_equal(value, metric_read(metric));
	*(*next)++ = metric;
}

static void each_in_order_of_registration(void **state)
{
	const struct metric *seen[8], **next = seen;

	metric_each(note, &next);
	assert_int_equal(next - seen, 2);
	assert_ptr_equal(seen[0], &apples);
	assert_ptr_equal(seen[1], &pears);
}

static void register_twin(void *arg)
{
	metric_register(&twin);
}

static void one_name_twice_aborts(void **state)
{
	assert_true(unit_aborts(register_twin, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(sums_threads_also_ended_ones),
		cmocka_unit_test(each_in_order_of_registration),
		cmocka_unit_test(one_name_twice_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
