#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/block.h"
#include "base/check.h"

enum { SMALLEST_BYTES = 63 };

void buf_init(struct buf *buf, size_t limit)
{
	*buf = (struct buf){ .limit = limit };
}

void buf_fini(struct buf *buf)
{
	block_free(buf->ptr);
	buf_init(buf, buf->limit);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

/* One byte more than the capacity is always there, for the NUL that vsnprintf writes. */
static void grow(struct buf *buf, size_t need)
{
	size_t want = need;
	char *ptr;

	if (want < 2 * buf->capacity + 1)
		want = 2 * buf->capacity + 1;
	if (want < SMALLEST_BYTES)
		want = SMALLEST_BYTES;
	if (buf->limit > 0 && want > buf->limit)
		want = buf->limit;
	ptr = block_alloc(want + 1);
	if (buf->ptr)
		memcpy(ptr, buf->ptr, buf->len);
	block_free(buf->ptr);
	buf->ptr = ptr;
	buf->capacity = block_capacity(ptr) - 1;
}

int buf_reserve(struct buf *buf, size_t extra)
{
	size_t need;

	if (buf->failed)
		return -ENOBUFS;
	if (__builtin_add_overflow(buf->len, extra, &need) || need > SIZE_MAX / 4 ||
	    (buf->limit > 0 && need > buf->limit)) {
		buf->failed = true;
		return -ENOBUFS;
	}
	if (need > buf->capacity || !buf->ptr)
		grow(buf, need);
	return 0;
}

int buf_append(struct buf *buf, struct bytes b)
{
	int rc = buf_reserve(buf, b.len);

	if (rc != 0)
		return rc;
	if (b.len > 0)
		memcpy(buf->ptr + buf->len, b.ptr, b.len);
	buf->len += b.len;
	return 0;
}

int buf_append_byte(struct buf *buf, char c)
{
	int rc = buf_reserve(buf, 1);

	if (rc != 0)
		return rc;
	buf->ptr[buf->len++] = c;
	return 0;
}

int buf_append_cstr(struct buf *buf, const char *s)
{
	return buf_append(buf, bytes_of(s));
}

static int measure(const char *format, va_list args)
{
	va_list copy;
	int len;

	va_copy(copy, args);
	len = vsnprintf(NULL, 0, format, copy);
	va_end(copy);
	check(len >= 0);
	return len;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	int len, rc;

	va_start(args, format);
	len = measure(format, args);
	rc = buf_reserve(buf, (size_t)len);
	if (rc == 0) {
		vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, args);
		buf->len += (size_t)len;
	}
	va_end(args);
	return rc;
}

void buf_consume(struct buf *buf, size_t n)
{
	check(n <= buf->len);
	buf->len -= n;
	if (buf->len > 0 && n > 0)
		memmove(buf->ptr, buf->ptr + n, buf->len);
}
