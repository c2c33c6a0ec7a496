/*
 * Subscriptions (RFC 6121 section 3): acts on the state machine of subscription.h. The two
 * sides are two homes: each commits its half, together with a record of what it still owes the
 * other (core/handover.h), before anything leaves.
 */
#ifndef CORE_SUBSCRIBE_H
#define CORE_SUBSCRIBE_H

#include "core/session.h"
#include "core/subscription.h"

/* The sent line: a subscription stanza of a session's. */
void subscribe_sent(struct session *session, const struct passage *passage,
		    enum subscription_stanza kind);
/* The received line; passage->user may be NULL: then the account is loaded. */
void subscribe_received(const struct passage *passage, enum subscription_stanza kind);
/* Section 2.5: takes a contact out of the roster and ends both subscriptions. */
struct verdict subscribe_remove(struct iq *iq, struct jid contact);
/* The same, as an administrator does it: 0, or -ENOENT. */
int subscribe_drop(struct user *user, struct jid contact);
/*
 * Makes a loaded user ask for the contact's presence, whose own request is approved, beforehand
 * (section 3.4) if need be. content: XML for the request.
 */
void subscribe_invited(struct user *user, struct jid contact, struct bytes content);
/* Requests that wait for an answer, to a session that became available (section 3.1.3). */
void subscribe_remind(struct session *session);

/* roster.auto_subscribe */
extern struct option subscribe_option_auto;
/* limits.subscription_requests */
extern struct option subscribe_option_max;

#endif
