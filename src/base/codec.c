#include "base/codec.h"

#include <errno.h>

#include "base/check.h"

static const char standard_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* The value of a digit, or -1. The two characters after 0-9 tell the alphabets apart. */
static int digit_value(char c, char digit62, char digit63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == digit62)
		return 62;
	return c == digit63 ? 63 : -1;
}

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
static int decode(struct arena *arena, struct bytes text, char digit62, char digit63,
		  struct bytes *ret_raw)
{
	uint32_t bits = 0;
	unsigned int pending = 0;
	char *start, *out;

	if (text.len % 4 == 1)
		return -EINVAL;
	start = out = arena_alloc_raw(arena, text.len / 4 * 3 + 3);
	for (size_t i = 0; i < text.len; i++) {
		int value = digit_value(text.ptr[i], digit62, digit63);
		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
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
	return decode(arena, text, '+', '/', ret_raw);
}

struct bytes base64url_encode(struct arena *arena, struct bytes raw)
{
	return encode(arena, raw, url_digits, false);
}

int base64url_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw)
{
	return decode(arena, text, '-', '_', ret_raw);
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
