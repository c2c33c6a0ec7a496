/*
 * The router: posts a stanza to the home of its `to`. Routing never answers: it returns
 * nothing, and a failure comes back to the sender as another stanza.
 */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "core/feature.h"

/*
 * stanza: `to` and `from` set and normalised; borrowed. origin: the session of this shard on
 * whose behalf it goes, or NULL; it is paused while the target's mailbox is above its soft
 * mark. Above the hard mark messages and IQ requests come back as resource-constraint.
 */
void router_post(const struct stanza *stanza, struct session *origin);
/* Posts the error reply to a stanza, unless nothing may answer it. */
void router_bounce(const struct stanza *stanza, struct verdict verdict);

#endif
