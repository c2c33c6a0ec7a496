/*
 * Outputs: what leaves an actor through its gate. With the gate open nothing is allocated.
 */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include "core/session.h"

/* To a session of this home. */
void output_to_session(struct session *session, const struct stanza *stanza);
/* The same with another `to` (a full or bare JID of this account's). */
void output_to_session_as(struct session *session, const struct stanza *stanza,
			  struct bytes to);
/* An answer to a request of this session: if its commit fails, an error takes its place. */
void output_answer(struct session *session, const struct stanza *answer);
/*
 * Into the world. If the commit it depends on fails, `origin` (NULL accepted) is told
 * internal-server-error instead, unless the stanza is an error or a result.
 */
void output_post(struct user *user, struct session *origin, const struct stanza *stanza);
/*
 * A stanza from elsewhere was given to sessions of this home, as many as there were. If the
 * commit that this waits for fails, its sender is told internal-server-error, once.
 */
void output_vouch(struct user *user, const struct stanza *stanza);

#endif
