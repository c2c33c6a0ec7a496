/*
 * A shard is a thread's context: its loop, timer wheel, mailbox and the slots in which the
 * rooms above keep what is theirs on this thread. A group of shards runs in one of two ways:
 *
 *   threads:  shards_start(group, …) … shards_stop(group)
 *   by hand:  one thread plays all shards, in a fixed order, for deterministic tests:
 * 	shard_enter(group->shards[1]); … post, arm, send …
 * 	shards_run_until_idle(group);
 *
 * Everything in io that is not said to be for any thread is for the thread that has entered the
 * shard the object belongs to.
 */
#ifndef IO_SHARD_H
#define IO_SHARD_H

#include "base/clock.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/timer.h"

#include <pthread.h>

struct shard_buffers;

/* One word per room above io; add a key here when a room comes. */
enum shard_key {
	SHARD_STREAM,
	SHARD_CORE,
	SHARD_STORE,
	SHARD_XEP,
	SHARD_ADMIN,
	SHARD_MAIN,
	SHARD_KEYS
};

enum { SHARDS_MAX = 256 };

struct shards_config {
	unsigned count;		  /* 1 … SHARDS_MAX */
	uint64_t mail_soft_bytes; /* per mailbox; 0: 8 MiB */
	uint64_t mail_hard_bytes; /* per mailbox; 0: 32 MiB */
};

struct shard {
	unsigned id;
	struct shards *group;
	void *context[SHARD_KEYS];
	struct shard_buffers *buffers; /* borrowed by connections while bytes are in flight */
	struct list handshakes;	       /* connections that wait for a TLS step */
	struct call handshake_call;
	struct list closings; /* connections that flush and linger without an owner */
	pthread_t thread;
	struct wheel wheel;
	struct mailbox mailbox;
	struct loop loop;
};

struct shards {
	unsigned count;
	uint64_t mail_soft_bytes;
	uint64_t mail_hard_bytes;
	_Atomic bool is_stopping;
	bool has_threads;
	void (*started)(struct shard *shard, void *context);
	void *context;
	struct shard *shards[SHARDS_MAX];
};

extern _Thread_local struct shard *shard_current;

/* The shard that the calling thread has entered; NULL on other threads. */
static inline struct shard *shard_self(void)
{
	return shard_current;
}
static inline struct loop *shard_loop(void)
{
	return &shard_current->loop;
}
static inline unsigned shard_id(void)
{
	return shard_current->id;
}
/* Number of shards of the calling shard's group. */
static inline unsigned shard_count(void)
{
	return shard_current->group->count;
}
static inline void *shard_context(const struct shard *shard, enum shard_key key)
{
	return shard->context[key];
}
static inline void shard_set_context(struct shard *shard, enum shard_key key, void *context)
{
	shard->context[key] = context;
}
/* timer_arm() on the calling shard's wheel. */
static inline void shard_arm(struct timer *timer, uint64_t delay_ms)
{
	timer_arm(&shard_current->wheel, timer, delay_ms);
}

/* 0, or a negative errno if the system gives no descriptors. */
int shards_new(const struct shards_config *config, struct shards **ret_shards);
/*
 * Shards must be stopped. Mail that is left is delivered first (its receivers free it), then
 * connections that linger are cut. NULL is accepted.
 */
void shards_free(struct shards **shards);

/*
 * Starts one thread per shard; each calls started(shard, context) first. 0 or a negative errno
 * (no thread is left then).
 */
int shards_start(struct shards *shards, void (*started)(struct shard *shard, void *context),
		 void *context);
/*
 * From a thread that is no shard: lets each shard end its turn, joins the threads, and delivers
 * by hand the mail that is left. After that shards can be entered by hand, to tear down.
 */
void shards_stop(struct shards *shards);
/* Asks the shards to end; any thread. shards_stop still has to be called. */
void shards_ask_to_stop(struct shards *shards);

/* By hand: makes the calling thread this shard (NULL: none); returns what it was before. */
struct shard *shard_enter(struct shard *shard);
/*
 * One turn of the shard the thread has entered: waits up to timeout_ms (LOOP_FOREVER; less if a
 * timer, mail or call is waiting), then handles everything once. Returns how many handlers ran.
 */
unsigned shard_turn(int timeout_ms);
/*
 * By hand: turns all shards round-robin until a whole round finds no mail, no ready descriptor,
 * no call and no expired timer. Returns how many handlers ran. Leaves the thread as it was.
 */
unsigned shards_run_until_idle(struct shards *shards);
/* Milliseconds until the next timer of any shard expires (0: due); TIMER_NEVER if none. */
uint64_t shards_next_timer_ms(struct shards *shards);
/*
 * By hand under the fake clock: runs until idle, then moves the clock from timer to timer until
 * `ms` have passed, running until idle after each step.
 */
void shards_advance(struct shards *shards, uint64_t ms);

/* Registers the metrics of this room; before threads start. Idempotent. */
void io_register_metrics(void);

#endif
