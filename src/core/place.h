/*
 * Places: where a bare JID lives. One of 256 buckets (by the store's key, so the same at every
 * start) and from there a shard. This file and router.c are the only ones that know.
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include "io/shard.h"
#include "xmpp/jid.h"

/* The shard that is home of this bare JID (the resource is ignored). */
unsigned place_shard(struct jid jid);

static inline bool place_is_here(struct jid jid)
{
	return place_shard(jid) == shard_id();
}

#endif
