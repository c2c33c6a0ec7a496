/*
 * Rations: at most so many of something for one asker in a period, counted in one place however
 * many shards there are (the shard that the asker's name hashes to). Bounded: of more askers
 * than that, the oldest is forgotten.
 *
 * 	ration_take(BYTES_LIT("register"), network, 10, 3600, granted, context);
 */
#ifndef CORE_RATION_H
#define CORE_RATION_H

#include "base/bytes.h"

enum { RATION_ENTRIES = 10000 /* per shard */ };

typedef void ration_fn(bool is_granted, void *context);

/*
 * Counts one and says whether it was within the limit (0: unlimited; an empty asker too).
 * Answers on this shard, later. what and who are copied.
 */
void ration_take(struct bytes what, struct bytes who, uint32_t limit, uint32_t period_s,
		 ration_fn *done, void *context);
/* Frees the shard's entries. */
void ration_fini(void);

#endif
