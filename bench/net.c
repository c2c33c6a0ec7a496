/* Sockets, TLS and the loop of the load generator. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

enum {
	CHUNK_BYTES = 1 << 16,
	EVENTS = 256,
	REPORTS_MAX = 10,
	/* One loopback address has some 28,000 ports; sessions are spread over this many. */
	SOURCE_ADDRESSES = 100,
};

static SSL_CTX *tls_context(void)
{
	static const unsigned char alpn[] = "\x0bxmpp-client";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	check(ctx);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1);
	return ctx;
}

void load_init(struct load *load, const struct load_options *opt, uint32_t count)
{
	*load = (struct load){ .opt = *opt, .count = count };
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	check(load->epoll >= 0);
	load->clients = calloc(count, sizeof(*load->clients));
	load->dirty = calloc(count, sizeof(struct client *));
	load->chunk = malloc(CHUNK_BYTES);
	check(load->clients && load->dirty && load->chunk);
	load->scram = scram_cache_open(opt->cache);
	if (opt->tls != LOAD_TLS_NONE)
		load->tls = tls_context();
	for (uint32_t i = 0; i < count; i++) {
		load->clients[i] = (struct client){ .load = load, .index = i, .fd = -1 };
		buf_init(&load->clients[i].in, 0);
		buf_init(&load->clients[i].out, 0);
		arena_init(&load->clients[i].arena, 1024);
	}
	/* Wake-ups at fixed rates should not be late by the default 50 µs. */
	prctl(PR_SET_TIMERSLACK, 1UL);
}

void load_fini(struct load *load)
{
	for (uint32_t i = 0; i < load->count; i++) {
		client_close(&load->clients[i]);
		buf_fini(&load->clients[i].in);
		buf_fini(&load->clients[i].out);
		arena_fini(&load->clients[i].arena);
	}
	scram_cache_close(&load->scram);
	SSL_CTX_free(load->tls);
	close(load->epoll);
	free(load->clients);
	free(load->dirty);
	free(load->chunk);
}

static void watch(struct client *client, int op, bool wants_out)
{
	struct epoll_event event = {
		.events = EPOLLIN | (wants_out ? EPOLLOUT : 0U),
		.data.ptr = client,
	};
	check(epoll_ctl(client->load->epoll, op, client->fd, &event) == 0);
	client->wants_out = wants_out;
}

static void bind_source(int fd, uint32_t index)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index % SOURCE_ADDRESSES),
	};
	int on = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	check(bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
}

void load_connect(struct load *load, uint32_t index)
{
	struct client *client = &load->clients[index];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(load->opt.port) };
	int on = 1;

	check(client->state == CLIENT_CLOSED);
	check(inet_pton(AF_INET, load->opt.host, &to.sin_addr) == 1);
	client->state = CLIENT_CONNECTING;
	load->pending++;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0) {
		client_break(client, strerror(errno), BYTES_NONE);
		return;
	}
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((ntohl(to.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET)
		bind_source(client->fd, index);
	if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS) {
		client_break(client, strerror(errno), BYTES_NONE);
		return;
	}
	watch(client, EPOLL_CTL_ADD, true);
}

void client_close(struct client *client)
{
	struct load *load = client->load;

	if (client->state == CLIENT_CLOSED)
		return;
	if (client->state == CLIENT_READY || client->state == CLIENT_CLOSING)
		load->ready--;
	else
		load->pending--;
	SSL_free(client->ssl);
	client->ssl = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->state = CLIENT_CLOSED;
	client->is_authenticated = client->has_sm = false;
	client->sm_in = 0;
	buf_fini(&client->in);
	buf_init(&client->in, 0);
	buf_fini(&client->out);
	buf_init(&client->out, 0);
	arena_fini(&client->arena);
	scan_reset(&client->scan);
}

void client_break(struct client *client, const char *why, struct bytes detail)
{
	struct load *load = client->load;

	if (load->broken++ < REPORTS_MAX)
		fprintf(stderr, "load: %s%u in state %d: %s%s%.*s\n", load->opt.prefix,
			client->index, client->state, why, detail.len ? ": " : "",
			BYTES_ARG(bytes_first(detail, 400)));
	client_close(client);
}

struct buf *client_out(struct client *client)
{
	struct load *load = client->load;

	if (!client->is_dirty) {
		client->is_dirty = true;
		load->dirty[load->dirty_count++] = client;
	}
	return &client->out;
}

void client_send(struct client *client, struct bytes bytes)
{
	buf_append(client_out(client), bytes);
}

/* --- TLS --- */

static void handshake(struct client *client)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(client->ssl);
	if (rc == 1) {
		snprintf(client->load->tls_name, sizeof(client->load->tls_name), "%s %s",
			 SSL_get_version(client->ssl), SSL_get_cipher_name(client->ssl));
		watch(client, EPOLL_CTL_MOD, false);
		client_start(client);
		return;
	}
	int error = SSL_get_error(client->ssl, rc);
	if (error == SSL_ERROR_WANT_READ)
		watch(client, EPOLL_CTL_MOD, false);
	else if (error == SSL_ERROR_WANT_WRITE)
		watch(client, EPOLL_CTL_MOD, true);
	else
		client_break(client, "TLS handshake failed", BYTES_NONE);
}

void client_start_tls(struct client *client)
{
	struct load *load = client->load;

	client->ssl = SSL_new(load->tls);
	check(client->ssl);
	SSL_set_fd(client->ssl, client->fd);
	SSL_set_tlsext_host_name(client->ssl,
				 arena_cstr(&client->arena, bytes_of(load->opt.domain)));
	SSL_set_connect_state(client->ssl);
	client->state = CLIENT_HANDSHAKE;
	handshake(client);
}

/* --- reading and writing: >0 bytes moved, 0 not now, -1 broken or closed --- */

static int tls_result(struct client *client, int rc)
{
	if (rc > 0)
		return rc;
	int error = SSL_get_error(client->ssl, rc);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static int client_recv(struct client *client)
{
	if (client->ssl) {
		ERR_clear_error();
		return tls_result(client,
				  SSL_read(client->ssl, client->load->chunk, CHUNK_BYTES));
	}
	ssize_t n = recv(client->fd, client->load->chunk, CHUNK_BYTES, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? (int)n : -1;
}

static int client_write(struct client *client)
{
	struct buf *out = &client->out;

	if (client->ssl) {
		int n = out->len > 1 << 20 ? 1 << 20 : (int)out->len;
		ERR_clear_error();
		return tls_result(client, SSL_write(client->ssl, out->ptr, n));
	}
	ssize_t n = send(client->fd, out->ptr, out->len, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? (int)n : -1;
}

static void flush(struct client *client)
{
	bool is_quiet = client->state < CLIENT_FEATURES;

	if (is_quiet)
		return;
	while (client->out.len > 0) {
		int n = client_write(client);
		if (n < 0) {
			client_break(client, "write failed", BYTES_NONE);
			return;
		}
		if (n == 0)
			break;
		buf_consume(&client->out, (size_t)n);
	}
	bool wants_out = client->out.len > 0;
	if (wants_out != client->wants_out)
		watch(client, EPOLL_CTL_MOD, wants_out);
}

static void flush_dirty(struct load *load)
{
	for (uint32_t i = 0; i < load->dirty_count; i++) {
		load->dirty[i]->is_dirty = false;
		flush(load->dirty[i]);
	}
	load->dirty_count = 0;
}

/* Hands out the whole elements at the front of data; returns the bytes used. */
static size_t cut_elements(struct client *client, struct bytes data, uint64_t now_ns)
{
	struct bytes element;
	size_t used;
	size_t total = 0;

	while (client->fd >= 0) {
		enum scan_kind kind =
			scan_next(&client->scan, bytes_skip(data, total), &element, &used);
		if (kind == SCAN_MORE)
			break;
		total += used;
		client_input(client, kind, element, now_ns);
	}
	return total;
}

static void take_input(struct client *client, struct bytes data, uint64_t now_ns)
{
	if (client->state == CLIENT_RELAY) {
		client_relay_input(client, data);
		return;
	}
	if (client->in.len > 0) {
		buf_append(&client->in, data);
		data = buf_bytes(&client->in);
	}
	size_t used = cut_elements(client, data, now_ns);
	if (client->fd < 0)
		return;
	if (client->in.len > 0)
		buf_consume(&client->in, used);
	else if (used < data.len)
		buf_append(&client->in, bytes_skip(data, used));
}

static void readable(struct client *client)
{
	for (;;) {
		int n = client_recv(client);
		if (n == 0)
			return;
		if (n < 0) {
			if (client->state == CLIENT_CLOSING)
				client_close(client);
			else
				client_break(client, "the server closed", BYTES_NONE);
			return;
		}
		client->load->reads++;
		take_input(client, bytes_make(client->load->chunk, (size_t)n), clock_ns());
		/* TLS keeps decrypted bytes that epoll knows nothing of. */
		if (client->fd < 0 || !client->ssl || client->state == CLIENT_HANDSHAKE)
			return;
	}
}

static void connected(struct client *client)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		client_break(client, strerror(error), BYTES_NONE);
		return;
	}
	watch(client, EPOLL_CTL_MOD, false);
	if (client->load->opt.tls == LOAD_TLS_DIRECT)
		client_start_tls(client);
	else
		client_start(client);
}

static void handle(struct client *client, uint32_t events)
{
	if (client->fd < 0)
		return;
	if (client->state == CLIENT_CONNECTING) {
		connected(client);
	} else if (client->state == CLIENT_HANDSHAKE) {
		handshake(client);
	} else {
		if (events & EPOLLOUT)
			client_out(client);
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			readable(client);
	}
}

int load_turn(struct load *load, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t now = clock_ns();
	uint64_t wait = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { (time_t)(wait / 1000000000), (long)(wait % 1000000000) };

	flush_dirty(load);
	int n = epoll_pwait2(load->epoll, events, EVENTS, &timeout, NULL);
	for (int i = 0; i < n; i++)
		handle(events[i].data.ptr, events[i].events);
	flush_dirty(load);
	return n < 0 ? 0 : n;
}
