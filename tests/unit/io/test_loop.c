/* The loop: batches in which handlers remove each other, calls, flushers, slow turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"

enum { PEERS = 8 };

struct peers {
	struct watch watch;
	unsigned seen;
};

static struct loop loop;
static struct peers *peers[PEERS];

static int set_up(void **state)
{
	(void)state;
	return loop_init(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	scratch_fini();
	return 0;
}

static void free_peer(int i)
{
	loop_remove(&loop, &peers[i]->watch);
	close(peers[i]->watch.fd);
	free(peers[i]);
	peers[i] = NULL;
}

static unsigned survivors;

/* The first that is called frees all others, itself too: the rest of the batch is void. */
static void kill_all(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	survivors++;
	for (int i = 0; i < PEERS; i++)
		if (peers[i])
			free_peer(i);
}

static void handlers_may_free_the_whole_batch(void **state)
{
	(void)state;
	survivors = 0;
	for (int i = 0; i < PEERS; i++) {
		peers[i] = calloc(1, sizeof(*peers[i]));
		watch_init(&peers[i]->watch, eventfd(1, EFD_NONBLOCK), "peer", kill_all);
		assert_int_equal(loop_add(&loop, &peers[i]->watch, EPOLLIN), 0);
	}
	assert_int_equal(loop_turn(&loop, 0), 1);
	assert_int_equal(survivors, 1);
	assert_int_equal(loop_turn(&loop, 0), 0);
}

static struct watch fresh;
static unsigned fresh_seen;

static void see_fresh(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	fresh_seen++;
}

/* A descriptor closed and opened again in a batch gets the same number, not the old event. */
static void replace_other(struct watch *watch, uint32_t events)
{
	int other = watch == &peers[0]->watch ? 1 : 0;
	int fd = peers[other]->watch.fd;

	(void)events;
	free_peer(other);
	assert_int_equal(eventfd(0, EFD_NONBLOCK), fd);
	watch_init(&fresh, fd, "fresh", see_fresh);
	assert_int_equal(loop_add(&loop, &fresh, EPOLLIN), 0);
}

static void a_new_watch_gets_no_old_event(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		peers[i] = calloc(1, sizeof(*peers[i]));
		watch_init(&peers[i]->watch, eventfd(1, EFD_NONBLOCK), "peer", replace_other);
		assert_int_equal(loop_add(&loop, &peers[i]->watch, EPOLLIN), 0);
	}
	assert_int_equal(loop_turn(&loop, 0), 1);
	assert_int_equal(fresh_seen, 0);
	for (int i = 0; i < 2; i++)
		if (peers[i])
			free_peer(i);
	loop_remove(&loop, &fresh);
	close(fresh.fd);
}

static char order[16];
static struct call one, two, last;

static void note(char c)
{
	size_t n = strlen(order);

	order[n] = c;
	order[n + 1] = 0;
}

static void run_one(struct call *call)
{
	note('1');
	loop_defer(&loop, call); /* next turn */
	loop_flush(&loop, &last);
}

static void run_two(struct call *call)
{
	(void)call;
	note('2');
	loop_flush(&loop, &last); /* queued already: once */
}

static void run_last(struct call *call)
{
	(void)call;
	note('F');
}

static void calls_run_once_and_flushers_last(void **state)
{
	(void)state;
	order[0] = 0;
	call_init(&one, run_one);
	call_init(&two, run_two);
	call_init(&last, run_last);
	loop_flush(&loop, &last);
	loop_defer(&loop, &one);
	loop_defer(&loop, &two);
	assert_true(loop_has_calls(&loop));
	assert_int_equal(loop_turn(&loop, 1000000), 3); /* does not block */
	assert_string_equal(order, "12F");
	assert_int_equal(loop_turn(&loop, 1000000), 2);
	assert_string_equal(order, "12F1F");
	call_cancel(&one);
	assert_false(loop_has_calls(&loop));
}

static void be_slow(struct watch *watch, uint32_t events)
{
	(void)events;
	clock_fake_advance_ms(60);
	assert_non_null(arena_alloc(scratch(), 100));
	loop_remove(&loop, watch);
}

static void slow_turn_is_logged_with_its_handler(void **state)
{
	char line[512] = "";
	struct watch watch;
	int out[2];

	(void)state;
	assert_int_equal(pipe(out), 0);
	log_setup(out[1], LOG_FORMAT_TEXT);
	clock_fake_start(0);
	watch_init(&watch, eventfd(1, EFD_NONBLOCK), "slow.handler", be_slow);
	loop_add(&loop, &watch, EPOLLIN);
	loop_turn(&loop, 0);
	clock_fake_stop();
	log_setup(STDERR_FILENO, LOG_FORMAT_TEXT);
	close(out[1]);
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "loop.slow"));
	assert_non_null(strstr(line, "slow.handler"));
	close(out[0]);
	close(watch.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(handlers_may_free_the_whole_batch, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_new_watch_gets_no_old_event, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(calls_run_once_and_flushers_last, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(slow_turn_is_logged_with_its_handler, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
