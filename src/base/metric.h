/*
 * Metrics: counters and gauges, declared where they are used and counted per thread without
 * atomics that contend; a reader sums the threads.
 *
 * 	static struct metric stanzas_in = METRIC_COUNTER("stanzas_in", "Stanzas received.");
 * 	metric_register(&stanzas_in);	(features: listed in struct feature)
 * 	metric_add(&stanzas_in, 1);
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

enum { METRIC_MAX = 512 };

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE };

struct metric {
	const char *name; /* snake_case, without the hearth_ prefix */
	const char *help; /* one sentence */
	enum metric_kind kind;
	uint32_t index; /* set by metric_register; 0 = not registered, adds are ignored */
};

/* clang-format off */
#define METRIC_COUNTER(name, help) { (name), (help), METRIC_KIND_COUNTER, 0 }
#define METRIC_GAUGE(name, help) { (name), (help), METRIC_KIND_GAUGE, 0 }
/* clang-format on */

/* Before the threads start; the metric must live as long as the process. Idempotent. */
void metric_register(struct metric *metric);
/* delta may be negative for gauges. Any thread. */
void metric_add(const struct metric *metric, int64_t delta);
/* The sum over all threads, also those that ended. */
int64_t metric_read(const struct metric *metric);
/* Calls each(metric, value, context) for every registered metric in order of registration. */
void metric_each(void (*each)(const struct metric *, int64_t, void *), void *context);

#endif
