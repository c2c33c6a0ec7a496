/* Log-linear histogram. */
#include "hist.h"

#include <string.h>

enum { STEP_BITS = 7 };

static uint32_t bucket_of(uint64_t ns)
{
	if (ns < HIST_STEPS)
		return (uint32_t)ns;
	uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - STEP_BITS;
	uint64_t i = (uint64_t)(shift + 1) * HIST_STEPS + (ns >> shift) - HIST_STEPS;
	return i < HIST_BUCKETS ? (uint32_t)i : HIST_BUCKETS - 1;
}

/* The largest value that falls into bucket i. */
static uint64_t bucket_top(uint32_t i)
{
	if (i < HIST_STEPS)
		return i;
	uint32_t shift = i / HIST_STEPS - 1;
	return (((uint64_t)(i % HIST_STEPS) + HIST_STEPS + 1) << shift) - 1;
}

void hist_reset(struct hist *hist)
{
	memset(hist, 0, sizeof(*hist));
}

void hist_add(struct hist *hist, uint64_t ns)
{
	hist->count++;
	hist->sum += ns;
	if (ns > hist->max)
		hist->max = ns;
	hist->bucket[bucket_of(ns)]++;
}

uint64_t hist_quantile(const struct hist *hist, double share)
{
	uint64_t need = (uint64_t)((double)hist->count * share + 0.999999);
	uint64_t seen = 0;

	if (need == 0)
		need = 1;
	for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->bucket[i];
		if (seen >= need)
			return bucket_top(i) < hist->max ? bucket_top(i) : hist->max;
	}
	return hist->max;
}

double hist_mean(const struct hist *hist)
{
	return hist->count ? (double)hist->sum / (double)hist->count : 0;
}
