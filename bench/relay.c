/*
 * relay: the physical limit. It moves bytes between two connections with epoll, recv and send
 * (or OpenSSL) and does nothing else: no parsing, no routing, no session. What it costs per
 * message is what the kernel and TLS cost; no server on this machine can be cheaper.
 *
 * A connection says hello in as many round trips as a login has: a line of 162 bytes that
 * begins with its index and the hellos still to come, answered by an equal line. After the last
 * one whatever it sends goes to the connection whose index differs in the lowest bit.
 *
 * --fault makes it lie now and then, by whole stanzas, to prove that the generator notices.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "scan.h"

enum { CHUNK_BYTES = 1 << 16, EVENTS = 256, PEERS_MAX = 1 << 17, LISTEN_BACKLOG = 4096 };

enum fault { FAULT_NONE, FAULT_DROP, FAULT_DOUBLE, FAULT_SWAP, FAULT_MISROUTE, FAULT_HARM };

struct peer {
	int fd;
	uint32_t index;
	bool is_up; /* the hellos are over */
	bool wants_out;
	SSL *ssl;
	struct buf out;
	struct scan scan; /* only for faults */
	struct buf in;	  /* only for faults */
	struct buf held;  /* a stanza to be swapped with the next */
};

struct relay {
	int epoll;
	int listener;
	SSL_CTX *tls;
	enum fault fault;
	uint32_t every; /* one stanza in so many is harmed */
	uint32_t stanzas;
	struct peer *peers[PEERS_MAX];
	char chunk[CHUNK_BYTES];
};

static struct relay relay;

static void watch(struct peer *peer, int op, bool wants_out)
{
	struct epoll_event event = { .events = EPOLLIN | (wants_out ? EPOLLOUT : 0U),
				     .data.ptr = peer };

	check(epoll_ctl(relay.epoll, op, peer->fd, &event) == 0);
	peer->wants_out = wants_out;
}

static void peer_free(struct peer *peer)
{
	if (peer->is_up && relay.peers[peer->index] == peer)
		relay.peers[peer->index] = NULL;
	SSL_free(peer->ssl);
	close(peer->fd);
	buf_fini(&peer->out);
	buf_fini(&peer->in);
	buf_fini(&peer->held);
	free(peer);
}

static void accept_one(void)
{
	int on = 1;
	int fd = accept4(relay.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct peer *peer = calloc(1, sizeof(*peer));
	check(peer);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peer->fd = fd;
	if (relay.tls) {
		peer->ssl = SSL_new(relay.tls);
		SSL_set_fd(peer->ssl, fd);
		SSL_set_accept_state(peer->ssl);
	}
	watch(peer, EPOLL_CTL_ADD, false);
}

/* >0 bytes, 0 not now, -1 the end. */
static int moved(struct peer *peer, ssize_t n)
{
	if (n > 0)
		return (int)n;
	if (peer->ssl) {
		int error = SSL_get_error(peer->ssl, (int)n);
		return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int peer_recv(struct peer *peer)
{
	ERR_clear_error();
	if (peer->ssl)
		return moved(peer, SSL_read(peer->ssl, relay.chunk, CHUNK_BYTES));
	return moved(peer, recv(peer->fd, relay.chunk, CHUNK_BYTES, 0));
}

static int peer_write(struct peer *peer, const char *data, size_t len)
{
	ERR_clear_error();
	if (peer->ssl)
		return moved(peer, SSL_write(peer->ssl, data, (int)len));
	return moved(peer, send(peer->fd, data, len, MSG_NOSIGNAL));
}

/* Straight from the reader's buffer to the socket; only what does not fit is kept. */
static void peer_send(struct peer *peer, const char *data, size_t len)
{
	while (peer->out.len == 0 && len > 0) {
		int n = peer_write(peer, data, len);
		if (n <= 0)
			break; /* an end is noticed by the next read */
		data += n;
		len -= (size_t)n;
	}
	buf_append(&peer->out, bytes_make(data, len));
	if ((peer->out.len > 0) != peer->wants_out)
		watch(peer, EPOLL_CTL_MOD, peer->out.len > 0);
}

static void flush(struct peer *peer)
{
	while (peer->out.len > 0) {
		int n = peer_write(peer, peer->out.ptr, peer->out.len);
		if (n <= 0)
			break;
		buf_consume(&peer->out, (size_t)n);
	}
	if ((peer->out.len > 0) != peer->wants_out)
		watch(peer, EPOLL_CTL_MOD, peer->out.len > 0);
}

static void forward(uint32_t to, struct bytes data)
{
	if (to < PEERS_MAX && relay.peers[to])
		peer_send(relay.peers[to], data.ptr, data.len);
}

/* --- faults --- */

static void harm(struct peer *peer, struct bytes stanza)
{
	char *copy;

	switch (relay.fault) {
	case FAULT_DOUBLE:
		forward(peer->index ^ 1, stanza);
		forward(peer->index ^ 1, stanza);
		break;
	case FAULT_SWAP:
		buf_append(&peer->held, stanza);
		break;
	case FAULT_MISROUTE:
		forward(peer->index ^ 2, stanza);
		break;
	case FAULT_HARM:
		copy = memcpy(malloc(stanza.len), stanza.ptr, stanza.len);
		copy[stanza.len - 20] ^= 1;
		forward(peer->index ^ 1, bytes_make(copy, stanza.len));
		free(copy);
		break;
	default:
		break;
	}
}

static void pass_stanza(struct peer *peer, struct bytes stanza)
{
	if (++relay.stanzas % relay.every == 0) {
		harm(peer, stanza);
		return;
	}
	forward(peer->index ^ 1, stanza);
	if (peer->held.len > 0) {
		forward(peer->index ^ 1, buf_bytes(&peer->held));
		buf_reset(&peer->held);
	}
}

static void pass_stanzas(struct peer *peer, struct bytes data)
{
	struct bytes stanza;
	size_t used;

	buf_append(&peer->in, data);
	while (scan_next(&peer->scan, buf_bytes(&peer->in), &stanza, &used) != SCAN_MORE) {
		pass_stanza(peer, stanza);
		buf_consume(&peer->in, used);
	}
}

/* --- input --- */

static void hello(struct peer *peer, struct bytes line)
{
	peer->index = (uint32_t)strtoul(line.ptr, NULL, 10);
	unsigned long left = line.len > 8 ? strtoul(line.ptr + 8, NULL, 10) : 0;
	if (left == 0 && peer->index < PEERS_MAX) {
		peer->is_up = true;
		peer->scan.depth = 1;
		relay.peers[peer->index] = peer;
	}
	peer_send(peer, line.ptr, line.len);
}

static void readable(struct peer *peer)
{
	for (;;) {
		int n = peer_recv(peer);
		if (n < 0)
			peer_free(peer);
		if (n <= 0)
			return;
		struct bytes data = bytes_make(relay.chunk, (size_t)n);
		if (!peer->is_up)
			hello(peer, data);
		else if (relay.fault)
			pass_stanzas(peer, data);
		else
			forward(peer->index ^ 1, data);
		if (!peer->ssl || !SSL_pending(peer->ssl))
			return;
	}
}

/* --- start --- */

static void open_listener(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int on = 1;

	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	relay.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	check(relay.epoll >= 0 && relay.listener >= 0);
	setsockopt(relay.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(relay.listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(relay.listener, LISTEN_BACKLOG) != 0) {
		perror("relay: listen");
		exit(1);
	}
	check(epoll_ctl(relay.epoll, EPOLL_CTL_ADD, relay.listener, &event) == 0);
}

static void open_tls(const char *cert, const char *key)
{
	relay.tls = SSL_CTX_new(TLS_server_method());
	check(relay.tls);
	SSL_CTX_set_mode(relay.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(relay.tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(relay.tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(relay.tls, 1);
	if (SSL_CTX_use_certificate_chain_file(relay.tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(relay.tls, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

static enum fault parse_fault(const char *name)
{
	static const char *const names[] = { "none", "drop",	 "double",
					     "swap", "misroute", "harm" };

	for (size_t i = 0; i < array_len(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum fault)i;
	}
	fprintf(stderr, "relay: unknown fault: %s\n", name);
	exit(2);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", 1, NULL, 'p' },  { "cert", 1, NULL, 'c' },  { "key", 1, NULL, 'k' },
		{ "fault", 1, NULL, 'f' }, { "every", 1, NULL, 'e' }, { NULL, 0, NULL, 0 }
	};
	const char *cert = NULL;
	const char *key = NULL;
	uint16_t port = 5555;

	relay.every = 1000;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'p')
			port = (uint16_t)atoi(optarg);
		else if (o == 'c')
			cert = optarg;
		else if (o == 'k')
			key = optarg;
		else if (o == 'f')
			relay.fault = parse_fault(optarg);
		else if (o == 'e')
			relay.every = (uint32_t)atoi(optarg);
		else
			exit(2);
	}
	check(relay.every > 0);
	if (cert && key)
		open_tls(cert, key);
	open_listener(port);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	parse_options(argc, argv);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(relay.epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct peer *peer = events[i].data.ptr;
			if (!peer) {
				accept_one();
				continue;
			}
			if (events[i].events & EPOLLOUT)
				flush(peer);
			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				readable(peer);
		}
	}
}
