/* The gate alone: outputs leave in order, when what they depend on is committed. */
#include "unit.h"

#include "base/list.h"
#include "core/gate.h"

enum { OUTPUTS_MAX = 2048 };

struct output {
	struct gate_output gate;
	unsigned number;
	/* What leaving does once: emits another, or issues a batch and emits behind it. */
	struct output *emits;
	bool issues;
};

static struct gate gate;
static struct output outputs[OUTPUTS_MAX];
static unsigned left[OUTPUTS_MAX];
static int status_of[OUTPUTS_MAX];
static unsigned left_count;

static void leave(struct gate_output *at, int status)
{
	struct output *output = container_of(at, struct output, gate);

	/* First of all, so that an overtaking would show. */
	if (output->issues)
		gate_issue(&gate);
	if (output->emits != NULL)
		gate_pass(&gate, &output->emits->gate);
	left[left_count] = output->number;
	status_of[left_count++] = status;
}

static int setup(void **state)
{
	(void)state;
	gate_init(&gate);
	memset(outputs, 0, sizeof(outputs));
	for (unsigned i = 0; i < OUTPUTS_MAX; i++) {
		outputs[i].number = i;
		outputs[i].gate.leave = leave;
	}
	left_count = 0;
	return 0;
}

static void emit(unsigned i)
{
	gate_pass(&gate, &outputs[i].gate);
}

static void assert_left(unsigned count)
{
	assert_int_equal(left_count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(left[i], i);
}

static void open_costs_nothing(void **state)
{
	(void)state;
	assert_true(gate_is_open(&gate));
	emit(0);
	emit(1);
	assert_left(2);
	assert_true(list_is_empty(&gate.held));
}

static void waits_for_its_batch(void **state)
{
	(void)state;
	emit(0);
	gate_issue(&gate);
	emit(1);
	gate_issue(&gate);
	emit(2);
	emit(3);
	assert_left(1);
	assert_false(gate_is_open(&gate));
	assert_false(gate_complete(&gate, 0));
	assert_left(2);
	assert_false(gate_complete(&gate, 0));
	assert_left(4);
	assert_true(gate_is_open(&gate));
}

static void batches_without_outputs(void **state)
{
	(void)state;
	gate_issue(&gate);
	gate_issue(&gate);
	gate_issue(&gate);
	emit(0);
	gate_complete(&gate, 0);
	gate_complete(&gate, 0);
	assert_left(0);
	gate_complete(&gate, 0);
	assert_left(1);
}

static void a_thousand_behind_one(void **state)
{
	(void)state;
	gate_issue(&gate);
	for (unsigned i = 0; i < 1000; i++)
		emit(i);
	assert_left(0);
	gate_complete(&gate, 0);
	assert_left(1000);
}

/* What leaving emits stays behind what is held already, and passes at once if nothing is. */
static void leaving_emits(void **state)
{
	(void)state;
	gate_issue(&gate);
	outputs[0].emits = &outputs[2];
	emit(0);
	emit(1);
	gate_complete(&gate, 0);
	assert_left(3);
	assert_true(gate_is_open(&gate));
}

static void the_last_one_emits(void **state)
{
	(void)state;
	gate_issue(&gate);
	outputs[0].emits = &outputs[1];
	outputs[1].emits = &outputs[2];
	emit(0);
	gate_complete(&gate, 0);
	assert_left(3);
	assert_true(gate_is_open(&gate));
}

static void leaving_issues(void **state)
{
	(void)state;
	gate_issue(&gate);
	outputs[0].issues = true;
	outputs[0].emits = &outputs[2];
	emit(0);
	emit(1);
	gate_complete(&gate, 0);
	assert_left(2);
	assert_false(gate_is_open(&gate));
	gate_complete(&gate, 0);
	assert_left(3);
}

static void a_failure_takes_what_was_built_on_it(void **state)
{
	(void)state;
	gate_issue(&gate); /* 1: good */
	emit(0);
	gate_issue(&gate); /* 2: fails */
	emit(1);
	gate_issue(&gate); /* 3: in flight when 2 failed */
	emit(2);
	assert_false(gate_complete(&gate, 0));
	assert_false(gate_complete(&gate, -EIO));
	emit(3); /* said while it recovers: depends on 3 */
	assert_left(2);
	assert_true(gate_complete(&gate, -ECANCELED));
	assert_left(4);
	assert_int_equal(status_of[0], 0);
	assert_true(status_of[1] < 0);
	assert_true(status_of[2] < 0);
	assert_true(status_of[3] < 0);
	/* and it is over */
	assert_true(gate_is_open(&gate));
	gate_issue(&gate);
	emit(4);
	assert_false(gate_complete(&gate, 0));
	assert_int_equal(status_of[4], 0);
}

static void a_failure_of_the_last(void **state)
{
	(void)state;
	gate_issue(&gate);
	emit(0);
	assert_true(gate_complete(&gate, -ENOSPC));
	assert_left(1);
	assert_true(status_of[0] < 0);
}

/* A batch issued after the failure is no part of it. */
static void a_batch_after_the_failure(void **state)
{
	(void)state;
	gate_issue(&gate); /* 1 fails */
	gate_issue(&gate); /* 2 */
	emit(0);
	assert_false(gate_complete(&gate, -EIO));
	gate_issue(&gate); /* 3: after */
	emit(1);
	assert_true(gate_complete(&gate, -ECANCELED));
	assert_left(1);
	assert_true(status_of[0] < 0);
	assert_false(gate_complete(&gate, 0));
	assert_left(2);
	assert_int_equal(status_of[1], 0);
}

static void failures_one_after_the_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		gate_issue(&gate);
		emit(i);
		assert_true(gate_complete(&gate, -EIO));
		assert_true(status_of[i] < 0);
	}
	gate_issue(&gate);
	emit(3);
	assert_false(gate_complete(&gate, 0));
	assert_int_equal(status_of[3], 0);
	assert_left(4);
}

static void abandoned(void **state)
{
	(void)state;
	gate_issue(&gate);
	emit(0);
	emit(1);
	gate_abandon(&gate, -ECANCELED);
	assert_left(2);
	assert_int_equal(status_of[0], -ECANCELED);
	assert_int_equal(status_of[1], -ECANCELED);
}

/* Against a model: random issues, emits, completions; order and status as they must be. */
static void any_sequence(void **state)
{
	uint64_t random = 42;
	unsigned emitted = 0, issued = 0, completed = 0;

	(void)state;
	while (emitted < OUTPUTS_MAX - 1) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		unsigned what = (unsigned)(random >> 60);
		if (what < 6) {
			emit(emitted++);
		} else if (what < 11) {
			gate_issue(&gate);
			issued++;
		} else if (completed < issued) {
			gate_complete(&gate, 0);
			completed++;
		}
		if (completed == issued)
			assert_left(emitted);
	}
	while (completed++ < issued)
		gate_complete(&gate, 0);
	assert_left(emitted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(open_costs_nothing, setup),
		cmocka_unit_test_setup(waits_for_its_batch, setup),
		cmocka_unit_test_setup(batches_without_outputs, setup),
		cmocka_unit_test_setup(a_thousand_behind_one, setup),
		cmocka_unit_test_setup(leaving_emits, setup),
		cmocka_unit_test_setup(the_last_one_emits, setup),
		cmocka_unit_test_setup(leaving_issues, setup),
		cmocka_unit_test_setup(a_failure_takes_what_was_built_on_it, setup),
		cmocka_unit_test_setup(a_failure_of_the_last, setup),
		cmocka_unit_test_setup(a_batch_after_the_failure, setup),
		cmocka_unit_test_setup(failures_one_after_the_other, setup),
		cmocka_unit_test_setup(abandoned, setup),
		cmocka_unit_test_setup(any_sequence, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
