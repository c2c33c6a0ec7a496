/*
 * UTF-8 (RFC 3629), strict: no surrogates, no overlong forms, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* True if b is well-formed UTF-8. An ASCII fast path looks at 16 bytes at a time. */
bool utf8_is_valid(struct bytes b);
/*
 * Decodes the character at the start of b. Returns its length (1-4) and fills *ret_char, or 0
 * if it is ill-formed or cut off.
 */
size_t utf8_decode(struct bytes b, uint32_t *ret_char);
/* Writes 1-4 bytes to out; returns how many. c must be a scalar value. */
size_t utf8_encode(uint32_t c, char out[4]);
/* Number of characters in well-formed b. */
size_t utf8_count(struct bytes b);
/* The longest prefix of at most max_bytes that does not cut a character. */
struct bytes utf8_truncate(struct bytes b, size_t max_bytes);

#endif
