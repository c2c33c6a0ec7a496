/*
 * The address of a peer, small enough to sit in every connection: IPv4 is kept as a mapped IPv6
 * address. A value; nothing to free.
 */
#ifndef IO_PEER_H
#define IO_PEER_H

#include <sys/socket.h>

#include "base/arena.h"

enum peer_kind { PEER_NONE, PEER_IPV4, PEER_IPV6, PEER_UNIX };

struct peer {
	uint8_t address[16];
	uint16_t port; /* host order */
	uint8_t kind;  /* enum peer_kind */
};

struct peer peer_from_sockaddr(const struct sockaddr *address, socklen_t len);
/* "192.0.2.1:5222", "[2001:db8::1]:5222", "unix" or "none", in the arena. */
struct bytes peer_text(const struct peer *peer, struct arena *arena);
/*
 * The part of the address that limits count by: all of an IPv4 address, the /64 of an IPv6 one;
 * empty for Unix sockets. Borrowed from *peer.
 */
struct bytes peer_network(const struct peer *peer);
/* 127.0.0.0/8, ::1 or a Unix socket. */
bool peer_is_local(const struct peer *peer);

#endif
