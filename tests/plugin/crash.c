/* A feature with a bug: a certain message kills the worker. Built as a plugin by test_poison.py. */
#include <stdlib.h>

#include "core/feature.h"

static void stumble(const struct passage *passage)
{
	if (bytes_find(stanza_tail(passage->stanza), BYTES_LIT("poisonous words")) >= 0)
		abort();
}

extern const struct feature hearth_feature;

const struct feature hearth_feature = {
	FEATURE_ABI,
	.name = "crash",
	.summary = "Dies of certain words, for a test.",
	.message = { .received = { .record = stumble } },
};
