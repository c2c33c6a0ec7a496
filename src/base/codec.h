/*
 * Base64 (RFC 4648 section 4, padded, strict), base64url without padding, and lower-case hex.
 * Results live in the arena given.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/arena.h"

struct bytes base64_encode(struct arena *arena, struct bytes raw);
/* 0 or -EINVAL: bad alphabet, padding, or non-zero trailing bits. */
int base64_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw);
struct bytes base64url_encode(struct arena *arena, struct bytes raw);
int base64url_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw);
struct bytes hex_encode(struct arena *arena, struct bytes raw);
int hex_decode(struct arena *arena, struct bytes text, struct bytes *ret_raw);

#endif
