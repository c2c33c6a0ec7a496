/*
 * A SCRAM client for the tests, written against RFC 5802 section 3 from OpenSSL's own HMAC and
 * PBKDF2, so that it shares nothing with the server's code.
 */
#ifndef TESTS_XMPP_CLIENT_H
#define TESTS_XMPP_CLIENT_H

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/arena.h"
#include "base/codec.h"

struct client {
	struct arena *arena;
	const EVP_MD *md;
	const char *gs2_header; /* "n,," */
	const char *user;	/* escaped already */
	const char *password;
	struct bytes binding_data;
	const char *extensions; /* ",x=…" of client-final, or "" */
	struct bytes first_bare;
	struct bytes expected_final; /* v=… */
};

static inline struct bytes client_first(struct client *client)
{
	client->first_bare = arena_printf(client->arena, "n=%s,r=clientNONCE", client->user);
	return arena_printf(client->arena, "%s%.*s", client->gs2_header,
			    BYTES_ARG(client->first_bare));
}

static inline struct bytes client_hmac(struct client *client, struct bytes key,
				       struct bytes text)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	HMAC(client->md, key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len, out,
	     &len);
	return arena_copy(client->arena, bytes_make(out, len));
}

/* The value of an attribute of server-first. */
static inline struct bytes client_attribute(struct bytes message, char letter)
{
	while (!bytes_is_none(message)) {
		struct bytes one = bytes_cut(&message, ',');
		if (one.len >= 2 && one.ptr[0] == letter && one.ptr[1] == '=')
			return bytes_skip(one, 2);
	}
	return BYTES_NONE;
}

static inline struct bytes client_salted(struct client *client, struct bytes server_first)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	int size = EVP_MD_get_size(client->md);
	struct bytes salt = BYTES_NONE;
	uint64_t iterations = 0;

	base64_decode(client->arena, client_attribute(server_first, 's'), &salt);
	bytes_to_u64(client_attribute(server_first, 'i'), &iterations);
	PKCS5_PBKDF2_HMAC(client->password, -1, (const unsigned char *)salt.ptr, (int)salt.len,
			  (int)iterations, client->md, size, out);
	return arena_copy(client->arena, bytes_make(out, (size_t)size));
}

/* gs2-header and the raw data, which may hold NUL. */
static inline struct bytes client_binding_input(struct client *client)
{
	size_t header_len = strlen(client->gs2_header);
	char *all = arena_alloc(client->arena, header_len + client->binding_data.len + 1);

	memcpy(all, client->gs2_header, header_len);
	if (client->binding_data.len > 0)
		memcpy(all + header_len, client->binding_data.ptr, client->binding_data.len);
	return bytes_make(all, header_len + client->binding_data.len);
}

/* client-final-message; fills expected_final. */
static inline struct bytes client_final(struct client *client, struct bytes server_first)
{
	struct arena *arena = client->arena;
	struct bytes salted = client_salted(client, server_first);
	struct bytes client_key = client_hmac(client, salted, BYTES_LIT("Client Key"));
	struct bytes server_key = client_hmac(client, salted, BYTES_LIT("Server Key"));
	unsigned char stored[EVP_MAX_MD_SIZE], proof[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	struct bytes binding = base64_encode(arena, client_binding_input(client));
	struct bytes bare = arena_printf(arena, "c=%.*s,r=%.*s%s", BYTES_ARG(binding),
					 BYTES_ARG(client_attribute(server_first, 'r')),
					 client->extensions ? client->extensions : "");
	struct bytes auth = arena_printf(arena, "%.*s,%.*s,%.*s", BYTES_ARG(client->first_bare),
					 BYTES_ARG(server_first), BYTES_ARG(bare));

	EVP_Digest(client_key.ptr, client_key.len, stored, &size, client->md, NULL);
	struct bytes signature = client_hmac(client, bytes_make(stored, size), auth);
	for (size_t i = 0; i < size; i++)
		proof[i] = (unsigned char)(client_key.ptr[i] ^ signature.ptr[i]);
	struct bytes verifier = base64_encode(arena, client_hmac(client, server_key, auth));
	client->expected_final = arena_printf(arena, "v=%.*s", BYTES_ARG(verifier));
	struct bytes encoded = base64_encode(arena, bytes_make(proof, size));
	return arena_printf(arena, "%.*s,p=%.*s", BYTES_ARG(bare), BYTES_ARG(encoded));
}

#endif
