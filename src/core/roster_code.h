/*
 * How a roster is stored: one record per contact, one for the roster itself. Little-endian.
 * Contact: 1 byte format (1), state, flags, version (8 bytes), lengths of name (2), groups (2)
 * and request (4), then these. Head: format, id, version, floor (8 bytes each).
 */
#ifndef CORE_ROSTER_CODE_H
#define CORE_ROSTER_CODE_H

#include "core/roster.h"

struct bytes roster_code_encode(struct arena *arena, const struct roster_change *change,
				uint64_t version);
/* Slices are of key and value. 0 or -EINVAL. */
int roster_code_decode(struct bytes key, struct bytes value, struct roster_change *ret_change,
		       uint64_t *ret_version);
struct bytes roster_head_encode(struct arena *arena, const struct roster *roster);
int roster_head_decode(struct bytes value, struct roster *ret_roster);

#endif
