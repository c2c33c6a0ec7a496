/*
 * Admission: how many streams may be logging in at the same time, of one address and of all
 * (limits.preauth_per_address, limits.preauth_total). Counts belong to the process, because a
 * stream enters on the shard that accepted it and leaves on its user's home; they are atomics
 * in a table of fixed size, so that a flood from a million addresses takes no memory. An
 * address has two cells and the smaller one counts: a collision can only refuse too early, and
 * rarely.
 *
 * Any thread.
 */
#ifndef STREAM_ADMISSION_H
#define STREAM_ADMISSION_H

#include "base/bytes.h"

/* network: of peer_network(); empty: counts in the total only. A ticket to give
 * back; 0: refused. */
uint64_t admission_enter(struct bytes network, uint32_t per_address, uint32_t total);
/* Gives it back; 0 is accepted. */
void admission_leave(uint64_t *ticket);
/* How many are inside. */
uint32_t admission_count(void);

#endif
