#include "xmpp/verifier.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/secret.h"
#include "xmpp/precis.h"
#include "xmpp/verifier_impl.h"

const struct verifier_scheme_info *verifier_scheme_info(enum verifier_scheme scheme)
{
	static const struct verifier_scheme_info schemes[] = {
#define VERIFIER_SCHEME(name, word, hash, kind) { word, hash, kind },
#include "xmpp/verifier_scheme.def"
#undef VERIFIER_SCHEME
	};
	check(scheme < VERIFIER_SCHEMES);
	return &schemes[scheme];
}

const char *verifier_scheme_name(enum verifier_scheme scheme)
{
	return verifier_scheme_info(scheme)->word;
}

int verifier_prepare_password(struct arena *arena, struct bytes raw, struct bytes *ret_password)
{
	if (raw.len > VERIFIER_PASSWORD_MAX_BYTES)
		return -EINVAL;
	return precis_opaque_string(arena, raw, ret_password) < 0 ? -EINVAL : 0;
}

/* --- making ----------------------------------------------------------------------------------
 */

static enum verifier_scheme scram_scheme(enum hash hash)
{
	switch (hash) {
	case HASH_SHA1:
		return VERIFIER_SCRAM_SHA_1;
	case HASH_SHA256:
		return VERIFIER_SCRAM_SHA_256;
	default:
		return VERIFIER_SCRAM_SHA_512;
	}
}

/* RFC 5802 section 3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
struct verifier verifier_make_scram(struct arena *arena, struct bytes prepared, enum hash hash,
				    struct bytes salt, uint32_t iterations)
{
	size_t size = hash_bytes(hash);
	uint8_t salted[HASH_MAX_BYTES], client_key[HASH_MAX_BYTES];
	uint8_t stored_key[HASH_MAX_BYTES], server_key[HASH_MAX_BYTES];

	hash_pbkdf2(hash, prepared, salt, iterations, salted, size);
	hash_hmac(hash, bytes_make(salted, size), BYTES_LIT("Client Key"), client_key);
	hash_digest(hash, bytes_make(client_key, size), stored_key);
	hash_hmac(hash, bytes_make(salted, size), BYTES_LIT("Server Key"), server_key);
	secret_wipe(salted, sizeof(salted));
	secret_wipe(client_key, sizeof(client_key));
	return (struct verifier){
		.scheme = scram_scheme(hash),
		.iterations = iterations,
		.salt = arena_copy(arena, salt),
		.value = arena_copy(arena, bytes_make(stored_key, size)),
		.server_key = arena_copy(arena, bytes_make(server_key, size)),
	};
}

/* SHA-256 first: the first of a list is what a PLAIN login is checked against. */
static const enum hash making_order[HASH_COUNT] = { HASH_SHA256, HASH_SHA512, HASH_SHA1 };

int verifier_list_make(struct arena *arena, struct bytes raw_password,
		       const struct verifier_cost *cost, struct verifier_list *ret_list)
{
	struct verifier *items = arena_alloc(arena, HASH_COUNT * sizeof(*items));
	struct bytes prepared;
	size_t count = 0;

	if (verifier_prepare_password(arena, raw_password, &prepared) < 0)
		return -EINVAL;
	for (size_t i = 0; i < HASH_COUNT; i++) {
		uint8_t salt[VERIFIER_SALT_BYTES];
		enum hash hash = making_order[i];
		if (cost->iterations[hash] == 0)
			continue;
		random_fill(salt, sizeof(salt));
		items[count++] = verifier_make_scram(arena, prepared, hash,
						     bytes_make(salt, sizeof(salt)),
						     cost->iterations[hash]);
	}
	*ret_list = (struct verifier_list){ items, count };
	return 0;
}

struct verifier_list verifier_list_copy(struct arena *arena, const struct verifier_list *list)
{
	struct verifier *items = arena_alloc(arena, (list->count + 1) * sizeof(*items));

	for (size_t i = 0; i < list->count; i++) {
		items[i] = list->items[i];
		items[i].salt = arena_copy(arena, items[i].salt);
		items[i].value = arena_copy(arena, items[i].value);
		items[i].server_key = arena_copy(arena, items[i].server_key);
	}
	return (struct verifier_list){ items, list->count };
}

/* --- checking --------------------------------------------------------------------------------
 */

static bool check_scram(const struct verifier *verifier, struct bytes password)
{
	enum hash hash = verifier_scheme_info(verifier->scheme)->hash;
	size_t size = hash_bytes(hash);
	uint8_t salted[HASH_MAX_BYTES], client_key[HASH_MAX_BYTES], stored_key[HASH_MAX_BYTES];

	hash_pbkdf2(hash, password, verifier->salt, verifier->iterations, salted, size);
	hash_hmac(hash, bytes_make(salted, size), BYTES_LIT("Client Key"), client_key);
	hash_digest(hash, bytes_make(client_key, size), stored_key);
	secret_wipe(salted, sizeof(salted));
	secret_wipe(client_key, sizeof(client_key));
	return secret_equal(bytes_make(stored_key, size), verifier->value);
}

static bool check_pbkdf2(const struct verifier *verifier, struct bytes password)
{
	enum hash hash = verifier_scheme_info(verifier->scheme)->hash;
	uint8_t key[HASH_MAX_BYTES];

	hash_pbkdf2(hash, password, verifier->salt, verifier->iterations, key,
		    verifier->value.len);
	return secret_equal(bytes_make(key, verifier->value.len), verifier->value);
}

/* The library's state is 32 KiB: too much for a worker's stack. */
static bool check_crypt(const struct verifier *verifier, struct bytes password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char *setting = strndup(verifier->value.ptr, verifier->value.len);
	char *phrase = strndup(password.ptr, password.len);
	bool is_right = false;

	check(data && setting && phrase);
	if (strlen(phrase) == password.len) {
		/* Not crypt_r: AddressSanitizer intercepts that one and loses the library. */
		const char *computed = crypt_rn(phrase, setting, data, sizeof(*data));
		is_right = computed && secret_equal(bytes_of(computed), verifier->value);
	}
	secret_wipe(phrase, strlen(phrase));
	secret_wipe(data, sizeof(*data));
	free(phrase);
	free(setting);
	free(data);
	return is_right;
}

static bool check_one(const struct verifier *verifier, struct bytes password)
{
	switch (verifier_scheme_info(verifier->scheme)->kind) {
	case VERIFIER_KIND_SCRAM:
		return check_scram(verifier, password);
	case VERIFIER_KIND_PBKDF2:
		return check_pbkdf2(verifier, password);
	case VERIFIER_KIND_CRYPT:
		return check_crypt(verifier, password);
	}
	return false;
}

/* As long as checking the first verifier of a list that was made with this cost. */
static void check_nobody(const struct verifier_cost *cost, struct bytes password)
{
	uint8_t key[HASH_MAX_BYTES];

	for (size_t i = 0; i < HASH_COUNT; i++) {
		enum hash hash = making_order[i];
		if (cost->iterations[hash] == 0)
			continue;
		hash_pbkdf2(hash, password, BYTES_LIT("nobody's salt..."),
			    cost->iterations[hash], key, hash_bytes(hash));
		return;
	}
}

static bool check_prepared(const struct verifier_list *list, const struct verifier_cost *cost,
			   struct bytes raw, struct bytes prepared)
{
	const struct verifier *first = list->items;

	if (list->count == 0) {
		check_nobody(cost, prepared);
		return false;
	}
	if (check_one(first, prepared))
		return true;
	/* Another system may have hashed the password as it was typed. */
	return verifier_scheme_info(first->scheme)->kind != VERIFIER_KIND_SCRAM &&
	       !bytes_equal(raw, prepared) && check_one(first, raw);
}

bool verifier_list_check(const struct verifier_list *list, const struct verifier_cost *cost,
			 struct bytes raw_password)
{
	struct arena arena;
	struct bytes prepared;
	bool is_right = false;

	if (raw_password.len == 0 || raw_password.len > VERIFIER_PASSWORD_MAX_BYTES)
		return false;
	arena_init(&arena, 1024);
	if (verifier_prepare_password(&arena, raw_password, &prepared) < 0)
		prepared = arena_copy(&arena, raw_password);
	is_right = check_prepared(list, cost, raw_password, prepared);
	secret_wipe((char *)(uintptr_t)prepared.ptr, prepared.len);
	arena_fini(&arena);
	return is_right;
}

const struct verifier *verifier_list_scram(const struct verifier_list *list, enum hash hash)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].scheme == scram_scheme(hash))
			return &list->items[i];
	}
	return NULL;
}

bool verifier_list_wants_upgrade(const struct verifier_list *list,
				 const struct verifier_cost *cost)
{
	for (int hash = 0; hash < HASH_COUNT; hash++) {
		const struct verifier *scram = verifier_list_scram(list, (enum hash)hash);
		if (cost->iterations[hash] > 0 &&
		    (!scram || scram->iterations < cost->iterations[hash]))
			return true;
	}
	return false;
}
