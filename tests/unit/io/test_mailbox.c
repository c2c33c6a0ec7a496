/* Mailboxes by hand and with threads, and workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/block.h"
#include "io/shard.h"
#include "io/worker.h"

enum { SHARDS = 4, MAILS = 20000, OUTSIDERS = 2 };

struct note {
	struct mail mail;
	unsigned number;
	unsigned ttl;
};

static struct shards *group;

static void group_new(unsigned count)
{
	struct shards_config config = { .count = count,
					.mail_soft_bytes = 1000,
					.mail_hard_bytes = 2000 };

	assert_int_equal(shards_new(&config, &group), 0);
}

static struct note *note_new(void (*deliver)(struct mail *), unsigned number, uint32_t bytes)
{
	struct note *note = block_alloc_zeroed(sizeof(*note));

	note->mail.name = "note";
	note->mail.deliver = deliver;
	note->mail.bytes = bytes;
	note->number = number;
	return note;
}

static unsigned got[16], got_count;

static void collect(struct mail *mail)
{
	struct note *note = container_of(mail, struct note, mail);

	assert_true(got_count < array_len(got));
	got[got_count++] = note->number * 10 + mail->from;
	block_free(note);
}

static void by_hand_pairs_are_fifo(void **state)
{
	(void)state;
	got_count = 0;
	group_new(2);
	shard_enter(group->shards[1]);
	for (unsigned i = 0; i < 3; i++)
		mailbox_post(0, &note_new(collect, i, 0)->mail);
	assert_int_equal(got_count, 0);
	shard_turn(0); /* shard 1 hands over */
	shard_enter(group->shards[0]);
	mailbox_post(0, &note_new(collect, 7, 0)->mail);
	shard_turn(0);
	assert_int_equal(got_count, 4);
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 11);
	assert_int_equal(got[2], 21);
	assert_int_equal(got[3], 70);
	shard_enter(NULL);
	shards_free(&group);
}

static void batch_wakes_a_sleeping_shard_once(void **state)
{
	struct mailbox *target;

	(void)state;
	got_count = 0;
	group_new(2);
	target = &group->shards[1]->mailbox;
	assert_true(mailbox_sleep(target));
	shard_enter(group->shards[0]);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 5; i++)
			mailbox_post(1, &note_new(collect, i, 0)->mail);
		shard_turn(0);
	}
	assert_int_equal(group->shards[0]->mailbox.wakeups, 1);
	assert_false(mailbox_sleep(target)); /* mail is there */
	shards_run_until_idle(group);
	assert_int_equal(got_count, 10);
	mailbox_post(1, &note_new(collect, 0, 0)->mail); /* awake: no eventfd at all */
	shard_turn(0);
	assert_int_equal(group->shards[0]->mailbox.wakeups, 1);
	shards_run_until_idle(group);
	assert_int_equal(got_count, 11);
	shard_enter(NULL);
	shards_free(&group);
}

static void pressure_rises_and_falls(void **state)
{
	(void)state;
	got_count = 0;
	group_new(2);
	shard_enter(group->shards[0]);
	for (unsigned target = 0; target < 2; target++) {
		assert_int_equal(mailbox_pressure(target), PRESSURE_NONE);
		mailbox_post(target, &note_new(collect, 0, 999)->mail);
		assert_int_equal(mailbox_pressure(target), PRESSURE_NONE);
		mailbox_post(target, &note_new(collect, 0, 1)->mail);
		assert_int_equal(mailbox_pressure(target), PRESSURE_SOFT);
		mailbox_post(target, &note_new(collect, 0, 1000)->mail);
		assert_int_equal(mailbox_pressure(target), PRESSURE_HARD);
	}
	shard_turn(0); /* own mail delivered, the other's handed over */
	assert_int_equal(mailbox_pressure(0), PRESSURE_NONE);
	assert_int_equal(mailbox_pressure(1), PRESSURE_HARD);
	shards_run_until_idle(group);
	assert_int_equal(mailbox_pressure(1), PRESSURE_NONE);
	for (unsigned target = 0; target < 2; target++) {
		assert_int_equal(mailbox_bytes(group->shards[target]), 0);
		assert_int_equal(mailbox_peak_bytes(group->shards[target]), 2000);
	}
	shard_enter(NULL);
	shards_free(&group);
}

static void post_again(struct mail *mail)
{
	struct note *note = container_of(mail, struct note, mail);

	got_count++;
	if (--note->ttl > 0)
		mailbox_post(shard_id(), mail);
	else
		block_free(note);
}

static void mail_to_oneself_does_not_keep_a_turn_from_ending(void **state)
{
	struct note *note;

	(void)state;
	got_count = 0;
	group_new(1);
	shard_enter(group->shards[0]);
	note = note_new(post_again, 0, 0);
	note->ttl = 3;
	mailbox_post(0, &note->mail);
	for (unsigned i = 1; i <= 3; i++) {
		shard_turn(LOOP_FOREVER); /* mail is waiting: does not block */
		assert_int_equal(got_count, i);
	}
	shard_enter(NULL);
	shards_free(&group);
}

/* --- threads ------------------------------------------------------------------------------ */

static struct {
	unsigned next[SHARDS][SHARDS + 1];
	unsigned done;
} seen[SHARDS];
static _Atomic unsigned finished;
static pthread_mutex_t finish_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finish_cond = PTHREAD_COND_INITIALIZER;

static void finish_one(void)
{
	pthread_mutex_lock(&finish_mutex);
	finished++;
	pthread_cond_signal(&finish_cond);
	pthread_mutex_unlock(&finish_mutex);
}

static void wait_finished(unsigned count)
{
	pthread_mutex_lock(&finish_mutex);
	while (finished < count)
		pthread_cond_wait(&finish_cond, &finish_mutex);
	pthread_mutex_unlock(&finish_mutex);
	finished = 0;
}

static void count_in_order(struct mail *mail)
{
	struct note *note = container_of(mail, struct note, mail);
	unsigned me = shard_id();

	assert_int_equal(note->number, seen[me].next[me][mail->from]++);
	block_free(note);
	if (++seen[me].done == SHARDS * MAILS)
		finish_one();
}

struct pump {
	struct call call;
	unsigned sent;
};
static struct pump pumps[SHARDS];

/* Some mails to everybody each turn, so that all post while all deliver. */
static void pump(struct call *call)
{
	struct pump *pump = container_of(call, struct pump, call);

	for (unsigned i = 0; i < 50 && pump->sent < MAILS; i++, pump->sent++)
		for (unsigned target = 0; target < SHARDS; target++)
			mailbox_post(target, &note_new(count_in_order, pump->sent, 10)->mail);
	if (pump->sent < MAILS)
		loop_defer(shard_loop(), call);
}

static void start_pump(struct shard *shard, void *context)
{
	(void)context;
	call_init(&pumps[shard->id].call, pump);
	loop_defer(&shard->loop, &pumps[shard->id].call);
}

static void threads_keep_pairs_in_order(void **state)
{
	(void)state;
	group_new(SHARDS);
	assert_int_equal(shards_start(group, start_pump, NULL), 0);
	wait_finished(SHARDS);
	shards_stop(group);
	for (unsigned i = 0; i < SHARDS; i++)
		assert_int_equal(mailbox_bytes(group->shards[i]), 0);
	shards_free(&group);
}

static unsigned outside_next[SHARDS];

static void from_outside(struct mail *mail)
{
	struct note *note = container_of(mail, struct note, mail);

	assert_int_equal(mail->from, MAIL_FROM_NOWHERE);
	if (++outside_next[shard_id()] == OUTSIDERS * MAILS)
		finish_one();
	block_free(note);
}

static void *outsider(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < MAILS; i++)
		for (unsigned target = 0; target < 2; target++)
			mailbox_post_to(group->shards[target],
					&note_new(from_outside, i, 1)->mail);
	return NULL;
}

static void other_threads_may_post(void **state)
{
	pthread_t threads[OUTSIDERS];

	(void)state;
	group_new(2);
	assert_int_equal(shards_start(group, NULL, NULL), 0);
	for (unsigned i = 0; i < OUTSIDERS; i++)
		pthread_create(&threads[i], NULL, outsider, NULL);
	wait_finished(2);
	for (unsigned i = 0; i < OUTSIDERS; i++)
		pthread_join(threads[i], NULL);
	shards_stop(group);
	shards_free(&group);
}

/* --- workers ------------------------------------------------------------------------------ */

struct sum {
	struct work work;
	unsigned input, output;
	unsigned home;
};

static struct worker_pool *pool;
static _Atomic unsigned sums_done;

static void run_sum(struct work *work)
{
	struct sum *sum = container_of(work, struct sum, work);

	sum->output = sum->input * 2;
}

static void sum_done(struct work *work)
{
	struct sum *sum = container_of(work, struct sum, work);

	assert_int_equal(sum->output, sum->input * 2);
	assert_int_equal(sum->home, shard_id());
	block_free(sum);
	if (++sums_done == SHARDS * 1000)
		finish_one();
}

static int post_sum(unsigned input)
{
	struct sum *sum = block_alloc_zeroed(sizeof(*sum));
	int r;

	sum->input = input;
	sum->home = shard_id();
	work_init(&sum->work, "sum", run_sum, sum_done);
	r = worker_post(pool, &sum->work);
	if (r < 0)
		block_free(sum);
	return r;
}

static void inline_workers_are_bounded(void **state)
{
	(void)state;
	sums_done = 0;
	group_new(1);
	assert_int_equal(worker_pool_new(0, 2, &pool), 0);
	shard_enter(group->shards[0]);
	assert_int_equal(post_sum(1), 0);
	assert_int_equal(post_sum(2), 0);
	assert_int_equal(post_sum(3), -EAGAIN);
	assert_int_equal(sums_done, 0);
	shards_run_until_idle(group);
	assert_int_equal(sums_done, 2);
	assert_int_equal(post_sum(3), 0);
	shards_run_until_idle(group);
	shard_enter(NULL);
	worker_pool_free(&pool);
	shards_free(&group);
}

static void post_sums(struct shard *shard, void *context)
{
	(void)shard;
	(void)context;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(post_sum(i), 0);
}

static void worker_threads_come_home(void **state)
{
	(void)state;
	sums_done = 0;
	group_new(SHARDS);
	assert_int_equal(worker_pool_new(3, SHARDS * 1000, &pool), 0);
	assert_int_equal(shards_start(group, post_sums, NULL), 0);
	wait_finished(1);
	worker_pool_free(&pool);
	shards_stop(group);
	shards_free(&group);
}

/* Threads or none: what was posted is done, nothing more is taken. */
static void an_ended_pool_refuses(void **state)
{
	(void)state;
	for (unsigned workers = 0; workers <= 2; workers += 2) {
		sums_done = 0;
		group_new(1);
		assert_int_equal(worker_pool_new(workers, 10, &pool), 0);
		shard_enter(group->shards[0]);
		assert_int_equal(post_sum(1), 0);
		assert_int_equal(post_sum(2), 0);
		worker_pool_end(pool);
		assert_int_equal(post_sum(3), -EAGAIN);
		shards_run_until_idle(group);
		assert_int_equal(sums_done, 2);
		assert_int_equal(post_sum(4), -EAGAIN);
		shard_enter(NULL);
		worker_pool_free(&pool);
		shards_free(&group);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand_pairs_are_fifo),
		cmocka_unit_test(batch_wakes_a_sleeping_shard_once),
		cmocka_unit_test(pressure_rises_and_falls),
		cmocka_unit_test(mail_to_oneself_does_not_keep_a_turn_from_ending),
		cmocka_unit_test(threads_keep_pairs_in_order),
		cmocka_unit_test(other_threads_may_post),
		cmocka_unit_test(inline_workers_are_bounded),
		cmocka_unit_test(worker_threads_come_home),
		cmocka_unit_test(an_ended_pool_refuses),
	};

	io_register_metrics();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
