/*
 * The carrier over io/conn: TCP, STARTTLS and direct TLS. One small block for each client
 * beside its connection; the peer's address is formatted only when somebody asks.
 */
#ifndef STREAM_CARRIER_TCP_H
#define STREAM_CARRIER_TCP_H

#include "io/peer.h"
#include "xmpp/sasl.h"

struct conn;
struct tls_set;

/*
 * Serves a connected descriptor (taken) on this shard. set: refs are taken as needed; NULL: no
 * TLS. With is_direct_tls (XEP-0368) the handshake comes first.
 */
void tcp_carrier_serve(int fd, const struct peer *peer, bool is_direct_tls,
		       struct tls_set *set);
/*
 * Serves a connection (taken) of this shard that is open, in plain or secured already; what it
 * has not consumed is the beginning of the stream.
 */
void tcp_carrier_adopt(struct conn *conn);

/* Channel-binding data of a secured connection, in the arena; 0 or -ENOENT. */
int conn_channel_binding(const struct conn *conn, enum sasl_binding binding,
			 struct arena *arena, struct bytes *ret_data);

#endif
