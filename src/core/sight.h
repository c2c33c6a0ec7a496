/*
 * Sight: who sees a user's presence after the features had their say. A subscription allows it; a
 * feature (blocking) may hide the user all the same. What features call is in core/service.h.
 */
#ifndef CORE_SIGHT_H
#define CORE_SIGHT_H

#include "core/session.h"

/* other: a normalised JID. Presence must neither be sent to it nor its probe be answered. */
bool sight_is_hidden(struct user *user, struct bytes other);
/* Does the pattern cover the address (core/service.h)? */
bool sight_covers(struct jid pattern, struct jid other);

#endif
