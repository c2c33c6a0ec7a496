#include "core/deliver.h"

#include <errno.h>

#include "base/blackbox.h"
#include "base/block.h"
#include "base/check.h"
#include "core/dispatch.h"
#include "core/domain.h"
#include "core/output.h"
#include "core/phase.h"
#include "core/presence.h"
#include "core/reply.h"
#include "core/router.h"
#include "core/session.h"
#include "core/shard_state.h"
#include "core/subscription.h"

struct option deliver_option_all =
	OPTION_BOOL("delivery.all_resources", OPTION_DOMAIN, true,
		    "Give each chat message to every available device, not only to the one of "
		    "highest priority.");

#define RULE(presence, address, normal, chat, groupchat, headline, error)                 \
	[DELIVERY_##presence][DELIVERY_##address] = { DELIVERY_##normal, DELIVERY_##chat, \
						      DELIVERY_##groupchat,               \
						      DELIVERY_##headline, DELIVERY_##error },
static const enum delivery rules[DELIVERY_PRESENCES][DELIVERY_ADDRESSES][DELIVERY_TYPES] = {
#include "core/deliver_rules.def"
};
#undef RULE

enum delivery deliver_rule(enum delivery_presence presence, enum delivery_address address,
			   enum delivery_type type)
{
	return rules[presence][address][type];
}

/* RFC 6121 section 5.2.2: no type, or an unknown one, is normal. */
static enum delivery_type deliver_type(struct bytes type)
{
	if (bytes_is(type, "chat"))
		return DELIVERY_CHAT;
	if (bytes_is(type, "groupchat"))
		return DELIVERY_GROUPCHAT;
	if (bytes_is(type, "headline"))
		return DELIVERY_HEADLINE;
	return bytes_is(type, "error") ? DELIVERY_ERROR : DELIVERY_NORMAL;
}

static bool is_candidate(const struct session *session)
{
	return session_is_available(session) && session->priority >= 0;
}

static enum delivery_presence deliver_presence(const struct user *user)
{
	enum delivery_presence found = DELIVERY_NO_RESOURCE;
	struct session *session = NULL;

	while (user != NULL && (session = user_session_next(user, session)) != NULL) {
		if (is_candidate(session))
			return DELIVERY_AVAILABLE;
		if (session_is_available(session))
			found = DELIVERY_NEGATIVE;
	}
	return found;
}

/* The highest non-negative priority; delivery.all_resources makes every candidate a winner. */
static int deliver_floor(const struct user *user, enum delivery delivery)
{
	struct session *session = NULL;
	int highest = 0;

	if (delivery == DELIVERY_TO_ALL ||
	    settings_bool(user->domain->settings, &deliver_option_all))
		return 0;
	while ((session = user_session_next(user, session)) != NULL)
		if (is_candidate(session) && session->priority > highest)
			highest = session->priority;
	return highest;
}

static void deliver_copy(const struct passage *passage, struct session *session)
{
	enum copy copy = phase_copy(passage, session);

	if (copy == COPY_PLAIN)
		output_to_session(session, passage->stanza);
}

/* Answers for the account: behind what it said before (RFC 6120 section 10.1). */
static void deliver_bounce(const struct passage *passage, struct verdict verdict)
{
	struct stanza *error;

	if (!reply_is_allowed(passage->stanza))
		return;
	error = reply_error(passage->stanza, verdict, text_lang_of(passage->stanza->lang));
	if (passage->user != NULL)
		output_post(passage->user, NULL, error);
	else
		router_post(error, NULL);
	stanza_unref(&error);
}

/* Sessions are held by the list while we walk: writing never ends one synchronously. */
static void deliver_to_many(const struct passage *passage, enum delivery delivery)
{
	int floor = deliver_floor(passage->user, delivery);
	struct session *session = NULL;

	while ((session = user_session_next(passage->user, session)) != NULL) {
		if (is_candidate(session) && session->priority >= floor)
			output_to_session(session, passage->stanza);
		else if (phase_has_copy())
			deliver_copy(passage, session);
	}
}

static void deliver_to_match(const struct passage *passage, struct session *match)
{
	struct session *session = NULL;

	output_to_session(match, passage->stanza);
	while (phase_has_copy() &&
	       (session = user_session_next(passage->user, session)) != NULL)
		if (session != match)
			deliver_copy(passage, session);
}

static void deliver_message(const struct passage *passage, struct session *match)
{
	enum delivery_address address = jid_is_bare(passage->to) ? DELIVERY_BARE
					: match != NULL		 ? DELIVERY_FULL_MATCH
								 : DELIVERY_FULL_NO_MATCH;
	enum delivery delivery = deliver_rule(deliver_presence(passage->user), address,
					      deliver_type(passage->stanza->type));

	switch (delivery) {
	case DELIVERY_TO_MATCH:
		deliver_to_match(passage, match);
		output_vouch(passage->user, passage->stanza);
		break;
	case DELIVERY_TO_ALL:
	case DELIVERY_TO_MOST:
		deliver_to_many(passage, delivery);
		output_vouch(passage->user, passage->stanza);
		break;
	case DELIVERY_KEEP:
		if (phase_keep(passage)) {
			if (passage->user != NULL)
				output_vouch(passage->user, passage->stanza);
			break;
		}
		/* fall through */
	case DELIVERY_UNAVAILABLE:
		deliver_bounce(passage, verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE));
		break;
	case DELIVERY_IGNORE:
		break;
	}
}

/* RFC 6121 sections 8.5.1 to 8.5.3: the server answers for a bare JID, a resource for itself.
 */
static void deliver_iq(const struct passage *passage, struct session *match)
{
	bool is_request = bytes_is(passage->stanza->type, "get") ||
			  bytes_is(passage->stanza->type, "set");

	if (match != NULL) {
		output_to_session(match, passage->stanza);
		output_vouch(match->user, passage->stanza);
	} else if (is_request && jid_is_bare(passage->to)) {
		dispatch_iq(passage, TO_OTHER, passage->domain);
	} else {
		deliver_bounce(passage, verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE));
	}
}

static void deliver_onward(const struct passage *passage)
{
	struct session *match = NULL;

	if (passage->user != NULL && jid_is_full(passage->to))
		match = session_find(passage->user, jid_resource(passage->to));
	switch (passage->stanza->kind) {
	case STANZA_MESSAGE:
		deliver_message(passage, match);
		break;
	case STANZA_PRESENCE:
		presence_received(passage, match);
		break;
	case STANZA_IQ:
		deliver_iq(passage, match);
		break;
	case STANZA_OTHER:
		check(!"not a stanza");
	}
}

/* The line itself: check, stamp, record, deliver. */
static void deliver_pass(struct passage *passage, struct stanza **stanza)
{
	struct verdict verdict = phase_check(passage);

	if (verdict.kind == VERDICT_PASS)
		verdict = phase_edit(passage, stanza);
	if (verdict.kind == VERDICT_FAIL)
		deliver_bounce(passage, verdict);
	if (verdict.kind != VERDICT_PASS)
		return;
	phase_record(passage);
	deliver_onward(passage);
}

/* A message to a domain is for nobody; presence to it says nothing to us; IQs were dispatched.
 */
static void deliver_to_domain(const struct passage *passage)
{
	const struct stanza *stanza = passage->stanza;
	bool is_request = bytes_is(stanza->type, "get") || bytes_is(stanza->type, "set");

	if (stanza->kind == STANZA_IQ && is_request && jid_is_domain(passage->to))
		dispatch_iq(passage, TO_SERVER, passage->domain);
	else if (stanza->kind != STANZA_PRESENCE)
		router_bounce(stanza, verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE));
}

/* A stanza for an account that is loading or recovering waits in line. */
struct deliver_wait {
	struct user_wait wait;
	struct stanza *stanza;
};

static void deliver_now(struct passage *passage)
{
	struct stanza *stanza = stanza_ref(passage->stanza);
	struct user *user = passage->user;

	if (user != NULL)
		user->pins++;
	if (blackbox_begin(shard_id(), stanza_tail(stanza))) {
		deliver_pass(passage, &stanza);
		blackbox_end(shard_id());
	} else {
		router_bounce(stanza, verdict_fail(CONDITION_INTERNAL_SERVER_ERROR,
						   TEXT_STANZA_SET_ASIDE));
	}
	stanza_unref(&stanza);
	if (user != NULL) {
		user->pins--;
		user_release(user);
	}
}

static struct passage passage_of(const struct stanza *stanza, struct user *user,
				 const struct domain *domain)
{
	return (struct passage){ .line = LINE_RECEIVED,
				 .stanza = stanza,
				 .from = jid_from_normal(stanza->from),
				 .to = jid_from_normal(stanza->to),
				 .domain = domain,
				 .user = user };
}

static void deliver_resume(struct user_wait *wait, struct user *user, int status)
{
	struct deliver_wait *waiting = container_of(wait, struct deliver_wait, wait);
	struct passage passage = passage_of(waiting->stanza, user, user->domain);

	if (status == -ENOENT)
		passage.user = NULL;
	if (status == 0 || status == -ENOENT)
		deliver_now(&passage);
	else
		router_bounce(waiting->stanza,
			      verdict_fail(CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE));
	stanza_unref(&waiting->stanza);
	block_free(waiting);
}

/*
 * What changes the account must find it loaded, and what the account is asked must: whom it has
 * blocked gets no answer. Everything else leaves a cold one cold.
 */
static bool deliver_needs_account(const struct stanza *stanza, struct jid to)
{
	enum subscription_stanza subscription;

	if (stanza->kind == STANZA_IQ)
		return jid_is_bare(to) &&
		       (bytes_is(stanza->type, "get") || bytes_is(stanza->type, "set"));
	return stanza->kind == STANZA_PRESENCE &&
	       subscription_stanza_of(stanza->type, &subscription);
}

void deliver_stanza(const struct stanza *stanza)
{
	struct jid to = jid_from_normal(stanza->to);
	const struct domain *domain = domain_find(jid_domain(to));
	struct user *user;
	struct deliver_wait *waiting;

	if (domain == NULL) { /* removed since the router looked */
		router_bounce(stanza, verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_NONE));
		return;
	}
	user = to.local_len == 0		   ? NULL
	       : deliver_needs_account(stanza, to) ? user_wake(to, domain)
						   : user_find(jid_bare(to));
	struct passage passage = passage_of(stanza, user, domain);
	if (to.local_len == 0) {
		deliver_to_domain(&passage);
	} else if (user == NULL || user_is_ready(user)) {
		deliver_now(&passage);
	} else {
		waiting = block_alloc(sizeof(*waiting));
		waiting->wait.run = deliver_resume;
		waiting->stanza = stanza_ref(stanza);
		user_when_ready(user, &waiting->wait);
	}
}
