/*
 * The snapshot of all shared groups: immutable, counted, shared by all shards; each has one as its
 * current (group_current). Made from the one before with one domain replaced.
 *
 *	struct group_view view = group_view_of(group_current(), bare);
 *	if (group_view_has(&view, contact)) …			they see each other
 *	while (!bytes_is_none(other = group_view_next(&view, &cursor))) …
 */
#ifndef CORE_GROUP_SET_H
#define CORE_GROUP_SET_H

#include "base/arena.h"
#include "base/table.h"

struct group_member {
	struct bytes jid;
	uint64_t since; /* version of the domain's groups that added or removed it */
	bool is_removed;
};

struct group {
	struct bytes name;
	struct bytes display;
	bool is_everybody;
	uint64_t since;		      /* version that made it, or changed its display name */
	struct group_member *members; /* by JID; removed ones included */
	uint32_t count;
	uint32_t present; /* not removed */
};

/* That an account is, or was, in a group. */
struct group_link {
	const struct group_member *member;
	const struct group *group;
};

/* All groups of one domain. Immutable once it is in a set. */
struct group_domain {
	_Atomic uint32_t refs;
	struct bytes name;
	uint64_t version;     /* of the last change */
	uint64_t floor;	      /* what changed is known from here on */
	struct group *groups; /* in order of making */
	uint32_t count;
	struct group_link *links; /* by JID */
	uint32_t link_count;
	struct arena arena; /* all of it */
};

struct group_set {
	_Atomic uint32_t refs;
	struct table domains; /* name -> struct group_domain, a reference each */
};

/* What one account sees of one set: the groups that it is, or was, in. Borrowed from the set. */
struct group_view {
	const struct group_domain *domain; /* NULL: the domain has no groups */
	struct bytes bare;
	const struct group_link *links;
	uint32_t count;
};

/* --- making: on one shard, before others see it --- */

/* An empty domain, to be filled and sealed. */
struct group_domain *group_domain_new(struct bytes name);
/* Room for `capacity` members; texts are copied. */
struct group *group_domain_add(struct group_domain *domain, struct bytes name,
			       struct bytes display, uint32_t capacity);
/* A deep copy with room for `more` members in each group, not sealed. */
struct group_domain *group_domain_copy(const struct group_domain *from, uint32_t more);
/* Puts the member in its place, or changes the one that is there. Room must be there. */
void group_set_member(struct group_domain *domain, struct group *group, struct bytes jid,
		      uint64_t since, bool is_removed);
/* Forgets the oldest removed members above GROUP_TOMBSTONES_MAX, raises the floor. */
void group_drop_tombstones(struct group_domain *domain, struct group *group);
void group_domain_drop(struct group_domain *domain, struct group *group);
/* Makes what searches need. */
void group_domain_seal(struct group_domain *domain);
struct group_domain *group_domain_ref(struct group_domain *domain);
void group_domain_unref(struct group_domain **domain);

/* The set before (NULL: none) with one domain replaced (taken), or without it (NULL). */
struct group_set *group_set_with(const struct group_set *before, struct bytes name,
				 struct group_domain *taken);
struct group_set *group_set_ref(struct group_set *set);
void group_set_unref(struct group_set **set);

/* --- looking --- */

/* The set of this shard, or NULL. */
struct group_set *group_current(void);
/* NULL if there are none. */
const struct group_domain *group_domain_find(const struct group_set *set, struct bytes name);
struct group *group_find(const struct group_domain *domain, struct bytes name);
/* Removed ones included; NULL if it never was there. */
struct group_member *group_member_find(const struct group *group, struct bytes jid);

/* set may be NULL. */
struct group_view group_view_of(const struct group_set *set, struct bytes bare);
/* True if both are in a group; nobody is his own contact. */
bool group_view_has(const struct group_view *view, struct bytes contact);
/* Where an iteration is; { 0 } begins. */
struct group_cursor {
	uint32_t link;
	uint32_t member;
};
/* Each contact once, in no order; BYTES_NONE at the end. */
struct bytes group_view_next(const struct group_view *view, struct group_cursor *cursor);
/* The display names of the groups shared with the contact: 0 begins, BYTES_NONE ends. */
struct bytes group_view_name(const struct group_view *view, struct bytes contact,
			     uint32_t *cursor);
/*
 * The version that last changed what the view's account sees of the contact; 0 if it never saw
 * it. Contacts that were are counted too.
 */
uint64_t group_view_since(const struct group_view *view, struct bytes contact);

#endif
