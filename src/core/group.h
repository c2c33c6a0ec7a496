/*
 * Shared groups: an administrator's groups of a domain's accounts. All members of a group see each
 * other in their rosters, in a group of its display name, with subscription `both`, and see each
 * other's presence, without anything stored in their own rosters; clients cannot take such a
 * contact out.
 *
 * What the groups are is an immutable snapshot per domain that all shards share
 * (core/group_set.h). A change goes through shard 0: it is committed under the domain as owner,
 * then all shards take the new snapshot, then each tells the members that are its own what is
 * different. A change of one member costs O(members) pushes and presences, never more.
 */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "core/feature.h"

enum {
	GROUP_NAME_MAX = 255,	   /* bytes of a name */
	GROUP_DISPLAY_MAX = 1023,  /* bytes of a display name */
	GROUP_TOMBSTONES_MAX = 200 /* members remembered after they left, for roster versions */
};

extern struct store_decl group_store;
/* limits.group_members: of one group. */
extern struct option group_option_members;

/*
 * status: 0; -ENOENT: no such domain, group or member; -EEXIST; -EINVAL: a name, or a member of
 * another domain; -ENOSPC: limits.group_members; or what the store says. On shard 0.
 */
typedef void group_done_fn(int status, void *context);

/* All below: from shard 0; strings are copied; done is called later, in the order of the calls. */

/*
 * Makes a group, or changes how it is shown: devices learn the latter with their next roster.
 * is_everybody (of a new group only): all accounts of the domain are members, now and later.
 */
void group_put(struct bytes domain, struct bytes name, struct bytes display, bool is_everybody,
	       group_done_fn *done, void *context);
/* The members are told, one after the other. */
void group_del(struct bytes domain, struct bytes name, group_done_fn *done, void *context);
/* bare: normalised, on that domain. -EEXIST, -ENOENT if there is nothing to do. */
void group_add_member(struct bytes domain, struct bytes name, struct jid bare,
		      group_done_fn *done, void *context);
void group_del_member(struct bytes domain, struct bytes name, struct jid bare,
		      group_done_fn *done, void *context);

/* At start, when all shards have their domains: reads the groups of all domains. */
void group_load(group_done_fn *done, void *context);

/* An account of a served domain is new, or gone: from its home. */
void group_account_added(struct jid bare);
void group_account_gone(struct jid bare);
/* A domain is deleted with all that it has. */
void group_domain_gone(struct bytes domain);

/* Core's: with the shard. */
void group_shard_start(void);
void group_shard_stop(void);

#endif
