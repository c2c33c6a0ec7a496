/*
 * A carrier moves one client's XMPP: TCP with or without TLS, WebSocket, BOSH, or a test's
 * memory. Below it are bytes or messages; above it a struct stream. A session outlives its
 * carrier. Nothing above stream touches a descriptor or TLS.
 */
#ifndef STREAM_CARRIER_H
#define STREAM_CARRIER_H

#include "stream/stream.h"

struct carrier_ops {
	const char *name;
	/* true: RFC 7395 framing: one element per message, <open/>/<close/> instead of a
	 * stream header, and heads carry xmlns='jabber:client'. */
	bool is_framed;
	/* head is copied; tail_of (NULL: none) is referenced until written. */
	void (*send)(struct carrier *, struct bytes head, const struct stanza *tail_of);
	/* Flushes what is queued, then ends the connection; the carrier frees itself. */
	void (*close)(struct carrier *);
	void (*pause)(struct carrier *, bool paused);
	size_t (*queued_bytes)(const struct carrier *);
	/* STARTTLS: drops plaintext input, starts the handshake; stream_on_secured() follows.
	 * -ENOTSUP where the carrier cannot. */
	int (*start_tls)(struct carrier *, const struct domain *);
	bool (*is_secure)(const struct carrier *);
	/* Channel-binding data of a type of xmpp/sasl.h; 0 or -ENOENT. Bytes live in the arena. */
	int (*channel_binding)(const struct carrier *, enum sasl_binding, struct arena *,
			       struct bytes *ret_data);
	struct bytes (*peer)(const struct carrier *);
	/* Moves carrier and stream, with everything not yet parsed and not yet written, to
	 * another shard; there stream_on_moved() runs. Nothing touches either until then. */
	void (*move)(struct carrier *, unsigned shard);
};

/* Embedded as the first member of each kind of carrier. */
struct carrier {
	const struct carrier_ops *ops;
	struct stream *stream;
};

/* A new stream on a carrier, on this shard; starts the pre-authentication deadline.
 * is_direct_tls: the carrier is secured already. */
struct stream *stream_new(struct carrier *carrier);

/* --- upcalls of a carrier; each may close it ------------------------------------------------- */

/*
 * Byte carriers: returns how many bytes were consumed; the rest must be presented again,
 * contiguous with what follows.
 */
size_t stream_on_bytes(struct stream *stream, struct bytes window);
/* Framed carriers: one whole message. */
void stream_on_message(struct stream *stream, struct bytes message);
void stream_on_secured(struct stream *stream);
void stream_on_moved(struct stream *stream);
void stream_on_drained(struct stream *stream);
/* The connection is gone; the carrier frees itself after this returns. */
void stream_on_lost(struct stream *stream);

#endif
