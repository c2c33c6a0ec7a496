/*
 * An administrator's look at, and changes of, an account's contacts: from any shard, done at the
 * account's home, answered on the shard that asked.
 *
 *	op = roster_op_new(ROSTER_OP_PUT, jid, contact, done, call);
 *	op->name = …; op->group = …;		(in the op's arena)
 *	roster_op_send(op);
 */
#ifndef CORE_ROSTER_OP_H
#define CORE_ROSTER_OP_H

#include "core/errand.h"
#include "core/roster.h"
#include "core/user.h"

enum roster_op_verb {
	ROSTER_OP_LIST,	    /* rows: all contacts, also those of shared groups */
	ROSTER_OP_PUT,	    /* adds a contact or changes name and group */
	ROSTER_OP_BEFRIEND, /* asks for the contact's presence and approves his request */
	ROSTER_OP_REMOVE,   /* ends both subscriptions */
	ROSTER_OP_BLOCKED,  /* rows: the addresses that the account has blocked */
};

struct roster_row {
	struct roster_row *next;
	struct bytes jid;
	struct bytes name;   /* as stored */
	struct bytes groups; /* as in struct roster_item */
	const char *subscription;
	bool is_asking;
	bool is_shared;
};

struct roster_op {
	struct errand errand;
	struct user_wait wait;
	struct arena arena; /* everything below */
	enum roster_op_verb verb;
	struct jid jid;
	struct jid contact;
	struct bytes name;  /* PUT: NONE leaves it */
	struct bytes group; /* PUT: NONE leaves them */
	/*
	 * 0; -ENOENT: no such account, or contact; -ENOSPC: the roster is full; -EINVAL: not an
	 * address for this; -EPERM: a shared group's contact; -ENOTSUP: nothing can be blocked
	 * here; or what the store says.
	 */
	int status;
	struct roster_row *rows;
	void (*done)(struct roster_op *);
	void *context;
};

/* jids are copied; contact may be JID_NONE. */
struct roster_op *roster_op_new(enum roster_op_verb verb, struct jid bare, struct jid contact,
				void (*done)(struct roster_op *), void *context);
/* Takes it; it is freed after done(). */
void roster_op_send(struct roster_op *op);

#endif
