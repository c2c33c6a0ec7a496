/*
 * Prints the figures of src/io/README.md: memory of idle connections, CPU of an echo compared
 * with a bare epoll loop, and where sharing output begins to pay. Not a test: build and run it
 * by hand (ninja tests/unit/io/measure_io), in a release build.
 */
#include "tls_test.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/block.h"
#include "base/clock.h"
#include "io/listen.h"

enum { IDLE = 2000, ECHOES = 60000, MESSAGE = 250 };

static struct tls_tickets *tickets;
static struct tls_set *set;
static unsigned open_conns, secure_conns, closed_conns;
static bool is_tls;
static unsigned in_flight = 1;

static size_t echo(struct conn *conn, char *ptr, size_t len)
{
	size_t whole = len / MESSAGE * MESSAGE;

	for (size_t at = 0; at < whole; at += MESSAGE)
		conn_send(conn, bytes_make(ptr + at, MESSAGE));
	return whole;
}

static void gone(struct conn *conn, enum conn_reason reason)
{
	(void)conn;
	(void)reason;
	closed_conns++;
}

static void secured(struct conn *conn)
{
	(void)conn;
	secure_conns++;
}

static const struct conn_ops echo_ops = { .data = echo, .closed = gone, .secured = secured };

static void accepted(struct listener *listener, int fd, const struct peer *peer)
{
	struct conn *conn = conn_new(fd, peer, &echo_ops, NULL);

	(void)listener;
	open_conns++;
	if (is_tls)
		conn_start_tls(conn, set, NULL);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	check(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static long rss_bytes(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	check(fscanf(file, "%ld %ld", &size, &resident) == 2);
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

/* --- clients, in a child ------------------------------------------------------------------ */

static void hold_connections(uint16_t port, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_max_proto_version(ctx, version);
	for (int i = 0; i < IDLE; i++) {
		char message[MESSAGE] = "", answer[MESSAGE];
		int fd = connect_to(port);
		if (!is_tls) {
			put(fd, message, MESSAGE);
			check(recv(fd, answer, MESSAGE, MSG_WAITALL) == MESSAGE);
			continue;
		}
		SSL *ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		check(SSL_connect(ssl) == 1);
		check(SSL_write(ssl, message, MESSAGE) == MESSAGE);
		check(SSL_read(ssl, answer, MESSAGE) == MESSAGE);
	}
	pause();
}

static void ping(uint16_t port)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	char messages[MESSAGE * 16] = "";
	int want = (int)(MESSAGE * in_flight), fd = connect_to(port);

	SSL_set_fd(ssl, fd);
	if (is_tls)
		check(SSL_connect(ssl) == 1);
	for (unsigned i = 0; i < ECHOES / in_flight; i++) {
		int got = 0;
		if (is_tls)
			check(SSL_write(ssl, messages, want) == want);
		else
			put(fd, messages, (size_t)want);
		while (got < want)
			got += is_tls ? SSL_read(ssl, messages, want - got)
				      : (int)recv(fd, messages, (size_t)(want - got), 0);
	}
	_exit(0);
}

static pid_t spawn(void (*run_client)(uint16_t port), uint16_t port)
{
	pid_t pid = fork();

	if (pid == 0)
		run_client(port);
	return pid;
}

static void hold_13(uint16_t port)
{
	hold_connections(port, 0);
}

static void hold_12(uint16_t port)
{
	hold_connections(port, TLS1_2_VERSION);
}

/* --- idle memory -------------------------------------------------------------------------- */

static void measure_idle(const char *what, void (*client)(uint16_t port), uint16_t port)
{
	long rss = rss_bytes();
	size_t heap = mallinfo2().uordblks;
	unsigned wanted = IDLE;
	uint64_t deadline;
	pid_t pid;

	open_conns = secure_conns = 0;
	pid = spawn(client, port);
	while (open_conns < wanted || (is_tls && secure_conns < wanted))
		shard_turn(100);
	deadline = clock_ms() + 300; /* the last echo */
	while (clock_ms() < deadline)
		shard_turn(20);
	printf("idle %s: RSS %ld bytes, of it malloc %zd bytes, per connection\n", what,
	       (rss_bytes() - rss) / IDLE,
	       ((ssize_t)mallinfo2().uordblks - (ssize_t)heap) / IDLE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wanted = closed_conns + IDLE;
	while (closed_conns < wanted)
		shard_turn(100);
}

/* --- echo --------------------------------------------------------------------------------- */

static void measure_echo(const char *what, uint16_t port)
{
	unsigned wanted = closed_conns + 1;
	pid_t pid = spawn(ping, port);
	uint64_t cpu = 0, turns = 0;

	while (closed_conns < wanted) {
		shard_turn(100);
		if (cpu == 0 && open_conns == wanted && (!is_tls || secure_conns > 0)) {
			cpu = clock_cpu_ns();
			turns = shard_loop()->turns;
		}
	}
	printf("echo %s, %u in flight: %.2f us CPU per message (%.2f turns)\n", what, in_flight,
	       (double)(clock_cpu_ns() - cpu) / ECHOES / 1000,
	       (double)(shard_loop()->turns - turns) / ECHOES);
	waitpid(pid, NULL, 0);
}

static void bare_echo(int listening, uint16_t port)
{
	pid_t pid = spawn(ping, port);
	int epoll = epoll_create1(0), fd = -1;
	struct epoll_event event = { .events = EPOLLIN };
	static char buffer[65536];
	uint64_t cpu;
	ssize_t n;

	while (fd < 0)
		fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	cpu = clock_cpu_ns();
	do {
		epoll_wait(epoll, &event, 1, -1);
		n = read(fd, buffer, sizeof(buffer));
	} while (n > 0 && write(fd, buffer, (size_t)n) == n);
	printf("echo bare epoll, %u in flight: %.2f us CPU per message\n", in_flight,
	       (double)(clock_cpu_ns() - cpu) / ECHOES / 1000);
	close(fd);
	close(epoll);
	waitpid(pid, NULL, 0);
}

/* --- copy or share ------------------------------------------------------------------------ */

static ssize_t swallow(struct layer *layer, const struct iovec *iov, int count)
{
	size_t n = 0;

	(void)layer;
	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return (ssize_t)n;
}

static int nothing_to_push(struct layer *layer)
{
	(void)layer;
	return 0;
}

static size_t nothing_held(const struct layer *layer)
{
	(void)layer;
	return 0;
}

static void no_free(struct layer *layer)
{
	(void)layer;
}

static void no_unref(void *ref)
{
	++*(unsigned *)ref;
}

static void measure_copy(void)
{
	static const struct layer_ops ops = { "none",	    NULL, swallow, nothing_to_push,
					      nothing_held, NULL, no_free };
	static char stanza[16384];
	struct peer peer = { .kind = PEER_UNIX };
	struct layer layer = { &ops, NULL, NULL };
	unsigned refs = 0;
	int fds[2];
	struct conn *conn;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	conn = conn_new(fds[0], &peer, &echo_ops, NULL);
	conn->layer = &layer;
	for (size_t len = 256; len <= sizeof(stanza); len *= 2) {
		uint64_t copied, shared, start = clock_ns();
		for (int i = 0; i < 20000; i++) {
			conn_send(conn, bytes_make(stanza, 60));
			conn_send(conn, bytes_make(stanza, len));
			conn_out_write(conn);
		}
		copied = clock_ns() - start;
		start = clock_ns();
		for (int i = 0; i < 20000; i++) {
			conn_send(conn, bytes_make(stanza, 60));
			conn_send_shared(conn, bytes_make(stanza, len), &refs, no_unref);
			conn_out_write(conn);
		}
		shared = clock_ns() - start;
		printf("queue a head and %5zu bytes: copied %4lu ns, shared %4lu ns%s\n", len,
		       (unsigned long)(copied / 20000), (unsigned long)(shared / 20000),
		       len < CONN_COPY_MAX ? " (copied all the same)" : "");
	}
	conn->layer = NULL;
	conn_close(conn, CONN_CLOSE_ABORT);
	close(fds[1]);
}

int main(void)
{
	struct listener listener;
	int listening;
	uint16_t port;

	make_certificates(NULL);
	tickets = tls_tickets_new();
	set = new_set(tickets);
	group_new(1);
	check(listen_open(BYTES_LIT("127.0.0.1:0"), &listening, NULL) == 0);
	port = listen_bound(listening).port;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (in_flight = 1; in_flight <= 8; in_flight *= 8)
		bare_echo(listening, port);
	listener_init(&listener, listening, "c2s", accepted, NULL);
	check(listener_start(&listener) == 0);
	for (in_flight = 1; in_flight <= 8; in_flight *= 8)
		measure_echo("plain", port);
	measure_idle("plain", hold_13, port);
	is_tls = true;
	measure_idle("TLS 1.3", hold_13, port);
	measure_idle("TLS 1.2", hold_12, port);
	open_conns = closed_conns = secure_conns = 0;
	for (in_flight = 1; in_flight <= 8; in_flight *= 8) {
		secure_conns = 0;
		measure_echo("TLS 1.3", port);
	}
	measure_copy();
	listener_stop(&listener);
	close(listening);
	group_free();
	tls_set_unref(&set);
	tls_tickets_unref(&tickets);
	remove_certificates(NULL);
	return 0;
}
