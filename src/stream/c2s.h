/*
 * The entrance for clients over TCP: listeners on every shard and the certificates of all
 * domains. Belongs to main; the sockets are opened (or inherited) by whoever calls.
 *
 * 	c2s_tls_load(domains, count, data_dir, &set, &err);	main thread, may block
 * 	c2s_shard_start(fds, count, set);			on each shard
 * 	c2s_shard_set_tls(set);					on each shard, after a reload
 * 	c2s_shard_stop();					on each shard: accepts no more
 */
#ifndef STREAM_C2S_H
#define STREAM_C2S_H

#include "base/err.h"
#include "base/option.h"
#include "io/tls.h"

/* A listening descriptor of io/listen.h; it stays the caller's. */
struct c2s_listen {
	int fd;
	bool is_direct_tls; /* XEP-0368; ALPN xmpp-client */
	bool is_web;	    /* HTTP, WebSocket and XMPP: web.h; TLS if is_direct_tls */
};

struct c2s_domain {
	struct bytes name; /* normalised */
	const struct settings *settings;
};

/*
 * Certificates of the domains by their tls.certificate and tls.key; a domain without one uses
 * (and makes, if need be) a self-signed one in data_dir/certificates. tickets: kept over
 * reloads. The first domain's is the default. 0 or a negative code: nothing was loaded, keep
 * the old set.
 */
int c2s_tls_load(const struct c2s_domain *domains, size_t count, const char *data_dir,
		 struct tls_tickets *tickets, struct tls_set **ret_set, struct err *ret_err);

/* On a shard: begins to accept; refs set (NULL: no TLS). 0 or a negative errno. */
int c2s_shard_start(const struct c2s_listen *listens, size_t count, struct tls_set *set);
/* On a shard: new handshakes use this set (a reference is taken). */
void c2s_shard_set_tls(struct tls_set *set);
/* On a shard: stops accepting, ends HTTP, and lets go of the set. Streams stay. Idempotent. */
void c2s_shard_stop(void);

/* On a shard: serves one connected descriptor (taken), as if it had been accepted. */
struct peer;
void c2s_serve(int fd, const struct peer *peer, bool is_direct_tls);

#endif
