#include "stream/web.h"

#include <unistd.h>

#include "base/block.h"
#include "base/check.h"
#include "io/shard.h"
#include "io/tls.h"
#include "io/websocket.h"
#include "stream/admission.h"
#include "stream/carrier_tcp.h"
#include "stream/carrier_websocket.h"
#include "stream/inside.h"
#include "stream/local.h"
#include "stream/web.h"

enum { TLS_HANDSHAKE = 0x16, FIRST_BYTE_MS = HTTP_HEAD_MS };

/* A connection that is not a stream, or not yet. */
struct web_conn {
	struct list link; /* stream_local.web_conns */
	struct conn *conn;
	struct http *http;	 /* NULL before the first byte */
	struct timer first_byte; /* also for the handshake */
	uint64_t ticket;
};

/* Made at boot, then only read. */
static struct http_router *router;

static void forget(struct web_conn *web)
{
	timer_disarm(&web->first_byte);
	list_del(&web->link);
	admission_leave(&web->ticket);
	block_free(web);
	stream_local_release();
}

/* --- XMPP or HTTP -------------------------------------------------------------------------- */

static void left(void *owner)
{
	forget(owner);
}

static struct http_server server = { .left = left };

static void cut(struct web_conn *web)
{
	conn_close(web->conn, CONN_CLOSE_ABORT);
	forget(web);
}

static void serve_xmpp(struct web_conn *web)
{
	struct conn *conn = web->conn;

	forget(web); /* the stream is admitted for itself */
	tcp_carrier_adopt(conn);
}

static size_t on_data(struct conn *conn, char *ptr, size_t len)
{
	struct web_conn *web = conn_owner(conn);

	(void)len;
	if (*ptr == '<') {
		serve_xmpp(web);
	} else if (*ptr == TLS_HANDSHAKE) {
		cut(web); /* TLS inside TLS, or on the plain port */
	} else {
		timer_disarm(&web->first_byte);
		web->http = http_serve(conn, &server, web);
	}
	return 0;
}

static void on_closed(struct conn *conn, enum conn_reason reason)
{
	(void)reason;
	forget(conn_owner(conn));
}

static void on_secured(struct conn *conn)
{
	if (bytes_is(conn_tls_alpn(conn), "xmpp-client"))
		serve_xmpp(conn_owner(conn));
}

static const struct conn_ops conn_ops = {
	.data = on_data,
	.closed = on_closed,
	.secured = on_secured,
};

static void timed_out(struct timer *timer)
{
	cut(container_of(timer, struct web_conn, first_byte));
}

static uint64_t admit(const struct peer *peer)
{
	const struct settings *settings = stream_host()->domain_settings(NULL);

	if (stream_local_is_shut())
		return 0;
	return admission_enter(
		peer_network(peer),
		(uint32_t)settings_int(settings, &stream_opt_preauth_per_address),
		(uint32_t)settings_int(settings, &stream_opt_preauth_total));
}

void web_serve(int fd, const struct peer *peer, struct tls_set *set)
{
	static const char *const alpn[] = { "http/1.1", "xmpp-client", NULL };
	uint64_t ticket = admit(peer);
	struct web_conn *web;

	if (ticket == 0) {
		metric_add(&stream_metric_refused, 1);
		close(fd);
		return;
	}
	web = block_alloc_zeroed(sizeof(*web));
	web->ticket = ticket;
	timer_init(&web->first_byte, "web.first_byte", timed_out);
	shard_arm(&web->first_byte, FIRST_BYTE_MS);
	list_add_tail(&stream_local_get()->web_conns, &web->link);
	web->conn = conn_new(fd, peer, &conn_ops, web);
	if (set)
		conn_start_tls(web->conn, set, alpn);
}

void web_stop(void)
{
	struct stream_local *local = stream_local_find();

	while (local && !list_is_empty(&local->web_conns)) {
		struct web_conn *web = list_first(&local->web_conns, struct web_conn, link);

		if (web->http)
			http_close(web->http);
		else
			cut(web);
		local = stream_local_find();
	}
}

/* --- who asks ------------------------------------------------------------------------------ */

/* Without the port; an IPv6 address keeps its brackets. */
static struct bytes host_name(struct bytes host)
{
	ptrdiff_t bracket = bytes_find_byte(host, ']');

	if (bracket >= 0)
		return bytes_first(host, (size_t)bracket + 1);
	return bytes_cut(&host, ':');
}

const struct domain *web_domain(const struct http_head *head)
{
	struct bytes name;

	if (jid_prepare_domain(scratch(), host_name(head->host), &name) < 0)
		return NULL;
	return stream_host()->domain(name);
}

/* The scheme is not compared: a proxy in front of us may speak TLS for us. */
static bool is_own(struct bytes origin, struct bytes host)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < array_len(schemes); i++)
		if (bytes_has_prefix(origin, bytes_of(schemes[i])))
			return bytes_equal_nocase(bytes_skip(origin, strlen(schemes[i])), host);
	return false;
}

bool web_origin_is_allowed(const struct http_head *head)
{
	struct bytes origin = http_field(head, "Origin");
	const struct bytes *allowed;
	size_t count;

	if (bytes_is_none(origin))
		return true;
	if (http_field_count(head, "Origin") > 1)
		return false;
	if (is_own(origin, head->host))
		return true;
	allowed = settings_list(stream_host()->domain_settings(web_domain(head)),
				&stream_opt_web_origins, &count);
	for (size_t i = 0; i < count; i++)
		if (bytes_is(allowed[i], "*") || bytes_equal_nocase(allowed[i], origin))
			return true;
	return false;
}

/* --- WebSocket ----------------------------------------------------------------------------- */

static void open_websocket(struct http *http, const struct http_head *head, struct bytes path)
{
	unsigned status = 403;
	struct buf answer;

	(void)path;
	buf_init(&answer, 0);
	if (web_origin_is_allowed(head))
		status = websocket_accept(head, "xmpp", &answer);
	if (status == 0)
		websocket_carrier_serve(http_take_over(http), buf_bytes(&answer));
	else
		http_answer(http, &(struct http_answer){
					  .status = status,
					  .fields = BYTES_LIT(WEBSOCKET_VERSION_FIELD) });
	buf_fini(&answer);
}

static const struct http_route websocket_route = {
	.path = "/xmpp-websocket",
	.methods = HTTP_GET,
	.permission = HTTP_EVERYBODY,
	.request = open_websocket,
};

/* --- the table ----------------------------------------------------------------------------- */

struct http_router *web_router(void)
{
	return router;
}

void web_register(void)
{
	if (router)
		return;
	router = http_router_new();
	server.router = router;
	http_router_add(router, &websocket_route);
	for (size_t i = 0; web_pages[i]; i++)
		http_router_add(router, web_pages[i]);
}
