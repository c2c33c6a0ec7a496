/*
 * SASL (RFC 4422, RFC 6120 section 6) as vocabulary and as a machine without I/O: which
 * mechanisms to offer, and one exchange from the first response to the verdict. Base64 and XML
 * are the caller's (so SASL2, XEP-0388, drives the same exchange). Looking up a user and
 * checking a password may take as long as they like:
 *
 * 	              start                    credentials
 * 	NEW ---------------------> CREDENTIALS ------------> RESPONSE (SCRAM) --response--> DONE
 * 	 |  response                ^                   \--> VERIFY (PLAIN)   --verified--> DONE
 * 	 +-------> INITIAL ---------+     any refusal, from anywhere: FAILURE, then DONE
 *
 * An exchange belongs to one stream and thread; free it as soon as it is over.
 */
#ifndef XMPP_SASL_H
#define XMPP_SASL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "xmpp/jid.h"
#include "xmpp/verifier.h"

enum sasl_mech {
#define SASL_MECH(name, wire, hash, kind) SASL_##name,
#include "xmpp/sasl_mech.def"
#undef SASL_MECH
	SASL_MECHS
};

enum sasl_binding {
#define SASL_BINDING(name, wire) SASL_BINDING_##name,
#include "xmpp/sasl_binding.def"
#undef SASL_BINDING
	SASL_BINDINGS
};

/* What <sasl-channel-binding/> and the hash of XEP-0474 name: tls-unique is taken, not
 * announced. */
#define SASL_BINDINGS_ANNOUNCED (~(1u << SASL_BINDING_TLS_UNIQUE))

enum sasl_failure {
	SASL_FAILURE_NONE,
#define SASL_FAILURE(name, element) SASL_FAILURE_##name,
#include "xmpp/sasl_failure.def"
#undef SASL_FAILURE
	SASL_FAILURE_COUNT
};

enum { SASL_MESSAGE_MAX_BYTES = 8192, SASL_SECRET_BYTES = 32 };

/* Sets of mechanisms and of bindings: bit 1 << enum. */
#define SASL_BIT(x) (1u << (unsigned)(x))

/* --- vocabulary ------------------------------------------------------------------------------
 */

/* "SCRAM-SHA-1"; NUL-terminated, static. */
const char *sasl_mech_name(enum sasl_mech mech);
/* 0 or -ENOENT; mechanism names are compared exactly (RFC 4422 section 3.1). */
int sasl_mech_find(struct bytes name, enum sasl_mech *ret_mech);
bool sasl_mech_is_plus(enum sasl_mech mech);
const char *sasl_binding_name(enum sasl_binding binding);
int sasl_binding_find(struct bytes name, enum sasl_binding *ret_binding);
const char *sasl_failure_name(enum sasl_failure failure);

/* What decides which mechanisms a stream is offered. */
struct sasl_terms {
	bool is_secure;		    /* TLS, or a transport as good */
	bool is_insecure_allowed;   /* tls.required: no; SCRAM and PLAIN go without TLS */
	bool has_plain;		    /* the provider chain can check a password */
	bool has_scram[HASH_COUNT]; /* the provider chain has keys of this hash */
	uint32_t bindings;	    /* what the carrier can bind to */
};

/* The set to offer, 0 if none: nothing without TLS unless allowed, -PLUS only with bindings. */
uint32_t sasl_offer(const struct sasl_terms *terms);
/*
 * Appends <mechanisms/> of RFC 6120 section 6.3.3 (in order of preference) and, with bindings,
 * <sasl-channel-binding/> of XEP-0440 before it. 0 or -ENOBUFS.
 */
int sasl_write_offer(struct buf *out, uint32_t mechs, uint32_t bindings);
/* Appends <failure xmlns='…sasl'><…/><text/></failure>, RFC 6120 section 6.5. 0 or -ENOBUFS. */
int sasl_write_failure(struct buf *out, enum sasl_failure failure, enum text text,
		       enum text_lang lang);

/* --- one exchange ----------------------------------------------------------------------------
 */

/* Borrowed until sasl_exchange_free: must outlive the exchange. */
struct sasl_context {
	struct bytes domain;	   /* normalised: the stream's host */
	uint32_t mechs, bindings;  /* what was offered on this stream, for XEP-0474 and `y` */
	const uint8_t *secret;	   /* SASL_SECRET_BYTES, kept by the server: simulated salts */
	struct verifier_cost cost; /* what simulated users pretend to */
	/* Data of an offered binding: 0, or -ENOENT. In the arena. */
	int (*channel_binding)(void *owner, enum sasl_binding binding, struct arena *arena,
			       struct bytes *ret_data);
	void *owner;
	struct bytes test_nonce; /* tests: the server's part of the nonce; BYTES_NONE: random */
};

enum sasl_outcome {
	SASL_CHALLENGE,	  /* send step.data as a challenge, then sasl_response() */
	SASL_CREDENTIALS, /* look up sasl_user(), then sasl_credentials() */
	SASL_VERIFY, /* verifier_list_check() of sasl_password() on a worker, sasl_verified() */
	SASL_SUCCESS, /* sasl_user() is authenticated */
	SASL_FAILED,  /* step.failure; the exchange is over */
};

struct sasl_step {
	enum sasl_outcome outcome;
	struct bytes data; /* raw, not base64; SUCCESS: additional data, or BYTES_NONE. Lives as
			    * long as the exchange */
	enum sasl_failure failure;
	enum text text; /* for the failure */
};

struct sasl_exchange;

/*
 * A new exchange (about 1 KiB, one block). mech must be one that was offered: answer others
 * with invalid-mechanism, or encryption-required.
 */
struct sasl_exchange *sasl_exchange_new(const struct sasl_context *context,
					enum sasl_mech mech);
/* Wipes and frees; NULL is accepted. Also aborts an exchange at any point. */
void sasl_exchange_free(struct sasl_exchange **exchange);

/* First call. initial: the initial response, decoded; BYTES_NONE if the client sent none. */
struct sasl_step sasl_start(struct sasl_exchange *exchange, struct bytes initial);
/* The client's answer to a challenge, decoded (copied). */
struct sasl_step sasl_response(struct sasl_exchange *exchange, struct bytes response);
/*
 * The answer to SASL_CREDENTIALS. An empty list (no such user, or disabled without saying so)
 * continues in the same steps and ends in not-authorized. The list is borrowed for the call.
 */
struct sasl_step sasl_credentials(struct sasl_exchange *exchange,
				  const struct verifier_list *verifiers);
/* The lookup itself failed (store, provider): temporary-auth-failure. */
struct sasl_step sasl_credentials_failed(struct sasl_exchange *exchange);
/* The answer to SASL_VERIFY. */
struct sasl_step sasl_verified(struct sasl_exchange *exchange, bool is_right);

/* From SASL_CREDENTIALS on: the bare JID that signs in, normalised. Lives with the exchange. */
struct jid sasl_user(const struct sasl_exchange *exchange);
/* At SASL_VERIFY: the raw password; wiped by sasl_verified() and by sasl_exchange_free(). */
struct bytes sasl_password(const struct sasl_exchange *exchange);
enum sasl_mech sasl_mech_of(const struct sasl_exchange *exchange);

/*
 * RFC 6120 section 6.3.8: an authzid is fine if absent, empty, or the user's own bare JID in
 * any spelling.
 */
bool sasl_authzid_is_own(struct bytes authzid, struct jid user);

#endif
