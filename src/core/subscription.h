/*
 * The state machine of a presence subscription (RFC 6121 appendix A), as a table without memory
 * or effects; subscribe.c acts on it.
 */
#ifndef CORE_SUBSCRIPTION_H
#define CORE_SUBSCRIPTION_H

#include <stdbool.h>

#include "base/bytes.h"

enum subscription {
#define STATE(name, word, ask, listed) SUBSCRIPTION_##name,
#include "core/subscription.def"
#undef STATE
	SUBSCRIPTIONS
};

enum subscription_stanza {
	SUBSCRIPTION_STANZA_SUBSCRIBE,
	SUBSCRIPTION_STANZA_UNSUBSCRIBE,
	SUBSCRIPTION_STANZA_SUBSCRIBED,
	SUBSCRIPTION_STANZA_UNSUBSCRIBED,
	SUBSCRIPTION_STANZAS
};

enum subscription_line { SUBSCRIPTION_LINE_OUT, SUBSCRIPTION_LINE_IN };

enum subscription_pass {
	SUBSCRIPTION_STOP,  /* not routed, not delivered */
	SUBSCRIPTION_PASS,  /* routed (OUT), delivered (IN) */
	SUBSCRIPTION_REPLY, /* answered `subscribed` without asking the user again */
};

struct subscription_move {
	enum subscription next;
	enum subscription_pass pass;
};

struct subscription_move subscription_move(enum subscription_line line,
					   enum subscription_stanza stanza,
					   enum subscription old);
/* By the type attribute of a presence stanza; false if it is none of the four. */
bool subscription_stanza_of(struct bytes type, enum subscription_stanza *ret_stanza);
/* "none", "to", "from", "both". */
const char *subscription_word(enum subscription state);
/* A request of the user's is unanswered: ask='subscribe'. */
bool subscription_is_asking(enum subscription state);
/* A client may see such an item. */
bool subscription_is_listed(enum subscription state);
/* The user gets the contact's presence: to, both. */
bool subscription_has_to(enum subscription state);
/* The contact gets the user's presence: from, both. */
bool subscription_has_from(enum subscription state);
/* The contact's request is unanswered. */
bool subscription_has_request(enum subscription state);

#endif
