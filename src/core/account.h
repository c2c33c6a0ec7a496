/*
 * Accounts: what is stored of a person's account besides what features store: verifiers, role,
 * when it was made. One doc per account, read and written at its home only; the operations here
 * may be asked for on any shard and answer there.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "core/errand.h"
#include "core/feature.h"
#include "xmpp/verifier.h"

enum account_role { ACCOUNT_USER, ACCOUNT_ADMIN, ACCOUNT_ROLES };

struct account {
	uint64_t created_us;
	enum account_role role;
	bool is_disabled; /* keeps everything, cannot log in */
	struct verifier_list verifiers;
};

extern struct store_decl account_store;
extern struct option account_option_registration;
extern struct option account_option_iterations;

enum registration { REGISTRATION_CLOSED, REGISTRATION_OPEN, REGISTRATION_INVITE };

/* "user", "administrator". */
const char *account_role_name(enum account_role role);
/* The cost of new verifiers at this domain (auth.scram_iterations). */
struct verifier_cost account_cost(const struct settings *settings);

/* The stored form, in the arena; and back: 0 or -EINVAL. */
struct bytes account_format(struct arena *arena, const struct account *account);
int account_parse(struct arena *arena, struct bytes value, struct account *ret_account);
/* The same without the verifiers, for those who do not check passwords. 0 or -EINVAL. */
int account_parse_facts(struct bytes value, struct account *ret_account);

enum account_verb {
	ACCOUNT_READ,
	ACCOUNT_CREATE,	   /* -EEXIST if there is one */
	ACCOUNT_VERIFIERS, /* replaces the verifiers; -ENOENT */
	ACCOUNT_SET_ROLE,  /* -ENOENT */
	ACCOUNT_DISABLE,   /* or enables again, as account.is_disabled says; -ENOENT */
	ACCOUNT_DELETE,	   /* -ENOENT; core/account_delete.h */
};

/*
 * One operation. Make it with account_op_new, fill verifiers or role as the verb wants, send
 * it; done() is called on the asking shard with status 0 or negative, and account filled for
 * READ; the operation is freed after done(). Operations on one account run one after the other.
 */
struct account_op {
	struct errand errand;
	enum account_verb verb;
	int status;
	struct jid jid; /* bare, in the arena */
	struct account account;
	struct arena arena;
	struct account_op *next; /* of the same account, waits for this one */
	struct account_op *last; /* of those */
	void (*done)(struct account_op *);
	/* DELETE: at the home, committed, before the sessions are closed. NULL: nothing. */
	void (*deleted)(struct account_op *);
	void *context;
};

/* bare is copied. */
struct account_op *account_op_new(enum account_verb verb, struct jid bare,
				  void (*done)(struct account_op *), void *context);
/* Takes it. From a shard. */
void account_op_send(struct account_op *op);

#endif
