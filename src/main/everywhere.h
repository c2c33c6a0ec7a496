/*
 * Something done on every shard, shard by shard or on all at once, from one of them.
 */
#ifndef MAIN_EVERYWHERE_H
#define MAIN_EVERYWHERE_H

#include <stdbool.h>

/* run() on shard 0, 1, …, one after the other; then done() here. Neither may be NULL. */
void everywhere_run(void (*run)(void *context), void (*done)(void *context), void *context);

struct everywhere_visit;
/*
 * begin() on all shards at once; each of them calls everywhere_visited() on its own shard when
 * it is through, now or later. When all have, done() here.
 */
void everywhere_begin(void (*begin)(struct everywhere_visit *visit, void *context),
		      void (*done)(void *context), void *context);
void everywhere_visited(struct everywhere_visit *visit);

#endif
