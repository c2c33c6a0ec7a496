/*
 * Invitations (XEP-0379, XEP-0401, XEP-0445): tokens that let somebody make an account, or
 * become the contact of whoever invited. They belong to a domain and live at its home, where
 * operations take turns; only the hash of a token is stored. A token works once: to make an
 * account it is claimed for a name, the account is made, and the invitation settled; a claim
 * that a crash left behind is judged by whether the account is there.
 *
 * 	op = invite_op_new(INVITE_CREATE, domain, created, context);
 * 	op->invite.inviter = …;			(in op->arena, or outliving the operation)
 * 	invite_op_send(op);
 */
#ifndef CORE_INVITE_H
#define CORE_INVITE_H

#include "core/errand.h"
#include "core/feature.h"

enum {
	INVITE_TOKEN_BYTES = 16, /* random; twice as many characters */
	INVITE_KEEP_S = 3600,	 /* kept so long after its time: whoever was let in may end */
	INVITE_CLAIM_S = 60,	 /* a claim that is older was left behind */
};

enum invite_kind {
	INVITE_CONTACT, /* of a user: to be a contact, and perhaps to make an account */
	INVITE_ACCOUNT, /* to make an account */
	INVITE_KINDS
};

/* One invitation; slices are in the arena of whoever handed it out. */
struct invite {
	struct bytes key; /* hash of the token, hex */
	enum invite_kind kind;
	bool may_register;     /* makes an account; always so for ACCOUNT */
	bool is_befriended;    /* who makes an account becomes a contact of the inviter */
	struct bytes inviter;  /* bare JID; BYTES_NONE: an administrator from outside */
	struct bytes username; /* reserved for it; BYTES_NONE: any */
	uint64_t created_us;
	uint64_t expires_us;
	struct bytes claimant; /* localpart, BYTES_NONE: not claimed */
	uint64_t claimed_us;
	struct invite *next; /* in a list */
};

enum invite_verb {
	INVITE_CREATE,	/* invite filled but for key, created_us; fills token. -EEXIST: the name
			   is reserved; -EDQUOT: too many of this inviter */
	INVITE_FIND,	/* by key; -ENOENT: none, or its time is over */
	INVITE_CLAIM,	/* username for key (NONE: without an invitation). -ENOENT: no such
			   invitation any more; -EPERM: it is for another name; -EEXIST: the name
			   is reserved for another */
	INVITE_SETTLE,	/* the account was made: the invitation is gone */
	INVITE_RELEASE, /* it was not: the claim is */
	INVITE_REVOKE,	/* by the first characters of the key; -ENOENT, -EEXIST: several */
	INVITE_LIST,	/* rows */
};

struct invite_op {
	struct errand errand;
	enum invite_verb verb;
	int status;
	struct arena arena;
	struct bytes domain;
	struct bytes key;
	struct bytes username; /* CLAIM: prepared localpart */
	uint32_t limit;	       /* CREATE: open ones of this inviter; 0: any number */
	struct invite invite;
	struct bytes token; /* CREATE: what goes into the URI */
	struct invite *rows;
	struct list list;
	void (*done)(struct invite_op *);
	void *context;
};

extern struct store_decl invite_store;

/* domain is copied. done() is called on the asking shard; the operation is freed after it. */
struct invite_op *invite_op_new(enum invite_verb verb, struct bytes domain,
				void (*done)(struct invite_op *), void *context);
/* For one that is not sent after all. */
void invite_op_free(struct invite_op **op);
/* Takes it. From a shard. */
void invite_op_send(struct invite_op *op);

/* The key of a token, in the arena. */
struct bytes invite_key(struct arena *arena, struct bytes token);
/* The stored form, and back: 0 or -EINVAL. */
struct bytes invite_format(struct arena *arena, const struct invite *invite);
int invite_parse(struct arena *arena, struct bytes key, struct bytes value,
		 struct invite *ret_invite);
/*
 * The URI of a new invitation (XEP-0401 sections 5.1 and 5.4, XEP-0445 section 2), in the
 * arena: xmpp:inviter?roster;preauth=TOKEN[;ibr=y] or xmpp:[name@]domain?register;preauth=TOKEN.
 */
struct bytes invite_uri(struct arena *arena, const struct invite *invite, struct bytes domain,
			struct bytes token);

#endif
