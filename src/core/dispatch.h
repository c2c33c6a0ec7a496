/*
 * Dispatch: an IQ request to the server or to an account goes to exactly one handler, found by
 * target, type, namespace and name. Two claims on one key refuse to start.
 */
#ifndef CORE_DISPATCH_H
#define CORE_DISPATCH_H

#include "core/feature.h"

/* Builds the table from the registry; -EEXIST names both features. */
int dispatch_build(struct err *ret_err);

/*
 * Handles the request in the passage, whose stanza is a valid IQ of type get or set, and sees
 * to its answer: service-unavailable if nobody claims it (RFC 6120 section 8.4).
 */
void dispatch_iq(const struct passage *passage, enum iq_target target,
		 const struct domain *domain);

/*
 * The same for a client that has not authenticated: consumes ask. request: a valid IQ of type
 * get or set without `from`, to the domain. What nobody claims ends the stream.
 */
void dispatch_preauth(struct stream_ask *ask, const struct stanza *request);

/* Top-level elements that are no stanzas (struct nonza_rule); false: nobody's. */
bool dispatch_nonza(struct session *session, const struct stanza *element);

#endif
