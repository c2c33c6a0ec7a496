#include "stream/carrier_websocket.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "io/conn.h"
#include "io/websocket.h"
#include "stream/carrier_tcp.h"
#include "stream/inside.h"

enum { LOW_MARK_BYTES = 16384 };

struct websocket_carrier {
	struct carrier base;
	struct conn *conn;
	struct websocket_reader reader;
	uint16_t status; /* of our close frame */
	bool is_secure;
	bool is_drain_asked;
	bool is_paused;
	bool is_in_data;
	bool is_closed; /* freed when data() returns */
};

static struct websocket_carrier *websocket_of(const struct carrier *carrier)
{
	return container_of((void *)(uintptr_t)carrier, struct websocket_carrier, base);
}

static void free_carrier(struct websocket_carrier *ws)
{
	websocket_reader_fini(&ws->reader);
	block_free(ws);
}

/* --- downcalls of the stream */

static void unref_stanza(void *ref)
{
	struct stanza *stanza = ref;

	stanza_unref(&stanza);
}

static void websocket_send(struct carrier *carrier, struct bytes head,
			   const struct stanza *tail_of)
{
	struct websocket_carrier *ws = websocket_of(carrier);
	struct bytes tail = tail_of ? stanza_tail(tail_of) : BYTES_NONE;
	char frame[WEBSOCKET_HEAD_MAX];
	size_t len = websocket_write_head(WEBSOCKET_TEXT, head.len + tail.len, frame);

	conn_send(ws->conn, bytes_make(frame, len));
	conn_send(ws->conn, head);
	if (tail.len >= CONN_COPY_MAX)
		conn_send_shared(ws->conn, tail, stanza_ref(tail_of), unref_stanza);
	else if (tail.len > 0)
		conn_send(ws->conn, tail);
	if (!ws->is_drain_asked && conn_queued_bytes(ws->conn) > LOW_MARK_BYTES) {
		ws->is_drain_asked = true;
		conn_want_drained(ws->conn, LOW_MARK_BYTES);
	}
}

/* The close frame (RFC 6455 section 5.5.1), then the connection's end. */
static void close_conn(struct websocket_carrier *ws, unsigned status)
{
	char frame[WEBSOCKET_HEAD_MAX];
	size_t len = websocket_write_close((enum websocket_status)status, frame);

	conn_send(ws->conn, bytes_make(frame, len));
	conn_close(ws->conn, CONN_CLOSE_FLUSH);
	ws->is_closed = true;
	if (!ws->is_in_data)
		free_carrier(ws);
}

static void websocket_close(struct carrier *carrier)
{
	struct websocket_carrier *ws = websocket_of(carrier);

	close_conn(ws, ws->status);
}

static void websocket_pause(struct carrier *carrier, bool paused)
{
	struct websocket_carrier *ws = websocket_of(carrier);

	ws->is_paused = paused;
	if (paused)
		conn_pause(ws->conn);
	else
		conn_resume(ws->conn);
}

static size_t websocket_queued_bytes(const struct carrier *carrier)
{
	return conn_queued_bytes(websocket_of(carrier)->conn);
}

/* RFC 7395 section 4: TLS is the WebSocket's own. */
static int websocket_start_tls(struct carrier *carrier, const struct domain *domain)
{
	(void)carrier;
	(void)domain;
	return -ENOTSUP;
}

static bool websocket_can_start_tls(const struct carrier *carrier)
{
	(void)carrier;
	return false;
}

static bool websocket_is_secure(const struct carrier *carrier)
{
	return websocket_of(carrier)->is_secure;
}

static int websocket_channel_binding(const struct carrier *carrier, enum sasl_binding binding,
				     struct arena *arena, struct bytes *ret_data)
{
	const struct conn *conn = websocket_of(carrier)->conn;

	if (!conn_is_secure(conn))
		return -ENOENT;
	return conn_channel_binding(conn, binding, arena, ret_data);
}

static struct bytes websocket_peer(const struct carrier *carrier, struct arena *arena)
{
	return peer_text(conn_peer(websocket_of(carrier)->conn), arena);
}

static struct bytes websocket_network(const struct carrier *carrier)
{
	return peer_network(conn_peer(websocket_of(carrier)->conn));
}

/* --- upcalls of the connection */

/* The stream is not ended properly: its session may be resumed. */
static void lose(struct websocket_carrier *ws, unsigned status)
{
	stream_on_lost(ws->base.stream);
	close_conn(ws, status);
}

static void fail(struct websocket_carrier *ws, unsigned status)
{
	if (status != WEBSOCKET_TOO_LARGE) {
		lose(ws, status);
		return;
	}
	ws->status = WEBSOCKET_TOO_LARGE;
	stream_fault(ws->base.stream, STREAM_CONDITION_POLICY_VIOLATION, TEXT_STANZA_TOO_LARGE);
}

/* Who does not read is not answered; a later ping may be (section 5.5.3). */
static void answer_ping(struct websocket_carrier *ws, struct bytes payload)
{
	char frame[WEBSOCKET_HEAD_MAX];
	size_t len = websocket_write_head(WEBSOCKET_PONG, payload.len, frame);

	if (conn_queued_bytes(ws->conn) > LOW_MARK_BYTES)
		return;
	conn_send(ws->conn, bytes_make(frame, len));
	conn_send(ws->conn, payload);
}

static void take_frame(struct websocket_carrier *ws, const struct websocket_frame *frame)
{
	switch (frame->opcode) {
	case WEBSOCKET_TEXT:
		stream_on_message(ws->base.stream, frame->payload);
		break;
	case WEBSOCKET_PING:
		answer_ping(ws, frame->payload);
		break;
	case WEBSOCKET_PONG:
		break;
	case WEBSOCKET_CLOSE:
		lose(ws,
		     frame->status == WEBSOCKET_NO_STATUS ? WEBSOCKET_NORMAL : frame->status);
		break;
	default:
		lose(ws, WEBSOCKET_UNSUPPORTED); /* RFC 7395 section 3.2: text only */
	}
}

static size_t on_data(struct conn *conn, char *ptr, size_t len)
{
	struct websocket_carrier *ws = conn_owner(conn);
	size_t used = 0;

	ws->is_in_data = true;
	while (!ws->is_closed && !ws->is_paused) {
		struct websocket_frame frame;
		int kind;

		ws->reader.limit = ws->base.stream->stanza_limit;
		kind = websocket_next(&ws->reader, ptr + used, len - used, &frame);
		used += frame.used;
		if (kind == 0)
			break;
		if (kind < 0)
			fail(ws, (unsigned)-kind);
		else
			take_frame(ws, &frame);
	}
	ws->is_in_data = false;
	if (ws->is_closed)
		free_carrier(ws);
	return used;
}

static void on_closed(struct conn *conn, enum conn_reason reason)
{
	struct websocket_carrier *ws = conn_owner(conn);

	(void)reason;
	stream_on_lost(ws->base.stream);
	free_carrier(ws);
}

static void on_drained(struct conn *conn)
{
	struct websocket_carrier *ws = conn_owner(conn);

	ws->is_drain_asked = false;
	stream_on_drained(ws->base.stream);
}

static const struct conn_ops conn_ops = {
	.data = on_data,
	.closed = on_closed,
	.drained = on_drained,
};

static void on_arrived(struct conn *conn, void *cargo)
{
	struct websocket_carrier *ws = cargo;

	conn_attach(conn, &conn_ops, ws);
	stream_on_moved(ws->base.stream);
}

static void websocket_move(struct carrier *carrier, unsigned shard)
{
	struct websocket_carrier *ws = websocket_of(carrier);

	ws->is_drain_asked = false;
	conn_move(ws->conn, shard, on_arrived, ws);
}

static const struct carrier_ops websocket_ops = {
	.name = "websocket",
	.is_framed = true,
	.send = websocket_send,
	.close = websocket_close,
	.pause = websocket_pause,
	.queued_bytes = websocket_queued_bytes,
	.start_tls = websocket_start_tls,
	.can_start_tls = websocket_can_start_tls,
	.is_secure = websocket_is_secure,
	.channel_binding = websocket_channel_binding,
	.peer = websocket_peer,
	.network = websocket_network,
	.move = websocket_move,
};

void websocket_carrier_serve(struct conn *conn, struct bytes answer)
{
	struct websocket_carrier *ws = block_alloc_zeroed(sizeof(*ws));

	ws->base.ops = &websocket_ops;
	ws->conn = conn;
	ws->status = WEBSOCKET_NORMAL;
	ws->is_secure = conn_is_secure(conn) || peer_is_local(conn_peer(conn));
	websocket_reader_init(&ws->reader, 0);
	conn_set_owner(conn, &conn_ops, ws);
	if (stream_new(&ws->base, STREAM_START_PLAIN)) {
		conn_send(conn, answer);
		return;
	}
	conn_close(conn, CONN_CLOSE_ABORT);
	free_carrier(ws);
}
