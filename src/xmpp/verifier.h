/*
 * Verifiers: what an account keeps instead of its password. A list holds SCRAM keys of our own,
 * or a foreign hash (PBKDF2, bcrypt, crypt(3)) that was imported and becomes the SCRAM set at
 * the next PLAIN login. All verifiers of a list are of the same password. Lists live in the
 * arena that made them. The functions marked slow run PBKDF2 or crypt: call them on a worker.
 *
 * 	if (verifier_list_check(&list, &cost, password) && verifier_list_wants_upgrade(&list,
 * &cost)) verifier_list_make(arena, password, &cost, &list);	(then store its format)
 */
#ifndef XMPP_VERIFIER_H
#define XMPP_VERIFIER_H

#include "base/arena.h"
#include "xmpp/hash.h"

enum verifier_scheme {
#define VERIFIER_SCHEME(name, word, hash, kind) VERIFIER_##name,
#include "xmpp/verifier_scheme.def"
#undef VERIFIER_SCHEME
	VERIFIER_SCHEMES
};

enum {
	/* What a stored or imported verifier may cost; more is refused when parsing. */
	VERIFIER_ITERATIONS_MAX = 10000000,
	VERIFIER_SALT_BYTES = 16, /* of those we make */
	VERIFIER_SALT_MAX_BYTES = 256,
	VERIFIER_LIST_MAX = 8,
	/* Longer passwords are refused before they cost anything. */
	VERIFIER_PASSWORD_MAX_BYTES = 1023,
};

struct verifier {
	enum verifier_scheme scheme;
	uint32_t iterations; /* SCRAM, PBKDF2 */
	struct bytes salt;   /* SCRAM, PBKDF2: raw */
	struct bytes
		value; /* SCRAM: StoredKey; PBKDF2: derived key; CRYPT: the crypt(3) string */
	struct bytes server_key; /* SCRAM: ServerKey */
};

/* Embedded or in an arena; empty means that the account has no password. */
struct verifier_list {
	const struct verifier *items;
	size_t count;
};

/* What new verifiers cost, by hash; 0 leaves that hash out. */
struct verifier_cost {
	uint32_t iterations[HASH_COUNT];
};

/* RFC 7677 section 4 asks for 4096 at least; SCRAM-SHA-1 stays there for weak clients. */
#define VERIFIER_COST_DEFAULT ((struct verifier_cost){ { 4096, 10000, 10000 } })

/* OpaqueString (RFC 8265 section 4.2), in the arena. 0 or -EINVAL: not a usable password. */
int verifier_prepare_password(struct arena *arena, struct bytes raw,
			      struct bytes *ret_password);

/*
 * The SCRAM verifier of a prepared password under a given salt (RFC 5802 section 3), in the
 * arena. Slow.
 */
struct verifier verifier_make_scram(struct arena *arena, struct bytes prepared, enum hash hash,
				    struct bytes salt, uint32_t iterations);
/*
 * The SCRAM set of a raw password with fresh salts, in the arena. 0 or -EINVAL (see
 * verifier_prepare_password). Slow.
 */
int verifier_list_make(struct arena *arena, struct bytes raw_password,
		       const struct verifier_cost *cost, struct verifier_list *ret_list);
/*
 * True if the raw password is the account's. An empty list is never right, but spends what a
 * list made with `cost` would, so that an unknown user takes as long as a wrong password. Slow.
 */
bool verifier_list_check(const struct verifier_list *list, const struct verifier_cost *cost,
			 struct bytes raw_password);
/* True if the list lacks a SCRAM verifier that `cost` asks for: worth making anew at PLAIN
 * login. */
bool verifier_list_wants_upgrade(const struct verifier_list *list,
				 const struct verifier_cost *cost);
/* The SCRAM verifier for a hash, or NULL. Borrowed. */
const struct verifier *verifier_list_scram(const struct verifier_list *list, enum hash hash);
/* A deep copy, e.g. for a worker. */
struct verifier_list verifier_list_copy(struct arena *arena, const struct verifier_list *list);

/*
 * The stored form: a line "hearth-verifiers 1", then a line for each, fields parted by a space,
 * binary fields in base64. In the arena.
 */
struct bytes verifier_list_format(struct arena *arena, const struct verifier_list *list);
/* 0 or -EINVAL. Slices live in the arena; text may go. */
int verifier_list_parse(struct arena *arena, struct bytes text, struct verifier_list *ret_list);
/*
 * One hash of another system, as a list of one: crypt(3) ($1$ $5$ $6$ $y$ $2a$ $2b$ $2y$),
 * RFC 5803 and PostgreSQL (SCRAM-SHA-256$4096:salt$stored:server), passlib
 * ($pbkdf2-sha256$rounds$salt$key), Django (pbkdf2_sha256$rounds$salt$key). 0 or -EINVAL.
 */
int verifier_list_import(struct arena *arena, struct bytes text,
			 struct verifier_list *ret_list);
/* "scram-sha-256"; NUL-terminated, static. */
const char *verifier_scheme_name(enum verifier_scheme scheme);

#endif
