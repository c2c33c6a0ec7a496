/*
 * Hashes, HMAC and PBKDF2 of the SCRAM family over OpenSSL, with EVP's algorithms fetched
 * once per process; PBKDF2 is in pbkdf2.c. Pure functions, any thread.
 */
#ifndef XMPP_HASH_H
#define XMPP_HASH_H

#include "base/bytes.h"

enum hash { HASH_SHA1, HASH_SHA256, HASH_SHA512, HASH_COUNT };

enum { HASH_MAX_BYTES = 64 };

/* 20, 32 or 64. */
size_t hash_bytes(enum hash hash);
/* out: hash_bytes(hash) bytes. */
void hash_digest(enum hash hash, struct bytes text, uint8_t *out);
/* RFC 2104. */
void hash_hmac(enum hash hash, struct bytes key, struct bytes text, uint8_t *out);
/*
 * RFC 8018: out_len bytes. Slow by intent (milliseconds): run it on a worker, never on a shard.
 */
void hash_pbkdf2(enum hash hash, struct bytes password, struct bytes salt, uint32_t iterations,
		 uint8_t *out, size_t out_len);

#endif
