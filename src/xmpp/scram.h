/*
 * The server's side of SCRAM (RFC 5802, RFC 7677) and of its downgrade protection (XEP-0474):
 * messages in, messages out, no I/O. xmpp/sasl.h drives it; a struct scram lives in an exchange
 * and its slices in the exchange's arena. One thread at a time.
 *
 * 	scram_init -> scram_client_first -> (credentials are looked up) -> scram_server_first
 * 		   -> scram_client_final -> done
 *
 * It only ever sees StoredKey and ServerKey, and runs no PBKDF2.
 */
#ifndef XMPP_SCRAM_H
#define XMPP_SCRAM_H

#include "base/arena.h"
#include "xmpp/hash.h"

/* The longest client message that is looked at. */
enum { SCRAM_MESSAGE_MAX_BYTES = 8192, SCRAM_NONCE_BYTES = 18 };

/* Why a message is refused; the words of RFC 5802 section 7, server-error-value. */
enum scram_fault {
	SCRAM_FAULT_NONE,
	SCRAM_FAULT_MALFORMED,	       /* invalid-encoding, or not the syntax of section 7 */
	SCRAM_FAULT_EXTENSION,	       /* extensions-not-supported: m= is reserved */
	SCRAM_FAULT_USERNAME,	       /* invalid-username-encoding: =2C, =3D, UTF-8 */
	SCRAM_FAULT_BINDING_MISSING,   /* -PLUS without p=, or p= without -PLUS */
	SCRAM_FAULT_BINDING_DOWNGRADE, /* server-does-support-channel-binding: y= is a lie */
	SCRAM_FAULT_BINDING_MISMATCH,  /* channel-bindings-dont-match: c= is wrong */
	SCRAM_FAULT_PROOF,	       /* invalid-proof; also what an unknown user gets */
};

/* What a user's verifier says. Borrowed. */
struct scram_keys {
	struct bytes salt;
	uint32_t iterations;
	struct bytes stored_key;
	struct bytes server_key;
	bool is_simulated; /* nobody's: the proof fails whatever it is */
};

struct scram {
	struct arena *arena;
	enum hash hash;
	bool is_plus;
	bool is_plus_offered;

	/* from client-first */
	struct bytes gs2_header; /* up to and with the second comma */
	struct bytes client_first_bare;
	struct bytes binding_name; /* p=…; BYTES_NONE if none */
	struct bytes authzid;	   /* unescaped; BYTES_NONE if none */
	struct bytes username;	   /* unescaped, not prepared */
	struct bytes client_nonce;

	/* from server-first on */
	struct bytes server_first;
	struct bytes nonce;
	uint8_t stored_key[HASH_MAX_BYTES];
	uint8_t server_key[HASH_MAX_BYTES];
	bool is_simulated;
};

/* is_plus: the mechanism chosen is a -PLUS one; is_plus_offered: one was among those offered.
 */
void scram_init(struct scram *scram, struct arena *arena, enum hash hash, bool is_plus,
		bool is_plus_offered);
/* Takes client-first-message (copied) and fills the fields of that group. */
enum scram_fault scram_client_first(struct scram *scram, struct bytes message);
/*
 * server-first-message, in the arena. server_nonce: printable ASCII without comma.
 * downgrade_hash: XEP-0474's h= in base64, BYTES_NONE to leave it out.
 */
struct bytes scram_server_first(struct scram *scram, const struct scram_keys *keys,
				struct bytes server_nonce, struct bytes downgrade_hash);
/*
 * Takes client-final-message and checks it in constant time. binding_data: the raw data of
 * scram->binding_name, BYTES_NONE if it has none. Without a fault, *ret_server_final (v=…)
 * lives in the arena.
 */
enum scram_fault scram_client_final(struct scram *scram, struct bytes message,
				    struct bytes binding_data, struct bytes *ret_server_final);

/* Fresh printable nonce from the system's randomness, in the arena. */
struct bytes scram_nonce(struct arena *arena);
/*
 * XEP-0474 section 6.1: the h= attribute over what was offered, in base64, in the arena. The
 * names may come in any order. bindings NULL: no XEP-0440 element was sent.
 */
struct bytes scram_downgrade_hash(struct arena *arena, enum hash hash,
				  const struct bytes *mechs, size_t mech_count,
				  const struct bytes *bindings, size_t binding_count);
/*
 * Keys for a user who does not exist or has none of this hash: salt and keys are HMACs of the
 * prepared name under a secret of the server, so that asking twice shows the same salt. In
 * arena.
 */
struct scram_keys scram_simulate(struct arena *arena, enum hash hash, struct bytes secret,
				 struct bytes name, uint32_t iterations);

#endif
