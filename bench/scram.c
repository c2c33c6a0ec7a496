/* SCRAM-SHA-1, client side. */
#include "scram.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/table.h"

enum { KEY_BYTES = SHA_DIGEST_LENGTH };

struct keys {
	struct bytes name; /* "password salt iterations" */
	unsigned char client[KEY_BYTES];
	unsigned char stored[KEY_BYTES];
	unsigned char server[KEY_BYTES];
	bool is_saved;
};

struct scram_cache {
	struct arena arena;
	struct table table;
	const char *path;
};

static void hmac_sha1(const unsigned char key[KEY_BYTES], struct bytes data,
		      unsigned char ret_mac[KEY_BYTES])
{
	unsigned int len = KEY_BYTES;

	check(HMAC(EVP_sha1(), key, KEY_BYTES, (const unsigned char *)data.ptr, data.len,
		   ret_mac, &len));
}

static struct keys *cache_add(struct scram_cache *cache, struct bytes name)
{
	struct keys *keys = arena_new(&cache->arena, struct keys);

	keys->name = arena_copy(&cache->arena, name);
	table_put(&cache->table, keys->name, keys);
	return keys;
}

static int read_key(struct scram_cache *cache, struct bytes hex,
		    unsigned char ret_key[KEY_BYTES])
{
	struct bytes raw;

	if (hex_decode(&cache->arena, hex, &raw) != 0 || raw.len != KEY_BYTES)
		return -EINVAL;
	memcpy(ret_key, raw.ptr, KEY_BYTES);
	return 0;
}

/* A line is "password salt iterations client-key-hex server-key-hex". */
static void cache_read_line(struct scram_cache *cache, struct bytes line)
{
	char name[256];
	struct bytes rest = line;
	struct bytes password = bytes_cut(&rest, ' ');
	struct bytes salt = bytes_cut(&rest, ' ');
	struct bytes rounds = bytes_cut(&rest, ' ');
	struct bytes client = bytes_cut(&rest, ' ');
	unsigned char key[2][KEY_BYTES];

	if (read_key(cache, client, key[0]) != 0 || read_key(cache, rest, key[1]) != 0)
		return;
	int n = snprintf(name, sizeof(name), "%.*s %.*s %.*s", BYTES_ARG(password),
			 BYTES_ARG(salt), BYTES_ARG(rounds));
	if (n >= (int)sizeof(name))
		return;
	struct keys *keys = cache_add(cache, bytes_make(name, (size_t)n));
	memcpy(keys->client, key[0], KEY_BYTES);
	memcpy(keys->server, key[1], KEY_BYTES);
	SHA1(keys->client, KEY_BYTES, keys->stored);
	keys->is_saved = true;
}

struct scram_cache *scram_cache_open(const char *path)
{
	struct scram_cache *cache = calloc(1, sizeof(*cache));
	char line[512];

	check(cache);
	arena_init(&cache->arena, 1 << 16);
	table_init(&cache->table);
	cache->path = path;
	FILE *file = path ? fopen(path, "re") : NULL;
	if (!file)
		return cache;
	while (fgets(line, sizeof(line), file))
		cache_read_line(cache, bytes_trim(bytes_of(line)));
	fclose(file);
	return cache;
}

static void cache_save(struct scram_cache *cache)
{
	FILE *file = fopen(cache->path, "ae");
	uint32_t cursor = 0;

	if (!file)
		return;
	for (struct keys *keys = table_next(&cache->table, &cursor); keys;
	     keys = table_next(&cache->table, &cursor)) {
		if (keys->is_saved)
			continue;
		struct bytes client =
			hex_encode(&cache->arena, bytes_make(keys->client, KEY_BYTES));
		struct bytes server =
			hex_encode(&cache->arena, bytes_make(keys->server, KEY_BYTES));
		fprintf(file, "%.*s %.*s %.*s\n", BYTES_ARG(keys->name), BYTES_ARG(client),
			BYTES_ARG(server));
	}
	fclose(file);
}

void scram_cache_close(struct scram_cache **cache)
{
	if (!*cache)
		return;
	if ((*cache)->path)
		cache_save(*cache);
	table_fini(&(*cache)->table);
	arena_fini(&(*cache)->arena);
	free(*cache);
	*cache = NULL;
}

static struct keys *derive(struct scram_cache *cache, struct bytes name, const char *password,
			   struct bytes salt, uint32_t rounds)
{
	unsigned char salted[KEY_BYTES];
	struct keys *keys = cache_add(cache, name);

	check(PKCS5_PBKDF2_HMAC(password, (int)strlen(password),
				(const unsigned char *)salt.ptr, (int)salt.len, (int)rounds,
				EVP_sha1(), KEY_BYTES, salted) == 1);
	hmac_sha1(salted, BYTES_LIT("Client Key"), keys->client);
	hmac_sha1(salted, BYTES_LIT("Server Key"), keys->server);
	SHA1(keys->client, KEY_BYTES, keys->stored);
	return keys;
}

struct bytes scram_first(struct scram *scram, struct arena *arena, const char *user)
{
	unsigned char raw[18];

	check(RAND_bytes(raw, sizeof(raw)) == 1);
	struct bytes nonce = base64url_encode(arena, bytes_make(raw, sizeof(raw)));
	scram->arena = arena;
	scram->first_bare = arena_printf(arena, "n=%s,r=%.*s", user, BYTES_ARG(nonce));
	struct bytes first = arena_printf(arena, "n,,%.*s", BYTES_ARG(scram->first_bare));
	return base64_encode(arena, first);
}

/* The value of "k=value" in a comma list, or BYTES_NONE. */
static struct bytes field(struct bytes list, char key)
{
	struct bytes rest = list;

	while (!bytes_is_none(rest)) {
		struct bytes item = bytes_cut(&rest, ',');
		if (item.len >= 2 && item.ptr[0] == key && item.ptr[1] == '=')
			return bytes_skip(item, 2);
	}
	return BYTES_NONE;
}

static struct keys *keys_for(struct scram *scram, struct scram_cache *cache,
			     const char *password, struct bytes salt_text, struct bytes rounds)
{
	struct bytes salt;
	uint64_t n;

	if (base64_decode(scram->arena, salt_text, &salt) != 0 ||
	    bytes_to_u64(rounds, &n) != 0 || n == 0 || n > 1000000)
		return NULL;
	struct bytes name = arena_printf(scram->arena, "%s %.*s %.*s", password,
					 BYTES_ARG(salt_text), BYTES_ARG(rounds));
	struct keys *keys = table_find(&cache->table, name);
	return keys ? keys : derive(cache, name, password, salt, (uint32_t)n);
}

/* The proof, and what the server has to sign with (RFC 5802 section 3). */
static struct bytes prove(struct scram *scram, const struct keys *keys, struct bytes auth)
{
	unsigned char mac[KEY_BYTES];

	hmac_sha1(keys->server, auth, mac);
	scram->signature = base64_encode(scram->arena, bytes_make(mac, KEY_BYTES));
	hmac_sha1(keys->stored, auth, mac);
	for (int i = 0; i < KEY_BYTES; i++)
		mac[i] ^= keys->client[i];
	return base64_encode(scram->arena, bytes_make(mac, KEY_BYTES));
}

int scram_answer(struct scram *scram, struct scram_cache *cache, const char *password,
		 struct bytes challenge, struct bytes *ret_response)
{
	struct arena *arena = scram->arena;
	struct bytes first;

	if (base64_decode(arena, challenge, &first) != 0)
		return -EINVAL;
	struct bytes nonce = field(first, 'r');
	if (!bytes_has_prefix(nonce, field(scram->first_bare, 'r')))
		return -EINVAL;
	struct keys *keys =
		keys_for(scram, cache, password, field(first, 's'), field(first, 'i'));
	if (!keys)
		return -EINVAL;
	struct bytes final = arena_printf(arena, "c=biws,r=%.*s", BYTES_ARG(nonce));
	struct bytes auth = arena_printf(arena, "%.*s,%.*s,%.*s", BYTES_ARG(scram->first_bare),
					 BYTES_ARG(first), BYTES_ARG(final));
	struct bytes proof = prove(scram, keys, auth);
	*ret_response = base64_encode(
		arena, arena_printf(arena, "%.*s,p=%.*s", BYTES_ARG(final), BYTES_ARG(proof)));
	return 0;
}

bool scram_is_server(const struct scram *scram, struct bytes success)
{
	struct bytes final;

	if (base64_decode(scram->arena, success, &final) != 0)
		return false;
	return bytes_equal(field(final, 'v'), scram->signature);
}
