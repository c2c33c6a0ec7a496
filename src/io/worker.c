#include "io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/block.h"
#include "io/metrics.h"
#include "io/shard.h"

struct metric io_metric_work_refused =
	METRIC_COUNTER("worker_refused", "Works refused because the queue was full.");

struct worker_pool {
	pthread_mutex_t mutex;
	pthread_cond_t has_work;
	struct work *first;
	struct work **end;
	unsigned waiting;
	unsigned running;
	unsigned queue_max;
	_Atomic bool is_ending; /* set with the mutex held */
	bool is_inline;
	unsigned workers;
	pthread_t threads[];
};

static void arrived_home(struct mail *mail)
{
	struct work *work = container_of(mail, struct work, mail);

	work->done(work);
}

/* By hand: the mail to oneself comes back to be run, then once more to be done. */
static void run_inline(struct mail *mail)
{
	struct work *work = container_of(mail, struct work, mail);

	work->run(work);
	work->pool->waiting--;
	mail->deliver = arrived_home;
	mailbox_post(work->home->id, mail);
}

static struct work *take(struct worker_pool *pool)
{
	struct work *work;

	while (!pool->first && !pool->is_ending)
		pthread_cond_wait(&pool->has_work, &pool->mutex);
	work = pool->first;
	if (!work)
		return NULL;
	pool->first = work->next;
	if (!pool->first)
		pool->end = &pool->first;
	pool->waiting--;
	pool->running++;
	return work;
}

static void *run_worker(void *arg)
{
	struct worker_pool *pool = arg;
	struct work *work;

	pthread_setname_np(pthread_self(), "worker");
	pthread_mutex_lock(&pool->mutex);
	while ((work = take(pool)) != NULL) {
		pthread_mutex_unlock(&pool->mutex);
		work->run(work);
		arena_reset(scratch());
		block_collect();
		mailbox_post_to(work->home, &work->mail);
		pthread_mutex_lock(&pool->mutex);
		pool->running--;
	}
	pthread_mutex_unlock(&pool->mutex);
	scratch_fini();
	return NULL;
}

static int start_workers(struct worker_pool *pool, unsigned workers)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r == 0 && pool->workers < workers) {
		r = pthread_create(&pool->threads[pool->workers], NULL, run_worker, pool);
		if (r == 0)
			pool->workers++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int worker_pool_new(unsigned workers, unsigned queue_max, struct worker_pool **ret_pool)
{
	struct worker_pool *pool =
		calloc(1, sizeof(*pool) + workers * sizeof(pool->threads[0]));
	int r;

	check(pool != NULL);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->has_work, NULL);
	pool->end = &pool->first;
	pool->queue_max = queue_max;
	pool->is_inline = workers == 0;
	r = start_workers(pool, workers);
	if (r < 0) {
		worker_pool_free(&pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

void worker_pool_end(struct worker_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->is_ending = true;
	pthread_cond_broadcast(&pool->has_work);
	pthread_mutex_unlock(&pool->mutex);
	while (pool->workers > 0)
		pthread_join(pool->threads[--pool->workers], NULL);
}

void worker_pool_free(struct worker_pool **pool)
{
	struct worker_pool *p = *pool;

	if (!p)
		return;
	check(!p->is_inline || p->waiting == 0); /* inline work still needs its pool */
	worker_pool_end(p);
	pthread_cond_destroy(&p->has_work);
	pthread_mutex_destroy(&p->mutex);
	free(p);
	*pool = NULL;
}

void work_init(struct work *work, const char *name, void (*run)(struct work *work),
	       void (*done)(struct work *work))
{
	*work = (struct work){ .run = run, .done = done, .mail.name = name };
}

static int enqueue(struct worker_pool *pool, struct work *work)
{
	int r = -EAGAIN;

	pthread_mutex_lock(&pool->mutex);
	if (!pool->is_ending && pool->waiting < pool->queue_max) {
		work->next = NULL;
		*pool->end = work;
		pool->end = &work->next;
		pool->waiting++;
		pthread_cond_signal(&pool->has_work);
		r = 0;
	}
	pthread_mutex_unlock(&pool->mutex);
	return r;
}

static int post_inline(struct worker_pool *pool, struct work *work)
{
	if (pool->is_ending || pool->waiting >= pool->queue_max)
		return -EAGAIN;
	pool->waiting++;
	work->mail.deliver = run_inline;
	mailbox_post(work->home->id, &work->mail);
	return 0;
}

int worker_post(struct worker_pool *pool, struct work *work)
{
	int r;

	check(shard_self() != NULL);
	work->home = shard_self();
	work->pool = pool;
	work->mail.deliver = arrived_home;
	r = pool->is_inline ? post_inline(pool, work) : enqueue(pool, work);
	if (r < 0)
		metric_add(&io_metric_work_refused, 1);
	return r;
}

bool work_is_unwanted(const struct work *work)
{
	return atomic_load_explicit(&work->pool->is_ending, memory_order_relaxed);
}

unsigned worker_load(struct worker_pool *pool)
{
	unsigned load;

	pthread_mutex_lock(&pool->mutex);
	load = pool->waiting + pool->running;
	pthread_mutex_unlock(&pool->mutex);
	return load;
}
