#include "core/output.h"

#include "base/block.h"
#include "base/check.h"
#include "core/reply.h"
#include "core/router.h"

enum output_kind { OUTPUT_SESSION, OUTPUT_ANSWER, OUTPUT_POST, OUTPUT_VOUCH };

/* An output that has to wait for a commit. */
struct held_output {
	struct gate_output gate;
	enum output_kind kind;
	struct session *session; /* a reference; POST: the origin or NULL */
	struct stanza *stanza;	 /* a reference */
};

static void output_tell_failure(struct session *session, const struct stanza *about)
{
	struct stanza *error;

	if (session == NULL || !reply_is_allowed(about))
		return;
	error = reply_error(about, verdict_fail(CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE),
			    session_lang(session));
	session_write(session, error);
	stanza_unref(&error);
}

/* The result whose commit failed becomes an error with the same id, from and to. */
static void output_replace_answer(struct session *session, const struct stanza *answer)
{
	struct stanza *error = reply_failed_answer(answer, session_lang(session));

	session_write(session, error);
	stanza_unref(&error);
}

/* Errors, and that somebody is no longer there, are true whatever became of the commit. */
static bool output_is_true_anyway(const struct stanza *stanza)
{
	return bytes_is(stanza->type, "error") ||
	       (stanza->kind == STANZA_PRESENCE && bytes_is(stanza->type, "unavailable"));
}

static bool is_result(const struct stanza *stanza)
{
	return stanza->kind == STANZA_IQ && bytes_is(stanza->type, "result");
}

/* What a device answered another entity stands; what we answered for the account does not. */
static void output_post_failed(const struct held_output *held)
{
	struct stanza *error;

	if (output_is_true_anyway(held->stanza) ||
	    (is_result(held->stanza) && held->session != NULL)) {
		router_post(held->stanza, held->session);
	} else if (is_result(held->stanza)) {
		error = reply_failed_answer(held->stanza, TEXT_LANG_EN);
		router_post(error, NULL);
		stanza_unref(&error);
	} else {
		output_tell_failure(held->session, held->stanza);
	}
}

/* Presence and answers of others promise nothing that was to be stored here. */
static void output_session_failed(const struct held_output *held)
{
	const struct stanza *stanza = held->stanza;

	if (output_is_true_anyway(stanza) || is_result(stanza) ||
	    (stanza->kind == STANZA_PRESENCE && bytes_is_none(stanza->type)))
		session_write(held->session, stanza);
}

static void output_failed(const struct held_output *held)
{
	switch (held->kind) {
	case OUTPUT_SESSION:
		output_session_failed(held);
		break;
	case OUTPUT_ANSWER:
		output_replace_answer(held->session, held->stanza);
		break;
	case OUTPUT_POST:
		output_post_failed(held);
		break;
	case OUTPUT_VOUCH:
		router_bounce(held->stanza,
			      verdict_fail(CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE));
		break;
	}
}

static void output_leave(struct gate_output *gate, int status)
{
	struct held_output *held = container_of(gate, struct held_output, gate);

	if (status < 0)
		output_failed(held);
	else if (held->kind == OUTPUT_POST)
		router_post(held->stanza, held->session);
	else if (held->kind != OUTPUT_VOUCH)
		session_write(held->session, held->stanza);
	session_unref(&held->session);
	stanza_unref(&held->stanza);
	block_free(held);
}

static void output_hold(struct user *user, enum output_kind kind, struct session *session,
			const struct stanza *stanza)
{
	struct held_output *held = block_alloc_zeroed(sizeof(*held));

	held->gate.leave = output_leave;
	held->kind = kind;
	held->session = session == NULL ? NULL : session_ref(session);
	held->stanza = stanza_ref(stanza);
	gate_pass(&user->gate, &held->gate);
}

void output_to_session(struct session *session, const struct stanza *stanza)
{
	if (gate_is_open(&session->user->gate))
		session_write(session, stanza);
	else
		output_hold(session->user, OUTPUT_SESSION, session, stanza);
}

void output_to_session_as(struct session *session, const struct stanza *stanza, struct bytes to)
{
	struct stanza_edit edit;
	struct stanza *addressed;

	if (gate_is_open(&session->user->gate)) {
		session_write_as(session, stanza, to);
		return;
	}
	stanza_edit_init(&edit, stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_TO, to);
	addressed = stanza_edit_seal(&edit);
	output_hold(session->user, OUTPUT_SESSION, session, addressed);
	stanza_unref(&addressed);
}

void output_answer(struct session *session, const struct stanza *answer)
{
	if (gate_is_open(&session->user->gate))
		session_write(session, answer);
	else
		output_hold(session->user, OUTPUT_ANSWER, session, answer);
}

void output_post(struct user *user, struct session *origin, const struct stanza *stanza)
{
	if (gate_is_open(&user->gate))
		router_post(stanza, origin);
	else
		output_hold(user, OUTPUT_POST, origin, stanza);
}

void output_vouch(struct user *user, const struct stanza *stanza)
{
	if (!gate_is_open(&user->gate) && reply_is_allowed(stanza))
		output_hold(user, OUTPUT_VOUCH, NULL, stanza);
}

void user_post(struct user *user, const struct stanza *stanza)
{
	output_post(user, NULL, stanza);
}
