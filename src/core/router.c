#include "core/router.h"

#include "base/block.h"
#include "base/check.h"
#include "core/deliver.h"
#include "core/domain.h"
#include "core/place.h"
#include "core/reply.h"
#include "core/session.h"

struct routed {
	struct mail mail;
	struct stanza *stanza; /* a reference */
};

static void routed_arrived(struct mail *mail)
{
	struct routed *routed = container_of(mail, struct routed, mail);

	deliver_stanza(routed->stanza);
	stanza_unref(&routed->stanza);
	block_free(routed);
}

static bool router_is_request(const struct stanza *stanza)
{
	return stanza->kind == STANZA_MESSAGE ||
	       (stanza->kind == STANZA_IQ && !bytes_is(stanza->type, "result"));
}

/* False if the target is so full that the stanza must not be added. */
static bool router_has_room(unsigned shard, const struct stanza *stanza, struct session *origin)
{
	enum pressure pressure = mailbox_pressure(shard);

	if (pressure == PRESSURE_NONE)
		return true;
	if (origin != NULL)
		session_pause(origin);
	return pressure != PRESSURE_HARD || !router_is_request(stanza) ||
	       !reply_is_allowed(stanza);
}

static void router_post_to_shard(unsigned shard, const struct stanza *stanza)
{
	struct routed *routed = block_alloc(sizeof(*routed));

	*routed = (struct routed){ .mail = { .name = "router",
					     .deliver = routed_arrived,
					     .bytes = stanza->size_bytes },
				   .stanza = stanza_ref(stanza) };
	mailbox_post(shard, &routed->mail);
}

void router_post(const struct stanza *stanza, struct session *origin)
{
	struct jid to = jid_from_normal(stanza->to);
	unsigned shard;

	if (domain_find(jid_domain(to)) == NULL) {
		router_bounce(stanza, verdict_fail(CONDITION_REMOTE_SERVER_NOT_FOUND,
						   TEXT_REMOTE_SERVER_NOT_FOUND));
		return;
	}
	/* A domain is not an actor: what is addressed to it is handled where it was sent. */
	shard = to.local_len == 0 ? shard_id() : place_shard(to);
	if (!router_has_room(shard, stanza, origin)) {
		router_bounce(stanza, verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_NONE));
		return;
	}
	router_post_to_shard(shard, stanza);
}

void router_bounce(const struct stanza *stanza, struct verdict verdict)
{
	struct stanza *error;

	if (!reply_is_allowed(stanza))
		return;
	error = reply_error(stanza, verdict, text_lang_of(stanza->lang));
	router_post(error, NULL);
	stanza_unref(&error);
}
