#include "io/shard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/block.h"
#include "io/conn_impl.h"
#include "io/metrics.h"

enum {
	MAIL_SOFT_BYTES = 8 * 1024 * 1024,
	MAIL_HARD_BYTES = 32 * 1024 * 1024,
};

_Thread_local struct shard *shard_current;

static struct shard *new_shard(struct shards *group, unsigned id)
{
	struct shard *shard = aligned_alloc(64, (sizeof(*shard) + 63) / 64 * 64);

	check(shard != NULL);
	memset(shard, 0, sizeof(*shard));
	shard->id = id;
	shard->group = group;
	list_init(&shard->handshakes);
	list_init(&shard->closings);
	call_init(&shard->handshake_call, conn_run_handshakes);
	wheel_init(&shard->wheel, clock_ms());
	return shard;
}

/* 0 or a negative errno; either way *ret_shard can be freed. */
static int open_shard(struct shards *group, unsigned id, unsigned count)
{
	struct shard *shard = new_shard(group, id);
	int r;

	r = loop_init(&shard->loop);
	if (r < 0) {
		free(shard);
		return r;
	}
	group->shards[id] = shard;
	group->count = id + 1;
	return mailbox_init(&shard->mailbox, &shard->loop, count);
}

int shards_new(const struct shards_config *config, struct shards **ret_shards)
{
	struct shards *group = calloc(1, sizeof(*group));

	check(group != NULL && config->count >= 1 && config->count <= SHARDS_MAX);
	group->mail_soft_bytes =
		config->mail_soft_bytes ? config->mail_soft_bytes : MAIL_SOFT_BYTES;
	group->mail_hard_bytes =
		config->mail_hard_bytes ? config->mail_hard_bytes : MAIL_HARD_BYTES;
	for (unsigned i = 0; i < config->count; i++) {
		int r = open_shard(group, i, config->count);
		if (r < 0) {
			shards_free(&group);
			return r;
		}
	}
	*ret_shards = group;
	return 0;
}

/* Gives every mail and call to its receiver, who frees it, until none is left. No descriptors.
 */
static void drain(struct shards *group)
{
	struct shard *before = shard_self();
	unsigned handled;

	do {
		handled = 0;
		for (unsigned i = 0; i < group->count; i++) {
			struct shard *shard = group->shards[i];
			shard_enter(shard);
			handled += mailbox_deliver(shard);
			handled += loop_run_calls(&shard->loop);
			handled += mailbox_hand_over(shard);
		}
	} while (handled > 0);
	shard_enter(before);
}

static void free_shard(struct shard *shard)
{
	free(shard->buffers);
	mailbox_fini(&shard->mailbox, &shard->loop);
	loop_fini(&shard->loop);
	free(shard);
}

void shards_free(struct shards **shards)
{
	struct shards *group = *shards;
	struct shard *before = shard_self();

	if (!group)
		return;
	check(!group->has_threads);
	drain(group);
	for (unsigned i = 0; i < group->count; i++) {
		shard_enter(group->shards[i]);
		conn_cut_closings(group->shards[i]);
	}
	drain(group);
	shard_enter(before && before->group == group ? NULL : before);
	for (unsigned i = 0; i < group->count; i++)
		free_shard(group->shards[i]);
	free(group);
	*shards = NULL;
}

struct shard *shard_enter(struct shard *shard)
{
	struct shard *before = shard_current;

	shard_current = shard;
	return before;
}

/* How long the loop may sleep, at most timeout_ms. */
static int sleep_ms(struct shard *shard, int timeout_ms)
{
	uint64_t next, now;

	if (timeout_ms == 0 || loop_has_calls(&shard->loop))
		return 0;
	next = wheel_next_ms(&shard->wheel);
	if (next == TIMER_NEVER)
		return timeout_ms;
	now = clock_ms();
	if (next <= now)
		return 0;
	if (timeout_ms == LOOP_FOREVER || next - now < (uint64_t)timeout_ms)
		return next - now < INT32_MAX ? (int)(next - now) : INT32_MAX;
	return timeout_ms;
}

static void wait_for_work(struct shard *shard, int timeout_ms)
{
	int ms = sleep_ms(shard, timeout_ms);

	if (ms != 0 && !mailbox_sleep(&shard->mailbox))
		ms = 0;
	loop_wait(&shard->loop, ms);
	mailbox_wake(&shard->mailbox);
}

static unsigned run_timers(struct shard *shard)
{
	struct timer *timer;
	struct list due;
	unsigned handled = 0;

	wheel_begin(&shard->wheel, shard->loop.handler_start_ms, &due);
	while ((timer = wheel_take(&due)) != NULL) {
		const char *name = timer->name;
		timer->expired(timer);
		loop_handled(&shard->loop, name);
		handled++;
	}
	return handled;
}

unsigned shard_turn(int timeout_ms)
{
	struct shard *shard = shard_self();
	unsigned handled;

	wait_for_work(shard, timeout_ms);
	handled = loop_run_ready(&shard->loop);
	handled += run_timers(shard);
	handled += mailbox_deliver(shard);
	handled += loop_run_calls(&shard->loop);
	handled += mailbox_hand_over(shard);
	loop_end_turn(&shard->loop);
	return handled;
}

static bool has_work(const struct shards *group)
{
	for (unsigned i = 0; i < group->count; i++)
		if (loop_has_calls(&group->shards[i]->loop) ||
		    mailbox_has_mail(&group->shards[i]->mailbox))
			return true;
	return false;
}

unsigned shards_run_until_idle(struct shards *shards)
{
	struct shard *before = shard_self();
	unsigned handled, all = 0;

	do {
		handled = 0;
		for (unsigned i = 0; i < shards->count; i++) {
			shard_enter(shards->shards[i]);
			handled += shard_turn(0);
		}
		all += handled;
	} while (handled > 0 || has_work(shards));
	shard_enter(before);
	return all;
}

uint64_t shards_next_timer_ms(struct shards *shards)
{
	uint64_t now = clock_ms(), next = TIMER_NEVER;

	for (unsigned i = 0; i < shards->count; i++) {
		uint64_t at = wheel_next_exact_ms(&shards->shards[i]->wheel);
		if (at < next)
			next = at;
	}
	if (next == TIMER_NEVER)
		return next;
	return next > now ? next - now : 0;
}

void shards_advance(struct shards *shards, uint64_t ms)
{
	check(clock_is_fake());
	shards_run_until_idle(shards);
	while (ms > 0) {
		uint64_t next = shards_next_timer_ms(shards);
		uint64_t step = next < ms ? next : ms;
		clock_fake_advance_ms(step);
		ms -= step;
		shards_run_until_idle(shards);
	}
}

static void *run_thread(void *arg)
{
	struct shard *shard = arg;
	struct shards *group = shard->group;
	char name[16];

	snprintf(name, sizeof(name), "shard-%u", shard->id);
	pthread_setname_np(pthread_self(), name);
	shard_enter(shard);
	if (group->started)
		group->started(shard, group->context);
	while (!atomic_load_explicit(&group->is_stopping, memory_order_acquire))
		shard_turn(LOOP_FOREVER);
	shard_enter(NULL);
	scratch_fini();
	block_trim();
	return NULL;
}

static void join(struct shards *shards, unsigned count)
{
	shards_ask_to_stop(shards);
	for (unsigned i = 0; i < count; i++)
		pthread_join(shards->shards[i]->thread, NULL);
	shards->has_threads = false;
}

/* Signals are for the main thread. */
static int create_threads(struct shards *shards)
{
	for (unsigned i = 0; i < shards->count; i++) {
		int r = pthread_create(&shards->shards[i]->thread, NULL, run_thread,
				       shards->shards[i]);
		if (r != 0) {
			join(shards, i);
			return -r;
		}
	}
	return 0;
}

int shards_start(struct shards *shards, void (*started)(struct shard *shard, void *context),
		 void *context)
{
	sigset_t all, before;
	int r;

	check(!shards->has_threads);
	shards->started = started;
	shards->context = context;
	shards->has_threads = true;
	atomic_store(&shards->is_stopping, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = create_threads(shards);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void nudged(struct mail *mail)
{
	block_free(mail);
}

void shards_ask_to_stop(struct shards *shards)
{
	atomic_store_explicit(&shards->is_stopping, true, memory_order_release);
	for (unsigned i = 0; i < shards->count; i++) {
		struct mail *mail = block_alloc_zeroed(sizeof(*mail));
		mail->name = "shard.stop";
		mail->deliver = nudged;
		mailbox_post_to(shards->shards[i], mail);
	}
}

void shards_stop(struct shards *shards)
{
	if (!shards->has_threads)
		return;
	join(shards, shards->count);
	drain(shards);
}

void io_register_metrics(void)
{
	metric_register(&io_metric_slow_turns);
	metric_register(&io_metric_mails);
	metric_register(&io_metric_mail_wakeups);
	metric_register(&io_metric_work_refused);
	metric_register(&io_metric_conns);
	metric_register(&io_metric_bytes_in);
	metric_register(&io_metric_bytes_out);
	metric_register(&io_metric_handshakes);
	metric_register(&io_metric_handshakes_failed);
	metric_register(&io_metric_accepted);
	metric_register(&io_metric_accept_refused);
	metric_register(&io_metric_http_requests);
	metric_register(&io_metric_http_refused);
}
