/*
 * Workers: threads for what may take long or block (PBKDF2, disk, name lookups). run() is
 * called on a worker, done() later on the shard that posted. The queue is bounded; whoever is
 * refused answers "try later". A work is embedded by its owner, who keeps it alive until done().
 *
 * 	work_init(&login->work, "sasl.pbkdf2", derive, derived);
 * 	r = worker_post(pool, &login->work);	(-EAGAIN: the queue is full)
 *
 * By hand (workers == 0) run() is called inline in the posting shard's next turn, done() after
 * it, so that tests are deterministic.
 */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "io/mailbox.h"

struct worker_pool;

struct work {
	struct work *next; /* the pool's */
	void (*run)(struct work *work);
	void (*done)(struct work *work);
	struct shard *home; /* set by posting */
	struct worker_pool *pool;
	struct mail mail; /* carries it home; mail.name is the work's name */
};

/* workers: threads, 0 for inline. queue_max: works waiting, not counting those that run. */
int worker_pool_new(unsigned workers, unsigned queue_max, struct worker_pool **ret_pool);
/*
 * Finishes what is queued, joins the threads. Their done() is delivered by the shards, so free
 * the pool before the shards. An inline pool must be idle. NULL is accepted.
 */
void worker_pool_free(struct worker_pool **pool);
/* The first half of that: from now on posts are refused as by a full queue. */
void worker_pool_end(struct worker_pool *pool);

void work_init(struct work *work, const char *name, void (*run)(struct work *work),
	       void (*done)(struct work *work));
/* From a shard's thread. 0, or -EAGAIN if the queue is full: work is still the caller's. */
int worker_post(struct worker_pool *pool, struct work *work);
/* In run(): the pool ends. What takes long should leave the rest undone. */
bool work_is_unwanted(const struct work *work);
/* Works waiting or running. Any thread. */
unsigned worker_load(struct worker_pool *pool);

#endif
