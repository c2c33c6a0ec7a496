/*
 * Hand-over: what one home owes another. A record naming the stanza is committed with the
 * sender's own change; it is deleted when the recipient's home has committed what it did with
 * it. What is still on record at start is handed over again (docs/architecture.md,
 * "Hand-over"), so no crash leaves one half of a change for good. Recipients take repetitions
 * without harm: subscription stanzas are idempotent.
 */
#ifndef CORE_HANDOVER_H
#define CORE_HANDOVER_H

#include "core/session.h"

extern struct store_decl handover_store;

/* Adds the record to the batch; returns its number. stanza: `from` and `to` bare. */
uint64_t handover_record(struct store_batch *batch, const struct stanza *stanza);
/* Posts the stanza through the user's gate, once its batch was given to user_commit(). */
void handover_post(struct user *user, const struct stanza *stanza, uint64_t number);
/* At start, on shard 0, when all shards have their domains: hands over again what is on record.
 */
void handover_resume(void);

#endif
