#include "core/output.h"

#include "base/block.h"
#include "base/check.h"
#include "core/reply.h"
#include "core/router.h"

enum output_kind { OUTPUT_SESSION, OUTPUT_ANSWER, OUTPUT_POST };

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

static void output_leave(struct gate_output *gate, int status)
{
	struct held_output *held = container_of(gate, struct held_output, gate);

	if (held->kind == OUTPUT_POST) {
		if (status == 0)
			router_post(held->stanza, held->session);
		else
			output_tell_failure(held->session, held->stanza);
	} else if (status == 0) {
		session_write(held->session, held->stanza);
	} else if (held->kind == OUTPUT_ANSWER) {
		output_replace_answer(held->session, held->stanza);
	}
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

void user_post(struct user *user, const struct stanza *stanza)
{
	output_post(user, NULL, stanza);
}
