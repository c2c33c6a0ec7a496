/* An errand runs on the shard it was sent to and comes back to the one that asked. */
#include "unit.h"

#include "core/errand.h"

struct question {
	struct errand errand;
	unsigned number;
	unsigned ran_on;
	unsigned back_on;
	bool is_back;
};

static unsigned order[8], order_count;

static void run(struct errand *errand)
{
	struct question *q = container_of(errand, struct question, errand);

	q->ran_on = shard_id();
	order[order_count++] = q->number;
	errand_return(errand);
}

static void back(struct errand *errand)
{
	struct question *q = container_of(errand, struct question, errand);

	q->back_on = shard_id();
	q->is_back = true;
}

static void there_and_back(void **state)
{
	struct question q[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	struct shards *shards;

	(void)state;
	assert_int_equal(shards_new(&(struct shards_config){ .count = 4 }, &shards), 0);
	shard_enter(shards->shards[1]);
	for (int i = 0; i < 3; i++)
		errand_init(&q[i].errand, "test", run, back);
	errand_send(&q[0].errand, 3);
	errand_send(&q[1].errand, 3);
	errand_send(&q[2].errand, 1); /* to oneself: later, too */
	assert_int_equal(order_count, 0);
	shards_run_until_idle(shards);
	for (int i = 0; i < 3; i++) {
		assert_true(q[i].is_back);
		assert_int_equal(q[i].back_on, 1);
	}
	assert_int_equal(q[0].ran_on, 3);
	assert_int_equal(q[2].ran_on, 1);
	/* pairs of shards are FIFO */
	for (unsigned i = 0, last = 0; i < order_count; i++) {
		if (order[i] == 2)
			continue;
		assert_true(order[i] >= last);
		last = order[i];
	}
	/* it may go out again from elsewhere */
	q[0].is_back = false;
	shard_enter(shards->shards[2]);
	errand_send(&q[0].errand, 0);
	shards_run_until_idle(shards);
	assert_true(q[0].is_back);
	assert_int_equal(q[0].ran_on, 0);
	assert_int_equal(q[0].back_on, 2);
	shard_enter(NULL);
	shards_free(&shards);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
