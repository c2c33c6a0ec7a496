/*
 * Requests before authentication (XEP-0077 section 3.1.1), for features with iq rules of target
 * TO_PREAUTH: what they may know of the client that asks, and what its stream keeps for them.
 * Such a request has no user; its answer goes to the stream it came from.
 */
#ifndef CORE_PREAUTH_H
#define CORE_PREAUTH_H

#include "core/feature.h"

/* The network that limits count by, binary; empty if the client has gone or is local. */
struct bytes preauth_network(const struct iq *iq);
/* What preauth_remember() left on this stream, BYTES_NONE at first. Borrowed for the call. */
struct bytes preauth_memory(const struct iq *iq);
/* A few bytes, copied; they stay until the client has authenticated. */
void preauth_remember(struct iq *iq, struct bytes memory);
/* The same before a waiting request is answered. */
void preauth_remember_later(struct iq_token *token, struct bytes memory);

#endif
