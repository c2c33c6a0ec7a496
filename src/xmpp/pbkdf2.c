/*
 * PBKDF2 (RFC 8018 section 5.2) over OpenSSL's low-level digests: every HMAC of one password
 * begins with the same two blocks, so their states are made once and copied. EVP does not let
 * us copy a state without allocating, and PKCS5_PBKDF2_HMAC takes 2.3 to 3.3 times as long.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the digests are; nothing replaces them for this use */

#include <openssl/sha.h>

#include "base/check.h"
#include "base/secret.h"
#include "xmpp/hash.h"

enum { BLOCK_MAX_BYTES = 128 };

union state {
	SHA_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};

/* HMAC under one key: the states after the padded key (RFC 2104 section 2). */
struct keyed {
	enum hash hash;
	union state inner;
	union state outer;
};

static void start(enum hash hash, union state *state)
{
	if (hash == HASH_SHA1)
		SHA1_Init(&state->sha1);
	else if (hash == HASH_SHA256)
		SHA256_Init(&state->sha256);
	else
		SHA512_Init(&state->sha512);
}

static void absorb(enum hash hash, union state *state, const void *data, size_t len)
{
	if (hash == HASH_SHA1)
		SHA1_Update(&state->sha1, data, len);
	else if (hash == HASH_SHA256)
		SHA256_Update(&state->sha256, data, len);
	else
		SHA512_Update(&state->sha512, data, len);
}

static void squeeze(enum hash hash, union state *state, uint8_t *out)
{
	if (hash == HASH_SHA1)
		SHA1_Final(out, &state->sha1);
	else if (hash == HASH_SHA256)
		SHA256_Final(out, &state->sha256);
	else
		SHA512_Final(out, &state->sha512);
}

static void keyed_init(struct keyed *keyed, enum hash hash, struct bytes password)
{
	size_t block = hash == HASH_SHA512 ? SHA512_CBLOCK : SHA_CBLOCK;
	uint8_t pad[BLOCK_MAX_BYTES] = { 0 };

	if (password.len > block)
		hash_digest(hash, password, pad);
	else if (password.len > 0)
		memcpy(pad, password.ptr, password.len);
	keyed->hash = hash;
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36;
	start(hash, &keyed->inner);
	absorb(hash, &keyed->inner, pad, block);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	start(hash, &keyed->outer);
	absorb(hash, &keyed->outer, pad, block);
	secret_wipe(pad, sizeof(pad));
}

/* state: the inner one, which has absorbed the text; used up. */
static void keyed_finish(const struct keyed *keyed, union state *state, uint8_t *out)
{
	squeeze(keyed->hash, state, out);
	*state = keyed->outer;
	absorb(keyed->hash, state, out, hash_bytes(keyed->hash));
	squeeze(keyed->hash, state, out);
}

/* F of the RFC: one block of output. */
static void derive_block(const struct keyed *keyed, struct bytes salt, uint32_t iterations,
			 uint32_t index, uint8_t *block)
{
	const uint8_t number[4] = { (uint8_t)(index >> 24), (uint8_t)(index >> 16),
				    (uint8_t)(index >> 8), (uint8_t)index };
	size_t size = hash_bytes(keyed->hash);
	uint8_t u[HASH_MAX_BYTES];
	union state state = keyed->inner;

	absorb(keyed->hash, &state, salt.ptr, salt.len);
	absorb(keyed->hash, &state, number, sizeof(number));
	keyed_finish(keyed, &state, u);
	memcpy(block, u, size);
	for (uint32_t i = 1; i < iterations; i++) {
		state = keyed->inner;
		absorb(keyed->hash, &state, u, size);
		keyed_finish(keyed, &state, u);
		for (size_t j = 0; j < size; j++)
			block[j] ^= u[j];
	}
	secret_wipe(u, sizeof(u));
	secret_wipe(&state, sizeof(state));
}

void hash_pbkdf2(enum hash hash, struct bytes password, struct bytes salt, uint32_t iterations,
		 uint8_t *out, size_t out_len)
{
	uint8_t block[HASH_MAX_BYTES];
	struct keyed keyed;

	check(iterations > 0 && iterations <= INT32_MAX);
	keyed_init(&keyed, hash, password);
	for (uint32_t index = 1; out_len > 0; index++) {
		size_t len = out_len < hash_bytes(hash) ? out_len : hash_bytes(hash);
		derive_block(&keyed, salt, iterations, index, block);
		memcpy(out, block, len);
		out += len;
		out_len -= len;
	}
	secret_wipe(&keyed, sizeof(keyed));
	secret_wipe(block, sizeof(block));
}
