/*
 * Listening sockets. Addresses are text: "127.0.0.1:5222", "[::]:5222", "*:5222" (all, both
 * families), "unix:/run/hearth/c2s". The socket is opened once (by the supervisor) or
 * inherited; all shards share it and add it to their loops with EPOLLEXCLUSIVE: one socket per
 * shard (SO_REUSEPORT) would lose the backlog of a worker that crashed, and a shard that only
 * accepts would cost a mail per connection. The connection moves to its home after SASL anyway.
 *
 * 	listen_open(BYTES_LIT("[::]:5222"), &fd, &err);
 * 	listener_init(&l, fd, "c2s", accepted, owner);		(on each shard)
 * 	listener_start(&l);
 */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include <sys/un.h>

#include "base/err.h"
#include "io/peer.h"
#include "io/shard.h"

enum {
	LISTEN_ACCEPT_BUDGET = 16, /* connections accepted per listener and turn */
	LISTEN_BACKLOG = 4096,
	LISTEN_RETRY_MS = 100, /* after the process ran out of descriptors */
};

struct listen_address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un unix_path;
	};
	socklen_t len;
};

/* 0, or -EINVAL with the reason in *ret_err. Looks no names up. */
int listen_parse(struct bytes text, struct listen_address *ret_address, struct err *ret_err);
/* A listening, non-blocking, close-on-exec socket. 0 or a negative errno. Port 0: any. */
int listen_open(struct bytes text, int *ret_fd, struct err *ret_err);
/* Where fd is bound, for logs and tests. */
struct peer listen_bound(int fd);

/* One per shard and socket; embedded. */
struct listener {
	struct watch watch;
	struct timer retry;
	struct shard *shard;
	const char *tag;
	void *owner;
	int reserve_fd; /* given up to refuse politely when descriptors run out */
	void (*accepted)(struct listener *listener, int fd, const struct peer *peer);
};

/*
 * accepted() takes fd (non-blocking, close-on-exec). The listening fd is borrowed; tag is
 * static and says what the listener is for.
 */
void listener_init(struct listener *listener, int fd, const char *tag,
		   void (*accepted)(struct listener *listener, int fd, const struct peer *peer),
		   void *owner);
/* On the calling shard. 0 or a negative errno. */
int listener_start(struct listener *listener);
/* Idempotent; does not close the listening fd. */
void listener_stop(struct listener *listener);

#endif
