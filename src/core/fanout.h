/*
 * Fan-out: one presence stanza, or a probe, to many accounts. Posted once per shard, with the
 * list of targets and one shared payload; only the head is each recipient's own. Cold accounts
 * cost a table look-up and are not loaded.
 *
 * 	fanout_start(&fanout, user, stanza);
 * 	fanout_add(&fanout, contact, FANOUT_PRESENCE | FANOUT_PROBE);
 * 	fanout_send(&fanout);			through the user's gate, in order
 */
#ifndef CORE_FANOUT_H
#define CORE_FANOUT_H

#include "core/session.h"

enum fanout_what {
	FANOUT_PRESENCE = 1, /* the payload, to the target's available sessions */
	FANOUT_PROBE = 2,    /* what the target shows, back to the payload's sender */
};

struct fanout_mail;

/* On the stack of the caller. */
struct fanout {
	struct user *user;
	const struct stanza *stanza;
	struct fanout_mail *mails; /* being filled, newest first */
};

/* stanza: presence without `to`, its `from` a full JID of the user's; borrowed until send. */
void fanout_start(struct fanout *fanout, struct user *user, const struct stanza *stanza);
/* bare: a local account; addresses of domains not served here are left out. */
void fanout_add(struct fanout *fanout, struct bytes bare, unsigned what);
void fanout_send(struct fanout *fanout);

#endif
