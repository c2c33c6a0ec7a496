/*
 * Services of core's for features, besides what core/feature.h declares: each stands here because
 * some features need it and most do not. All are called on the home of the user or session named.
 */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include "core/feature.h"

/* --- who sees the user -------------------------------------------------------------------- */

/*
 * A pattern is an address; it covers itself and (XEP-0016 section 2.1, XEP-0191 section 5) a bare
 * JID all its resources, a domain all that is on it.
 */

/*
 * Tells those whom the pattern covers, and who saw the user's presence by subscription or
 * directed presence, that the user is unavailable. That it stays so is for QUESTION_HIDDEN.
 */
void service_hide_from(struct user *user, struct jid pattern);
/*
 * Shows the user's presence to subscribers whom the pattern covers and from whom nothing hides it
 * any more, and asks for the presence of those whom the user sees.
 */
void service_show_to(struct user *user, struct jid pattern);
/*
 * May this address know whether the user is there? The user's own devices, and subscribers from
 * whom nothing hides the user.
 */
bool service_sees(struct user *user, struct jid viewer);

/* --- asking a device ----------------------------------------------------------------------- */

/*
 * The result or error; NULL if none came in time or the session ends, which it then does after
 * this call. Borrowed.
 */
typedef void service_answer_fn(struct session *session, const struct stanza *answer,
			       void *context);

/*
 * Asks the client of a session, in the name of its server, by an IQ get with this child
 * (well-formed XML with its own xmlns; copied). answered() is called exactly once, later, on this
 * shard. False: too many questions are open, and it is not called.
 */
bool service_ask(struct session *session, struct bytes child_xml, uint32_t deadline_ms,
		 service_answer_fn *answered, void *context);

/*
 * Has the client announced this disco feature, as far as is known by now? False for clients that
 * announce nothing or have not answered yet.
 */
bool service_supports(const struct session *session, struct bytes ns);

/* --- the user's card ---------------------------------------------------------------------- */

/*
 * The feature that keeps cards calls it with the batch that replaces (NULL: removes) one, before
 * it commits it: the others add what they derive from the card (struct feature.user_card).
 */
void service_card_set(struct user *user, const struct xnode *card, struct store_batch *batch);

#endif
