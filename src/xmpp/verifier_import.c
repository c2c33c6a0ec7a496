/* Hashes of other systems, as they stand in their databases. */
#include <errno.h>

#include "base/check.h"
#include "base/codec.h"
#include "xmpp/verifier_impl.h"

/* SCRAM-SHA-256$4096:salt$stored:server (RFC 5803 section 3, also PostgreSQL's rolpassword). */
static int import_scram(struct arena *arena, struct bytes text, struct verifier *verifier)
{
	struct bytes salt, stored;

	if (verifier_parse_iterations(bytes_cut(&text, ':'), &verifier->iterations) < 0 ||
	    bytes_is_none(text))
		return -EINVAL;
	salt = bytes_cut(&text, '$');
	if (bytes_is_none(text))
		return -EINVAL;
	stored = bytes_cut(&text, ':');
	if (bytes_is_none(text) || base64_decode(arena, salt, &verifier->salt) < 0 ||
	    base64_decode(arena, stored, &verifier->value) < 0)
		return -EINVAL;
	return base64_decode(arena, text, &verifier->server_key);
}

/* passlib's base64: '.' for '+', and no padding. */
static int decode_passlib(struct arena *arena, struct bytes text, struct bytes *ret_raw)
{
	size_t padded = (text.len + 3) / 4 * 4;
	char *usual = arena_alloc_raw(arena, padded + 1);

	for (size_t i = 0; i < padded; i++) {
		char c = i < text.len ? text.ptr[i] : '=';
		if (i < text.len && (c == '+' || c == '='))
			return -EINVAL;
		usual[i] = c == '.' ? '+' : c;
	}
	return base64_decode(arena, bytes_make(usual, padded), ret_raw);
}

/* $pbkdf2-sha256$rounds$salt$key, after the second '$'. */
static int import_passlib(struct arena *arena, struct bytes text, struct verifier *verifier)
{
	struct bytes salt;

	if (verifier_parse_iterations(bytes_cut(&text, '$'), &verifier->iterations) < 0 ||
	    bytes_is_none(text))
		return -EINVAL;
	salt = bytes_cut(&text, '$');
	if (bytes_is_none(text) || decode_passlib(arena, salt, &verifier->salt) < 0)
		return -EINVAL;
	return decode_passlib(arena, text, &verifier->value);
}

/* pbkdf2_sha256$rounds$salt$key: the salt is text, the key base64. */
static int import_django(struct arena *arena, struct bytes text, struct verifier *verifier)
{
	struct bytes salt;

	if (verifier_parse_iterations(bytes_cut(&text, '$'), &verifier->iterations) < 0 ||
	    bytes_is_none(text))
		return -EINVAL;
	salt = bytes_cut(&text, '$');
	if (bytes_is_none(text))
		return -EINVAL;
	verifier->salt = arena_copy(arena, salt);
	return base64_decode(arena, text, &verifier->value);
}

static int import_crypt(struct arena *arena, struct bytes text, struct verifier *verifier)
{
	verifier->value = arena_copy(arena, text);
	return 0;
}

static const struct {
	const char *prefix;
	bool is_prefix_cut;
	enum verifier_scheme scheme;
	int (*import)(struct arena *, struct bytes, struct verifier *);
} formats[] = {
	{ "SCRAM-SHA-1$", true, VERIFIER_SCRAM_SHA_1, import_scram },
	{ "SCRAM-SHA-256$", true, VERIFIER_SCRAM_SHA_256, import_scram },
	{ "SCRAM-SHA-512$", true, VERIFIER_SCRAM_SHA_512, import_scram },
	{ "$pbkdf2$", true, VERIFIER_PBKDF2_SHA_1, import_passlib },
	{ "$pbkdf2-sha256$", true, VERIFIER_PBKDF2_SHA_256, import_passlib },
	{ "$pbkdf2-sha512$", true, VERIFIER_PBKDF2_SHA_512, import_passlib },
	{ "pbkdf2_sha1$", true, VERIFIER_PBKDF2_SHA_1, import_django },
	{ "pbkdf2_sha256$", true, VERIFIER_PBKDF2_SHA_256, import_django },
	{ "pbkdf2_sha512$", true, VERIFIER_PBKDF2_SHA_512, import_django },
	{ "$", false, VERIFIER_CRYPT, import_crypt },
};

int verifier_list_import(struct arena *arena, struct bytes text, struct verifier_list *ret_list)
{
	struct verifier *verifier = arena_new(arena, struct verifier);

	for (size_t i = 0; i < array_len(formats); i++) {
		struct bytes prefix = bytes_of(formats[i].prefix);
		if (!bytes_has_prefix(text, prefix))
			continue;
		verifier->scheme = formats[i].scheme;
		if (formats[i].is_prefix_cut)
			text = bytes_skip(text, prefix.len);
		if (formats[i].import(arena, text, verifier) < 0 ||
		    !verifier_is_sound(verifier))
			return -EINVAL;
		*ret_list = (struct verifier_list){ verifier, 1 };
		return 0;
	}
	return -EINVAL;
}
