#include "base/codec.h"

#include <errno.h>

#include "base/check.h"

static const char standard_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* Value + 1 of each digit, 0 for anything else: no branches, which random text would mislead. */
/* clang-format off */
#define LETTERS                                                                                \
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7,           \
	['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,      \
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,    \
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,    \
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,    \
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,    \
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,    \
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,    \
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
static const uint8_t standard_values[256] = { LETTERS, ['+'] = 63, ['/'] = 64 };
static const uint8_t url_values[256] = { LETTERS, ['-'] = 63, ['_'] = 64 };
#undef LETTERS
/* clang-format on */

/* Writes the digits of 1 to 3 bytes; returns the end. */
static char *put_group(char *out, const uint8_t *in, size_t len, const char *digits)
{
	uint32_t bits = (uint32_t)in[0] << 16;

	if (len > 1)
		bits |= (uint32_t)in[1] << 8;
	if (len > 2)
		bits |= in[2];
	for (size_t i = 0; i <= len; i++)
		*out++ = digits[(bits >> (18 - 6 * i)) & 63];
	return out;
}

static struct bytes encode(struct arena *arena, struct bytes raw, const char *digits,
			   bool is_padded)
{
	char *start, *out;

	check(raw.len < SIZE_MAX / 2);
	start = out = arena_alloc_raw(arena, (raw.len + 2) / 3 * 4 + 1);
	for (size_t i = 0; i < raw.len; i += 3) {
		size_t len = raw.len - i < 3 ? raw.len - i : 3;
		out = put_group(out, (const uint8_t *)raw.ptr + i, len, digits);
		for (size_t pad = len; is_padded && pad < 3; pad++)
			*out++ = '=';
	}
	*out = '\0';
	return bytes_make(start, (size_t)(out - start));
}

/* text carries no padding any more. RFC 4648 section 3.5: trailing bits must be zero. */
static int decode(struct arena *arena, struct bytes text, const uint8_t values[256],
		  struct bytes *ret_raw)
{
	uint32_t bits = 0;
	unsigned int pending = 0;
	char *start, *out;

	if (text.len % 4 == 1)
		return -EINVAL;
	start = out = arena_alloc_raw(arena, text.len / 4 * 3 + 3);
	for (size_t i = 0; i < text.len; i++) {
		uint32_t value = values[(uint8_t)text.ptr[i]];
		if (value == 0)
			return -EINVAL;
		bits = bits << 6 | (value - 1);
		pending += 6;
		if (pending >= 8) {
			pending -= 8;
			*out++ = (char)(bits >> pending);
			bits &= (1u << pending) - 1;
		}
	}
	if (bits != 0)
		return -EINVAL;
	*ret_raw = bytes_make(start, (size_t)(out - start));
	return 0;
}

struct bytes base64_encode(struct arena *arena, struct bytes raw)
{
	return encode(arena, raw, standard_digits, true);
}

int base64_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw)
{
	if (text.len % 4 != 0)
		return -EINVAL;
	for (int pad = 0; pad < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; pad++)
		text.len--;
	return decode(arena, text, standard_values, ret_raw);
}

struct bytes base64url_encode(struct arena *arena, struct bytes raw)
{
	return encode(arena, raw, url_digits, false);
}

int base64url_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw)
{
	return decode(arena, text, url_values, ret_raw);
}

struct bytes hex_encode(struct arena *arena, struct bytes raw)
{
	char *out = arena_alloc_raw(arena, 2 * raw.len + 1);

	for (size_t i = 0; i < raw.len; i++) {
		uint8_t byte = (uint8_t)raw.ptr[i];
		out[2 * i] = hex_digits[byte >> 4];
		out[2 * i + 1] = hex_digits[byte & 15];
	}
	out[2 * raw.len] = '\0';
	return bytes_make(out, 2 * raw.len);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw)
{
	char *out;

	if (text.len % 2 != 0)
		return -EINVAL;
	out = arena_alloc_raw(arena, text.len / 2 + 1);
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		out[i / 2] = (char)(high << 4 | low);
	}
	*ret_raw = bytes_make(out, text.len / 2);
	return 0;
}
