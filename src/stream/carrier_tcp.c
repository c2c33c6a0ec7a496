#include "stream/carrier_tcp.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "io/conn.h"
#include "io/tls.h"
#include "stream/inside.h"
#include "stream/local.h"

enum { LOW_MARK_BYTES = 16384 };

struct tcp_carrier {
	struct carrier base;
	struct conn *conn;
	bool is_drain_asked;
};

static const struct carrier_ops tcp_ops, tls_ops;

static struct tcp_carrier *tcp_of(const struct carrier *carrier)
{
	/* The embedded base is the first member; the stream holds it as const only in queries.
	 */
	return container_of((void *)(uintptr_t)carrier, struct tcp_carrier, base);
}

/* --- downcalls of the stream */

static void unref_stanza(void *ref)
{
	struct stanza *stanza = ref;

	stanza_unref(&stanza);
}

static void tcp_send(struct carrier *carrier, struct bytes head, const struct stanza *tail_of)
{
	struct tcp_carrier *tcp = tcp_of(carrier);
	struct bytes tail = tail_of ? stanza_tail(tail_of) : BYTES_NONE;

	conn_send(tcp->conn, head);
	if (tail.len >= CONN_COPY_MAX)
		conn_send_shared(tcp->conn, tail, stanza_ref(tail_of), unref_stanza);
	else if (tail.len > 0)
		conn_send(tcp->conn, tail);
	if (!tcp->is_drain_asked && conn_queued_bytes(tcp->conn) > LOW_MARK_BYTES) {
		tcp->is_drain_asked = true;
		conn_want_drained(tcp->conn, LOW_MARK_BYTES);
	}
}

static void tcp_close(struct carrier *carrier)
{
	struct tcp_carrier *tcp = tcp_of(carrier);

	conn_close(tcp->conn, CONN_CLOSE_FLUSH);
	block_free(tcp);
}

static void tcp_pause(struct carrier *carrier, bool paused)
{
	if (paused)
		conn_pause(tcp_of(carrier)->conn);
	else
		conn_resume(tcp_of(carrier)->conn);
}

static size_t tcp_queued_bytes(const struct carrier *carrier)
{
	return conn_queued_bytes(tcp_of(carrier)->conn);
}

static struct tls_set *shard_tls(void)
{
	const struct stream_local *local = stream_local_find();

	return local ? local->tls : NULL;
}

static int tcp_start_tls(struct carrier *carrier, const struct domain *domain)
{
	struct bytes name = jid_domain_to_ascii(scratch(), stream_host()->domain_name(domain));
	struct tls_set *set = shard_tls();

	if (!set)
		return -ENOTSUP;
	/* A client that names no host in the handshake has named it in the header. */
	conn_start_tls_as(tcp_of(carrier)->conn, set, NULL, name);
	return 0;
}

static bool tcp_can_start_tls(const struct carrier *carrier)
{
	return carrier->ops == &tcp_ops && shard_tls() != NULL;
}

static bool tcp_is_secure(const struct carrier *carrier)
{
	return carrier->ops == &tls_ops;
}

int conn_channel_binding(const struct conn *conn, enum sasl_binding binding,
			 struct arena *arena, struct bytes *ret_data)
{
	uint8_t value[CONN_END_POINT_MAX];
	size_t len = CONN_EXPORTER_BYTES;
	int result;

	if (binding == SASL_BINDING_TLS_EXPORTER)
		result = conn_tls_exporter(conn, value);
	else if (binding == SASL_BINDING_TLS_UNIQUE)
		result = conn_tls_unique(conn, value, &len);
	else
		result = conn_tls_server_end_point(conn, value, &len);
	if (result < 0)
		return -ENOENT;
	*ret_data = arena_copy(arena, bytes_make(value, len));
	return 0;
}

static int tcp_channel_binding(const struct carrier *carrier, enum sasl_binding binding,
			       struct arena *arena, struct bytes *ret_data)
{
	if (carrier->ops != &tls_ops)
		return -ENOENT;
	return conn_channel_binding(tcp_of(carrier)->conn, binding, arena, ret_data);
}

static struct bytes tcp_peer(const struct carrier *carrier, struct arena *arena)
{
	return peer_text(conn_peer(tcp_of(carrier)->conn), arena);
}

static struct bytes tcp_network(const struct carrier *carrier)
{
	return peer_network(conn_peer(tcp_of(carrier)->conn));
}

/* --- upcalls of the connection */

static size_t on_data(struct conn *conn, char *ptr, size_t len)
{
	struct tcp_carrier *tcp = conn_owner(conn);

	return stream_on_bytes(tcp->base.stream, bytes_make(ptr, len));
}

static void on_closed(struct conn *conn, enum conn_reason reason)
{
	struct tcp_carrier *tcp = conn_owner(conn);

	(void)reason;
	stream_on_lost(tcp->base.stream);
	block_free(tcp);
}

static void on_drained(struct conn *conn)
{
	struct tcp_carrier *tcp = conn_owner(conn);

	tcp->is_drain_asked = false;
	stream_on_drained(tcp->base.stream);
}

static void on_secured(struct conn *conn)
{
	struct tcp_carrier *tcp = conn_owner(conn);

	tcp->base.ops = &tls_ops;
	stream_on_secured(tcp->base.stream);
}

static const struct conn_ops conn_ops = {
	.data = on_data,
	.closed = on_closed,
	.drained = on_drained,
	.secured = on_secured,
};

static void on_arrived(struct conn *conn, void *cargo)
{
	struct tcp_carrier *tcp = cargo;

	conn_attach(conn, &conn_ops, tcp);
	stream_on_moved(tcp->base.stream);
}

static void tcp_move(struct carrier *carrier, unsigned shard)
{
	struct tcp_carrier *tcp = tcp_of(carrier);

	conn_move(tcp->conn, shard, on_arrived, tcp);
}

#define TCP_OPS(name_)                                                                     \
	{                                                                                  \
		.name = (name_), .send = tcp_send, .close = tcp_close, .pause = tcp_pause, \
		.queued_bytes = tcp_queued_bytes, .start_tls = tcp_start_tls,              \
		.can_start_tls = tcp_can_start_tls, .is_secure = tcp_is_secure,            \
		.channel_binding = tcp_channel_binding, .peer = tcp_peer,                  \
		.network = tcp_network, .move = tcp_move,                                  \
	}

static const struct carrier_ops tcp_ops = TCP_OPS("tcp");
static const struct carrier_ops tls_ops = TCP_OPS("tls");

void tcp_carrier_serve(int fd, const struct peer *peer, bool is_direct_tls, struct tls_set *set)
{
	static const char *const alpn[] = { "xmpp-client", NULL };
	struct tcp_carrier *tcp = block_alloc_zeroed(sizeof(*tcp));

	check(!is_direct_tls || set);
	tcp->base.ops = &tcp_ops;
	tcp->conn = conn_new(fd, peer, &conn_ops, tcp);
	if (!stream_new(&tcp->base,
			is_direct_tls ? STREAM_START_SECURING : STREAM_START_PLAIN)) {
		conn_close(tcp->conn, CONN_CLOSE_ABORT);
		block_free(tcp);
		return;
	}
	if (is_direct_tls)
		conn_start_tls(tcp->conn, set, alpn);
}

void tcp_carrier_adopt(struct conn *conn)
{
	struct tcp_carrier *tcp = block_alloc_zeroed(sizeof(*tcp));

	tcp->base.ops = conn_is_secure(conn) ? &tls_ops : &tcp_ops;
	tcp->conn = conn;
	conn_set_owner(conn, &conn_ops, tcp);
	if (stream_new(&tcp->base, STREAM_START_PLAIN))
		return;
	conn_close(conn, CONN_CLOSE_ABORT);
	block_free(tcp);
}
