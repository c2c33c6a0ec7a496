/*
 * Streams: RFC 6120 negotiation between a carrier (bytes or messages of one client) and core.
 * A struct stream lives on one shard; it moves once, after SASL succeeded and before <success/>
 * is written, to the home of the user. Negotiation is a step table (steps.def). The room above
 * is known only as a struct stream_host of upcalls, so that tests and later entrances
 * (components, s2s, gateway) plug in the same way.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "base/option.h"
#include "xml/stanza.h"
#include "xmpp/error.h"
#include "xmpp/jid.h"
#include "xmpp/sasl.h"
#include "xmpp/verifier.h"

struct carrier;
struct domain;
struct stream;
struct worker_pool;

/* Why a stream ended, as core hears it. */
enum stream_end {
	STREAM_END_CLOSED,  /* the client closed it properly */
	STREAM_END_LOST,    /* the connection broke or timed out: may be resumed later */
	STREAM_END_ERROR,   /* we sent a stream error for the client's fault */
	STREAM_END_REPLACED /* core asked for it (drain) */
};

/* An asynchronous credentials lookup, answered exactly once by one of the two functions below.
 */
struct stream_lookup;

/* A request (IQ) of a client that has not authenticated, answered exactly once by
 * stream_ask_answer(). */
struct stream_ask;

/*
 * The room above, one static table per process. All run on the stream's shard, never from
 * inside a function that core called (stream_send and the like), but for what is said at bind.
 */
struct stream_host {
	/* The served domain of a stream header's `to` (normalised), or NULL (host-unknown).
	 * Borrowed for the life of this shard; asked again at each stream header. */
	const struct domain *(*domain)(struct bytes name);
	/* Carries limits.*, tls.* and sasl.* options. NULL: the server's own settings. */
	const struct settings *(*domain_settings)(const struct domain *);
	struct bytes (*domain_name)(const struct domain *);
	/* The shard that is home of a bare JID. */
	unsigned (*home)(struct jid bare);
	/* Starts a lookup of the account's verifiers; answers now or later, on this shard, by
	 * stream_credentials_found (empty list: "no such user") or stream_credentials_failed.
	 */
	void (*credentials)(const struct domain *, struct jid bare, struct stream_lookup *);
	/* What new verifiers cost at this domain: unknown users pretend to it, and PLAIN logins
	 * bring older ones up to it. NULL: VERIFIER_COST_DEFAULT. */
	struct verifier_cost (*cost)(const struct domain *);
	/* A PLAIN login matched a foreign hash: store these verifiers (verifier_list_format).
	 */
	void (*upgrade)(const struct domain *, struct jid bare, struct bytes verifiers);
	/* Too many failures for this address or account? How long to delay this attempt.
	 * address: what limits count by (the /64 of IPv6), binary; may be empty. */
	uint32_t (*auth_delay_ms)(const struct domain *, struct jid bare, struct bytes address);
	void (*auth_result)(const struct domain *, struct jid bare, struct bytes address,
			    bool ok);
	/* Children of <stream:features/> before authentication. NULL: none. */
	void (*offers)(const struct domain *, struct buf *out);
	/* An IQ before authentication (XEP-0077 section 3.1.1), on a stream that is as secure
	 * as a login must be; answered now or later. NULL: all are not-authorized. */
	void (*asked)(struct stream_ask *, const struct stanza *);
	/* Writes children of <stream:features/> beyond bind (post-authentication). */
	void (*features)(const struct domain *, struct buf *out);
	/* Binds: resource is prepared and never empty (made here, unpredictably, if the client
	 * named none). Answered once, now or later, by stream_bound or stream_bind_failed;
	 * until then the stream pointer stays valid even if the client goes away. */
	void (*bind)(struct stream *, struct jid bare, struct bytes resource);
	/* A stanza of the bound session: sealed, `from` set to the session's full JID. Taken.
	 */
	void (*stanza)(void *session, struct stanza *taken);
	/* A top-level element that is no stanza, after authentication; session NULL before bind
	 * (then stream_bound may be called without a bind: resumption).
	 * false: unknown (unsupported-stanza-type). */
	bool (*nonza)(struct stream *, void *session, const struct stanza *);
	/* The stream is gone; session will hear nothing more from it. */
	void (*ended)(void *session, enum stream_end);
	/* The output queue fell below its low mark. */
	void (*drained)(void *session);
};

/* The host, before any stream; static. */
void stream_set_host(const struct stream_host *host);
/* Where PLAIN passwords are verified; before any stream. Without: temporary-auth-failure. */
void stream_set_workers(struct worker_pool *pool);
/* The same pool, for whoever makes verifiers; NULL if there is none. */
struct worker_pool *stream_workers(void);
/*
 * The server's secret for simulated salts of unknown users, after stream_register() (which
 * draws one); keep it in the data directory so that those salts outlive a restart.
 */
void stream_set_secret(const uint8_t secret[SASL_SECRET_BYTES]);
/* The options and metrics of this room; called once at boot, before the configuration is read.
 */
void stream_register(void);

/* --- called by core ------------------------------------------------------------------------
 */

/* Consumes lookup; the list is borrowed for the call. */
void stream_credentials_found(struct stream_lookup *lookup,
			      const struct verifier_list *verifiers);
/* The store or provider failed: temporary-auth-failure. Consumes lookup. */
void stream_credentials_failed(struct stream_lookup *lookup);
/*
 * Consumes ask. The answer is borrowed; NULL: nobody knows such a request, and the stream ends
 * with not-authorized (RFC 6120 section 4.9.3.12).
 */
void stream_ask_answer(struct stream_ask *ask, const struct stanza *answer);
/* The client has gone: what is asked below is empty then. */
bool stream_ask_is_orphan(const struct stream_ask *ask);
const struct domain *stream_ask_domain(const struct stream_ask *ask);
enum text_lang stream_ask_lang(const struct stream_ask *ask);
/* What limits count by (the /64 of IPv6), binary; may be empty. Borrowed. */
struct bytes stream_ask_network(const struct stream_ask *ask);
/* What an earlier request of this stream left here, BYTES_NONE at first; gone with the login.
 */
struct bytes stream_ask_memory(const struct stream_ask *ask);
/* Copied. A few bytes: they stay until the login is over. */
void stream_ask_remember(struct stream_ask *ask, struct bytes memory);
/*
 * Binds the session: session and the bytes of full are borrowed and must live until ended() or
 * stream_close(). If the client has gone meanwhile, ended() follows within this call.
 */
void stream_bound(struct stream *stream, void *session, struct jid full);
void stream_bind_failed(struct stream *stream, enum stanza_condition condition);
/* The client has gone while it waited to be bound: all that remains is stream_bind_failed(). */
bool stream_is_gone(const struct stream *stream);

/*
 * Writes a stanza: head (copied) then the stanza's shared tail (a reference is taken). If the
 * queue is over limits.queue_bytes (a client that never reads) nothing more is written and the
 * stream ends with policy-violation later in this turn: core hears STREAM_END_ERROR.
 */
void stream_send(struct stream *stream, struct bytes head, const struct stanza *stanza);
/* Writes bytes of ours: a nonza, copied. */
void stream_send_raw(struct stream *stream, struct bytes xml);
/*
 * Sends <stream:error/> (STREAM_CONDITION_NONE: just the end) and closes after flushing. The
 * session is let go of at once (no ended upcall) and stream is not to be used again.
 */
void stream_close(struct stream *stream, enum stream_condition condition, enum text text);
/* Stops and resumes reading from this client (back-pressure). */
void stream_pause(struct stream *stream, bool paused);
size_t stream_queued_bytes(const struct stream *stream);
bool stream_is_secure(const struct stream *stream);
/* True over WebSocket: heads carry xmlns (wire_websocket instead of wire_client). */
bool stream_is_framed(const struct stream *stream);
/* "203.0.113.5:51234" for logs and lists; lives in scratch(). */
struct bytes stream_peer(const struct stream *stream);
const char *stream_carrier_name(const struct stream *stream); /* "tcp", "tls", "memory", … */
enum text_lang stream_lang(const struct stream *stream);
/* xml:lang of the client's stream header, BYTES_NONE if it had none; borrowed. */
struct bytes stream_xml_lang(const struct stream *stream);

/*
 * All streams of this shard are told <system-shutdown/> (sessions hear STREAM_END_REPLACED) and
 * new ones are refused; done() is called on this shard when everything is flushed or after
 * deadline_ms. Once per shard.
 */
void stream_drain(uint32_t deadline_ms, void (*done)(void *), void *context);
/* Streams on this shard, also unauthenticated ones. */
size_t stream_count(void);

#endif
