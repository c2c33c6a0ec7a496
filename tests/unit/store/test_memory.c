/* The hooks of the memory engine: hold, re-order, fail. And what the front makes of them. */
#include "harness.h"
#include "io/shard.h"

static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

enum { EVENTS_MAX = 64 };

struct trace {
	char text[EVENTS_MAX * 8];
	size_t len;
};

struct event {
	struct trace *trace;
	char name[8];
	int status;
};

static void arrived(int status, uint64_t seq, void *context)
{
	struct event *event = context;
	struct trace *trace = event->trace;

	(void)seq;
	event->status = status;
	trace->len +=
		(size_t)snprintf(trace->text + trace->len, sizeof(trace->text) - trace->len,
				 "%s%s", event->name, status < 0 ? "! " : " ");
}

static void issue(struct world *world, struct event *event, struct trace *trace,
		  const char *owner, const char *name)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));

	*event = (struct event){ .trace = trace, .status = PENDING };
	snprintf(event->name, sizeof(event->name), "%s", name);
	store_put(batch, &map, bytes_of(name), BYTES_LIT("v"));
	store_commit(world->store, &batch, arrived, event);
}

static void run(struct world *world)
{
	shards_run_until_idle(world->shards);
}

static void nothing_completes_before_the_call_returns(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event event;

	issue(world, &event, &trace, "a", "a1");
	assert_string_equal(trace.text, "");
	run(world);
	assert_string_equal(trace.text, "a1 ");
}

static void commits_are_held_and_let_go(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event events[4];

	store_memory_hold(world->store);
	issue(world, &events[0], &trace, "a", "a1");
	issue(world, &events[1], &trace, "a", "a2");
	issue(world, &events[2], &trace, "b", "b1");
	issue(world, &events[3], &trace, "b", "b2");
	run(world);
	assert_string_equal(trace.text, "");
	assert_int_equal(store_memory_held(world->store), 4);
	assert_int_equal(store_memory_release(world->store, 1), 1);
	assert_string_equal(trace.text, "");
	run(world);
	assert_string_equal(trace.text, "a1 ");
	assert_true(store_memory_release_owner(world->store, BYTES_LIT("b")));
	assert_false(store_memory_release_owner(world->store, BYTES_LIT("c")));
	run(world);
	assert_string_equal(trace.text, "a1 b1 ");
	store_memory_resume(world->store);
	run(world);
	assert_string_equal(trace.text, "a1 b1 a2 b2 ");
	assert_int_equal(store_memory_held(world->store), 0);
}

static void shuffling_keeps_the_order_of_each_owner(void **state)
{
	struct world *world = *state;
	char first[sizeof(((struct trace *)0)->text)] = "";
	bool differs = false;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct trace trace = { 0 };
		struct event events[12];
		char name[8];

		store_memory_hold(world->store);
		for (int i = 0; i < 12; i++) {
			snprintf(name, sizeof(name), "%c%d", 'a' + i % 3, i / 3);
			issue(world, &events[i], &trace, (char[]){ (char)('a' + i % 3), 0 },
			      name);
		}
		run(world);
		store_memory_release_shuffled(world->store, seed);
		run(world);
		for (int i = 3; i < 12; i++)
			assert_true(strstr(trace.text, events[i - 3].name) <
				    strstr(trace.text, events[i].name));
		if (seed > 1)
			differs |= strcmp(first, trace.text) != 0;
		else
			memcpy(first, trace.text, sizeof(first));
	}
	assert_true(differs);
}

static void a_failed_commit_takes_its_line_along(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event events[5];

	store_memory_hold(world->store);
	store_memory_fail_commits(world->store, 1, -EIO);
	issue(world, &events[0], &trace, "a", "a1");
	issue(world, &events[1], &trace, "a", "a2");
	issue(world, &events[2], &trace, "b", "b1");
	run(world);
	store_memory_release(world->store, 1);
	/* Issued before the failure is known here: still built on what did not happen. */
	issue(world, &events[3], &trace, "a", "a3");
	run(world);
	assert_int_equal(events[0].status, -EIO);
	assert_int_equal(events[1].status, PENDING);
	/* Issued after it is known, while cancelled ones are still in flight: counts. */
	issue(world, &events[4], &trace, "a", "a4");
	run(world);
	store_memory_resume(world->store);
	run(world);
	assert_string_equal(trace.text, "a1! a2! b1 a3! a4 ");
	assert_int_equal(events[1].status, -ECANCELED);
	assert_int_equal(events[3].status, -ECANCELED);
	assert_string_equal(scan(world, "a", &map, NULL, NULL, 0), "a4");
}

struct seen {
	bool is_there;
	int status;
	struct trace *trace;
};

static void look(struct store_read *read, int status, void *context)
{
	struct seen *seen = context;

	seen->status = status;
	seen->is_there = status == 0 && store_read_value(read, 0).ptr;
	if (seen->trace)
		seen->trace->len +=
			(size_t)snprintf(seen->trace->text + seen->trace->len,
					 sizeof(seen->trace->text) - seen->trace->len, "read ");
}

static void a_read_waits_for_the_writes_before_it(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event events[3];
	struct seen own = { false, PENDING, &trace }, others = { true, PENDING, NULL };

	store_memory_hold(world->store);
	issue(world, &events[0], &trace, "a", "a1");
	issue(world, &events[1], &trace, "a", "a2");
	store_get(world->store, BYTES_LIT("a"), &map, BYTES_LIT("a2"), look, &own);
	store_get(world->store, BYTES_LIT("b"), &map, BYTES_LIT("a2"), look, &others);
	issue(world, &events[2], &trace, "a", "a3");
	run(world);
	assert_int_equal(own.status, PENDING);
	assert_int_equal(others.status, 0);
	assert_false(others.is_there);
	store_memory_release(world->store, 1);
	run(world);
	assert_int_equal(own.status, PENDING);
	store_memory_release(world->store, 1);
	run(world);
	assert_int_equal(own.status, 0);
	assert_true(own.is_there);
	assert_string_equal(trace.text, "a1 a2 read ");
	store_memory_resume(world->store);
	run(world);
}

static void reads_fail_when_told(void **state)
{
	struct world *world = *state;
	struct seen first = { false, PENDING, NULL }, second = { false, PENDING, NULL };

	put(world, "a", &map, "k", "v");
	store_memory_fail_reads(world->store, 1, -EIO);
	store_get(world->store, BYTES_LIT("a"), &map, BYTES_LIT("k"), look, &first);
	store_get(world->store, BYTES_LIT("a"), &map, BYTES_LIT("k"), look, &second);
	run(world);
	assert_int_equal(first.status, -EIO);
	assert_int_equal(second.status, 0);
	assert_true(second.is_there);
}

static void each_shard_has_its_own_numbers(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event events[2];
	struct store_batch *batch;

	issue(world, &events[0], &trace, "a", "a1");
	shard_enter(world->shards->shards[1]);
	batch = store_batch_new(world->store, BYTES_LIT("b"));
	assert_int_equal(store_commit(world->store, &batch, NULL, NULL), 1);
	issue(world, &events[1], &trace, "b", "b1");
	assert_int_equal(store_in_flight(world->store), 2);
	shard_enter(world->shards->shards[0]);
	assert_int_equal(store_in_flight(world->store), 1);
	run(world);
	assert_int_equal(events[0].status, 0);
	assert_int_equal(events[1].status, 0);
}

static void closing_commits_and_drops_what_nobody_hears(void **state)
{
	struct world *world = *state;
	struct trace trace = { 0 };
	struct event events[2];
	struct seen seen = { false, PENDING, NULL };

	store_memory_hold(world->store);
	issue(world, &events[0], &trace, "a", "a1");
	issue(world, &events[1], &trace, "b", "b1");
	store_get(world->store, BYTES_LIT("a"), &map, BYTES_LIT("a1"), look, &seen);
	world_close(world);
	run(world);
	assert_string_equal(trace.text, "");
	assert_int_equal(seen.status, PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(nothing_completes_before_the_call_returns),
		TEST_OF(commits_are_held_and_let_go),
		TEST_OF(shuffling_keeps_the_order_of_each_owner),
		TEST_OF(a_failed_commit_takes_its_line_along),
		TEST_OF(a_read_waits_for_the_writes_before_it),
		TEST_OF(reads_fail_when_told),
		TEST_OF(each_shard_has_its_own_numbers),
		TEST_OF(closing_commits_and_drops_what_nobody_hears),
	};

	store_register(&map);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
