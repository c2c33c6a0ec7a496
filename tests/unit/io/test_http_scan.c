/* What requests mean, and which are refused with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/check.h"
#include "io/http_scan.h"

#define HOST "Host: example.org\r\n"
#define GET "GET / HTTP/1.1\r\n"

static ssize_t scan(struct bytes text, struct http_head *head)
{
	size_t searched = 0;

	return http_scan_head(text, &searched, head);
}

static void assert_bytes(struct bytes got, const char *expected)
{
	if (!bytes_is(got, expected))
		fail_msg("'%.*s' is not '%s'", BYTES_ARG(got), expected);
}

static void a_usual_request(void **state)
{
	static const char text[] = "GET /a%20b/?q=1&r HTTP/1.1\r\nhost: example.org:5280\r\n"
				   "Connection: keep-alive, Upgrade\r\nX-Empty:\r\n"
				   "Accept:\t text/html \t\r\nConnection: x\r\n\r\nrest";
	struct http_head head;

	(void)state;
	assert_int_equal(scan(bytes_make(text, sizeof(text) - 1), &head),
			 sizeof(text) - 1 - strlen("rest"));
	assert_int_equal(head.method, HTTP_GET);
	assert_int_equal(head.minor, 1);
	assert_bytes(head.path, "/a%20b/");
	assert_bytes(head.query, "q=1&r");
	assert_bytes(head.host, "example.org:5280");
	assert_true(head.keeps_alive);
	assert_false(head.has_length || head.is_chunked || head.expects_continue);
	assert_int_equal(head.field_count, 5);
	assert_bytes(http_field(&head, "ACCEPT"), "text/html");
	assert_bytes(http_field(&head, "x-empty"), "");
	assert_true(bytes_is_none(http_field(&head, "accep")));
	assert_int_equal(http_field_count(&head, "connection"), 2);
	assert_true(http_has_token(&head, "connection", "upgrade"));
	assert_true(http_has_token(&head, "connection", "X"));
	assert_false(http_has_token(&head, "connection", "keep"));
}

static void every_prefix_needs_more(void **state)
{
	static const char text[] = "\r\n" GET HOST "Content-Length: 12\r\n\r\n";
	struct http_head head;
	size_t searched = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(http_scan_head(bytes_make(text, i), &searched, &head), 0);
	assert_int_equal(http_scan_head(bytes_make(text, sizeof(text) - 1), &searched, &head),
			 sizeof(text) - 1);
	assert_true(head.has_length);
	assert_int_equal(head.length, 12);
}

/* status 0: accepted. */
static const struct {
	struct bytes text;
	int status;
} verdicts[] = {
	{ BYTES_LIT(GET HOST "\r\n"), 0 },
	{ BYTES_LIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ BYTES_LIT("GET http://example.org/x HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ BYTES_LIT("GET / HTTP/1.0\r\n\r\n"), 0 },
	{ BYTES_LIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), 0 },
	{ BYTES_LIT(GET "Host: [2001:db8::1]:5280\r\n\r\n"), 0 },
	/* framing that can be read in two ways */
	{ BYTES_LIT(GET HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 1, 1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: +1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: -1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 0x1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length:\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 1 1\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 9223372036854775808\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Content-Length: 99999999999999999999\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST
		    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	  400 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding: identity\r\n\r\n"), 501 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding : chunked\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding\x0b: chunked\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Transfer-Encoding: \x0b"
			     "chunked\r\n\r\n"),
	  400 },
	{ BYTES_LIT("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	/* lines */
	{ BYTES_LIT("GET / HTTP/1.1\n" HOST "\r\n"), 400 },
	{ BYTES_LIT(GET "Host: example.org\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "\n"), 400 },
	{ BYTES_LIT(GET HOST "A: b\r\n c\r\n\r\n"), 400 },
	{ BYTES_LIT(GET " " HOST "\r\n"), 400 },
	{ BYTES_LIT(GET HOST "A: b\rc\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "A: b\0c\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "A\0: b\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "A: b\x7f\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "A b: c\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST ": c\r\n\r\n"), 400 },
	{ BYTES_LIT(GET HOST "no colon\r\n\r\n"), 400 },
	{ BYTES_LIT("\r\n\r\n" GET HOST "\r\n"), 400 },
	/* the request line */
	{ BYTES_LIT("GET /\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET /\t HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET /# HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET a HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET * HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("get / HTTP/1.1\r\n" HOST "\r\n"), 501 },
	{ BYTES_LIT("CONNECT example.org:443 HTTP/1.1\r\n" HOST "\r\n"), 501 },
	{ BYTES_LIT("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501 },
	{ BYTES_LIT("G@T / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET / http/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET / HTTP/1.2\r\n" HOST "\r\n"), 505 },
	{ BYTES_LIT("PRI * HTTP/2.0\r\n\r\n"), 505 },
	/* hosts */
	{ BYTES_LIT(GET "\r\n"), 400 },
	{ BYTES_LIT(GET HOST HOST "\r\n"), 400 },
	{ BYTES_LIT(GET "Host:\r\n\r\n"), 400 },
	{ BYTES_LIT(GET "Host: a b\r\n\r\n"), 400 },
	{ BYTES_LIT(GET "Host: me@example.org\r\n\r\n"), 400 },
	{ BYTES_LIT(GET "Host: \"><script>\r\n\r\n"), 400 },
	{ BYTES_LIT("GET http://other.example/x HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET http://example.org HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT("GET ftp://example.org/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ BYTES_LIT(GET HOST "Expect: tea\r\n\r\n"), 417 },
};

static void verdicts_are_as_listed(void **state)
{
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < array_len(verdicts); i++) {
		ssize_t got = scan(verdicts[i].text, &head);
		ssize_t expected = verdicts[i].status == 0 ? (ssize_t)verdicts[i].text.len
							   : -verdicts[i].status;

		if (got != expected)
			fail_msg("%zu: %zd, not %zd: %.*s", i, got, expected,
				 BYTES_ARG(verdicts[i].text));
	}
}

static void sizes_are_limited(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct http_head head;
	size_t len;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(scan(bytes_make(text, HTTP_HEAD_MAX - 1), &head), 0);
	assert_int_equal(scan(bytes_make(text, HTTP_HEAD_MAX), &head), -414);
	memcpy(text, GET "A: ", strlen(GET) + 3);
	assert_int_equal(scan(bytes_make(text, HTTP_HEAD_MAX - 1), &head), 0);
	assert_int_equal(scan(bytes_make(text, sizeof(text)), &head), -431);
	len = (size_t)sprintf(text, "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_MAX, 1);
	assert_int_equal(scan(bytes_make(text, len), &head), -414);
	len = (size_t)sprintf(text, "GET /%0*d HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_MAX - 1,
			      1);
	assert_int_equal(scan(bytes_make(text, len), &head), len);
	len = (size_t)sprintf(text, GET HOST);
	for (int i = 1; i <= HTTP_FIELDS_MAX; i++) {
		memcpy(text + len, "\r\n", 2);
		assert_int_equal(scan(bytes_make(text, len + 2), &head), len + 2);
		assert_int_equal(head.field_count, i);
		len += (size_t)sprintf(text + len, "A: b\r\n");
	}
	memcpy(text + len, "\r\n", 2);
	assert_int_equal(scan(bytes_make(text, len + 2), &head), -431);
}

static void connections_end_when_told(void **state)
{
	struct http_head head;

	(void)state;
	assert_true(scan(BYTES_LIT(GET HOST "Connection: a, Close\r\n\r\n"), &head) > 0);
	assert_false(head.keeps_alive);
	assert_true(scan(BYTES_LIT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), &head) >
		    0);
	assert_false(head.keeps_alive);
	assert_true(scan(BYTES_LIT(GET HOST "expect: 100-Continue\r\n\r\n"), &head) > 0);
	assert_true(head.expects_continue);
}

static void paths_never_leave_a_root(void **state)
{
	static const char *const paths[][2] = {
		{ "/", "/" },
		{ "/a/b", "/a/b" },
		{ "/a/", "/a/" },
		{ "/%e4%bd%a0%20b", "/\xe4\xbd\xa0 b" },
		{ "/..a/b../...", "/..a/b../..." },
		{ "/%61%2Eb", "/a.b" },
		{ "", NULL },
		{ "a", NULL },
		{ "//", NULL },
		{ "//a", NULL },
		{ "/a//b", NULL },
		{ "/a//", NULL },
		{ "/.", NULL },
		{ "/..", NULL },
		{ "/../etc/passwd", NULL },
		{ "/a/..", NULL },
		{ "/a/./b", NULL },
		{ "/%2e%2e/etc", NULL },
		{ "/a/%2E./b", NULL },
		{ "/a/.%2e", NULL },
		{ "/a%2fb", NULL },
		{ "/a%2F..%2Fb", NULL },
		{ "/a%5cb", NULL },
		{ "/a\\b", NULL },
		{ "/a%00", NULL },
		{ "/a%0d%0a", NULL },
		{ "/%7f", NULL },
		{ "/%", NULL },
		{ "/%4", NULL },
		{ "/%zz", NULL },
		{ "/%c0%ae%c0%ae/", NULL },
		{ "/%ff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_len(paths); i++) {
		struct bytes plain = BYTES_NONE;
		bool is_fine = http_path_decode(bytes_of(paths[i][0]), scratch(), &plain);

		if (is_fine != (paths[i][1] != NULL))
			fail_msg("%s", paths[i][0]);
		if (is_fine)
			assert_bytes(plain, paths[i][1]);
	}
	scratch_fini();
}

static const struct {
	struct bytes text;
	int status; /* 0: it goes on; 1: it is done */
	const char *data;
} bodies[] = {
	{ BYTES_LIT("0\r\n\r\nGET"), 1, "" },
	{ BYTES_LIT("5\r\nhello\r\n00a\r\n, world!!!\r\n0\r\n\r\n"), 1, "hello, world!!!" },
	{ BYTES_LIT("2;a=b;c=\"d\"\r\n\r\n\r\n0;x\r\nA: b\r\nC:\r\n\r\n"), 1, "\r\n" },
	{ BYTES_LIT("A\r\n0123456789\r"), 0, "0123456789" },
	{ BYTES_LIT("5\r\nhel"), 0, "hel" },
	{ BYTES_LIT("5\nhello\r\n"), -400, "" },
	{ BYTES_LIT("\r\n"), -400, "" },
	{ BYTES_LIT(" 5\r\n"), -400, "" },
	{ BYTES_LIT("5 \r\n"), -400, "" },
	{ BYTES_LIT("-1\r\n"), -400, "" },
	{ BYTES_LIT("0x5\r\n"), -400, "" },
	{ BYTES_LIT("g\r\n"), -400, "" },
	{ BYTES_LIT("10000000000000000\r\n"), -400, "" },
	{ BYTES_LIT("ffffffffffffffff\r\n"), -400, "" },
	{ BYTES_LIT("5;a\0\r\n"), -400, "" },
	{ BYTES_LIT("5;a\n\r\n"), -400, "" },
	{ BYTES_LIT("5\r\nhelloX"), -400, "hello" },
	{ BYTES_LIT("5\r\nhello\rX"), -400, "hello" },
	{ BYTES_LIT("5\r\nhello\n"), -400, "hello" },
	{ BYTES_LIT("0\r\nA : b\r\n\r\n"), -400, "" },
	{ BYTES_LIT("0\r\n folded\r\n\r\n"), -400, "" },
	{ BYTES_LIT("0\r\n\n"), -400, "" },
};

/* The window grows by one byte at a time, as from the slowest client. */
static int read_slowly(struct bytes text, char *data)
{
	struct http_chunks chunks = { 0 };
	size_t used = 0, end = 0;

	*data = '\0';
	for (;;) {
		struct bytes piece;
		ssize_t n = http_chunks_next(&chunks, bytes_make(text.ptr + used, end - used),
					     &piece);

		if (n < 0)
			return (int)n;
		used += (size_t)n;
		strncat(data, piece.ptr ? piece.ptr : "", piece.len);
		if (http_chunks_is_done(&chunks))
			return 1;
		if (n == 0 && end == text.len)
			return 0;
		end += n == 0;
	}
}

static void chunked_bodies(void **state)
{
	char data[100];

	(void)state;
	for (size_t i = 0; i < array_len(bodies); i++) {
		int status = read_slowly(bodies[i].text, data);

		if (status != bodies[i].status || strcmp(data, bodies[i].data) != 0)
			fail_msg("%zu: %d '%s'", i, status, data);
	}
}

static void trailers_and_extensions_are_limited(void **state)
{
	static char text[8192];
	struct http_chunks chunks = { 0 };
	struct bytes data;
	size_t used = 3;
	ssize_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "5;", 2);
	assert_int_equal(http_chunks_next(&chunks, bytes_make(text, 200), &data), 0);
	assert_int_equal(http_chunks_next(&chunks, bytes_make(text, 300), &data), -400);
	memcpy(text, "0\r\n", 3);
	for (size_t i = 3; i + 6 <= sizeof(text); i += 6)
		memcpy(text + i, "A: b\r\n", 6);
	assert_int_equal(http_chunks_next(&chunks, bytes_make(text, 3), &data), 3);
	while ((n = http_chunks_next(&chunks, bytes_make(text + used, sizeof(text) - used),
				     &data)) > 0)
		used += (size_t)n;
	assert_int_equal(n, -400);
	assert_true(used > HTTP_TRAILER_MAX - 100 && used < HTTP_TRAILER_MAX + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_request),
		cmocka_unit_test(every_prefix_needs_more),
		cmocka_unit_test(verdicts_are_as_listed),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(connections_end_when_told),
		cmocka_unit_test(paths_never_leave_a_root),
		cmocka_unit_test(chunked_bodies),
		cmocka_unit_test(trailers_and_extensions_are_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
