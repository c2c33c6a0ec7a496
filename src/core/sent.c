#include "core/sent.h"

#include "base/blackbox.h"
#include "base/block.h"
#include "base/check.h"
#include "core/ask.h"
#include "core/dispatch.h"
#include "core/domain.h"
#include "core/output.h"
#include "core/phase.h"
#include "core/presence.h"
#include "core/reply.h"
#include "core/shard_state.h"

static void sent_fail(struct session *session, const struct stanza *stanza,
		      struct verdict verdict)
{
	struct stanza *error;

	if (!reply_is_allowed(stanza))
		return;
	error = reply_error(stanza, verdict, session_lang(session));
	output_to_session(session, error);
	stanza_unref(&error);
}

/* RFC 6120 section 8.2.3. */
static struct verdict sent_check_iq(const struct stanza *stanza)
{
	const struct xnode *child = xnode_first_child(stanza_root(stanza));
	bool is_request = bytes_is(stanza->type, "get") || bytes_is(stanza->type, "set");
	bool is_answer = bytes_is(stanza->type, "result") || bytes_is(stanza->type, "error");

	if ((!is_request && !is_answer) || bytes_is_none(stanza->id))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (is_request && (child == NULL || xnode_next(child) != NULL))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	return verdict_pass();
}

static struct verdict sent_check_form(const struct stanza *stanza)
{
	switch (stanza->kind) {
	case STANZA_IQ:
		return sent_check_iq(stanza);
	case STANZA_PRESENCE:
		return presence_check_type(stanza->type)
			       ? verdict_pass()
			       : verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	case STANZA_MESSAGE: /* RFC 6121 section 5.2.2: an unknown type means normal */
	case STANZA_OTHER:
		break;
	}
	return verdict_pass();
}

/*
 * Parses `to`; a message without one is to the own account (RFC 6120 section 10.3.1). *stanza
 * is replaced if the address was not in normal form, so that `to` always is.
 */
static bool sent_address(struct stanza **stanza, struct jid own, struct jid *ret_to)
{
	struct stanza_edit edit;
	struct stanza *edited;

	*ret_to = jid_to_bare(own);
	if (!bytes_is_none((*stanza)->to)) {
		if (jid_parse_borrowed(scratch(), (*stanza)->to, ret_to, NULL) < 0)
			return false;
		if (ret_to->full.ptr == (*stanza)->to.ptr)
			return true;
	} else if ((*stanza)->kind != STANZA_MESSAGE) {
		return true;
	}
	stanza_edit_init(&edit, *stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_TO, ret_to->full);
	edited = stanza_edit_seal(&edit);
	stanza_unref(stanza);
	*stanza = edited;
	*ret_to = jid_from_normal(edited->to);
	return true;
}

static bool is_iq_answer(const struct stanza *stanza)
{
	return bytes_is(stanza->type, "result") || bytes_is(stanza->type, "error");
}

static void sent_iq(struct session *session, const struct passage *passage)
{
	const struct stanza *stanza = passage->stanza;
	struct jid own = jid_to_bare(session->jid);
	const struct domain *asked;
	bool is_own = bytes_is_none(stanza->to) || jid_equal(passage->to, own);

	if (is_own) {
		if (!is_iq_answer(stanza))
			dispatch_iq(passage, TO_ACCOUNT, passage->domain);
		else
			ask_answered(session, stanza);
		return;
	}
	asked = jid_is_domain(passage->to) ? domain_find(jid_domain(passage->to)) : NULL;
	if (asked == NULL)
		output_post(session->user, session, stanza);
	else if (!is_iq_answer(stanza))
		dispatch_iq(passage, TO_SERVER, asked);
	else
		ask_answered(session, stanza);
}

static void sent_onward(struct session *session, const struct passage *passage)
{
	switch (passage->stanza->kind) {
	case STANZA_IQ:
		sent_iq(session, passage);
		break;
	case STANZA_PRESENCE:
		presence_sent(session, passage);
		break;
	case STANZA_MESSAGE:
		output_post(session->user, session, passage->stanza);
		break;
	case STANZA_OTHER:
		check(!"not a stanza");
	}
}

/* The line itself: check, rewrite, stamp, record, onward. */
static void sent_pass(struct session *session, struct stanza **stanza)
{
	struct passage passage = { .line = LINE_SENT,
				   .from = session->jid,
				   .domain = session->user->domain,
				   .user = session->user,
				   .session = session };
	struct verdict verdict = sent_check_form(*stanza);

	if (verdict.kind == VERDICT_PASS && !sent_address(stanza, session->jid, &passage.to))
		verdict = verdict_fail(CONDITION_JID_MALFORMED, TEXT_NONE);
	passage.stanza = *stanza;
	if (verdict.kind == VERDICT_PASS)
		verdict = phase_check(&passage);
	if (verdict.kind == VERDICT_PASS)
		verdict = phase_edit(&passage, stanza);
	if (verdict.kind == VERDICT_FAIL)
		sent_fail(session, *stanza, verdict);
	if (verdict.kind != VERDICT_PASS)
		return;
	phase_record(&passage);
	sent_onward(session, &passage);
}

static void sent_guarded(struct session *session, struct stanza **stanza)
{
	struct user *user = session->user;

	user->pins++;
	session_ref(session);
	if (blackbox_begin(shard_id(), stanza_tail(*stanza))) {
		sent_pass(session, stanza);
		blackbox_end(shard_id());
	} else {
		sent_fail(session, *stanza,
			  verdict_fail(CONDITION_INTERNAL_SERVER_ERROR, TEXT_STANZA_SET_ASIDE));
	}
	session_unref(&session);
	user->pins--;
	user_release(user);
}

/* A stanza that came while the account was loading or recovering. */
struct sent_wait {
	struct user_wait wait;
	struct session *session;
	struct stanza *stanza;
};

static void sent_resume(struct user_wait *wait, struct user *user, int status)
{
	struct sent_wait *waiting = container_of(wait, struct sent_wait, wait);

	(void)user;
	if (status == 0 && !waiting->session->is_gone)
		sent_guarded(waiting->session, &waiting->stanza);
	stanza_unref(&waiting->stanza);
	session_unref(&waiting->session);
	block_free(waiting);
}

void sent_stanza(struct session *session, struct stanza *taken)
{
	struct sent_wait *waiting;

	check_magic(session, SESSION_MAGIC);
	user_check(session->user);
	if (user_is_ready(session->user)) {
		sent_guarded(session, &taken);
		stanza_unref(&taken);
		return;
	}
	waiting = block_alloc(sizeof(*waiting));
	waiting->wait.run = sent_resume;
	waiting->session = session_ref(session);
	waiting->stanza = taken;
	user_when_ready(session->user, &waiting->wait);
}
