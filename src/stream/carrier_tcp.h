/*
 * The carrier over io/conn: TCP, STARTTLS and direct TLS. One small block for each client
 * beside its connection; the peer's address is formatted only when somebody asks.
 */
#ifndef STREAM_CARRIER_TCP_H
#define STREAM_CARRIER_TCP_H

#include "io/peer.h"

struct tls_set;

/*
 * Serves a connected descriptor (taken) on this shard. set: refs are taken as needed; NULL: no
 * TLS. With is_direct_tls (XEP-0368) the handshake comes first.
 */
void tcp_carrier_serve(int fd, const struct peer *peer, bool is_direct_tls,
		       struct tls_set *set);

#endif
