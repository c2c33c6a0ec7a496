/* HTTP connections: their life, their input and their time. */
#include "io/http.h"

#include "base/block.h"
#include "base/check.h"
#include "io/http_impl.h"
#include "io/metrics.h"
#include "io/shard.h"

struct metric io_metric_http_requests = METRIC_COUNTER("http_requests", "HTTP requests read.");
struct metric io_metric_http_refused =
	METRIC_COUNTER("http_refused",
		       "HTTP connections closed for a request that was malformed, too large or "
		       "too slow.");

/* --- the end ------------------------------------------------------------------------------- */

static void free_http(struct http *http)
{
	http->magic = 0;
	block_free(http);
}

/* The connection is not ours any more. */
static void leave(struct http *http)
{
	timer_disarm(&http->timer);
	http->conn = NULL;
	http->is_over = true;
	http->server->left(http->owner);
	if (!http->is_in_data)
		free_http(http);
}

static void lose_exchange(struct http *http)
{
	if (!http->has_exchange)
		return;
	http->has_exchange = false;
	if (http->route && http->route->gone)
		http->route->gone(http);
}

static void finish(struct http *http, enum conn_close how)
{
	struct conn *conn = http->conn;

	lose_exchange(http);
	conn_close(conn, how);
	leave(http);
}

void http_close(struct http *http)
{
	check_magic(http, HTTP_MAGIC);
	finish(http, CONN_CLOSE_FLUSH);
}

struct conn *http_take_over(struct http *http)
{
	struct conn *conn = http->conn;

	check_magic(http, HTTP_MAGIC);
	check(http->has_exchange && http->is_in_data && !http->has_begun);
	http->has_exchange = false;
	leave(http);
	return conn;
}

/* Ambiguous, too large, too slow: an answer if none has begun, and the end. */
static void refuse(struct http *http, unsigned status)
{
	bool can_answer = !http->has_begun;

	metric_add(&io_metric_http_refused, 1);
	lose_exchange(http);
	http->keeps_alive = false;
	if (http->state == HTTP_IN_HEAD)
		http->is_head_method = http->is_http10 = false;
	if (!can_answer) {
		finish(http, CONN_CLOSE_ABORT);
		return;
	}
	http->has_exchange = true;
	http->route = NULL;
	http_answer_status(http, status);
}

/* --- time ---------------------------------------------------------------------------------- */

static void arm(struct http *http, uint64_t delay_ms)
{
	shard_arm(&http->timer, delay_ms);
}

/* The peer has taken nothing of what waits since the last tick. */
static bool is_stuck(struct http *http)
{
	uint64_t before = http->written_position;

	http->written_position = conn_written_position(http->conn);
	return conn_queued_bytes(http->conn) > 0 && http->written_position == before;
}

static bool is_body_slow(struct http *http)
{
	uint64_t before = http->body_at_tick;

	http->body_at_tick = http->body_bytes;
	return http->state == HTTP_IN_BODY && !http->is_body_paused &&
	       http->body_bytes - before < HTTP_BODY_TICK_BYTES;
}

static void timed_out(struct timer *timer)
{
	struct http *http = container_of(timer, struct http, timer);

	if (is_stuck(http))
		finish(http, CONN_CLOSE_ABORT);
	else if (http->state != HTTP_IN_HEAD && is_body_slow(http))
		refuse(http, 408);
	else if (http->state != HTTP_IN_HEAD || conn_queued_bytes(http->conn) > 0)
		arm(http, HTTP_TICK_MS);
	else if (http->has_partial)
		refuse(http, 408);
	else
		finish(http, CONN_CLOSE_FLUSH);
}

/* --- a request ----------------------------------------------------------------------------- */

/* 0, or the status to answer with. */
static unsigned examine(const struct http *http, const struct http_route *route,
			const struct http_head *head)
{
	unsigned methods = route ? route->methods : 0;

	if (!route)
		return 404;
	if (route->permission == HTTP_LOOPBACK && !peer_is_local(conn_peer(http->conn)))
		return 403;
	if (methods & HTTP_GET)
		methods |= HTTP_HEAD;
	if (!(methods & head->method))
		return 405;
	if (head->length > route->body_max || (head->is_chunked && route->body_max == 0))
		return 413;
	return 0;
}

static void body_is_complete(struct http *http)
{
	http->state = HTTP_WAITING;
	if (http->route->ended)
		http->route->ended(http);
}

static void call_handler(struct http *http, const struct http_head *head, struct bytes path)
{
	http->route->request(http, head, path);
	if (http->is_over || !http->has_exchange)
		return;
	if (http->state == HTTP_WAITING)
		body_is_complete(http);
	else if (head->expects_continue && !http->has_begun)
		http_send_continue(http);
}

static void begin_exchange(struct http *http, const struct http_head *head)
{
	bool has_body = head->is_chunked || head->length > 0;
	struct bytes path;
	unsigned status;

	metric_add(&io_metric_http_requests, 1);
	http->state = has_body ? HTTP_IN_BODY : HTTP_WAITING;
	http->has_exchange = true;
	http->has_partial = http->has_begun = http->is_body_paused = http->wants_drained =
		false;
	http->keeps_alive = head->keeps_alive && !http->is_half_closed;
	http->is_http10 = head->minor == 0;
	http->is_head_method = head->method == HTTP_HEAD;
	http->is_chunked = head->is_chunked;
	http->chunks = (struct http_chunks){ 0 };
	http->body_left = head->length;
	http->body_bytes = http->body_at_tick = 0;
	http->searched = 0;
	http->handler_state = NULL;
	http->route = NULL;
	arm(http, HTTP_TICK_MS);
	if (!http_path_decode(head->path, scratch(), &path)) {
		refuse(http, 400);
		return;
	}
	http->route = http_router_find(http->server->router, path);
	status = examine(http, http->route, head);
	if (status == 0)
		call_handler(http, head, path);
	else
		http_answer_status(http, status);
}

/* Waits until the client has read what was answered. */
static bool has_room(struct http *http)
{
	if (conn_queued_bytes(http->conn) <= HTTP_QUEUE_BYTES)
		return true;
	http->waits_for_room = true;
	conn_pause(http->conn);
	conn_want_drained(http->conn, HTTP_QUEUE_BYTES / 2);
	return false;
}

static size_t step_head(struct http *http, struct bytes window)
{
	struct http_head head;
	ssize_t len;

	if (!has_room(http))
		return 0;
	len = http_scan_head(window, &http->searched, &head);
	if (len < 0)
		refuse(http, (unsigned)-len);
	if (len == 0 && !http->has_partial) {
		http->has_partial = true;
		arm(http, HTTP_HEAD_MS);
	}
	if (len <= 0)
		return 0;
	begin_exchange(http, &head);
	return (size_t)len;
}

/* Framing and one piece; 0: more is needed, or refused. */
static size_t step_body(struct http *http, struct bytes window)
{
	struct bytes piece = bytes_first(window, http->body_left);
	ssize_t used = (ssize_t)piece.len;
	bool is_done;

	if (http->is_chunked)
		used = http_chunks_next(&http->chunks, window, &piece);
	if (used < 0 || http->body_bytes + piece.len > http->route->body_max) {
		refuse(http, used < 0 ? (unsigned)-used : 413);
		return 0;
	}
	http->body_bytes += piece.len;
	if (!http->is_chunked)
		http->body_left -= piece.len;
	is_done = http->is_chunked ? http_chunks_is_done(&http->chunks) : http->body_left == 0;
	if (piece.len > 0)
		http->route->body(http, piece);
	if (is_done && !http->is_over)
		body_is_complete(http);
	return (size_t)used;
}

/* How many bytes are done with; 0: it has to wait, or is over. */
static size_t step(struct http *http, struct bytes window)
{
	if (http->is_over || window.len == 0)
		return 0;
	if (http->state == HTTP_IN_HEAD)
		return step_head(http, window);
	if (http->state == HTTP_IN_BODY && !http->is_body_paused)
		return step_body(http, window);
	conn_pause(http->conn);
	return 0;
}

static size_t on_data(struct conn *conn, char *ptr, size_t len)
{
	struct http *http = conn_owner(conn);
	struct bytes window = bytes_make(ptr, len);
	size_t used = 0, n;

	http->is_in_data = true;
	do {
		n = step(http, bytes_skip(window, used));
		used += n;
	} while (n > 0);
	http->is_in_data = false;
	if (http->is_over)
		free_http(http);
	return used;
}

void http_answered(struct http *http)
{
	http->has_exchange = false;
	if (!http->keeps_alive || http->state == HTTP_IN_BODY) {
		finish(http, CONN_CLOSE_FLUSH);
		return;
	}
	http->state = HTTP_IN_HEAD;
	http->has_begun = false;
	arm(http, HTTP_IDLE_MS);
	conn_resume(http->conn);
}

/* --- the connection's other upcalls -------------------------------------------------------- */

static void on_closed(struct conn *conn, enum conn_reason reason)
{
	struct http *http = conn_owner(conn);

	(void)reason;
	lose_exchange(http);
	leave(http);
}

static void on_drained(struct conn *conn)
{
	struct http *http = conn_owner(conn);

	if (http->waits_for_room) {
		http->waits_for_room = false;
		conn_resume(conn);
	} else if (http->wants_drained && http->has_exchange && http->route->drained) {
		http->wants_drained = false;
		http->route->drained(http);
	}
}

/* Only an answer that is owed, or waits to leave, still has a reader. */
static void on_ended(struct conn *conn)
{
	struct http *http = conn_owner(conn);

	http->is_half_closed = true;
	http->keeps_alive = false;
	if (http->state != HTTP_WAITING)
		finish(http, CONN_CLOSE_FLUSH);
}

static const struct conn_ops conn_ops = {
	.data = on_data,
	.closed = on_closed,
	.drained = on_drained,
	.ended = on_ended,
};

struct http *http_serve(struct conn *conn, const struct http_server *server, void *owner)
{
	struct http *http = block_alloc_zeroed(sizeof(*http));

	http->magic = HTTP_MAGIC;
	http->conn = conn;
	http->server = server;
	http->owner = owner;
	timer_init(&http->timer, "http.timer", timed_out);
	arm(http, HTTP_HEAD_MS);
	conn_set_owner(conn, &conn_ops, http);
	return http;
}

/* --- for handlers -------------------------------------------------------------------------- */

struct conn *http_conn(const struct http *http)
{
	return http->conn;
}

const struct http_route *http_route(const struct http *http)
{
	return http->route;
}

void *http_owner(const struct http *http)
{
	return http->owner;
}

void http_set_state(struct http *http, void *state)
{
	http->handler_state = state;
}

void *http_state(const struct http *http)
{
	return http->handler_state;
}

void http_pause_body(struct http *http, bool is_paused)
{
	check_magic(http, HTTP_MAGIC);
	http->is_body_paused = is_paused;
	if (is_paused)
		conn_pause(http->conn);
	else
		conn_resume(http->conn);
}

void http_want_drained(struct http *http, size_t mark)
{
	check_magic(http, HTTP_MAGIC);
	http->wants_drained = true;
	conn_want_drained(http->conn, mark);
}
