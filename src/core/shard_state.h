/*
 * What core keeps on one shard: the current domains, the accounts that are in memory, and the
 * buffers of its one thread. Reached through core_shard(); made by core_shard_start().
 */
#ifndef CORE_SHARD_STATE_H
#define CORE_SHARD_STATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "io/shard.h"

struct domain_set;
struct group_shard;
struct store;

struct core_shard {
	const struct domain_set *domains;
	struct table users;	  /* bare JID -> struct user, of this home */
	uint32_t session_count;	  /* bound sessions */
	void **slots;		  /* features' state; NULL until the first use */
	struct buf head;	  /* the head being written (session_write) */
	struct table account_ops; /* bare JID -> the operation in hand, of this home */
	struct list paused;	  /* sessions asked to pause, struct session.paused */
	struct timer unpause;
	struct group_shard *groups; /* core/group_op.h */
	uint64_t handover_last;	    /* number of the last hand-over record made here */
	struct table throttle;	    /* auth failures by address and by account */
	struct list throttle_by_age;
	struct table rations; /* what askers had: core/ration.h */
	struct list rations_by_age;
	struct list invite_ops; /* of domains at home here, the first is in hand */
	bool is_inviting;
};

static inline struct core_shard *core_shard(void)
{
	return shard_context(shard_self(), SHARD_CORE);
}

/* The store of this process; set once by core_start(). */
struct store *core_store(void);

#endif
