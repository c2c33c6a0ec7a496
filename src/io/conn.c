/* Connections: their life, their input, and the way to another shard. */
#include "io/conn_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/block.h"
#include "io/metrics.h"

struct metric io_metric_conns = METRIC_GAUGE("connections", "Connections open.");

enum {
	KEEPALIVE_IDLE_S = 300,
	KEEPALIVE_INTERVAL_S = 30,
	KEEPALIVE_PROBES = 4,
	TAIL_SPARE = 1024, /* room for more behind a kept tail */
};

struct parcel {
	struct mail mail;
	unsigned target;
	struct conn *conn;
	void (*arrived)(struct conn *conn, void *cargo);
	void *cargo;
};

_Static_assert(sizeof(struct conn) <= 192, "idle connections are many");

struct shard_buffers *conn_buffers(struct shard *shard)
{
	if (!shard->buffers) {
		shard->buffers = malloc(sizeof(*shard->buffers));
		check(shard->buffers != NULL);
	}
	return shard->buffers;
}

static void check_conn(const struct conn *conn)
{
	check_magic(conn, CONN_MAGIC);
	check(conn->shard == shard_self());
}

enum conn_reason conn_reason_of(int error)
{
	return error == -EPROTO ? CONN_REASON_TLS : CONN_REASON_RESET;
}

static void free_layers(struct conn *conn)
{
	while (conn->layer) {
		struct layer *layer = conn->layer;
		conn->layer = layer->below;
		layer->ops->free(layer);
	}
}

static void free_conn(struct conn *conn)
{
	call_cancel(&conn->flush);
	call_cancel(&conn->wake);
	loop_remove(&conn->shard->loop, &conn->watch);
	conn_out_drop(conn);
	block_free(conn->tail);
	free_layers(conn);
	close(conn->watch.fd);
	conn->magic = 0;
	block_free(conn);
	metric_add(&io_metric_conns, -1);
}

static void wake(struct conn *conn)
{
	loop_defer(&conn->shard->loop, &conn->wake);
}

void conn_vanish(struct conn *conn)
{
	conn->state = CONN_GONE;
	loop_remove(&conn->shard->loop, &conn->watch);
	call_cancel(&conn->flush);
	wake(conn);
}

void conn_break(struct conn *conn, enum conn_reason reason)
{
	if (conn->state == CONN_BROKEN || conn->state == CONN_GONE)
		return;
	if (conn->state == CONN_CLOSING) {
		conn_closing_ready(conn, EPOLLERR);
		return;
	}
	conn->is_broken = true;
	conn->reason = (uint8_t)reason;
	if (conn->state == CONN_MOVING) /* told where it arrives */
		return;
	conn->state = CONN_BROKEN;
	loop_remove(&conn->shard->loop, &conn->watch);
	conn_out_drop(conn);
	wake(conn);
}

static bool wants_input(const struct conn *conn)
{
	switch ((enum conn_state)conn->state) {
	case CONN_OPEN:
		return !conn->is_paused && !conn->has_ended;
	case CONN_SECURING:
		return !conn->starts_tls;
	case CONN_CLOSING:
		return conn->has_shut;
	default:
		return false;
	}
}

void conn_update_events(struct conn *conn)
{
	uint32_t events =
		(wants_input(conn) ? EPOLLIN : 0) | (conn->waits_for_out ? EPOLLOUT : 0);
	struct loop *loop = &conn->shard->loop;

	if (conn->state == CONN_BROKEN || conn->state == CONN_GONE)
		return;
	if (watch_is_added(&conn->watch))
		loop_change(loop, &conn->watch, events);
	else if (events != 0 && loop_add(loop, &conn->watch, events) < 0)
		conn_break(conn, CONN_REASON_RESET);
}

/* --- input -------------------------------------------------------------------------------- */

static size_t tail_room(const struct conn_tail *tail)
{
	return block_capacity(tail) - sizeof(*tail) - tail->start - tail->len;
}

static void drop_tail(struct conn *conn)
{
	block_free(conn->tail);
	conn->tail = NULL;
}

/* Makes room for `extra` bytes behind the tail, with some spare, moving it to a larger block.
 */
static void grow_tail(struct conn *conn, size_t extra)
{
	struct conn_tail *old = conn->tail, *tail;
	size_t len = old ? old->len : 0;

	if (old && tail_room(old) >= extra)
		return;
	tail = block_alloc(sizeof(*tail) + (len + extra) + (len + extra) / 2 + TAIL_SPARE);
	tail->start = 0;
	tail->len = len;
	if (len > 0)
		memcpy(tail->data, old->data + old->start, len);
	block_free(old);
	conn->tail = tail;
}

void conn_keep_input(struct conn *conn, const char *ptr, size_t len)
{
	if (len == 0)
		return;
	grow_tail(conn, len);
	memcpy(conn->tail->data + conn->tail->start + conn->tail->len, ptr, len);
	conn->tail->len += len;
	if (conn->tail->len > CONN_INPUT_MAX)
		conn_break(conn, CONN_REASON_TOO_LARGE);
}

void conn_drop_input(struct conn *conn)
{
	if (conn->is_in_data)
		conn->drops_input = true;
	else
		drop_tail(conn);
}

void conn_present_later(struct conn *conn)
{
	wake(conn);
}

void conn_read_again(struct conn *conn)
{
	conn->reads_again = true;
	wake(conn);
}

static void post_parcel(struct conn *conn);

/* Lets the owner see len bytes at ptr; returns how many of them it left over. */
static size_t present(struct conn *conn, char *ptr, size_t len)
{
	size_t used;

	conn->is_in_data = true;
	used = conn->ops->data(conn, ptr, len);
	conn->is_in_data = false;
	check(used <= len);
	if (conn->drops_input)
		used = len;
	conn->drops_input = false;
	return len - used;
}

static void after_data(struct conn *conn)
{
	if (conn->state == CONN_MOVING)
		post_parcel(conn);
}

static void present_tail(struct conn *conn)
{
	struct conn_tail *tail = conn->tail;
	size_t rest = present(conn, tail->data + tail->start, tail->len);

	tail->start += tail->len - rest;
	tail->len = rest;
	if (rest == 0)
		drop_tail(conn);
	else if (rest > CONN_INPUT_MAX)
		conn_break(conn, CONN_REASON_TOO_LARGE);
	after_data(conn);
}

/* The bytes stand in the shard's buffer; the old tail, if any, was copied to their front. */
static void present_buffer(struct conn *conn, char *ptr, size_t len)
{
	size_t rest = present(conn, ptr, len);

	if (conn->tail)
		conn->tail->start = conn->tail->len = 0;
	if (rest > 0)
		conn_keep_input(conn, ptr + len - rest, rest);
	else
		drop_tail(conn);
	after_data(conn);
}

static void input_ended(struct conn *conn)
{
	conn->has_ended = true;
	if (!conn->ops->ended) {
		conn_break(conn, CONN_REASON_EOF);
		return;
	}
	conn_update_events(conn);
	conn->ops->ended(conn);
}

/* n: what layer_read said. True if bytes came. */
static bool has_read(struct conn *conn, ssize_t n)
{
	if (n == 0)
		input_ended(conn);
	else if (n < 0 && n != -EAGAIN)
		conn_break(conn, conn_reason_of((int)n));
	return n > 0;
}

static void read_to_buffer(struct conn *conn)
{
	struct shard_buffers *buffers = conn_buffers(conn->shard);
	size_t before = conn->tail ? conn->tail->len : 0;
	struct iovec iov = { buffers->plain, sizeof(buffers->plain) };
	char *start = buffers->plain - before;
	ssize_t n = layer_read(conn, conn->layer, &iov, 1);

	if (!has_read(conn, n))
		return;
	if (before > 0)
		memcpy(start, conn->tail->data + conn->tail->start, before);
	present_buffer(conn, start, before + (size_t)n);
}

/* A long tail grows in place; only what does not fit behind it goes through the buffer. */
static void read_to_tail(struct conn *conn)
{
	struct shard_buffers *buffers = conn_buffers(conn->shard);
	struct conn_tail *tail = conn->tail;
	size_t room = tail_room(tail);
	struct iovec iov[2] = { { tail->data + tail->start + tail->len, room },
				{ buffers->plain, sizeof(buffers->plain) } };
	int skip = room == 0;
	ssize_t n = layer_read(conn, conn->layer, iov + skip, 2 - skip);
	size_t direct;

	if (!has_read(conn, n))
		return;
	direct = (size_t)n < room ? (size_t)n : room;
	tail->len += direct;
	conn_keep_input(conn, buffers->plain, (size_t)n - direct);
	if (conn->state == CONN_OPEN)
		present_tail(conn);
}

static void read_some(struct conn *conn)
{
	if (conn->tail && conn->tail->len > CONN_HEADROOM)
		read_to_tail(conn);
	else
		read_to_buffer(conn);
}

/*
 * The peer is gone or half gone while nobody reads: an error ends the connection, a mere
 * hang-up (Unix sockets, while bytes wait to be read) is not looked at until it is resumed.
 */
static void hung_up_unread(struct conn *conn, uint32_t events)
{
	if (events & EPOLLERR)
		conn_break(conn, CONN_REASON_RESET);
	else if (!conn->waits_for_out)
		loop_remove(&conn->shard->loop, &conn->watch);
}

static void conn_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = container_of(watch, struct conn, watch);

	if (conn->state == CONN_CLOSING) {
		conn_closing_ready(conn, events);
		return;
	}
	if (events & EPOLLOUT) {
		conn->waits_for_out = false;
		conn_out_flush(&conn->flush);
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (conn->state == CONN_SECURING && !conn->starts_tls)
		conn_tls_ready(conn);
	else if (conn->state == CONN_OPEN && wants_input(conn))
		read_some(conn);
	else if (conn->state == CONN_OPEN || conn->state == CONN_SECURING)
		hung_up_unread(conn, events);
}

static void conn_woken(struct call *call)
{
	struct conn *conn = container_of(call, struct conn, wake);

	if (conn->state == CONN_BROKEN)
		conn->ops->closed(conn, (enum conn_reason)conn->reason);
	if (conn->state == CONN_BROKEN || conn->state == CONN_GONE) {
		free_conn(conn);
		return;
	}
	if (conn->state == CONN_OPEN && !conn->is_paused && conn->tail)
		present_tail(conn);
	if (conn->state == CONN_OPEN && conn->reads_again && wants_input(conn)) {
		conn->reads_again = false;
		read_some(conn);
	}
}

/* --- life --------------------------------------------------------------------------------- */

static void set_socket_options(int fd, const struct peer *peer)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	if (peer->kind != PEER_IPV4 && peer->kind != PEER_IPV6)
		return;
	/* A socket that refuses them works, only later. */
	for (size_t i = 0; i < array_len(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

struct conn *conn_new(int fd, const struct peer *peer, const struct conn_ops *ops, void *owner)
{
	struct conn *conn = block_alloc_zeroed(sizeof(*conn));
	int flags = fcntl(fd, F_GETFL);

	check(shard_self() != NULL && ops->data && ops->closed);
	conn->magic = CONN_MAGIC;
	conn->shard = shard_self();
	conn->ops = ops;
	conn->owner = owner;
	conn->peer = *peer;
	watch_init(&conn->watch, fd, "conn.ready", conn_ready);
	call_init(&conn->flush, conn_out_flush);
	call_init(&conn->wake, conn_woken);
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	set_socket_options(fd, peer);
	metric_add(&io_metric_conns, 1);
	conn_update_events(conn);
	return conn;
}

void *conn_owner(const struct conn *conn)
{
	return conn->owner;
}

void conn_set_owner(struct conn *conn, const struct conn_ops *ops, void *owner)
{
	check_conn(conn);
	check(conn->state != CONN_CLOSING && conn->state != CONN_GONE);
	conn->ops = ops;
	conn->owner = owner;
	conn->wants_drained = false;
	wake(conn);
}

const struct peer *conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

void conn_pause(struct conn *conn)
{
	check_conn(conn);
	conn->is_paused = true;
	conn_update_events(conn);
}

void conn_resume(struct conn *conn)
{
	check_conn(conn);
	if (!conn->is_paused)
		return;
	conn->is_paused = false;
	conn_update_events(conn);
	wake(conn);
}

bool conn_is_paused(const struct conn *conn)
{
	return conn->is_paused;
}

/* --- to another shard --------------------------------------------------------------------- */

static void parcel_arrived(struct mail *mail)
{
	struct parcel *parcel = container_of(mail, struct parcel, mail);
	struct conn *conn = parcel->conn;

	conn->shard = shard_self();
	parcel->arrived(conn, parcel->cargo);
	block_free(parcel);
}

/* conn->owner is the parcel while it travels. The last thing that the old shard does with conn.
 */
static void post_parcel(struct conn *conn)
{
	struct parcel *parcel = conn->owner;

	parcel->mail.bytes = (uint32_t)(sizeof(*conn) + sizeof(*parcel)) +
			     (conn->tail ? (uint32_t)conn->tail->len : 0) +
			     (uint32_t)(conn->position - conn->taken);
	conn->shard = NULL;
	mailbox_post(parcel->target, &parcel->mail);
}

void conn_move(struct conn *conn, unsigned shard,
	       void (*arrived)(struct conn *conn, void *cargo), void *cargo)
{
	struct parcel *parcel = block_alloc_zeroed(sizeof(*parcel));

	check_conn(conn);
	check(conn->state == CONN_OPEN || conn->state == CONN_BROKEN);
	*parcel = (struct parcel){ .mail.name = "conn.arrived",
				   .mail.deliver = parcel_arrived,
				   .target = shard,
				   .conn = conn,
				   .arrived = arrived,
				   .cargo = cargo };
	conn->state = CONN_MOVING;
	conn->wants_drained = false;
	loop_remove(&conn->shard->loop, &conn->watch);
	call_cancel(&conn->flush);
	call_cancel(&conn->wake);
	conn->owner = parcel;
	if (!conn->is_in_data)
		post_parcel(conn);
}

void conn_attach(struct conn *conn, const struct conn_ops *ops, void *owner)
{
	check_conn(conn);
	check(conn->state == CONN_MOVING);
	conn->ops = ops;
	conn->owner = owner;
	conn->state = conn->is_broken ? CONN_BROKEN : CONN_OPEN;
	conn_update_events(conn);
	loop_flush(&conn->shard->loop, &conn->flush);
	wake(conn);
}
