/*
 * Each thread counts in an array of its own: an add is a plain load and store of a value that
 * no other thread writes. Arrays are listed under a lock that only readers, first uses and ends
 * of threads take; what an ending thread counted moves to the array of the ended.
 */
#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"

struct counts {
	struct list node; /* in all_counts */
	_Atomic int64_t values[METRIC_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list all_counts = { &all_counts, &all_counts };
static int64_t ended[METRIC_MAX];
static struct metric *metrics[METRIC_MAX]; /* from 1 */
static uint32_t metric_count = 1;

static _Thread_local struct counts *my_counts;
static pthread_key_t counts_key;
static pthread_once_t counts_key_once = PTHREAD_ONCE_INIT;

void metric_register(struct metric *metric)
{
	pthread_mutex_lock(&lock);
	if (metric->index == 0) {
		check(metric_count < METRIC_MAX);
		for (uint32_t i = 1; i < metric_count; i++)
			check(strcmp(metrics[i]->name, metric->name) != 0);
		metrics[metric_count] = metric;
		metric->index = metric_count++;
	}
	pthread_mutex_unlock(&lock);
}

static void end_counts(void *arg)
{
	struct counts *counts = arg;

	pthread_mutex_lock(&lock);
	for (uint32_t i = 0; i < METRIC_MAX; i++)
		ended[i] += atomic_load_explicit(&counts->values[i], memory_order_relaxed);
	list_del(&counts->node);
	pthread_mutex_unlock(&lock);
	my_counts = NULL;
	free(counts);
}

static void make_counts_key(void)
{
	check(pthread_key_create(&counts_key, end_counts) == 0);
}

static __attribute__((noinline)) struct counts *begin_counts(void)
{
	struct counts *counts = calloc(1, sizeof(*counts));

	check(counts != NULL);
	pthread_once(&counts_key_once, make_counts_key);
	check(pthread_setspecific(counts_key, counts) == 0);
	pthread_mutex_lock(&lock);
	list_add_tail(&all_counts, &counts->node);
	pthread_mutex_unlock(&lock);
	my_counts = counts;
	return counts;
}

void metric_add(const struct metric *metric, int64_t delta)
{
	struct counts *counts = my_counts ? my_counts : begin_counts();
	_Atomic int64_t *value = &counts->values[metric->index];

	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + delta,
			      memory_order_relaxed);
}

static int64_t sum_threads(uint32_t index)
{
	int64_t sum = ended[index];
	struct list *pos;

	list_for_each (pos, &all_counts) {
		struct counts *counts = list_entry(pos, struct counts, node);
		sum += atomic_load_explicit(&counts->values[index], memory_order_relaxed);
	}
	return sum;
}

int64_t metric_read(const struct metric *metric)
{
	int64_t sum;

	if (metric->index == 0)
		return 0;
	pthread_mutex_lock(&lock);
	sum = sum_threads(metric->index);
	pthread_mutex_unlock(&lock);
	return sum;
}

static uint32_t registered(void)
{
	uint32_t count;

	pthread_mutex_lock(&lock);
	count = metric_count;
	pthread_mutex_unlock(&lock);
	return count;
}

void metric_each(void (*each)(const struct metric *, int64_t, void *), void *context)
{
	uint32_t count = registered();

	for (uint32_t i = 1; i < count; i++)
		each(metrics[i], metric_read(metrics[i]), context);
}
