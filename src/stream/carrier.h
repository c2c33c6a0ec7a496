/*
 * A carrier moves one client's XMPP: TCP with or without TLS, WebSocket, BOSH, or a test's
 * memory. Below it are bytes or messages; above it a struct stream. A session outlives its
 * carrier. Nothing above stream touches a descriptor or TLS.
 *
 * The kind of carrier embeds struct carrier, fills ops and calls stream_new(); from then on the
 * stream decides when it ends: after ops->close() the stream is gone, after stream_on_lost()
 * the carrier goes.
 */
#ifndef STREAM_CARRIER_H
#define STREAM_CARRIER_H

#include "stream/stream.h"

struct carrier_ops {
	const char *name;
	/* true: RFC 7395 framing: one element per message, <open/>/<close/> instead of a
	 * stream header, and heads carry xmlns='jabber:client'. */
	bool is_framed;
	/* head is copied; the tail of tail_of (NULL: none) is referenced until written. Framed:
	 * each call is one message. */
	void (*send)(struct carrier *, struct bytes head, const struct stanza *tail_of);
	/* Flushes what is queued for a bounded time, then ends the connection; the carrier
	 * frees itself, makes no upcall any more and is not used again. */
	void (*close)(struct carrier *);
	/* Paused: no upcall with input from now on, also not for what is left of the input in
	 * hand; resumed: it is presented again, later. Idempotent. */
	void (*pause)(struct carrier *, bool paused);
	size_t (*queued_bytes)(const struct carrier *);
	/* STARTTLS: drops plaintext input, also what follows in hand, starts the handshake;
	 * stream_on_secured() follows. -ENOTSUP where the carrier cannot. */
	int (*start_tls)(struct carrier *, const struct domain *);
	bool (*can_start_tls)(const struct carrier *);
	bool (*is_secure)(const struct carrier *);
	/* Channel-binding data of a type of xmpp/sasl.h; 0 or -ENOENT. Bytes live in the arena.
	 */
	int (*channel_binding)(const struct carrier *, enum sasl_binding, struct arena *,
			       struct bytes *ret_data);
	/* The peer as text, in the arena. */
	struct bytes (*peer)(const struct carrier *, struct arena *);
	/* What limits count by (peer_network()), binary; empty: not limited. Borrowed. */
	struct bytes (*network)(const struct carrier *);
	/* Moves carrier and stream, with everything not yet parsed and not yet written, to
	 * another shard; there stream_on_moved() runs. Nothing touches either until then. */
	void (*move)(struct carrier *, unsigned shard);
};

/* Embedded as the first member of each kind of carrier. */
struct carrier {
	const struct carrier_ops *ops;
	struct stream *stream;
};

enum stream_start {
	STREAM_START_PLAIN,   /* a header may come at once (also: secured already) */
	STREAM_START_SECURING /* direct TLS: stream_on_secured() comes first */
};

/*
 * A new stream on a carrier, on this shard; starts the pre-authentication deadline and sets
 * carrier->stream. NULL if the limits on unauthenticated streams, or a drain, refuse it: the
 * caller cuts the connection.
 */
struct stream *stream_new(struct carrier *carrier, enum stream_start start);

/* --- upcalls of a carrier; each may close it -------------------------------------------------
 */

/*
 * Byte carriers: returns how many bytes were consumed (<= window.len); the rest must be
 * presented again, contiguous with what follows. After it returns, carrier->stream may be gone.
 */
size_t stream_on_bytes(struct stream *stream, struct bytes window);
/* Framed carriers: one whole message. */
void stream_on_message(struct stream *stream, struct bytes message);
void stream_on_secured(struct stream *stream);
void stream_on_moved(struct stream *stream);
/* The output queue fell to the carrier's low mark. */
void stream_on_drained(struct stream *stream);
/* The connection is gone; the carrier frees itself after this returns. */
void stream_on_lost(struct stream *stream);

#endif
