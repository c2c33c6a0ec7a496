#include "xmpp/hash.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/check.h"
#include "base/secret.h"

static const struct {
	const char *name;
	size_t bytes, block_bytes;
} hashes[HASH_COUNT] = {
	[HASH_SHA1] = { "SHA1", 20, 64 },
	[HASH_SHA256] = { "SHA256", 32, 64 },
	[HASH_SHA512] = { "SHA512", 64, 128 },
};

/* Fetching an algorithm by name costs more than hashing a message: once per process. */
static EVP_MD *fetched[HASH_COUNT];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
	for (int i = 0; i < HASH_COUNT; i++) {
		fetched[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
		check(fetched[i]);
	}
}

static const EVP_MD *md_of(enum hash hash)
{
	check(hash < HASH_COUNT);
	pthread_once(&fetch_once, fetch_all);
	return fetched[hash];
}

size_t hash_bytes(enum hash hash)
{
	check(hash < HASH_COUNT);
	return hashes[hash].bytes;
}

static void digest_two(EVP_MD_CTX *ctx, const EVP_MD *md, struct bytes first,
		       struct bytes second, uint8_t *out)
{
	check(EVP_DigestInit_ex2(ctx, md, NULL) == 1);
	check(EVP_DigestUpdate(ctx, first.ptr, first.len) == 1);
	check(EVP_DigestUpdate(ctx, second.ptr, second.len) == 1);
	check(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

void hash_digest(enum hash hash, struct bytes text, uint8_t *out)
{
	const EVP_MD *md = md_of(hash);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	check(ctx);
	digest_two(ctx, md, text, BYTES_NONE, out);
	EVP_MD_CTX_free(ctx);
}

/* Over the plain digests: EVP_MAC would fetch its digest by name in every call. */
void hash_hmac(enum hash hash, struct bytes key, struct bytes text, uint8_t *out)
{
	const EVP_MD *md = md_of(hash);
	size_t block = hashes[hash].block_bytes;
	uint8_t pad[128] = { 0 }, inner[HASH_MAX_BYTES];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	check(ctx);
	if (key.len > block)
		digest_two(ctx, md, key, BYTES_NONE, pad);
	else if (key.len > 0)
		memcpy(pad, key.ptr, key.len);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36;
	digest_two(ctx, md, bytes_make(pad, block), text, inner);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	digest_two(ctx, md, bytes_make(pad, block), bytes_make(inner, hashes[hash].bytes), out);
	EVP_MD_CTX_free(ctx);
	secret_wipe(pad, sizeof(pad));
	secret_wipe(inner, sizeof(inner));
}
