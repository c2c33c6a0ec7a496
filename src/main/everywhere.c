/* See everywhere.h. */
#include "main/everywhere.h"

#include "base/block.h"
#include "base/check.h"
#include "core/errand.h"
#include "io/shard.h"

/* --- one after the other --- */

struct tour {
	struct errand errand;
	unsigned next;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

static void tour_run(struct errand *errand)
{
	struct tour *tour = container_of(errand, struct tour, errand);
	tour->run(tour->context);
	errand_return(errand);
}

static void tour_back(struct errand *errand)
{
	struct tour *tour = container_of(errand, struct tour, errand);
	if (++tour->next < shard_count()) {
		errand_send(errand, tour->next);
		return;
	}
	tour->done(tour->context);
	block_free(tour);
}

void everywhere_run(void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct tour *tour = block_alloc_zeroed(sizeof(*tour));
	tour->run = run;
	tour->done = done;
	tour->context = context;
	errand_init(&tour->errand, "everywhere.run", tour_run, tour_back);
	errand_send(&tour->errand, 0);
}

/* --- all at once --- */

struct gathering {
	unsigned missing;
	void (*begin)(struct everywhere_visit *visit, void *context);
	void (*done)(void *context);
	void *context;
};

struct everywhere_visit {
	struct errand errand;
	struct gathering *gathering;
};

static void visit_run(struct errand *errand)
{
	struct everywhere_visit *visit = container_of(errand, struct everywhere_visit, errand);
	visit->gathering->begin(visit, visit->gathering->context);
}

static void visit_back(struct errand *errand)
{
	struct everywhere_visit *visit = container_of(errand, struct everywhere_visit, errand);
	struct gathering *gathering = visit->gathering;
	block_free(visit);
	if (--gathering->missing > 0)
		return;
	gathering->done(gathering->context);
	block_free(gathering);
}

void everywhere_visited(struct everywhere_visit *visit)
{
	errand_return(&visit->errand);
}

void everywhere_begin(void (*begin)(struct everywhere_visit *visit, void *context),
		      void (*done)(void *context), void *context)
{
	struct gathering *gathering = block_alloc_zeroed(sizeof(*gathering));
	*gathering = (struct gathering){ shard_count(), begin, done, context };
	for (unsigned i = 0, count = shard_count(); i < count; i++) {
		struct everywhere_visit *visit = block_alloc_zeroed(sizeof(*visit));
		visit->gathering = gathering;
		errand_init(&visit->errand, "everywhere.visit", visit_run, visit_back);
		errand_send(&visit->errand, i);
	}
}
