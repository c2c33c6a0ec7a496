/*
 * A histogram of nanoseconds with a relative error below 0.8 % at any size (128 steps per
 * power of two), up to about 18 minutes; larger values count as that.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 128, HIST_BUCKETS = 35 * HIST_STEPS };

struct hist {
	uint64_t count;
	uint64_t max;
	uint64_t sum;
	uint32_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *hist);
void hist_add(struct hist *hist, uint64_t ns);
/* The smallest value that at least `share` (0 to 1) of all values do not exceed; 0 if empty. */
uint64_t hist_quantile(const struct hist *hist, double share);
/* Arithmetic mean, 0 if empty. */
double hist_mean(const struct hist *hist);

#endif
