/* One port for HTTP, WebSocket and XMPP, over socket pairs: who gets in, and what ends how. */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/websocket.h"
#include "stream/admission.h"
#include "stream/web.h"

#define FRAMING "xmlns='urn:ietf:params:xml:ns:xmpp-framing'"
#define OPEN "<open " FRAMING " to='example.org' version='1.0'/>"
#define UPGRADE                                                                            \
	"GET /xmpp-websocket HTTP/1.1\r\nHost: example.org:5443\r\nUpgrade: websocket\r\n" \
	"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"           \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n"

static struct peer local_peer(void)
{
	return (struct peer){ .kind = PEER_IPV4,
			      .address = { [10] = 0xff, 0xff, 127, 0, 0, 1 } };
}

static struct peer far_peer(void)
{
	return (struct peer){ .kind = PEER_IPV4,
			      .address = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
}

static int serve(struct peer peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	web_serve(fds[1], &peer, NULL);
	return fds[0];
}

static void put(int fd, const void *ptr, size_t len)
{
	assert_int_equal(send(fd, ptr, len, MSG_NOSIGNAL), len);
}

static void put_text(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

/* What came, with every byte that is not text as '.'; *ret_closed: and the end. */
static const char *received(int fd, bool *ret_closed)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	fake_run();
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' && text[i] != '\r' && text[i] != '\n')
			text[i] = '.';
	text[len] = '\0';
	*ret_closed = n == 0;
	return text;
}

static void put_frame(int fd, int first, struct bytes payload)
{
	static const char mask[4] = { 1, 2, 3, 4 };
	char head[WEBSOCKET_HEAD_MAX];
	size_t len = websocket_write_head(WEBSOCKET_TEXT, payload.len, head);
	char *text = arena_cstr(scratch(), payload);

	head[0] = (char)first;
	head[1] = (char)(head[1] | 0x80);
	for (size_t i = 0; i < payload.len; i++)
		text[i] ^= mask[i % 4];
	put(fd, head, len);
	put(fd, mask, 4);
	put(fd, text, payload.len);
}

static void put_message(int fd, const char *text)
{
	put_frame(fd, 0x81, bytes_of(text));
}

static int open_websocket(struct peer peer)
{
	int fd = serve(peer);
	bool closed;

	put_text(fd, UPGRADE "\r\n");
	assert_has(received(fd, &closed), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(closed);
	return fd;
}

static void a_life_over_websocket(void **state)
{
	struct fake_session *session;
	bool closed;
	int fd;

	(void)state;
	fake_start(2);
	fake.home = 1;
	fd = open_websocket(local_peer());
	put_message(fd, OPEN);
	assert_has(received(fd, &closed), "<mechanism>SCRAM-SHA-256</mechanism>");
	/* Pipelined over the move; a ping among it. */
	put_message(fd, arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
				     fake_plain("", "romeo", "secret"))
				.ptr);
	put_message(fd, OPEN);
	put_frame(fd, 0x89, BYTES_LIT("there?"));
	put_frame(fd, 0x01, BYTES_LIT("<iq xmlns='jabber:client' type='set' id='1'>"));
	put_frame(fd, 0x80, BYTES_LIT("<bind " BIND "/></iq>"));
	assert_has(received(fd, &closed), "there?");
	session = list_first(&fake.sessions, struct fake_session, link);
	assert_int_equal(session->shard, 1);
	assert_string_equal(stream_carrier_name(session->stream), "websocket");
	assert_int_equal(admission_count(), 0);
	put_message(fd, "<message xmlns='jabber:client'><body>hi</body></message>");
	fake_run();
	assert_has(arena_cstr(scratch(), buf_bytes(&session->heard)), "<body>hi</body>");
	put_message(fd, "<close " FRAMING "/>");
	assert_has(received(fd, &closed), "<close " FRAMING "/>....");
	assert_true(closed);
	assert_int_equal(session->end, STREAM_END_CLOSED);
	close(fd);
	fake_run();
	fake_stop();
}

/* What the client sends last, and the status that it is cut with. */
static void assert_status(int first, struct bytes payload, unsigned status)
{
	int fd = open_websocket(local_peer());
	char text[4096];
	ssize_t n;

	put_message(fd, OPEN);
	fake_run();
	put_frame(fd, first, payload);
	fake_run();
	n = read(fd, text, sizeof(text));
	assert_true(n > 4);
	assert_memory_equal(text + n - 4, "\x88\x02", 2);
	assert_int_equal((uint8_t)text[n - 2] << 8 | (uint8_t)text[n - 1], status);
	assert_int_equal(read(fd, text, sizeof(text)), 0);
	close(fd);
	fake_run();
	assert_int_equal(stream_count(), 0);
}

static void ends_have_their_status(void **state)
{
	static char large[10100];

	(void)state;
	memset(large, 'x', sizeof(large));
	fake_start(1);
	assert_status(0x82, BYTES_LIT("<binary/>"), WEBSOCKET_UNSUPPORTED);
	assert_status(0xc1, BYTES_LIT("<compressed/>"), WEBSOCKET_PROTOCOL_ERROR);
	assert_status(0x81, BYTES_LIT("<a>\xff</a>"), WEBSOCKET_BAD_DATA);
	assert_status(0x81, bytes_make(large, sizeof(large)), WEBSOCKET_TOO_LARGE);
	assert_status(0x88, BYTES_LIT("\x03\xe9"), WEBSOCKET_GOING_AWAY);
	assert_status(0x88, BYTES_LIT(""), WEBSOCKET_NORMAL);
	assert_status(0x81, BYTES_LIT("no xml"),
		      WEBSOCKET_NORMAL); /* a stream error came first */
	fake_stop();
}

static void plain_from_afar_is_not_secure(void **state)
{
	bool closed;
	int fd;

	(void)state;
	fake_start(1);
	fd = open_websocket(far_peer());
	put_message(fd, OPEN);
	assert_has_not(received(fd, &closed), "<mechanism");
	close(fd);
	fake_run();
	fake_stop();
}

static void assert_answer(const char *request, const char *answer)
{
	int fd = serve(far_peer());
	bool closed;

	put_text(fd, request);
	assert_has(received(fd, &closed), answer);
	close(fd);
	fake_run();
}

static void other_origins_stay_out(void **state)
{
	(void)state;
	fake_start(1);
	assert_answer(UPGRADE "\r\n", " 101 ");
	assert_answer(UPGRADE "Origin: https://example.org:5443\r\n\r\n", " 101 ");
	assert_answer(UPGRADE "Origin: https://example.org\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin: https://evil.example\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin: https://example.org:5443.evil.example\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin: null\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin:\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin: https://example.org:5443\r\n"
			      "Origin: https://evil.example\r\n\r\n",
		      " 403 ");
	fake_set("web.origins", "https://chat.example,https://b.example:8443", false);
	assert_answer(UPGRADE "Origin: https://chat.example\r\n\r\n", " 101 ");
	assert_answer(UPGRADE "Origin: http://chat.example\r\n\r\n", " 403 ");
	assert_answer(UPGRADE "Origin: https://b.example:8443\r\n\r\n", " 101 ");
	assert_answer(UPGRADE "Origin: https://evil.example\r\n\r\n", " 403 ");
	fake_set("web.origins", "*", false);
	assert_answer(UPGRADE "Origin: https://evil.example\r\n\r\n", " 101 ");
	fake_stop();
}

static void the_first_byte_decides(void **state)
{
	bool closed;
	int fd;

	(void)state;
	fake_start(1);
	assert_answer("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "<h1>example.org</h1>");
	assert_answer("GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: zh-CN,en;q=0.5\r\n\r\n",
		      "<html lang=\"zh\">");
	assert_answer("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", " 204 No Content");
	assert_answer(fake_header("example.org"), "<stream:features>");
	assert_answer("\x01\n", "HTTP/1.1 400 ");
	fd = serve(far_peer());
	put_text(fd, "\x16\x03\x01");
	assert_string_equal(received(fd, &closed), "");
	assert_true(closed);
	close(fd);
	fd = serve(far_peer()); /* says nothing */
	shards_advance(fake.shards, HTTP_HEAD_MS + 1);
	received(fd, &closed);
	assert_true(closed);
	close(fd);
	fake_stop();
}

static void all_count_as_logging_in(void **state)
{
	bool closed;
	int fds[3];

	(void)state;
	fake_start(1);
	fake_set("limits.preauth_per_address", "2", true);
	fds[0] = serve(far_peer());
	put_text(fds[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	fds[1] = open_websocket(far_peer());
	assert_int_equal(admission_count(), 2);
	fds[2] = serve(far_peer());
	received(fds[2], &closed);
	assert_true(closed);
	close(fds[2]);
	close(fds[0]);
	fake_run();
	assert_int_equal(admission_count(), 1);
	fds[0] = serve(far_peer());
	put_text(fds[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_has(received(fds[0], &closed), "200 OK");
	web_stop();
	received(fds[0], &closed);
	assert_true(closed);
	close(fds[0]);
	close(fds[1]);
	fake_run();
	assert_int_equal(admission_count(), 0);
	fake_stop();
}

static void clients_are_told_where(void **state)
{
	(void)state;
	fake_start(1);
	assert_answer("GET /.well-known/host-meta HTTP/1.1\r\nHost: example.org\r\n\r\n",
		      "<Link rel='urn:xmpp:alt-connections:websocket' "
		      "href='wss://example.org/xmpp-websocket'/>");
	assert_answer("GET /.well-known/host-meta HTTP/1.1\r\nHost: example.org\r\n\r\n",
		      "Access-Control-Allow-Origin: *\r\n");
	assert_answer("GET /.well-known/host-meta HTTP/1.1\r\nHost: other.example\r\n\r\n",
		      "404 ");
	fake_set("web.websocket_url", "wss://web.example.org/ws?a=\"&b", false);
	assert_answer("GET /.well-known/host-meta HTTP/1.1\r\nHost: example.org\r\n\r\n",
		      "href='wss://web.example.org/ws?a=&quot;&amp;b'");
	assert_answer(
		"GET /.well-known/host-meta.json HTTP/1.1\r\nHost: example.org:80\r\n\r\n",
		"{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\","
		"\"href\":\"wss://web.example.org/ws?a=\\u0022&b\"}]}\n");
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_over_websocket),
		cmocka_unit_test(ends_have_their_status),
		cmocka_unit_test(plain_from_afar_is_not_secure),
		cmocka_unit_test(other_origins_stay_out),
		cmocka_unit_test(the_first_byte_decides),
		cmocka_unit_test(all_count_as_logging_in),
		cmocka_unit_test(clients_are_told_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
