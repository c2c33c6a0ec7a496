/* The life of a stream: from the carrier's first byte to the end, and what core calls. */
#include "base/block.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/shard.h"
#include "stream/admission.h"
#include "stream/inside.h"
#include "stream/local.h"

/* Set at boot, before there are streams. */
static const struct stream_host *host;
static uint8_t server_secret[SASL_SECRET_BYTES];

void stream_set_host(const struct stream_host *new_host)
{
	host = new_host;
}

const struct stream_host *stream_host(void)
{
	check(host);
	return host;
}

void stream_set_secret(const uint8_t secret[SASL_SECRET_BYTES])
{
	memcpy(server_secret, secret, sizeof(server_secret));
}

const uint8_t *stream_secret(void)
{
	return server_secret;
}

const struct settings *stream_settings(const struct stream *stream)
{
	return host->domain_settings(stream->domain);
}

/* --- states */

/* In these an answer is awaited, and the client's next bytes are for the state after it. */
static bool is_waiting(enum stream_state state)
{
	return state == STREAM_ASK_WAIT || state == STREAM_SASL_WAIT ||
	       state == STREAM_MOVING || state == STREAM_BIND_WAIT;
}

static void apply_pause(struct stream *stream)
{
	bool stop = stream->is_held || is_waiting((enum stream_state)stream->state);

	if (!stream->carrier || stop == stream->is_stopped)
		return;
	stream->is_stopped = stop;
	stream->carrier->ops->pause(stream->carrier, stop);
}

void stream_enter(struct stream *stream, enum stream_state state)
{
	stream->state = (uint8_t)state;
	apply_pause(stream);
}

void stream_pause(struct stream *stream, bool paused)
{
	check_magic(stream, STREAM_MAGIC);
	stream->is_held = paused;
	apply_pause(stream);
}

void stream_hold(struct stream *stream)
{
	stream->refs++;
}

void stream_drop(struct stream *stream)
{
	check(stream->refs > 0);
	if (--stream->refs > 0)
		return;
	stream->magic = 0;
	block_free(stream);
}

/* --- beginning and end */

static uint64_t admit(const struct carrier *carrier)
{
	const struct settings *settings = host->domain_settings(NULL);

	if (stream_local_is_shut())
		return 0;
	return admission_enter(
		carrier->ops->network(carrier),
		(uint32_t)settings_int(settings, &stream_opt_preauth_per_address),
		(uint32_t)settings_int(settings, &stream_opt_preauth_total));
}

struct stream *stream_new(struct carrier *carrier, enum stream_start start)
{
	const struct settings *settings = stream_host()->domain_settings(NULL);
	uint64_t ticket = admit(carrier);
	struct stream *stream;

	if (ticket == 0) {
		metric_add(&stream_metric_refused, 1);
		return NULL;
	}
	stream = block_alloc_zeroed(sizeof(*stream));
	stream->magic = STREAM_MAGIC;
	stream->state = start == STREAM_START_SECURING ? STREAM_SECURING : STREAM_OPENING;
	stream->refs = 1;
	stream->carrier = carrier;
	stream->is_framed = carrier->ops->is_framed;
	stream->stanza_limit = (uint32_t)settings_int(settings, &stream_opt_preauth_bytes);
	stream->queue_limit = STREAM_PREAUTH_QUEUE_BYTES;
	framer_init(&stream->framer, stream->stanza_limit, STREAM_DEPTH_MAX);
	list_init(&stream->link);
	carrier->stream = stream;
	login_new(stream, ticket);
	stream_join_shard(stream);
	shard_arm(&stream->login->deadline,
		  (uint64_t)settings_int(settings, &stream_opt_preauth_seconds) * 1000);
	metric_add(&stream_metric_open, 1);
	return stream;
}

/* Lets go of carrier, shard and negotiation; whoever still holds it finds it ENDED. */
static void *detach(struct stream *stream)
{
	void *session = stream->session;

	stream->state = STREAM_ENDED;
	stream->session = NULL;
	stream->full = BYTES_NONE;
	stream->carrier = NULL;
	login_free(stream);
	stream_leave_shard(stream);
	block_free(stream->facts);
	stream->facts = NULL;
	metric_add(&stream_metric_open, -1);
	return session;
}

void stream_finish(struct stream *stream, enum stream_end why)
{
	struct carrier *carrier = stream->carrier; /* NULL: lost */
	void *session;

	if (why != STREAM_END_LOST && stream->has_header)
		header_send_end(stream);
	session = detach(stream);
	if (carrier) {
		carrier->stream = NULL;
		carrier->ops->close(carrier);
	}
	if (session)
		host->ended(session, why);
	stream_drop(stream);
}

static void send_error(struct stream *stream, enum stream_condition condition, enum text text)
{
	struct stream_error error = {
		.condition = condition,
		.text = text,
		.lang = (enum text_lang)stream->lang,
	};
	struct buf buf;

	/* Section 4.9.1.2: an error before our header comes after it all the same. */
	if (!stream->has_header)
		header_send(stream, BYTES_NONE);
	buf_init(&buf, 0);
	error_write_stream(&buf, &error, stream->is_framed);
	stream_put(stream, &buf);
	buf_fini(&buf);
}

void stream_fault(struct stream *stream, enum stream_condition condition, enum text text)
{
	metric_add(&stream_metric_errors, 1);
	log_event(LOG_STREAM, LOG_DEBUG, "stream.error",
		  LOG_STR("condition", stream_condition_name(condition)),
		  LOG_BYTES("peer", stream_peer(stream)));
	send_error(stream, condition, text);
	stream_finish(stream, STREAM_END_ERROR);
}

void stream_xml_fault(struct stream *stream, enum xml_fault fault)
{
	enum stream_condition condition = stream_condition_find(xml_fault_condition(fault));

	stream_fault(stream, condition,
		     condition == STREAM_CONDITION_POLICY_VIOLATION ? TEXT_STANZA_TOO_LARGE
								    : TEXT_NONE);
}

void stream_shut_down(struct stream *stream)
{
	if (stream->state != STREAM_SECURING)
		send_error(stream, STREAM_CONDITION_SYSTEM_SHUTDOWN, TEXT_STREAM_SHUTDOWN);
	stream_finish(stream, STREAM_END_REPLACED);
}

void stream_close(struct stream *stream, enum stream_condition condition, enum text text)
{
	check_magic(stream, STREAM_MAGIC);
	check(stream->state == STREAM_BOUND || stream->state == STREAM_BIND);
	stream->session = NULL;
	if (condition != STREAM_CONDITION_NONE)
		send_error(stream, condition, text);
	stream_finish(stream, STREAM_END_REPLACED);
}

/* --- upcalls of the carrier */

static bool is_reading(const struct stream *stream)
{
	return !stream->is_stopped && !stream->is_doomed && stream->state != STREAM_SECURING &&
	       stream->state != STREAM_ENDED;
}

static void take_frame(struct stream *stream, int kind, struct bytes raw)
{
	switch (kind) {
	case FRAME_STANZA:
		stream_element(stream, raw);
		break;
	case FRAME_OPEN:
		stream_step(stream, &(struct step){ .input = STREAM_INPUT_OPEN, .raw = raw });
		break;
	case FRAME_CLOSE:
		if (parse_stream_close(raw))
			stream_step(stream, &(struct step){ .input = STREAM_INPUT_CLOSE });
		else
			stream_fault(stream, STREAM_CONDITION_NOT_WELL_FORMED, TEXT_NONE);
		break;
	default:
		check(kind == FRAME_SPACE); /* a keepalive (section 4.6.1) */
	}
}

size_t stream_on_bytes(struct stream *stream, struct bytes window)
{
	struct arena_mark mark = arena_mark(scratch());
	struct frame frame;
	size_t used = 0;
	int kind;

	check_magic(stream, STREAM_MAGIC);
	stream_hold(stream);
	while (is_reading(stream)) {
		struct bytes rest = bytes_skip(window, used);

		kind = framer_next(&stream->framer, rest, &frame);
		if (kind < FRAME_MORE)
			stream_xml_fault(stream, framer_fault(kind));
		if (kind <= FRAME_MORE)
			break;
		used += frame.offset + frame.len;
		take_frame(stream, kind, bytes_make(rest.ptr + frame.offset, frame.len));
		arena_release(scratch(), mark);
	}
	if (stream->state == STREAM_ENDED)
		used = window.len;
	stream_drop(stream);
	return used;
}

void stream_on_message(struct stream *stream, struct bytes message)
{
	check_magic(stream, STREAM_MAGIC);
	if (stream->is_doomed)
		return;
	stream_hold(stream);
	stream_element(stream, message);
	stream_drop(stream);
}

void stream_on_secured(struct stream *stream)
{
	stream_step(stream, &(struct step){ .input = STREAM_INPUT_SECURED });
}

void stream_on_moved(struct stream *stream)
{
	stream_step(stream, &(struct step){ .input = STREAM_INPUT_MOVED });
}

void stream_on_lost(struct stream *stream)
{
	stream_step(stream, &(struct step){ .input = STREAM_INPUT_LOST });
}

void stream_on_drained(struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	if (stream->session && !stream->is_doomed)
		host->drained(stream->session);
}

/* --- output */

/* A client that never reads may not fill our memory. */
static void check_queue(struct stream *stream)
{
	const struct carrier *carrier = stream->carrier;

	if (!stream->is_doomed && carrier->ops->queued_bytes(carrier) > stream->queue_limit)
		stream_local_doom(stream);
}

void stream_put(struct stream *stream, struct buf *buf)
{
	stream->carrier->ops->send(stream->carrier, buf_bytes(buf), NULL);
	buf_reset(buf);
	check_queue(stream);
}

void stream_send(struct stream *stream, struct bytes head, const struct stanza *stanza)
{
	check_magic(stream, STREAM_MAGIC);
	if (stream->is_doomed)
		return;
	stream->carrier->ops->send(stream->carrier, head, stanza);
	check_queue(stream);
}

void stream_send_raw(struct stream *stream, struct bytes xml)
{
	stream_send(stream, xml, NULL);
}

size_t stream_queued_bytes(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->carrier->ops->queued_bytes(stream->carrier);
}

/* --- what others ask */

bool stream_is_secure(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->carrier->ops->is_secure(stream->carrier);
}

bool stream_is_framed(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->is_framed;
}

struct bytes stream_peer(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->carrier->ops->peer(stream->carrier, scratch());
}

const char *stream_carrier_name(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->carrier->ops->name;
}

enum text_lang stream_lang(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return (enum text_lang)stream->lang;
}
