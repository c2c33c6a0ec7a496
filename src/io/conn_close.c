/*
 * The end of a connection that nobody owns any more: what is queued leaves, our side is ended
 * (close_notify, then FIN), and what the peer still sends is thrown away until it ends its side
 * or the deadline passes. Closing a socket with unread input would make the kernel send RST,
 * which can destroy output that is on its way.
 */
#include "io/conn_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/block.h"

static void finish(struct closing *closing)
{
	struct conn *conn = closing->conn;

	list_del(&closing->link);
	timer_disarm(&closing->deadline);
	block_free(closing);
	conn->owner = NULL;
	conn_vanish(conn);
}

static void lingered(struct timer *timer)
{
	finish(container_of(timer, struct closing, deadline));
}

static void begin_closing(struct conn *conn)
{
	struct closing *closing = block_alloc_zeroed(sizeof(*closing));

	closing->conn = conn;
	timer_init(&closing->deadline, "conn.lingered", lingered);
	shard_arm(&closing->deadline, CONN_LINGER_MS);
	list_add_tail(&conn->shard->closings, &closing->link);
	conn->state = CONN_CLOSING;
	conn->owner = closing;
	conn_drop_input(conn);
	conn_update_events(conn);
	loop_flush(&conn->shard->loop, &conn->flush);
}

void conn_close(struct conn *conn, enum conn_close how)
{
	check_magic(conn, CONN_MAGIC);
	check(conn->shard == shard_self());
	check(conn->state != CONN_CLOSING && conn->state != CONN_GONE);
	check(conn->state != CONN_MOVING || !conn->is_in_data);
	if (how == CONN_CLOSE_FLUSH && !conn->is_broken && conn->state != CONN_SECURING)
		begin_closing(conn);
	else
		conn_vanish(conn);
}

/* Called again when the socket was too full for close_notify. */
void conn_closing_written(struct conn *conn)
{
	struct closing *closing = conn->owner;

	if (conn->has_shut)
		return;
	if (conn->layer && !conn->has_said_end) {
		conn->has_said_end = true;
		conn->layer->ops->end(conn->layer);
		conn_out_write(conn);
		if (conn->state != CONN_CLOSING || conn->waits_for_out)
			return;
	}
	conn->has_shut = true;
	if (shutdown(conn->watch.fd, SHUT_WR) < 0 || conn->has_ended)
		finish(closing);
	else
		conn_update_events(conn);
}

void conn_closing_ready(struct conn *conn, uint32_t events)
{
	struct iovec iov = { conn_buffers(conn->shard)->plain, CONN_READ_BYTES };
	ssize_t n;

	if (events & EPOLLERR) {
		finish(conn->owner);
		return;
	}
	if (events & EPOLLOUT) {
		conn->waits_for_out = false;
		conn_out_flush(&conn->flush);
	}
	if (conn->state != CONN_CLOSING || !(events & (EPOLLIN | EPOLLHUP)))
		return;
	n = layer_read(conn, NULL, &iov, 1);
	if (n <= 0 && n != -EAGAIN)
		finish(conn->owner);
}

void conn_cut_closings(struct shard *shard)
{
	struct list *pos, *next;

	list_for_each_safe (pos, next, &shard->closings) {
		finish(list_entry(pos, struct closing, link));
	}
}
