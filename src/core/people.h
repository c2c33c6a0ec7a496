/*
 * People: what features may do to accounts. Each works on any account of a served domain,
 * answers once, later, on the shard that asked, and never from inside the call. Who may is the
 * caller's to decide.
 *
 * 	people_add(jid, password, registered, registration);
 */
#ifndef CORE_PEOPLE_H
#define CORE_PEOPLE_H

#include "core/feature.h"

/*
 * status: 0, -ENOENT (no such account), -EEXIST (there is one), -EINVAL (an unusable password),
 * -EAGAIN (too busy), or what the store says.
 */
typedef void people_done_fn(int status, void *context);

/* What is known of an account. */
struct people_facts {
	uint64_t created_us;
	bool is_administrator;
	bool is_disabled;
};

/* facts: borrowed; NULL unless status is 0. */
typedef void people_facts_fn(int status, const struct people_facts *facts, void *context);

/* bare and password are copied; the password is wiped when its keys are made, on a worker. */
void people_add(struct jid bare, struct bytes password, people_done_fn *done, void *context);
void people_set_password(struct jid bare, struct bytes password, people_done_fn *done,
			 void *context);
void people_read(struct jid bare, people_facts_fn *done, void *context);
/* A disabled account keeps everything and cannot log in; its sessions are closed. */
void people_disable(struct jid bare, bool is_disabled, people_done_fn *done, void *context);
/*
 * Deletes the account and all that it has; contacts lose their subscriptions. gone(context), if
 * not NULL, is called on the account's home when the deletion is committed and before the
 * sessions are closed: the last word to them.
 */
void people_delete(struct jid bare, void (*gone)(void *context), people_done_fn *done,
		   void *context);

/* --- many of them ------------------------------------------------------------------------- */

enum people_which { PEOPLE_REGISTERED, PEOPLE_DISABLED, PEOPLE_ONLINE };

/* Bare addresses, in no order that means anything; borrowed for the call. */
struct people_list {
	uint64_t count;	    /* all of them */
	struct bytes *jids; /* of the first so many */
	size_t jid_count;
};

typedef void people_list_fn(int status, const struct people_list *list, void *context);

/*
 * Counts people of a domain and names at most limit of them. REGISTERED and DISABLED read every
 * account; ONLINE (with a session, available or not) visits the shards.
 */
void people_list(const struct domain *domain, enum people_which which, size_t limit,
		 people_list_fn *done, void *context);
/* Sends a headline from the domain to everybody who has a session; text is copied. */
void people_announce(const struct domain *domain, struct bytes text, people_list_fn *done,
		     void *context);

/* items: the contacts as <item/>s of jabber:iq:roster; borrowed for the call. */
typedef void people_roster_fn(int status, struct bytes items, uint32_t count, void *context);
void people_roster(struct jid bare, people_roster_fn *done, void *context);

#endif
