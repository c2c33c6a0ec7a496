#include "io/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static struct peer from_ipv4(const struct sockaddr_in *in)
{
	struct peer peer = { .port = ntohs(in->sin_port), .kind = PEER_IPV4 };

	memcpy(peer.address, mapped_prefix, sizeof(mapped_prefix));
	memcpy(peer.address + sizeof(mapped_prefix), &in->sin_addr, 4);
	return peer;
}

/* A mapped address (a dual-stack socket) is the IPv4 address it stands for. */
static struct peer from_ipv6(const struct sockaddr_in6 *in6)
{
	struct peer peer = { .port = ntohs(in6->sin6_port), .kind = PEER_IPV6 };

	memcpy(peer.address, &in6->sin6_addr, 16);
	if (memcmp(peer.address, mapped_prefix, sizeof(mapped_prefix)) == 0)
		peer.kind = PEER_IPV4;
	return peer;
}

struct peer peer_from_sockaddr(const struct sockaddr *address, socklen_t len)
{
	if (len >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET)
		return from_ipv4((const struct sockaddr_in *)(const void *)address);
	if (len >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6)
		return from_ipv6((const struct sockaddr_in6 *)(const void *)address);
	return (struct peer){ .kind = len >= sizeof(sa_family_t) &&
						      address->sa_family == AF_UNIX
					      ? PEER_UNIX
					      : PEER_NONE };
}

struct bytes peer_text(const struct peer *peer, struct arena *arena)
{
	char text[INET6_ADDRSTRLEN];

	switch (peer->kind) {
	case PEER_IPV4:
		inet_ntop(AF_INET, peer->address + sizeof(mapped_prefix), text, sizeof(text));
		return arena_printf(arena, "%s:%u", text, peer->port);
	case PEER_IPV6:
		inet_ntop(AF_INET6, peer->address, text, sizeof(text));
		return arena_printf(arena, "[%s]:%u", text, peer->port);
	case PEER_UNIX:
		return BYTES_LIT("unix");
	default:
		return BYTES_LIT("none");
	}
}

struct bytes peer_network(const struct peer *peer)
{
	switch (peer->kind) {
	case PEER_IPV4:
		return bytes_make(peer->address, 16);
	case PEER_IPV6:
		return bytes_make(peer->address, 8);
	default:
		return bytes_make(peer->address, 0);
	}
}

bool peer_is_local(const struct peer *peer)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (peer->kind == PEER_IPV4)
		return peer->address[12] == 127;
	if (peer->kind == PEER_IPV6)
		return memcmp(peer->address, loopback, 16) == 0;
	return peer->kind == PEER_UNIX;
}
