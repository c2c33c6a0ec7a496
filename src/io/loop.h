/*
 * The event loop: raw epoll, level-triggered, one per shard, used by its thread only. Nothing
 * outside this file knows epoll's functions; its event bits (EPOLLIN, EPOLLOUT, …) are the
 * vocabulary of struct watch.
 *
 * A turn: wait; ready handlers; (the shard: timers, mail); deferred calls; flushers; memory.
 * Handlers may add, change and remove any watch, also others of the same batch, and may free
 * the object that embeds their own. Writes are queued as flushers, so that a connection writes
 * once per turn however many stanzas it got.
 *
 * 	watch_init(&x->watch, fd, "x.readable", x_readable);
 * 	r = loop_add(shard_loop(), &x->watch, EPOLLIN);
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <sys/epoll.h>

#include "base/bytes.h"
#include "base/list.h"

enum {
	LOOP_BATCH = 256,  /* events taken from the kernel per turn */
	LOOP_SLOW_MS = 50, /* a turn longer than this is logged */
	LOOP_FOREVER = -1,
};

/* Our own bit of watch->events, never given to the kernel. */
#define WATCH_ADDED (1u << 27)

/* A file descriptor somebody looks at. Embedded by its owner, who also owns the fd. */
struct watch {
	int fd;
	uint32_t events; /* what is asked for; 0 while not added (EPOLLHUP, EPOLLERR come
			    anyway) */
	void (*ready)(struct watch *watch, uint32_t events);
	const char *name; /* static, for the log of slow turns */
};

/*
 * A call that runs once, later in the same turn or in the next. Embedded; it may be queued
 * again from inside itself (it then runs in the next turn).
 */
struct call {
	struct list link; /* points to itself while not queued */
	void (*run)(struct call *call);
};

struct loop {
	int epoll_fd;
	int batch_next; /* while handlers run: index of the next event of the batch */
	int batch_len;
	struct list deferred;
	struct list flushers;
	const char *slowest; /* name of the slowest handler of this turn */
	uint64_t slowest_ms;
	uint64_t turn_start_ms;
	uint64_t handler_start_ms;
	uint64_t turns;
	struct epoll_event batch[LOOP_BATCH];
};

/* 0 or a negative errno. */
int loop_init(struct loop *loop);
/* Nothing may be queued or watched any more. */
void loop_fini(struct loop *loop);

void watch_init(struct watch *watch, int fd, const char *name,
		void (*ready)(struct watch *watch, uint32_t events));
/* 0 or a negative errno (-EPERM: a kind of file epoll does not know, -ENOSPC: the user's
 * limit). */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events);
/* Asks for other events; no system call if nothing changes. */
void loop_change(struct loop *loop, struct watch *watch, uint32_t events);
/* Takes the watch out, also of the batch being handled. Call it before close(fd). Idempotent.
 */
void loop_remove(struct loop *loop, struct watch *watch);
static inline bool watch_is_added(const struct watch *watch)
{
	return (watch->events & WATCH_ADDED) != 0;
}

void call_init(struct call *call, void (*run)(struct call *call));
static inline bool call_is_queued(const struct call *call)
{
	return call->link.next != &call->link;
}
/* Runs call after the ready handlers, timers and mail of this turn. Nothing if it is queued. */
void loop_defer(struct loop *loop, struct call *call);
/* Runs call at the very end of this turn, once. Nothing if it is queued. */
void loop_flush(struct loop *loop, struct call *call);
/* Takes the call out of whatever list it is in. */
void call_cancel(struct call *call);

/* True if calls are queued, so that the next wait must not block. */
static inline bool loop_has_calls(const struct loop *loop)
{
	return !list_is_empty(&loop->deferred) || !list_is_empty(&loop->flushers);
}

/*
 * The parts of a turn, in this order; shard_turn() puts timers and mail between the second and
 * the third. Each returns how many handlers ran.
 */
int loop_wait(struct loop *loop, int timeout_ms); /* number of events in the batch */
unsigned loop_run_ready(struct loop *loop);
unsigned loop_run_calls(struct loop *loop); /* deferred, then flushers */
/* Logs a slow turn, gives blocks back to their threads. */
void loop_end_turn(struct loop *loop);

/* All of it, for a loop without a shard (tools, tests). Returns how many handlers ran. */
unsigned loop_turn(struct loop *loop, int timeout_ms);

/*
 * Around every handler that the loop did not call itself (timer, mail): measures it for the log
 * of slow turns and resets the scratch arena.
 */
void loop_handled(struct loop *loop, const char *name);

#endif
