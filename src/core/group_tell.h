/* Telling the members of a shard what a change of shared groups means to them. */
#ifndef CORE_GROUP_TELL_H
#define CORE_GROUP_TELL_H

#include "core/group_set.h"

/* One account joined or left one group. */
struct group_change {
	struct bytes group;
	struct bytes jid;
};

/* What changed between two sets. Borrowed. */
struct group_news {
	const struct group_set *before;
	const struct group_set *now;
	struct bytes domain;
	const struct group_change *changes;
	uint32_t count;
};

/*
 * On each shard, when all have taken the new set: roster pushes to the members that are here, the
 * presence that they may see now, and `unavailable` of what they may not see any more. Per
 * change, each other member costs one push and at most one presence in each direction.
 */
void group_tell(const struct group_news *news);

#endif
