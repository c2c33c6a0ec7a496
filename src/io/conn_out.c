/* The output queue of a connection: pooled chunks, shared references, one flush per turn. */
#include "io/conn_impl.h"

#include <errno.h>

#include "base/block.h"

enum {
	CHUNK_FIRST_BYTES = 512, /* a turn's output is mostly one stanza; with the head */
	CHUNK_BYTES = 4096,	 /* when there is more */
	IOV_MAX_CHUNKS = 64,
};

static void check_conn(const struct conn *conn)
{
	check_magic(conn, CONN_MAGIC);
	check(conn->shard == shard_self());
}

static bool takes_output(const struct conn *conn)
{
	return conn->state == CONN_OPEN;
}

static void append_chunk(struct conn *conn, struct out_chunk *chunk)
{
	chunk->next = NULL;
	if (conn->out_last)
		conn->out_last->next = chunk;
	else
		conn->out_first = chunk;
	conn->out_last = chunk;
}

static struct out_chunk *new_chunk(struct conn *conn, size_t len)
{
	size_t usual = conn->out_first ? CHUNK_BYTES : CHUNK_FIRST_BYTES;
	size_t size = sizeof(struct out_chunk) + len;
	struct out_chunk *chunk = block_alloc(size > usual ? size : usual);

	*chunk = (struct out_chunk){ .ptr = chunk->data };
	chunk->room = (uint32_t)(block_capacity(chunk) - sizeof(*chunk));
	append_chunk(conn, chunk);
	return chunk;
}

static void fill_chunk(struct out_chunk *chunk, struct bytes bytes)
{
	memcpy(chunk->data + (chunk->ptr - chunk->data) + chunk->len, bytes.ptr, bytes.len);
	chunk->len += (uint32_t)bytes.len;
	chunk->room -= (uint32_t)bytes.len;
}

static void copy_out(struct conn *conn, struct bytes bytes)
{
	struct out_chunk *last = conn->out_last;
	struct bytes head = bytes_first(bytes, last ? last->room : 0);

	if (head.len > 0)
		fill_chunk(last, head);
	bytes = bytes_skip(bytes, head.len);
	if (bytes.len > 0)
		fill_chunk(new_chunk(conn, bytes.len), bytes);
}

static void queued(struct conn *conn, size_t len)
{
	conn->position += len;
	if (!conn->waits_for_out)
		loop_flush(&conn->shard->loop, &conn->flush);
}

void conn_send(struct conn *conn, struct bytes bytes)
{
	check_conn(conn);
	if (!takes_output(conn) || bytes.len == 0)
		return;
	check(bytes.len <= UINT32_MAX / 2);
	copy_out(conn, bytes);
	queued(conn, bytes.len);
}

void conn_send_shared(struct conn *conn, struct bytes bytes, void *ref,
		      void (*unref)(void *ref))
{
	struct out_chunk *chunk;

	check_conn(conn);
	if (!takes_output(conn) || bytes.len < CONN_COPY_MAX) {
		conn_send(conn, bytes);
		unref(ref);
		return;
	}
	check(bytes.len <= UINT32_MAX / 2);
	chunk = block_alloc(sizeof(*chunk));
	*chunk = (struct out_chunk){
		.ptr = bytes.ptr, .len = (uint32_t)bytes.len, .ref = ref, .unref = unref
	};
	append_chunk(conn, chunk);
	queued(conn, bytes.len);
}

static void drop_first(struct conn *conn)
{
	struct out_chunk *chunk = conn->out_first;

	conn->out_first = chunk->next;
	if (!conn->out_first)
		conn->out_last = NULL;
	if (chunk->unref)
		chunk->unref(chunk->ref);
	block_free(chunk);
}

void conn_out_drop(struct conn *conn)
{
	while (conn->out_first)
		drop_first(conn);
	conn->position = conn->taken;
}

static int gather(const struct conn *conn, struct iovec *iov)
{
	int count = 0;

	for (struct out_chunk *chunk = conn->out_first; chunk && count < IOV_MAX_CHUNKS;
	     chunk = chunk->next)
		iov[count++] = (struct iovec){ (void *)(uintptr_t)chunk->ptr, chunk->len };
	return count;
}

static void consume(struct conn *conn, size_t n)
{
	conn->taken += n;
	while (n > 0) {
		struct out_chunk *chunk = conn->out_first;
		if (n < chunk->len) {
			chunk->ptr += n;
			chunk->len -= (uint32_t)n;
			return;
		}
		n -= chunk->len;
		drop_first(conn);
	}
}

static struct layer *layer_in_use(const struct conn *conn)
{
	return conn->starts_tls ? NULL : conn->layer;
}

/* 0 when all has left, -EAGAIN when the socket is full, or another negative errno. */
static int write_all(struct conn *conn)
{
	struct layer *layer = layer_in_use(conn);
	struct iovec iov[IOV_MAX_CHUNKS];
	ssize_t n;

	while (conn->out_first) {
		n = layer_write(conn, layer, iov, gather(conn, iov));
		if (n < 0)
			return (int)n;
		consume(conn, (size_t)n);
	}
	return layer_push(layer);
}

void conn_out_write(struct conn *conn)
{
	int r = write_all(conn);

	if (r < 0 && r != -EAGAIN) {
		conn_break(conn, conn_reason_of(r));
		return;
	}
	conn->waits_for_out = r == -EAGAIN;
	conn_update_events(conn);
}

static void tell_drained(struct conn *conn)
{
	if (!conn->wants_drained || conn->state != CONN_OPEN ||
	    conn_queued_bytes(conn) > conn->drain_mark)
		return;
	conn->wants_drained = false;
	conn->ops->drained(conn);
}

void conn_out_flush(struct call *call)
{
	struct conn *conn = container_of(call, struct conn, flush);

	if (conn->state == CONN_BROKEN || conn->state == CONN_GONE)
		return;
	if (!conn->waits_for_out)
		conn_out_write(conn);
	if (conn->state == CONN_CLOSING && !conn->waits_for_out)
		conn_closing_written(conn);
	else if (conn->state == CONN_SECURING && conn->starts_tls && !conn->waits_for_out)
		conn_tls_begin(conn);
	else
		tell_drained(conn);
}

size_t conn_queued_bytes(const struct conn *conn)
{
	return (size_t)(conn->position - conn_written_position(conn));
}

uint64_t conn_position(const struct conn *conn)
{
	return conn->position;
}

uint64_t conn_written_position(const struct conn *conn)
{
	return conn->taken - layer_held(layer_in_use(conn));
}

void conn_want_drained(struct conn *conn, size_t mark)
{
	check_conn(conn);
	check(conn->ops->drained != NULL);
	conn->drain_mark = mark < UINT32_MAX ? (uint32_t)mark : UINT32_MAX;
	conn->wants_drained = true;
	loop_flush(&conn->shard->loop, &conn->flush);
}
