#include "base/bytes.h"

#include <errno.h>

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t bytes_find_byte(struct bytes b, char c)
{
	const char *at = b.len > 0 ? memchr(b.ptr, c, b.len) : NULL;

	return at ? at - b.ptr : -1;
}

ptrdiff_t bytes_find(struct bytes b, struct bytes needle)
{
	const char *at;

	if (needle.len == 0)
		return 0;
	at = b.len > 0 ? memmem(b.ptr, b.len, needle.ptr, needle.len) : NULL;
	return at ? at - b.ptr : -1;
}

struct bytes bytes_cut(struct bytes *rest, char sep)
{
	struct bytes all = *rest;
	ptrdiff_t at = bytes_find_byte(all, sep);

	if (at < 0) {
		*rest = BYTES_NONE;
		return all;
	}
	*rest = bytes_skip(all, (size_t)at + 1);
	return bytes_first(all, (size_t)at);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes b)
{
	while (b.len > 0 && is_blank(b.ptr[0])) {
		b.ptr++;
		b.len--;
	}
	while (b.len > 0 && is_blank(b.ptr[b.len - 1]))
		b.len--;
	return b;
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (to_lower(a.ptr[i]) != to_lower(b.ptr[i]))
			return false;
	}
	return true;
}

int bytes_to_u64(struct bytes b, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool is_over = false;

	if (b.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < b.len; i++) {
		if (b.ptr[i] < '0' || b.ptr[i] > '9')
			return -EINVAL;
		is_over |= __builtin_mul_overflow(value, 10, &value);
		is_over |= __builtin_add_overflow(value, (uint64_t)(b.ptr[i] - '0'), &value);
	}
	if (is_over)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int bytes_to_i64(struct bytes b, int64_t *ret_value)
{
	bool is_negative = b.len > 0 && b.ptr[0] == '-';
	uint64_t magnitude;
	int rc = bytes_to_u64(is_negative ? bytes_skip(b, 1) : b, &magnitude);

	if (rc != 0)
		return rc;
	if (magnitude > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
		return -ERANGE;
	*ret_value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}
