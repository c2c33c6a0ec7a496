/* The step table: what arrives becomes an input, and steps.def says what it means now. */
#include "stream/inside.h"

typedef void step_fn(struct stream *stream, struct step *step);

/* --- the steps that are the same in many states */

static STEP_FUNCTION(never)
{
	(void)stream;
	(void)step;
	check(false);
}

static STEP_FUNCTION(ignore)
{
	(void)stream;
	(void)step;
}

/* RFC 6120 section 4.9.3.12. */
static STEP_FUNCTION(refuse)
{
	(void)step;
	stream_fault(stream, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_NONE);
}

static STEP_FUNCTION(strange)
{
	(void)step;
	stream_fault(stream, STREAM_CONDITION_UNSUPPORTED_STANZA_TYPE, TEXT_NONE);
}

static STEP_FUNCTION(again)
{
	(void)step;
	stream_fault(stream, STREAM_CONDITION_BAD_FORMAT, TEXT_NONE);
}

/* Section 4.4: our end tag answers theirs. */
static STEP_FUNCTION(close)
{
	(void)step;
	if (!stream->has_header)
		header_send(stream, BYTES_NONE);
	stream_finish(stream, STREAM_END_CLOSED);
}

static STEP_FUNCTION(lost)
{
	(void)step;
	stream->carrier->stream = NULL;
	stream->carrier = NULL;
	stream_finish(stream, STREAM_END_LOST);
}

static STEP_FUNCTION(timeout)
{
	(void)step;
	if (stream->state == STREAM_SECURING)
		stream_finish(stream, STREAM_END_LOST);
	else
		stream_fault(stream, STREAM_CONDITION_CONNECTION_TIMEOUT,
			     TEXT_STREAM_LOGIN_SLOW);
}

/* --- the table */

#define STEP(state, open, secured, starttls, auth, response, abort, iq, stanza, nonza, moved, \
	     close, lost, timeout)                                                            \
	[STREAM_##state] = {                                                                  \
		[STREAM_INPUT_OPEN] = step_##open,                                            \
		[STREAM_INPUT_SECURED] = step_##secured,                                      \
		[STREAM_INPUT_STARTTLS] = step_##starttls,                                    \
		[STREAM_INPUT_AUTH] = step_##auth,                                            \
		[STREAM_INPUT_RESPONSE] = step_##response,                                    \
		[STREAM_INPUT_ABORT] = step_##abort,                                          \
		[STREAM_INPUT_IQ] = step_##iq,                                                \
		[STREAM_INPUT_STANZA] = step_##stanza,                                        \
		[STREAM_INPUT_NONZA] = step_##nonza,                                          \
		[STREAM_INPUT_MOVED] = step_##moved,                                          \
		[STREAM_INPUT_CLOSE] = step_##close,                                          \
		[STREAM_INPUT_LOST] = step_##lost,                                            \
		[STREAM_INPUT_TIMEOUT] = step_##timeout,                                      \
	},

static step_fn *const table[STREAM_STATES][STREAM_INPUTS] = {
#include "stream/steps.def"
};

void stream_step(struct stream *stream, struct step *step)
{
	check_magic(stream, STREAM_MAGIC);
	table[stream->state][step->input](stream, step);
}

/* --- elements */

static enum stream_input framing_input(struct bytes name)
{
	if (bytes_is(name, "open"))
		return STREAM_INPUT_OPEN;
	return bytes_is(name, "close") ? STREAM_INPUT_CLOSE : STREAM_INPUT_NONZA;
}

static enum stream_input sasl_input(struct bytes name)
{
	if (bytes_is(name, "auth"))
		return STREAM_INPUT_AUTH;
	if (bytes_is(name, "response"))
		return STREAM_INPUT_RESPONSE;
	return bytes_is(name, "abort") ? STREAM_INPUT_ABORT : STREAM_INPUT_NONZA;
}

static enum stream_input classify(const struct stream *stream, const struct stanza *stanza)
{
	if (stanza->kind == STANZA_IQ)
		return STREAM_INPUT_IQ;
	if (stanza->kind != STANZA_OTHER)
		return STREAM_INPUT_STANZA;
	if (stream->is_framed && bytes_is(stanza->ns, NS_FRAMING))
		return framing_input(stanza->name);
	if (bytes_is(stanza->ns, NS_SASL))
		return sasl_input(stanza->name);
	if (bytes_is(stanza->ns, NS_TLS) && bytes_is(stanza->name, "starttls"))
		return STREAM_INPUT_STARTTLS;
	return STREAM_INPUT_NONZA;
}

/* Elements that mean the end whatever the state: true if it was one. */
static bool is_final(struct stream *stream, const struct stanza *stanza)
{
	if (stanza->kind != STANZA_OTHER)
		return false;
	if (bytes_is(stanza->ns, NS_SERVER)) {
		/* Section 4.9.3.10: the content namespace of another kind of stream. */
		stream_fault(stream, STREAM_CONDITION_INVALID_NAMESPACE, TEXT_NONE);
		return true;
	}
	if (bytes_is(stanza->ns, NS_STREAMS) && bytes_is(stanza->name, "error")) {
		/* Section 4.9.1.1: the client is about to close; we do not complain back. */
		if (!stream->has_header)
			header_send(stream, BYTES_NONE);
		stream_finish(stream, STREAM_END_CLOSED);
		return true;
	}
	return false;
}

void stream_element(struct stream *stream, struct bytes raw)
{
	struct step step = { .raw = raw };
	struct xml_limits limits;
	struct parse_context context = header_context(stream, &limits);
	struct parse_error error;

	if (parse_element(&context, raw, &step.stanza, &error) < 0) {
		stream_xml_fault(stream, error.fault);
		return;
	}
	if (!is_final(stream, step.stanza)) {
		step.input = classify(stream, step.stanza);
		stream_step(stream, &step);
	}
	stanza_unref(&step.stanza);
}
