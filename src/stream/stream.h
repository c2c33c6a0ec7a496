/*
 * Streams: RFC 6120 negotiation between a carrier (bytes or messages of one client) and core.
 * A struct stream lives on one shard; it moves once, after SASL succeeded and before <success/>
 * is written, to the home of the user. Negotiation is a step table (steps.def). The room above
 * is known only as a struct stream_host of upcalls, so that tests and later entrances (components,
 * s2s, gateway) plug in the same way.
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
struct stream;

/* Why a stream ended, as core hears it. */
enum stream_end {
	STREAM_END_CLOSED,  /* the client closed it properly */
	STREAM_END_LOST,    /* the connection broke or timed out: may be resumed later */
	STREAM_END_ERROR,   /* we sent a stream error for the client's fault */
	STREAM_END_REPLACED /* core asked for it (conflict, kick, shutdown) */
};

/* An asynchronous credentials lookup, answered once by stream_credentials_found(). */
struct stream_lookup;

/* The room above, one static table per process (stream_set_host). All run on the stream's shard. */
struct stream_host {
	/* The served domain of a stream header's `to`, or NULL (host-unknown). Borrowed for the
	 * shard's life or until the stream lets go; settings carries limits.*, tls.* options. */
	const struct domain *(*domain)(struct bytes name);
	const struct settings *(*domain_settings)(const struct domain *);
	struct bytes (*domain_name)(const struct domain *);
	/* The shard that is home of a bare JID. */
	unsigned (*home)(struct jid bare);
	/* Starts a lookup of the account's verifiers; answers now or later, on this shard, by
	 * stream_credentials_found(lookup, verifiers) with an empty list for "no such user". */
	void (*credentials)(const struct domain *, struct jid bare, struct stream_lookup *);
	/* A PLAIN login matched a foreign hash: store the SCRAM verifiers made of the password. */
	void (*upgrade)(const struct domain *, struct jid bare, struct bytes verifiers);
	/* Too many failures for this address or account? How long to delay the next attempt. */
	uint32_t (*auth_delay_ms)(const struct domain *, struct jid bare, struct bytes address);
	void (*auth_result)(const struct domain *, struct jid bare, struct bytes address, bool ok);
	/* Writes children of <stream:features/> beyond bind (post-authentication). */
	void (*features)(const struct domain *, struct buf *out);
	/* Binds: resource may be BYTES_NONE (server makes one). Answer now or later by
	 * stream_bound(stream, session, full jid) or stream_bind_failed(stream, condition). */
	void (*bind)(struct stream *, struct jid bare, struct bytes resource);
	/* A stanza of the bound session: sealed, `from` set to the session's full JID. Taken. */
	void (*stanza)(void *session, struct stanza *taken);
	/* A top-level element that is no stanza, after authentication; session NULL before bind.
	 * false: unknown (unsupported-stanza-type). */
	bool (*nonza)(struct stream *, void *session, const struct stanza *);
	/* The stream is gone; session will hear nothing more from it. */
	void (*ended)(void *session, enum stream_end);
	/* The output queue fell below its low mark. */
	void (*drained)(void *session);
};

void stream_set_host(const struct stream_host *host);
/* The options and metrics of this room; called once at boot. */
void stream_register(void);

/* --- called by core ------------------------------------------------------------------------ */

void stream_credentials_found(struct stream_lookup *lookup, const struct verifier_list *verifiers);
void stream_bound(struct stream *stream, void *session, struct jid full);
void stream_bind_failed(struct stream *stream, enum stanza_condition condition);

/*
 * Writes a stanza: head (copied) then the stanza's shared tail (a reference is taken). If the
 * queue is over limits.queue_bytes the stream ends with policy-violation (a client that never
 * reads) and core hears STREAM_END_ERROR.
 */
void stream_send(struct stream *stream, struct bytes head, const struct stanza *stanza);
/* Writes bytes of ours: a nonza, copied. */
void stream_send_raw(struct stream *stream, struct bytes xml);
/* Sends <stream:error/> and closes after flushing. The session is let go of at once (no ended upcall). */
void stream_close(struct stream *stream, enum stream_condition condition, enum text text);
/* Stops and resumes reading from this client (back-pressure). */
void stream_pause(struct stream *stream, bool paused);
size_t stream_queued_bytes(const struct stream *stream);
bool stream_is_secure(const struct stream *stream);
/* "203.0.113.5:51234" for logs and lists; borrowed. */
struct bytes stream_peer(const struct stream *stream);
const char *stream_carrier_name(const struct stream *stream); /* "tcp", "tls", "memory", … */
enum text_lang stream_lang(const struct stream *stream);
struct bytes stream_xml_lang(const struct stream *stream);

/* All streams of this shard are told <system-shutdown/> and flushed; done() when none is left
 * or after deadline_ms. */
void stream_drain(uint32_t deadline_ms, void (*done)(void *), void *context);
/* Streams on this shard, also unauthenticated ones. */
size_t stream_count(void);

#endif
