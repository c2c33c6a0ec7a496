#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"

static bool is_ascii16(const char *ptr)
{
#ifdef __SSE2__
	return _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)ptr)) == 0;
#else
	uint64_t words[2];

	memcpy(words, ptr, sizeof(words));
	return ((words[0] | words[1]) & 0x8080808080808080) == 0;
#endif
}

static bool is_continuation(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

/* RFC 3629 section 4: the length by the first byte; 0 if no character starts with it. */
static size_t length_by_lead(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static bool is_scalar_of_length(uint32_t c, size_t len)
{
	if (len == 3)
		return c >= 0x800 && (c < 0xd800 || c > 0xdfff);
	if (len == 4)
		return c >= 0x10000 && c <= 0x10ffff;
	return true; /* the lead byte excludes overlong forms of two bytes */
}

size_t utf8_decode(struct bytes b, uint32_t *ret_char)
{
	size_t len = b.len > 0 ? length_by_lead((uint8_t)b.ptr[0]) : 0;
	uint32_t c;

	if (len == 0 || len > b.len)
		return 0;
	c = len == 1 ? (uint8_t)b.ptr[0] : (uint8_t)b.ptr[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (!is_continuation(b.ptr[i]))
			return 0;
		c = c << 6 | ((uint8_t)b.ptr[i] & 0x3f);
	}
	if (!is_scalar_of_length(c, len))
		return 0;
	*ret_char = c;
	return len;
}

bool utf8_is_valid(struct bytes b)
{
	size_t i = 0;

	while (i < b.len) {
		uint32_t c;
		size_t len;
		if (b.len - i >= 16 && is_ascii16(b.ptr + i)) {
			i += 16;
			continue;
		}
		if ((uint8_t)b.ptr[i] < 0x80) {
			i++;
			continue;
		}
		len = utf8_decode(bytes_skip(b, i), &c);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t utf8_encode(uint32_t c, char out[4])
{
	check(c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t utf8_count(struct bytes b)
{
	size_t count = 0;

	for (size_t i = 0; i < b.len; i++)
		count += !is_continuation(b.ptr[i]);
	return count;
}

struct bytes utf8_truncate(struct bytes b, size_t max_bytes)
{
	size_t len = max_bytes;

	if (b.len <= max_bytes)
		return b;
	while (len > 0 && is_continuation(b.ptr[len]))
		len--;
	return bytes_first(b, len);
}
