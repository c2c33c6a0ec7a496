/*
 * struct buf: growable bytes with a hard limit. Embedded, owned by whoever holds it, one
 * thread. Once an append failed (-ENOBUFS: over the limit) the buffer is marked `failed` and
 * further appends do nothing, so that a writer may check once at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

struct buf {
	char *ptr;
	size_t len;
	size_t capacity;
	size_t limit;
	bool failed;
};

/* limit: the largest len ever, in bytes; 0 for none. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t limit);
void buf_fini(struct buf *buf);
/* len = 0, failed = false; keeps the memory. */
void buf_reset(struct buf *buf);
/* 0 or -ENOBUFS. After 0, `extra` more bytes may be written at ptr + len. */
int buf_reserve(struct buf *buf, size_t extra);
int buf_append(struct buf *buf, struct bytes b);
int buf_append_byte(struct buf *buf, char c);
int buf_append_cstr(struct buf *buf, const char *s);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first n bytes (moves the rest to the front). */
void buf_consume(struct buf *buf, size_t n);
/* What the buffer holds; borrowed until the next change. */
static inline struct bytes buf_bytes(const struct buf *buf)
{
	return bytes_make(buf->ptr, buf->len);
}

#endif
