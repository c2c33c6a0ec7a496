/* A connection's owner for tests: collects what arrives, counts what is called. */
#ifndef IO_TEST_H
#define IO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/conn_impl.h"

struct sink {
	struct conn *conn;
	struct buf got;	  /* consumed bytes */
	unsigned calls;	  /* of data() */
	bool takes_lines; /* consumes up to the last newline only */
	unsigned drained;
	unsigned secured;
	unsigned ended;
	unsigned closed;
	enum conn_reason reason;
	/* What data() does once, the next time, after counting what it consumes. */
	void (*act)(struct sink *sink);
};

static struct shards *group;

static inline size_t sink_data(struct conn *conn, char *ptr, size_t len)
{
	struct sink *sink = conn_owner(conn);
	void (*act)(struct sink *) = sink->act;
	size_t used = len;

	sink->calls++;
	if (sink->takes_lines)
		while (used > 0 && ptr[used - 1] != '\n')
			used--;
	buf_append(&sink->got, bytes_make(ptr, used));
	sink->act = NULL;
	if (act)
		act(sink);
	return used;
}

static inline void sink_closed(struct conn *conn, enum conn_reason reason)
{
	struct sink *sink = conn_owner(conn);

	sink->closed++;
	sink->reason = reason;
	sink->conn = NULL;
}

static inline void sink_drained(struct conn *conn)
{
	((struct sink *)conn_owner(conn))->drained++;
}

static inline void sink_secured(struct conn *conn)
{
	((struct sink *)conn_owner(conn))->secured++;
}

static inline void sink_ended(struct conn *conn)
{
	((struct sink *)conn_owner(conn))->ended++;
}

static const struct conn_ops sink_ops = {
	.data = sink_data,
	.closed = sink_closed,
	.drained = sink_drained,
	.secured = sink_secured,
};

static inline void sink_init(struct sink *sink)
{
	memset(sink, 0, sizeof(*sink));
	buf_init(&sink->got, 0);
}

static inline void group_new(unsigned count)
{
	struct shards_config config = { .count = count };

	assert_int_equal(shards_new(&config, &group), 0);
	shard_enter(group->shards[0]);
}

static inline void group_free(void)
{
	shard_enter(NULL);
	shards_free(&group);
}

static inline void run(void)
{
	shards_run_until_idle(group);
}

/* A connection of the entered shard; returns the other end, non-blocking. */
static inline int sink_open(struct sink *sink, const struct conn_ops *ops)
{
	struct peer peer = { .kind = PEER_UNIX };
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	sink_init(sink);
	sink->conn = conn_new(fds[0], &peer, ops, sink);
	return fds[1];
}

static inline void sink_fini(struct sink *sink)
{
	if (sink->conn)
		conn_close(sink->conn, CONN_CLOSE_ABORT);
	sink->conn = NULL;
	buf_fini(&sink->got);
}

static inline void put(int fd, const void *ptr, size_t len)
{
	assert_int_equal(write(fd, ptr, len), len);
}

static inline void put_text(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

/* Reads all there is; returns 1 at the end of input, 0 if there may be more later. */
static inline int take(int fd, struct buf *buf)
{
	ssize_t n;

	do {
		buf_reserve(buf, 65536);
		n = read(fd, buf->ptr + buf->len, 65536);
		if (n > 0)
			buf->len += (size_t)n;
	} while (n > 0);
	return n == 0;
}

static inline void assert_got(const struct sink *sink, const char *text)
{
	assert_int_equal(sink->got.len, strlen(text));
	assert_memory_equal(sink->got.ptr, text, strlen(text));
}

#endif
