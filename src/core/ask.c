#include "core/ask.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/block.h"
#include "base/check.h"
#include "base/secret.h"
#include "core/service.h"
#include "core/shard_state.h"
#include "xml/build.h"

enum { ASKS_MAX = 8, ASK_ID_BYTES = 24 };

struct ask {
	struct ask *next; /* of the session's */
	struct session *session;
	struct timer deadline;
	service_answer_fn *answered;
	void *context;
	char id[ASK_ID_BYTES];
};

/* Takes it out of the session's list and tells; the callback may ask again. */
static void ask_end(struct ask *ask, const struct stanza *answer)
{
	struct session *session = ask->session;
	struct ask **at = &session->asks;

	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	timer_disarm(&ask->deadline);
	ask->answered(session, answer, ask->context);
	block_free(ask);
}

static void ask_expired(struct timer *timer)
{
	ask_end(container_of(timer, struct ask, deadline), NULL);
}

void ask_answered(struct session *session, const struct stanza *answer)
{
	for (struct ask *ask = session->asks; ask != NULL; ask = ask->next) {
		if (bytes_is(answer->id, ask->id)) {
			ask_end(ask, answer);
			return;
		}
	}
}

void ask_abandon(struct session *session)
{
	while (session->asks != NULL)
		ask_end(session->asks, NULL);
}

static void ask_send(const struct ask *ask, struct bytes child_xml)
{
	struct stanza *question =
		stanza_from_parts(STANZA_IQ,
				  &(struct stanza_head){ .to = ask->session->jid.full,
							 .from = jid_domain(ask->session->jid),
							 .id = bytes_of(ask->id),
							 .type = BYTES_LIT("get") },
				  child_xml);

	check(question != NULL);
	session_send(ask->session, question);
	stanza_unref(&question);
}

bool service_ask(struct session *session, struct bytes child_xml, uint32_t deadline_ms,
		 service_answer_fn *answered, void *context)
{
	struct ask *ask = session->asks;
	unsigned count = 0;

	for (; ask != NULL; ask = ask->next)
		count++;
	if (session->stream == NULL || count >= ASKS_MAX) /* gone, or going */
		return false;
	ask = block_alloc_zeroed(sizeof(*ask));
	ask->session = session;
	ask->answered = answered;
	ask->context = context;
	snprintf(ask->id, sizeof(ask->id), "ask-%" PRIx64, random_u64());
	ask->next = session->asks;
	session->asks = ask;
	timer_init(&ask->deadline, "ask.deadline", ask_expired);
	shard_arm(&ask->deadline, deadline_ms);
	ask_send(ask, child_xml);
	return true;
}
