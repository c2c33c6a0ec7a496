/*
 * How shared groups are stored under their domain: one record per group, by its name, and one for
 * the domain itself (GROUP_HEAD). Little-endian. Group: format (1), everybody (1), since (8),
 * display (2 + bytes), number of members (4), each: since (8), removed (1), JID (2 + bytes); the
 * members of an everybody group are not stored, they are the accounts. Head: format, version,
 * floor (8 each).
 */
#ifndef CORE_GROUP_CODE_H
#define CORE_GROUP_CODE_H

#include "core/group_set.h"

/* The key of the head; no name starts so. */
#define GROUP_HEAD BYTES_LIT("\x01")

struct bytes group_code_encode(struct arena *arena, const struct group *group);
/* Adds the group of this key to the domain. 0 or -EINVAL (then nothing was added). */
int group_code_decode(struct bytes key, struct bytes value, struct group_domain *domain);
struct bytes group_head_encode(struct arena *arena, const struct group_domain *domain);
int group_head_decode(struct bytes value, struct group_domain *domain);

#endif
