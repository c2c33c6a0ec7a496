#include "core/subscribe.h"

#include <errno.h>

#include "base/check.h"
#include "core/domain.h"
#include "core/handover.h"
#include "core/output.h"
#include "core/phase.h"
#include "core/presence.h"
#include "core/reply.h"
#include "core/roster.h"
#include "core/shard_state.h"
#include "core/sight.h"
#include "xml/build.h"

enum auto_subscribe { AUTO_OFF, AUTO_LOCAL, AUTO_ALL };
static const char *const auto_words[] = { "off", "local", "all", NULL };
struct option subscribe_option_auto =
	OPTION_ENUM("roster.auto_subscribe", OPTION_DOMAIN, AUTO_OFF, auto_words,
		    "Accept contact requests without asking the user: never, those from this "
		    "server's domains, or all; both get each other's presence.");

struct option subscribe_option_max =
	OPTION_INT("limits.subscription_requests", OPTION_DOMAIN, 100, 0, 10000,
		   "How many unanswered contact requests of strangers an account keeps; more "
		   "are dropped.");

/*
 * One change of a subscription: what the roster item becomes, and what leaves in which order.
 * Everything is committed in one batch.
 */
struct subscribe_step {
	struct user *user;
	struct bytes contact;
	struct roster_change change;
	enum subscription before;
	struct store_batch *batch;
	struct iq *asked;	    /* the request that this does, answered first; or NULL */
	const struct stanza *heard; /* the stanza that did it, told before the push; or NULL */
	unsigned owed_count;
	struct {
		struct stanza *stanza;
		uint64_t number;
	} owed[2];
};

static void step_begin(struct subscribe_step *step, struct user *user, struct bytes contact)
{
	*step = (struct subscribe_step){ .user = user, .contact = contact };
	step->change = roster_change_of(roster_of(user), contact);
	step->before = step->change.state;
	step->batch = store_batch_new(core_store(), user->jid.full);
}

/* Takes the stanza: it is owed to the contact's home. */
static void step_owe(struct subscribe_step *step, struct stanza *taken)
{
	check(step->owed_count < array_len(step->owed));
	step->owed[step->owed_count].stanza = taken;
	step->owed[step->owed_count++].number = handover_record(step->batch, taken);
}

static void step_owe_type_with(struct subscribe_step *step, const char *type,
			       struct bytes content)
{
	step_owe(step, stanza_from_parts(STANZA_PRESENCE,
					 &(struct stanza_head){ .from = step->user->jid.full,
								.to = step->contact,
								.type = bytes_of(type) },
					 content));
}

static void step_owe_type(struct subscribe_step *step, const char *type)
{
	step_owe_type_with(step, type, BYTES_NONE);
}

static bool step_has_changed(const struct subscribe_step *step)
{
	const struct roster_item *item = roster_find(roster_of(step->user), step->contact);

	return step->change.state != step->before ||
	       step->change.flags != (item == NULL ? 0 : item->flags);
}

/* To the available sessions (a request), or to those that show a roster. */
static void subscribe_tell(struct user *user, const struct stanza *stanza, bool is_request)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (is_request ? session_is_available(session) : session->is_interested)
			output_to_session(session, stanza);
}

/*
 * Commits and lets go: who loses sight of the user is told first (section 3.2.2), then what is
 * owed leaves; the user's devices hear what happened, then get their push (sections 3.1.6,
 * 3.2.3, 3.3.3: the push is understood by what came before it); who gains sight sees the user.
 */
static void step_end(struct subscribe_step *step)
{
	bool is_shared = roster_is_shared(step->user, step->contact);
	bool had_from = is_shared || subscription_has_from(step->before);
	bool has_from = is_shared || subscription_has_from(step->change.state);
	struct jid contact = jid_from_normal(step->contact);
	bool is_pushed;

	if (!subscription_has_request(step->change.state))
		step->change.request = BYTES_NONE;
	is_pushed =
		step_has_changed(step) && roster_apply(step->user, &step->change, step->batch);
	if (store_batch_count(step->batch) == 0)
		store_batch_free(&step->batch);
	else
		user_commit(step->user, &step->batch);
	if (step->asked != NULL)
		iq_ok(step->asked);
	if (had_from && !has_from)
		presence_hide(step->user, contact);
	for (unsigned i = 0; i < step->owed_count; i++) {
		handover_post(step->user, step->owed[i].stanza, step->owed[i].number);
		stanza_unref(&step->owed[i].stanza);
	}
	if (step->heard != NULL)
		subscribe_tell(step->user, step->heard, false);
	if (is_pushed)
		roster_push(step->user, step->contact);
	if (has_from && !had_from)
		presence_show(step->user, contact);
}

/* --- the sent line -------------------------------------------------------------------------
 */

static void subscribe_refuse(struct session *session, const struct stanza *stanza,
			     struct verdict verdict)
{
	struct stanza *error = reply_error(stanza, verdict, session_lang(session));

	output_to_session(session, error);
	stanza_unref(&error);
}

/* Subscriptions are between bare JIDs (section 3.1.2). */
static struct stanza *subscribe_between_bares(const struct stanza *stanza, struct bytes from,
					      struct bytes to)
{
	struct stanza_edit edit;

	stanza_edit_init(&edit, stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_FROM, from);
	stanza_edit_set(&edit, STANZA_ATTR_TO, to);
	return stanza_edit_seal(&edit);
}

static void step_outbound(struct subscribe_step *step, enum subscription_stanza kind,
			  struct subscription_move move)
{
	step->change.state = move.next;
	if (kind == SUBSCRIPTION_STANZA_SUBSCRIBED && move.pass == SUBSCRIPTION_STOP &&
	    !subscription_has_from(move.next))
		step->change.flags |= ROSTER_APPROVED; /* section 3.4 */
	if (kind == SUBSCRIPTION_STANZA_UNSUBSCRIBED)
		step->change.flags &= ~(unsigned)ROSTER_APPROVED;
}

/* True, or why the contact cannot be added. */
static bool subscribe_has_room(struct user *user, struct bytes contact,
			       struct verdict *ret_refusal)
{
	if (contact.len > ROSTER_JID_MAX) {
		*ret_refusal = verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_NONE);
		return false;
	}
	if (roster_find(roster_of(user), contact) == NULL && !roster_has_room(user)) {
		*ret_refusal = verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_ROSTER_FULL);
		return false;
	}
	return true;
}

void subscribe_sent(struct session *session, const struct passage *passage,
		    enum subscription_stanza kind)
{
	struct user *user = session->user;
	struct bytes contact = jid_bare(passage->to);
	struct subscribe_step step;
	struct subscription_move move;
	struct verdict refusal;

	if (bytes_equal(contact, user->jid.full))
		return;
	if (domain_find(jid_domain(passage->to)) == NULL) {
		subscribe_refuse(session, passage->stanza,
				 verdict_fail(CONDITION_REMOTE_SERVER_NOT_FOUND,
					      TEXT_REMOTE_SERVER_NOT_FOUND));
		return;
	}
	if (!subscribe_has_room(user, contact, &refusal)) {
		subscribe_refuse(session, passage->stanza, refusal);
		return;
	}
	step_begin(&step, user, contact);
	move = subscription_move(SUBSCRIPTION_LINE_OUT, kind, step.before);
	step_outbound(&step, kind, move);
	if (move.pass == SUBSCRIPTION_PASS)
		step_owe(&step,
			 subscribe_between_bares(passage->stanza, user->jid.full, contact));
	step_end(&step);
}

void subscribe_invited(struct user *user, struct jid contact, struct bytes content)
{
	struct subscribe_step step;

	if (bytes_equal(contact.full, user->jid.full))
		return;
	step_begin(&step, user, contact.full);
	if (subscription_has_request(step.before)) { /* he has asked already */
		step.change.state =
			subscription_move(SUBSCRIPTION_LINE_OUT, SUBSCRIPTION_STANZA_SUBSCRIBED,
					  step.before)
				.next;
		step_owe_type(&step, "subscribed");
	} else if (!subscription_has_from(step.before)) {
		step.change.flags |= ROSTER_APPROVED;
	}
	step.change.state = subscription_move(SUBSCRIPTION_LINE_OUT,
					      SUBSCRIPTION_STANZA_SUBSCRIBE, step.change.state)
				    .next;
	step_owe_type_with(&step, "subscribe", content);
	step_end(&step);
}

static bool is_listed(const struct roster_item *item)
{
	return item != NULL && (item->flags & ROSTER_IN_LIST) != 0;
}

/* Section 2.5.2: both directions end. */
static void step_remove(struct subscribe_step *step)
{
	if (subscription_has_to(step->before) || subscription_is_asking(step->before))
		step_owe_type(step, "unsubscribe");
	if (subscription_has_from(step->before) || subscription_has_request(step->before))
		step_owe_type(step, "unsubscribed");
	step->change =
		(struct roster_change){ .jid = step->contact, .state = SUBSCRIPTION_NONE };
	step_end(step);
}

struct verdict subscribe_remove(struct iq *iq, struct jid contact)
{
	struct subscribe_step step;

	if (!is_listed(roster_find(roster_of(iq->user), contact.full)))
		return verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	step_begin(&step, iq->user, contact.full);
	step.asked = iq;
	step_remove(&step);
	return verdict_done();
}

int subscribe_drop(struct user *user, struct jid contact)
{
	struct subscribe_step step;

	if (!is_listed(roster_find(roster_of(user), contact.full)))
		return -ENOENT;
	step_begin(&step, user, contact.full);
	step_remove(&step);
	return 0;
}

/* --- the received line ---------------------------------------------------------------------
 */

static bool subscribe_is_automatic(const struct passage *passage)
{
	int policy = settings_enum(passage->domain->settings, &subscribe_option_auto);

	return policy == AUTO_ALL ||
	       (policy == AUTO_LOCAL && domain_find(jid_domain(passage->from)) != NULL);
}

/* Accepted without asking the user: pre-approved (section 3.4.2), by a token, or by policy. */
static void step_accept(struct subscribe_step *step, bool is_mutual)
{
	step->change.state =
		subscription_move(SUBSCRIPTION_LINE_OUT, SUBSCRIPTION_STANZA_SUBSCRIBED,
				  step->change.state)
			.next;
	step_owe_type(step, "subscribed");
	if (!is_mutual || subscription_has_to(step->change.state) ||
	    subscription_is_asking(step->change.state))
		return;
	step->change.state =
		subscription_move(SUBSCRIPTION_LINE_OUT, SUBSCRIPTION_STANZA_SUBSCRIBE,
				  step->change.state)
			.next;
	step_owe_type(step, "subscribe");
}

/* Section 3.1.3: the request, with what it says (a nickname, a greeting), waits for an answer.
 */
static void step_keep_request(struct subscribe_step *step, const struct stanza *stanza)
{
	struct bytes content = stanza_content(stanza);

	step->change.request = content.len > ROSTER_REQUEST_MAX ? BYTES_LIT("") : content;
}

static void subscribe_asked(const struct passage *passage, struct subscribe_step *step,
			    struct subscription_move move)
{
	bool is_automatic =
		subscribe_is_automatic(passage) ||
		(move.pass == SUBSCRIPTION_PASS && phase_answer(QUESTION_INVITED, passage));

	if (move.pass == SUBSCRIPTION_REPLY) { /* the other side lost its half */
		step_owe_type(step, "subscribed");
		step_end(step);
		presence_show(passage->user, jid_to_bare(passage->from));
		return;
	}
	step->change.state = move.next;
	if (move.pass == SUBSCRIPTION_PASS &&
	    ((step->change.flags & ROSTER_APPROVED) != 0 || is_automatic ||
	     phase_answer(QUESTION_PREAPPROVED, passage))) {
		step_accept(step, is_automatic);
		step_end(step);
		return;
	}
	if (move.pass == SUBSCRIPTION_PASS)
		step_keep_request(step, passage->stanza);
	step_end(step);
	if (move.pass == SUBSCRIPTION_PASS)
		subscribe_tell(passage->user, passage->stanza, true);
}

/* A flood of requests fills nobody's memory; silence tells the senders nothing. */
static bool subscribe_is_heard(struct user *user, struct bytes contact)
{
	const struct roster *roster = roster_of(user);

	return contact.len <= ROSTER_JID_MAX &&
	       (roster_find(roster, contact) != NULL ||
		roster->unlisted < settings_int(user->domain->settings, &subscribe_option_max));
}

void subscribe_received(const struct passage *passage, enum subscription_stanza kind)
{
	struct subscribe_step step;
	struct subscription_move move;

	if (passage->user == NULL || jid_bare_equal(passage->from, passage->user->jid) ||
	    !subscribe_is_heard(passage->user, jid_bare(passage->from)))
		return;
	step_begin(&step, passage->user, jid_bare(passage->from));
	move = subscription_move(SUBSCRIPTION_LINE_IN, kind, step.before);
	if (kind == SUBSCRIPTION_STANZA_SUBSCRIBE) {
		subscribe_asked(passage, &step, move);
		return;
	}
	step.change.state = move.next;
	if (move.pass == SUBSCRIPTION_PASS)
		step.heard = passage->stanza;
	step_end(&step);
}

void subscribe_remind(struct session *session)
{
	const struct roster *roster = roster_of(session->user);

	for (uint32_t i = 0; i < roster->count; i++) {
		const struct roster_item *item = roster->items[i];
		struct stanza *request;
		if (!subscription_has_request((enum subscription)item->state) ||
		    sight_is_hidden(session->user, roster_item_jid(item)))
			continue;
		request = stanza_from_parts(
			STANZA_PRESENCE,
			&(struct stanza_head){ .from = roster_item_jid(item),
					       .to = session->user->jid.full,
					       .type = BYTES_LIT("subscribe") },
			roster_item_request(item));
		output_to_session(session, request);
		stanza_unref(&request);
	}
}
