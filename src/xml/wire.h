/*
 * What goes on a stream: a head of the recipient's own, then the tail that all recipients
 * share.
 *
 * 	wire_head(&out, stanza, &wire_client);
 * 	then stanza_tail(stanza), copied or sent from where it is while a reference is held
 *
 * Namespaces: a stanza is kept in the content namespace of the stream that it came from; the
 * tail never names it, so the head alone decides in which one it arrives.
 */
#ifndef XML_WIRE_H
#define XML_WIRE_H

#include "xml/stanza.h"

struct wire_opts {
	struct bytes
		stream_ns; /* default namespace in force on the carrier; "" or NONE: none */
	struct bytes content_ns; /* of this carrier's message, presence and iq */
	struct bytes to;	 /* NONE: the stanza's own */
	struct bytes from;	 /* NONE: the stanza's own */
	struct bytes insert;	 /* XML put before the first child; NONE: nothing */
};

extern const struct wire_opts wire_client;    /* c2s over TCP: no xmlns */
extern const struct wire_opts wire_server;    /* s2s: jabber:server, no xmlns */
extern const struct wire_opts wire_websocket; /* xmlns='jabber:client' (RFC 7395 3.3.3) */

/*
 * Appends <name xmlns='' from='' to='' id='' type='' xml:lang='' …> and opts->insert; an
 * element without content is closed. 0 or -ENOBUFS (out->failed).
 */
int wire_head(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts);
/* wire_head() and the tail: the whole stanza. 0 or -ENOBUFS. */
int wire_stanza(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts);

#endif
