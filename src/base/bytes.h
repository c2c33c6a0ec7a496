/*
 * struct bytes: a borrowed slice. It owns nothing, is passed by value, and is not terminated by
 * NUL. An absent string is BYTES_NONE (ptr NULL, len 0); an empty one has a ptr. Whoever keeps
 * a slice copies it into an arena.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const char *ptr;
	size_t len;
};

#define BYTES_NONE ((struct bytes){ NULL, 0 })
#define BYTES_LIT(s) ((struct bytes){ "" s, sizeof(s) - 1 })
/* For printf: printf("%.*s", BYTES_ARG(b)). */
#define BYTES_ARG(b) (int)(b).len, (b).ptr

static inline struct bytes bytes_make(const void *ptr, size_t len)
{
	return (struct bytes){ ptr, len };
}

/* The slice of a NUL-terminated string, without the NUL; NULL gives BYTES_NONE. */
static inline struct bytes bytes_of(const char *s)
{
	return (struct bytes){ s, s ? strlen(s) : 0 };
}

static inline bool bytes_is_none(struct bytes b)
{
	return b.ptr == NULL;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* True if b is exactly the string literal or NUL-terminated string s. */
static inline bool bytes_is(struct bytes b, const char *s)
{
	size_t n = strlen(s);
	return b.len == n && (n == 0 || memcmp(b.ptr, s, n) == 0);
}

static inline bool bytes_has_prefix(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(b.ptr, prefix.ptr, prefix.len) == 0);
}

/* From offset `from` to the end; `from` past the end gives an empty slice. */
static inline struct bytes bytes_skip(struct bytes b, size_t from)
{
	if (b.ptr == NULL)
		return b;
	return from >= b.len ? bytes_make(b.ptr + b.len, 0)
			     : bytes_make(b.ptr + from, b.len - from);
}

static inline struct bytes bytes_first(struct bytes b, size_t len)
{
	return bytes_make(b.ptr, len < b.len ? len : b.len);
}

/* memcmp order, shorter first on a tie: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);

/* Offset of the first byte c, or -1. */
ptrdiff_t bytes_find_byte(struct bytes b, char c);

/* Offset of the first occurrence of needle, or -1. */
ptrdiff_t bytes_find(struct bytes b, struct bytes needle);

/*
 * Cuts *rest at the first `sep`: returns what stands before it and leaves what stands after it
 * in *rest. Without a sep, returns all and leaves BYTES_NONE.
 */
struct bytes bytes_cut(struct bytes *rest, char sep);

/* Without leading and trailing space, tab, CR and LF. */
struct bytes bytes_trim(struct bytes b);

/* Equal when ASCII case is ignored. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* Decimal, whole slice, no sign. 0, or -EINVAL / -ERANGE (*ret_value untouched). */
int bytes_to_u64(struct bytes b, uint64_t *ret_value);
/* Decimal with optional '-'. 0, or -EINVAL / -ERANGE (*ret_value untouched). */
int bytes_to_i64(struct bytes b, int64_t *ret_value);

#endif
