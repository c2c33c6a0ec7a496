/* Requests before authentication (XEP-0077 section 3.1.1): the host answers, the stream waits. */
#include "base/block.h"
#include "stream/inside.h"
#include "xml/wire.h"

struct stream_ask {
	struct stream *stream; /* NULL: it has gone */
	const struct domain *domain;
	enum text_lang lang;
};

/* What may not be said before the stream is secure (RFC 6120 section 5.3.1). */
static bool is_too_early(const struct stream *stream)
{
	return !stream_is_secure(stream) &&
	       settings_bool(stream_settings(stream), &stream_opt_tls_required);
}

void ask_offer(struct stream *stream, struct buf *out)
{
	if (stream_host()->offers != NULL && !is_too_early(stream))
		stream_host()->offers(stream->domain, out);
}

STEP_FUNCTION(ask)
{
	struct login *login = stream->login;
	struct stream_ask *ask;

	if (stream_host()->asked == NULL || is_too_early(stream)) {
		stream_fault(stream, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_NONE);
		return;
	}
	if (login->asks == STREAM_ASKS) {
		stream_fault(stream, STREAM_CONDITION_POLICY_VIOLATION,
			     TEXT_STREAM_ASKS_TOO_MUCH);
		return;
	}
	login->asks++;
	ask = block_alloc(sizeof(*ask));
	*ask = (struct stream_ask){ stream, stream->domain, (enum text_lang)stream->lang };
	login->ask = ask;
	stream_enter(stream, STREAM_ASK_WAIT);
	stream_host()->asked(ask, step->stanza);
}

void ask_orphan(struct stream_ask *ask)
{
	ask->stream = NULL;
}

static void write_answer(struct stream *stream, const struct stanza *answer)
{
	struct buf out;

	buf_init(&out, 0);
	wire_stanza(&out, answer, stream->is_framed ? &wire_websocket : &wire_client);
	stream_put(stream, &out);
	buf_fini(&out);
}

void stream_ask_answer(struct stream_ask *ask, const struct stanza *answer)
{
	struct stream *stream = ask->stream;

	block_free(ask);
	if (stream == NULL)
		return;
	check(stream->state == STREAM_ASK_WAIT);
	stream->login->ask = NULL;
	if (answer == NULL) {
		stream_fault(stream, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_NONE);
		return;
	}
	write_answer(stream, answer);
	stream_enter(stream, STREAM_FEATURES);
}

bool stream_ask_is_orphan(const struct stream_ask *ask)
{
	return ask->stream == NULL;
}

const struct domain *stream_ask_domain(const struct stream_ask *ask)
{
	return ask->domain;
}

enum text_lang stream_ask_lang(const struct stream_ask *ask)
{
	return ask->lang;
}

struct bytes stream_ask_network(const struct stream_ask *ask)
{
	const struct stream *stream = ask->stream;

	return stream == NULL ? BYTES_NONE : stream->carrier->ops->network(stream->carrier);
}

struct bytes stream_ask_memory(const struct stream_ask *ask)
{
	return ask->stream == NULL ? BYTES_NONE : ask->stream->login->memory;
}

void stream_ask_remember(struct stream_ask *ask, struct bytes memory)
{
	if (ask->stream != NULL)
		ask->stream->login->memory = arena_copy(&ask->stream->login->arena, memory);
}
