#include "io/loop.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/block.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "io/metrics.h"

struct metric io_metric_slow_turns =
	METRIC_COUNTER("loop_slow_turns", "Loop turns that took longer than 50 ms.");

int loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	list_init(&loop->deferred);
	list_init(&loop->flushers);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_fini(struct loop *loop)
{
	check(list_is_empty(&loop->deferred));
	check(list_is_empty(&loop->flushers));
	close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

void watch_init(struct watch *watch, int fd, const char *name,
		void (*ready)(struct watch *watch, uint32_t events))
{
	*watch = (struct watch){ .fd = fd, .ready = ready, .name = name };
}

static int control(struct loop *loop, int operation, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) ? -errno : 0;
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	int r;

	check(!watch_is_added(watch));
	r = control(loop, EPOLL_CTL_ADD, watch, events);
	if (r == 0)
		watch->events = events | WATCH_ADDED;
	return r;
}

void loop_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	check(watch_is_added(watch));
	if (watch->events == (events | WATCH_ADDED))
		return;
	check(control(loop, EPOLL_CTL_MOD, watch, events) == 0);
	watch->events = events | WATCH_ADDED;
}

/* Events of this batch that were not yet handled must not reach a watch that is gone. */
static void forget_in_batch(struct loop *loop, const struct watch *watch)
{
	for (int i = loop->batch_next; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	if (!watch_is_added(watch))
		return;
	check(control(loop, EPOLL_CTL_DEL, watch, 0) == 0);
	watch->events = 0;
	forget_in_batch(loop, watch);
}

void call_init(struct call *call, void (*run)(struct call *call))
{
	list_init(&call->link);
	call->run = run;
}

void loop_defer(struct loop *loop, struct call *call)
{
	if (!call_is_queued(call))
		list_add_tail(&loop->deferred, &call->link);
}

void loop_flush(struct loop *loop, struct call *call)
{
	if (!call_is_queued(call))
		list_add_tail(&loop->flushers, &call->link);
}

void call_cancel(struct call *call)
{
	list_del(&call->link);
}

static void begin_turn(struct loop *loop)
{
	loop->turn_start_ms = loop->handler_start_ms = clock_ms();
	loop->slowest = NULL;
	loop->slowest_ms = 0;
	loop->turns++;
}

int loop_wait(struct loop *loop, int timeout_ms)
{
	int n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, timeout_ms);

	check(n >= 0 || errno == EINTR);
	loop->batch_len = n > 0 ? n : 0;
	loop->batch_next = 0;
	begin_turn(loop);
	return loop->batch_len;
}

void loop_handled(struct loop *loop, const char *name)
{
	uint64_t now = clock_ms();

	if (now - loop->handler_start_ms > loop->slowest_ms) {
		loop->slowest_ms = now - loop->handler_start_ms;
		loop->slowest = name;
	}
	loop->handler_start_ms = now;
	arena_reset(scratch());
}

unsigned loop_run_ready(struct loop *loop)
{
	unsigned handled = 0;

	while (loop->batch_next < loop->batch_len) {
		struct epoll_event *event = &loop->batch[loop->batch_next++];
		struct watch *watch = event->data.ptr;
		if (!watch)
			continue;
		const char *name = watch->name; /* the handler may free its watch */
		watch->ready(watch, event->events);
		loop_handled(loop, name);
		handled++;
	}
	loop->batch_len = loop->batch_next = 0;
	return handled;
}

static unsigned run_list(struct loop *loop, struct list *calls, const char *name)
{
	struct list now;
	unsigned handled = 0;

	list_init(&now);
	list_splice_tail(&now, calls);
	while (!list_is_empty(&now)) {
		struct call *call = list_first(&now, struct call, link);
		list_del(&call->link);
		call->run(call);
		loop_handled(loop, name);
		handled++;
	}
	return handled;
}

unsigned loop_run_calls(struct loop *loop)
{
	unsigned handled = run_list(loop, &loop->deferred, "deferred");

	return handled + run_list(loop, &loop->flushers, "flush");
}

void loop_end_turn(struct loop *loop)
{
	uint64_t ms = loop->handler_start_ms - loop->turn_start_ms;

	block_collect();
	if (ms <= LOOP_SLOW_MS)
		return;
	metric_add(&io_metric_slow_turns, 1);
	log_event(LOG_IO, LOG_WARN, "loop.slow", LOG_UINT("ms", ms),
		  LOG_STR("handler", loop->slowest), LOG_UINT("handler_ms", loop->slowest_ms));
}

unsigned loop_turn(struct loop *loop, int timeout_ms)
{
	unsigned handled;

	loop_wait(loop, loop_has_calls(loop) ? 0 : timeout_ms);
	handled = loop_run_ready(loop);
	handled += loop_run_calls(loop);
	loop_end_turn(loop);
	return handled;
}
