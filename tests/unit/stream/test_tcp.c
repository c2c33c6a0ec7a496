/* The whole way over real sockets on loopback: TCP, STARTTLS, direct TLS, and a move. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../xmpp/client.h"
#include "io/conn.h"
#include "io/listen.h"
#include "stream/c2s.h"
#include "stream/local.h"
#include "xml/build.h"

enum { SHARDS = 2, PATIENCE = 20000 };

static char data_dir[] = "/tmp/hearth-stream-XXXXXX";
static int listen_fds[2];
static struct tls_tickets *tickets;
static struct tls_set *tls;
static SSL_CTX *client_ctx;

/* --- the client's end of a connection --------------------------------------------------- */

struct tcp_client {
	int fd;
	SSL *ssl; /* NULL: in the clear */
	char text[262144];
	size_t len;
	bool is_over;
};

static struct tcp_client *tcp_connect(int listen_fd)
{
	struct tcp_client *client = calloc(1, sizeof(*client));
	struct peer bound = listen_bound(listen_fd);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(bound.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
		connect(client->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
	return client;
}

static void tcp_free(struct tcp_client *client)
{
	SSL_free(client->ssl);
	close(client->fd);
	free(client);
}

/* Gives the server a turn; a test that would hang fails. */
static void turn_for(unsigned *patience, const char *what)
{
	struct timespec pause = { 0, 100000 };

	fake_run();
	if (++*patience > PATIENCE)
		fail_msg("no answer: %s", what);
	if (*patience > 100)
		nanosleep(&pause, NULL);
}

#define turn(patience) turn_for((patience), __func__)

static void tcp_handshake(struct tcp_client *client, const char *server_name, const char *alpn)
{
	unsigned patience = 0;
	char host[100];

	client->ssl = SSL_new(client_ctx);
	SSL_set_fd(client->ssl, client->fd);
	if (server_name) {
		snprintf(host, sizeof(host), "%s", server_name);
		SSL_set_tlsext_host_name(client->ssl, host);
	}
	if (alpn)
		SSL_set_alpn_protos(client->ssl, (const unsigned char *)alpn,
				    (unsigned)strlen(alpn));
	while (SSL_connect(client->ssl) != 1) {
		assert_int_equal(SSL_get_error(client->ssl, -1), SSL_ERROR_WANT_READ);
		turn(&patience);
	}
}

static void tcp_send(struct tcp_client *client, const char *text)
{
	size_t len = strlen(text);
	unsigned patience = 0;

	while (len > 0) {
		ssize_t n = client->ssl ? SSL_write(client->ssl, text, (int)len)
					: send(client->fd, text, len, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		turn(&patience);
	}
}

static bool tcp_read(struct tcp_client *client)
{
	size_t room = sizeof(client->text) - 1 - client->len;
	ssize_t n = client->ssl ? SSL_read(client->ssl, client->text + client->len, (int)room)
				: recv(client->fd, client->text + client->len, room, 0);

	if (n > 0) {
		client->len += (size_t)n;
		client->text[client->len] = '\0';
		return true;
	}
	if (client->ssl)
		client->is_over = SSL_get_error(client->ssl, (int)n) != SSL_ERROR_WANT_READ;
	else
		client->is_over = n == 0 || errno != EAGAIN;
	return false;
}

/* Waits until this text comes and forgets what came up to it; what came lives in scratch(). */
static const char *tcp_expect(struct tcp_client *client, const char *end)
{
	unsigned patience = 0;
	const char *found, *got;
	size_t len;

	while (!(found = strstr(client->text, end))) {
		if (tcp_read(client))
			continue;
		if (client->is_over)
			fail_msg("the end, and no %s in: %s", end, client->text);
		turn_for(&patience, end);
	}
	len = (size_t)(found - client->text) + strlen(end);
	got = arena_cstr(scratch(), bytes_make(client->text, len));
	client->len -= len;
	memmove(client->text, client->text + len, client->len + 1);
	return got;
}

static void tcp_expect_end(struct tcp_client *client)
{
	unsigned patience = 0;

	while (!client->is_over) {
		if (!tcp_read(client))
			turn(&patience);
	}
}

/* --- the stage --------------------------------------------------------------------------- */

static void load_tls(void)
{
	struct c2s_domain domains[] = { { BYTES_LIT("example.org"), fake.example },
					{ BYTES_LIT("example.net"), fake.server } };
	struct err err;

	if (c2s_tls_load(domains, 2, data_dir, tickets, &tls, &err) < 0)
		fail_msg("%s", err.text);
}

static void start(void)
{
	struct c2s_listen listens[2];
	struct err err;

	fake_start(SHARDS);
	fake.home = 1;
	tickets = tls_tickets_new();
	load_tls();
	client_ctx = SSL_CTX_new(TLS_client_method());
	for (int i = 0; i < 2; i++) {
		assert_int_equal(listen_open(BYTES_LIT("127.0.0.1:0"), &listen_fds[i], &err),
				 0);
		listens[i] = (struct c2s_listen){ listen_fds[i], i == 1 };
	}
	/* Only the first shard accepts, so that every client has to move. */
	assert_int_equal(c2s_shard_start(listens, 2, tls), 0);
	shard_enter(fake.shards->shards[1]);
	c2s_shard_set_tls(tls);
	shard_enter(fake.shards->shards[0]);
}

static void stop(void)
{
	fake_run();
	for (int i = 0; i < SHARDS; i++) {
		shard_enter(fake.shards->shards[i]);
		c2s_shard_stop();
	}
	shard_enter(fake.shards->shards[0]);
	close(listen_fds[0]);
	close(listen_fds[1]);
	SSL_CTX_free(client_ctx);
	tls_set_unref(&tls);
	tls_tickets_unref(&tickets);
	fake_stop();
}

static struct fake_session *wait_for_session(struct tcp_client *client)
{
	tcp_send(client, fake_header("example.org"));
	tcp_expect(client, "</stream:features>");
	tcp_send(client, "<iq type='set' id='1'><bind " BIND
			 "><resource>balcony</resource></bind></iq>");
	tcp_expect(client, "<jid>romeo@example.org/balcony</jid></bind></iq>");
	return list_first(&fake.sessions, struct fake_session, link);
}

static void send_plain(struct tcp_client *client)
{
	tcp_send(client, arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
				      fake_plain("", "romeo", "secret"))
				 .ptr);
	tcp_expect(client, "<success " SASL "></success>");
}

/* --- the tests --------------------------------------------------------------------------- */

static void in_the_clear(void **state)
{
	struct tcp_client *client;
	struct fake_session *session;
	struct stanza *stanza;
	char *body;

	(void)state;
	start();
	fake_set("tls.required", "no", false);
	client = tcp_connect(listen_fds[0]);
	tcp_send(client, fake_header("example.org"));
	tcp_expect(client, "</stream:features>");
	send_plain(client);
	session = wait_for_session(client);
	assert_int_equal(session->shard, 1);
	assert_string_equal(stream_carrier_name(session->stream), "tcp");
	shard_enter(fake.shards->shards[1]);
	assert_has(arena_cstr(scratch(), stream_peer(session->stream)), "127.0.0.1:");
	/* A large stanza leaves by its shared tail. */
	body = malloc(150000);
	memset(body, 'x', 149999);
	body[149999] = '\0';
	stanza = stanza_from_parts(STANZA_MESSAGE, &(struct stanza_head){ .id = BYTES_NONE },
				   bytes_of(body));
	stream_send(session->stream, BYTES_LIT("<message>"), stanza);
	stanza_unref(&stanza);
	assert_int_equal(strlen(tcp_expect(client, "</message>")),
			 strlen("<message></message>") + 149999);
	free(body);
	/* Shutdown: the last words arrive. */
	shard_enter(fake.shards->shards[1]);
	stream_close(session->stream, STREAM_CONDITION_SYSTEM_SHUTDOWN, TEXT_STREAM_SHUTDOWN);
	assert_has(tcp_expect(client, "</stream:stream>"), "<system-shutdown ");
	tcp_expect_end(client);
	tcp_free(client);
	stop();
}

static void a_broken_connection(void **state)
{
	struct linger linger = { 1, 0 };
	struct tcp_client *client;
	struct fake_session *session;
	unsigned patience = 0;

	(void)state;
	start();
	fake_set("tls.required", "no", false);
	client = tcp_connect(listen_fds[0]);
	tcp_send(client, fake_header("example.org"));
	send_plain(client);
	session = wait_for_session(client);
	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	tcp_free(client);
	while (session->stream)
		turn(&patience);
	assert_int_equal(session->end, STREAM_END_LOST);
	stop();
}

/* STARTTLS, SCRAM bound to the channel by tls-exporter (RFC 9266), and the move in TLS. */
static void starttls_and_scram_plus(void **state)
{
	struct tcp_client *client;
	struct fake_session *session;
	struct arena arena;
	struct client scram;
	struct bytes data, raw;
	unsigned char exporter[32];
	const char *got;

	(void)state;
	start();
	arena_init(&arena, 4096);
	client = tcp_connect(listen_fds[0]);
	tcp_send(client, fake_header("example.org"));
	assert_has(tcp_expect(client, "</stream:features>"), "<required/>");
	tcp_send(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	tcp_expect(client, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	tcp_handshake(client, "example.org", NULL);
	tcp_send(client, fake_header("example.org"));
	assert_has(tcp_expect(client, "</stream:features>"),
		   "<channel-binding type='tls-exporter'/>");

	assert_int_equal(SSL_export_keying_material(client->ssl, exporter, sizeof(exporter),
						    "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
			 1);
	scram = (struct client){ .arena = &arena,
				 .md = EVP_sha512(),
				 .gs2_header = "p=tls-exporter,,",
				 .user = "romeo",
				 .password = "secret",
				 .binding_data = bytes_make(exporter, sizeof(exporter)) };
	data = base64_encode(&arena, client_first(&scram));
	tcp_send(client,
		 arena_printf(&arena, "<auth " SASL " mechanism='SCRAM-SHA-512-PLUS'>%s</auth>",
			      data.ptr)
			 .ptr);
	got = tcp_expect(client, "</challenge>");
	data = bytes_first(bytes_of(strchr(got, '>') + 1), strcspn(strchr(got, '>') + 1, "<"));
	assert_int_equal(base64_decode(&arena, data, &raw), 0);
	data = base64_encode(&arena, client_final(&scram, raw));
	tcp_send(client,
		 arena_printf(&arena, "<response " SASL ">%s</response>", data.ptr).ptr);
	tcp_expect(client, "</success>");
	session = wait_for_session(client);
	assert_int_equal(session->shard, 1);
	assert_string_equal(stream_carrier_name(session->stream), "tls");
	tcp_send(client, "<message><body>over TLS</body></message></stream:stream>");
	tcp_expect(client, "</stream:stream>");
	tcp_expect_end(client);
	assert_int_equal(session->count, 1);
	assert_int_equal(session->end, STREAM_END_CLOSED);
	tcp_free(client);
	arena_fini(&arena);
	stop();
}

static void direct_tls(void **state)
{
	struct tcp_client *client;
	struct fake_session *session;
	const unsigned char *alpn;
	unsigned alpn_len;

	(void)state;
	start();
	client = tcp_connect(listen_fds[1]);
	tcp_handshake(client, "example.org", "\x0bxmpp-client");
	SSL_get0_alpn_selected(client->ssl, &alpn, &alpn_len);
	assert_int_equal(alpn_len, 11);
	assert_memory_equal(alpn, "xmpp-client", 11);
	tcp_send(client, fake_header("example.org"));
	assert_has_not(tcp_expect(client, "</stream:features>"), "starttls");
	send_plain(client);
	session = wait_for_session(client);
	assert_int_equal(session->shard, 1);
	tcp_free(client); /* without a word */
	fake_run();
	stop();
}

/* A client that never begins its handshake. */
static void silence_in_the_handshake(void **state)
{
	struct tcp_client *client;
	unsigned patience = 0;

	(void)state;
	start();
	client = tcp_connect(listen_fds[1]);
	while (stream_count() == 0)
		turn(&patience);
	shards_advance(fake.shards, 59000);
	assert_int_equal(stream_count(), 1);
	shards_advance(fake.shards, 1000 + CONN_LINGER_MS);
	assert_int_equal(stream_count(), 0);
	tcp_expect_end(client);
	assert_int_equal(client->len, 0);
	tcp_free(client);
	stop();
}

static void assert_certificate(struct tcp_client *client, const char *domain)
{
	X509 *certificate = SSL_get1_peer_certificate(client->ssl);
	char name[100];

	X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof(name));
	assert_has(name, domain);
	X509_free(certificate);
}

/* A client without SNI gets the certificate of the domain in its header. */
static void starttls_without_a_name(void **state)
{
	static const char *const names[] = { "example.org", "example.net" };

	(void)state;
	start();
	for (int i = 0; i < 2; i++) {
		struct tcp_client *client = tcp_connect(listen_fds[0]);

		tcp_send(client, fake_header(names[i]));
		tcp_expect(client, "</stream:features>");
		tcp_send(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		tcp_expect(client, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		tcp_handshake(client, NULL, NULL);
		assert_certificate(client, names[i]);
		tcp_free(client);
	}
	stop();
}

/* Certificates that are configured, and a reload while a client is there. */
static void configured_certificates(void **state)
{
	char value[200];
	struct tcp_client *client;
	struct fake_session *session;
	struct tls_set *before;

	(void)state;
	start();
	client = tcp_connect(listen_fds[1]);
	tcp_handshake(client, "example.org", NULL);
	tcp_send(client, fake_header("example.org"));
	tcp_expect(client, "</stream:features>");
	send_plain(client);
	session = wait_for_session(client);

	/* The other domain's certificate, as an administrator would name a file. */
	snprintf(value, sizeof(value), "%s/certificates/example.net.pem", data_dir);
	fake_set("tls.certificate", value, false);
	snprintf(value, sizeof(value), "%s/certificates/example.net.key", data_dir);
	fake_set("tls.key", value, false);
	before = tls;
	load_tls();
	tls_set_unref(&before);
	shard_enter(fake.shards->shards[0]);
	c2s_shard_set_tls(tls);
	tcp_send(client, "<presence/>");
	assert_int_equal(session->count, 1);
	tcp_free(client);

	client = tcp_connect(listen_fds[1]);
	tcp_handshake(client, "example.org", NULL);
	assert_certificate(client, "example.net");
	tcp_free(client);

	/* A file that is not there: the old set stays. */
	fake_set("tls.certificate", "/nonexistent/cert.pem", false);
	struct c2s_domain domain = { BYTES_LIT("example.org"), fake.example };
	struct err err;
	before = tls;
	assert_true(c2s_tls_load(&domain, 1, data_dir, tickets, &tls, &err) < 0);
	assert_has(err.text, "/nonexistent/cert.pem");
	assert_ptr_equal(tls, before);
	fake_run();
	stop();
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(data_dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", data_dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_clear),
		cmocka_unit_test(a_broken_connection),
		cmocka_unit_test(starttls_and_scram_plus),
		cmocka_unit_test(starttls_without_a_name),
		cmocka_unit_test(direct_tls),
		cmocka_unit_test(silence_in_the_handshake),
		cmocka_unit_test(configured_certificates),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
