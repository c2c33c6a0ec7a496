/* HTTP connections by hand, over socket pairs, under the fake clock. */
#include "io_test.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "io/http.h"

#define HOST "Host: a\r\n"

static struct http_router *router;
static struct http *pending; /* of "/later" */
static unsigned left, gone;
static struct buf uploaded;
static bool pauses;
static struct arena answers; /* of one test */

static void on_left(void *owner)
{
	(void)owner;
	left++;
}

static void greet(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)head;
	http_answer(http, &(struct http_answer){ .status = 200,
						 .type = BYTES_LIT("text/plain"),
						 .fields = BYTES_LIT("X-Own: 1\r\n"),
						 .body = path });
}

static void wait_for_later(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)head;
	(void)path;
	pending = http;
}

static void on_gone(struct http *http)
{
	assert_ptr_equal(http, pending);
	pending = NULL;
	gone++;
}

static void expect_upload(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)head;
	(void)path;
	pending = http;
}

static void take_piece(struct http *http, struct bytes piece)
{
	buf_append(&uploaded, piece);
	if (pauses)
		http_pause_body(http, true);
}

static void answer_upload(struct http *http)
{
	struct bytes text = arena_printf(scratch(), "%zu", uploaded.len);

	pending = NULL;
	http_answer(http, &(struct http_answer){ .status = 201, .body = text });
}

static void show_asset(struct http *http, const struct http_head *head, struct bytes path)
{
	static const struct http_asset asset = {
		.body = { "0123456789", 10 },
		.type = { "text/plain", 10 },
		.etag = { "\"v1\"", 4 },
		.is_static = true,
	};

	(void)path;
	http_answer_asset(http, head, &asset);
}

static void show_much(struct http *http, const struct http_head *head, struct bytes path)
{
	static char much[300000];

	(void)path;
	http_answer_asset(http, head,
			  &(struct http_asset){ .body = bytes_make(much, sizeof(much)),
						.etag = BYTES_LIT("\"m\""),
						.is_static = true });
}

static struct sink taken;

static void take_over(struct http *http, const struct http_head *head, struct bytes path)
{
	(void)head;
	(void)path;
	taken.conn = http_take_over(http);
	conn_set_owner(taken.conn, &sink_ops, &taken);
}

static const struct http_route routes[] = {
	{ .path = "/", .methods = HTTP_GET, .permission = HTTP_EVERYBODY, .request = greet },
	{ .path = "/deep/",
	  .is_prefix = true,
	  .methods = HTTP_GET,
	  .permission = HTTP_EVERYBODY,
	  .request = greet },
	{ .path = "/later",
	  .methods = HTTP_GET,
	  .permission = HTTP_EVERYBODY,
	  .request = wait_for_later,
	  .gone = on_gone },
	{ .path = "/upload",
	  .methods = HTTP_PUT | HTTP_POST,
	  .permission = HTTP_EVERYBODY,
	  .body_max = 5000,
	  .request = expect_upload,
	  .body = take_piece,
	  .ended = answer_upload,
	  .gone = on_gone },
	{ .path = "/asset",
	  .methods = HTTP_GET,
	  .permission = HTTP_EVERYBODY,
	  .request = show_asset },
	{ .path = "/much",
	  .methods = HTTP_GET,
	  .permission = HTTP_EVERYBODY,
	  .request = show_much },
	{ .path = "/local",
	  .methods = HTTP_GET,
	  .permission = HTTP_LOOPBACK,
	  .request = greet },
	{ .path = "/upgrade",
	  .methods = HTTP_GET,
	  .permission = HTTP_EVERYBODY,
	  .request = take_over },
};

static struct http_server server = { .left = on_left };

static int set_up(void **state)
{
	(void)state;
	clock_fake_start(1700000000000000);
	group_new(1);
	arena_init(&answers, 4096);
	router = http_router_new();
	for (size_t i = 0; i < array_len(routes); i++)
		http_router_add(router, &routes[i]);
	server.router = router;
	buf_init(&uploaded, 0);
	left = gone = 0;
	pending = NULL;
	pauses = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run();
	group_free();
	http_router_free(&router);
	buf_fini(&uploaded);
	arena_fini(&answers);
	clock_fake_stop();
	return 0;
}

static struct peer stranger(void)
{
	struct peer peer = { .kind = PEER_IPV4,
			     .address = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };

	return peer;
}

static int serve_peer(const struct peer *peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	http_serve(conn_new(fds[1], peer, &sink_ops, NULL), &server, NULL);
	return fds[0];
}

static int serve(void)
{
	struct peer peer = stranger();

	return serve_peer(&peer);
}

/* All that came; *ret_closed: and the end. */
static const char *received(int fd, bool *ret_closed)
{
	struct buf out;
	const char *text;

	buf_init(&out, 0);
	run();
	*ret_closed = take(fd, &out) != 0;
	text = arena_cstr(&answers, out.len > 0 ? buf_bytes(&out) : BYTES_LIT(""));
	buf_fini(&out);
	return text;
}

static __attribute__((noinline)) void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in '%s'", part, text);
}

/* One connection for one request: what it is answered, and whether the connection then ends. */
static const char *ask(const char *request, bool is_closed)
{
	int fd = serve();
	bool closed;
	const char *text;

	put_text(fd, request);
	text = received(fd, &closed);
	if (closed != is_closed)
		fail_msg("%s: closed %d: %s", request, closed, text);
	close(fd);
	run();
	return text;
}

static void an_answer(void **state)
{
	const char *text = ask("GET / HTTP/1.1\r\n" HOST "\r\n", false);

	(void)state;
	assert_string_equal(text, "HTTP/1.1 200 OK\r\n"
				  "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
				  "Content-Length: 1\r\nContent-Type: text/plain\r\n"
				  "X-Content-Type-Options: nosniff\r\nX-Own: 1\r\n\r\n/");
	assert_int_equal(left, 1);
	text = ask("HEAD / HTTP/1.1\r\n" HOST "\r\n", false);
	assert_has(text, "Content-Length: 1\r\n");
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	text = ask("GET / HTTP/1.0\r\n\r\n", true);
	assert_has(text, "Connection: close\r\n");
	assert_has(ask("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", true), "200 OK");
}

static void what_no_route_allows(void **state)
{
	const char *text;
	struct peer local = { .kind = PEER_UNIX };
	bool closed;
	int fd;

	(void)state;
	assert_has(ask("GET /none HTTP/1.1\r\n" HOST "\r\n", false), "404 Not Found");
	assert_has(ask("GET /late HTTP/1.1\r\n" HOST "\r\n", false), "404 ");
	assert_has(ask("GET /deep HTTP/1.1\r\n" HOST "\r\n", false), "404 ");
	assert_has(ask("GET /deep/er HTTP/1.1\r\n" HOST "\r\n", false), "\r\n\r\n/deep/er");
	assert_has(ask("GET /deep/%2e%2e/x HTTP/1.1\r\n" HOST "\r\n", true), "400 ");
	assert_has(ask("GET //deep/ HTTP/1.1\r\n" HOST "\r\n", true), "400 ");
	text = ask("POST /deep/ HTTP/1.1\r\n" HOST "\r\n", false);
	assert_has(text, "405 Method Not Allowed");
	assert_has(text, "Allow: GET, HEAD\r\n");
	assert_has(ask("GET /local HTTP/1.1\r\n" HOST "\r\n", false), "403 Forbidden");
	fd = serve_peer(&local);
	put_text(fd, "GET /local HTTP/1.1\r\n" HOST "\r\n");
	assert_has(received(fd, &closed), "200 OK");
	close(fd);
}

static void refusals_close(void **state)
{
	(void)state;
	assert_has(ask("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", true),
		   "HTTP/1.1 400 Bad Request\r\n");
	assert_has(ask("GET / HTTP/1.1\n", true), "400 ");
	assert_has(ask("GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", true), "413 ");
	assert_has(ask("PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 5001\r\n"
		       "Expect: 100-continue\r\n\r\n",
		       true),
		   "HTTP/1.1 413 ");
	assert_has(ask("PUT /upload HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		       "1\r\nab\r\n",
		       true),
		   "400 ");
	assert_int_equal(gone, 1);
	assert_has(ask("PUT /none HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", true),
		   "404 ");
	assert_int_equal(left, 6);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	int fd = serve();
	const char *text;
	bool closed;

	(void)state;
	put_text(fd, "GET /deep/1 HTTP/1.1\r\n" HOST "\r\nGET /later HTTP/1.1\r\n" HOST
		     "\r\nGET /deep/3 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	text = received(fd, &closed);
	assert_has(text, "/deep/1");
	assert_has_not(text, "/deep/3");
	assert_non_null(pending);
	http_answer_status(pending, 204);
	text = received(fd, &closed);
	assert_true(strstr(text, "204 No Content") < strstr(text, "/deep/3"));
	assert_true(closed);
	close(fd);
}

static void bodies_arrive(void **state)
{
	int fd = serve();
	const char *text;
	bool closed;

	(void)state;
	put_text(fd, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
		     "Expect: 100-continue\r\n\r\n");
	assert_string_equal(received(fd, &closed), "HTTP/1.1 100 Continue\r\n\r\n");
	put_text(fd, "he");
	run();
	put_text(fd, "lloPOST /upload HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		     "3\r\nabc\r\n");
	text = received(fd, &closed);
	assert_has(text, "201 Created");
	assert_true(bytes_is(buf_bytes(&uploaded), "helloabc"));
	put_text(fd, "1\r\n!\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	text = received(fd, &closed);
	assert_has(text, "\r\n\r\n9HTTP/1.1 200 OK");
	assert_true(bytes_is(buf_bytes(&uploaded), "helloabc!"));
	close(fd);
	run();
	assert_int_equal(gone, 0);
}

static void a_chunked_body_has_its_limit(void **state)
{
	static char text[6000];
	int fd = serve();
	bool closed;

	(void)state;
	memset(text, 'x', sizeof(text));
	put_text(fd,
		 "PUT /upload HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1770\r\n");
	put(fd, text, 6000);
	assert_has(received(fd, &closed), "413 ");
	assert_true(closed);
	assert_int_equal(gone, 1);
	close(fd);
}

static void a_handler_can_pause_a_body(void **state)
{
	int fd = serve();
	bool closed;

	(void)state;
	pauses = true;
	put_text(fd, "PUT /upload HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		     "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
	assert_string_equal(received(fd, &closed), "");
	assert_int_equal(uploaded.len, 3);
	shards_advance(group, HTTP_TICK_MS * 3); /* not the client's fault */
	http_pause_body(pending, false);
	received(fd, &closed);
	assert_int_equal(uploaded.len, 6);
	http_pause_body(pending, false);
	assert_has(received(fd, &closed), "201 ");
	close(fd);
}

static void assert_late(const char *request, uint64_t not_yet_ms, const char *answer)
{
	int fd = serve();
	bool closed;

	put_text(fd, request);
	received(fd, &closed);
	shards_advance(group, not_yet_ms - 1);
	received(fd, &closed);
	assert_false(closed);
	shards_advance(group, 2);
	assert_has(received(fd, &closed), answer);
	assert_true(closed);
	close(fd);
	run();
}

static void the_slow_are_cut(void **state)
{
	int fd;
	bool closed;

	(void)state;
	assert_late("", HTTP_HEAD_MS, "");
	assert_late("G", HTTP_HEAD_MS, "408 ");
	assert_late("GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_IDLE_MS, "");
	assert_late("GET / HTTP/1.1\r\n" HOST "\r\nG", HTTP_HEAD_MS, "408 ");
	assert_late("PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n12", HTTP_TICK_MS,
		    "408 ");
	assert_int_equal(gone, 1);
	/* one byte a second does not help a head */
	fd = serve();
	for (int i = 0; i < HTTP_HEAD_MS / 1000 + 1; i++) {
		put_text(fd, "G");
		shards_advance(group, 1000);
	}
	assert_has(received(fd, &closed), "408 ");
	assert_true(closed);
	close(fd);
	/* but a held answer has no deadline here */
	fd = serve();
	put_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	run();
	shards_advance(group, 3600000);
	http_answer_status(pending, 204);
	assert_has(received(fd, &closed), "204 ");
	close(fd);
}

static void who_never_reads_is_not_answered_for_ever(void **state)
{
	int fd = serve();
	unsigned before = left;

	(void)state;
	for (int i = 0; i < 200; i++)
		put_text(fd, "GET /much HTTP/1.1\r\n" HOST "\r\n");
	run();
	assert_int_equal(left, before);
	shards_advance(group, HTTP_IDLE_MS + 2 * HTTP_TICK_MS);
	assert_int_equal(left, before + 1);
	close(fd);
}

static void a_slow_reader_gets_everything(void **state)
{
	int fd = serve();
	size_t total = 0;
	bool closed = false;

	(void)state;
	for (int i = 0; i < 9; i++)
		put_text(fd, "GET /much HTTP/1.1\r\n" HOST "\r\n");
	put_text(fd, "GET /much HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	for (int i = 0; i < 20000 && !closed; i++) {
		static char part[8192];
		ssize_t n;

		run();
		n = read(fd, part, sizeof(part));
		closed = n == 0;
		total += n > 0 ? (size_t)n : 0;
		shards_advance(group, 10);
	}
	assert_true(closed);
	assert_true(total > 3000000 && total < 3005000);
	close(fd);
}

static void conditions_and_ranges(void **state)
{
	static const struct {
		const char *fields;
		const char *status, *field, *body;
	} cases[] = {
		{ "", "200 OK", "Content-Length: 10\r\n", "0123456789" },
		{ "Range: bytes=2-4\r\n", "206 ", "Content-Range: bytes 2-4/10\r\n", "234" },
		{ "Range: bytes=7-\r\n", "206 ", "Content-Range: bytes 7-9/10\r\n", "789" },
		{ "Range: bytes=7-99\r\n", "206 ", "Content-Length: 3\r\n", "789" },
		{ "Range: bytes=-3\r\n", "206 ", "Content-Range: bytes 7-9/10\r\n", "789" },
		{ "Range: bytes=-30\r\n", "206 ", "Content-Range: bytes 0-9/10\r\n",
		  "0123456789" },
		{ "Range: bytes=0-0\r\n", "206 ", "Content-Length: 1\r\n", "0" },
		{ "Range: bytes=10-\r\n", "416 ", "Content-Range: bytes */10\r\n", "" },
		{ "Range: bytes=-0\r\n", "416 ", "Content-Length: 0\r\n", "" },
		{ "Range: bytes=4-2\r\n", "200 ", "ETag: \"v1\"\r\n", "0123456789" },
		{ "Range: bytes=-\r\n", "200 ", "", "0123456789" },
		{ "Range: bytes=a-b\r\n", "200 ", "", "0123456789" },
		{ "Range: bytes=0-1,3-4\r\n", "200 ", "", "0123456789" },
		{ "Range: lines=0-1\r\n", "200 ", "", "0123456789" },
		{ "Range: bytes=0-1\r\nIf-Range: \"v1\"\r\n", "206 ", "", "01" },
		{ "Range: bytes=0-1\r\nIf-Range: \"v0\"\r\n", "200 ", "", "0123456789" },
		{ "If-None-Match: \"v1\"\r\n", "304 Not Modified", "ETag: \"v1\"\r\n", "" },
		{ "If-None-Match: \"v0\", W/\"v1\"\r\n", "304 ", "", "" },
		{ "If-None-Match: *\r\n", "304 ", "", "" },
		{ "If-None-Match: \"v0\"\r\n", "200 ", "", "0123456789" },
		{ "If-Match: \"v0\"\r\n", "412 ", "Content-Length: 0\r\n", "" },
		{ "If-Match: W/\"v1\"\r\n", "412 ", "", "" },
		{ "If-Match: \"v1\"\r\n", "200 ", "", "0123456789" },
	};

	(void)state;
	for (size_t i = 0; i < array_len(cases); i++) {
		const char *text =
			ask(arena_printf(&answers, "GET /asset HTTP/1.1\r\n" HOST "%s\r\n",
					 cases[i].fields)
				    .ptr,
			    false);

		assert_has(text, cases[i].status);
		assert_has(text, cases[i].field);
		assert_string_equal(strstr(text, "\r\n\r\n") + 4, cases[i].body);
	}
	assert_has_not(ask("GET /asset HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n", false),
		       "Content-Length");
}

static void a_route_can_take_the_connection(void **state)
{
	int fd = serve();

	(void)state;
	sink_init(&taken);
	put_text(fd, "GET /upgrade HTTP/1.1\r\n" HOST "\r\nGET / not HTTP any more");
	run();
	assert_int_equal(left, 1);
	assert_got(&taken, "GET / not HTTP any more");
	shards_advance(group, 2 * HTTP_IDLE_MS);
	assert_int_equal(taken.closed, 0);
	close(fd);
	run();
	assert_int_equal(taken.closed, 1);
	sink_fini(&taken);
}

static void a_lost_client_is_told(void **state)
{
	int fd = serve();
	bool closed;

	(void)state;
	put_text(fd, "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n12");
	run();
	close(fd);
	run();
	assert_int_equal(gone, 1);
	assert_int_equal(left, 1);
	/* Its side ended, ours not: it still reads what it asked for. */
	fd = serve();
	put_text(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	shutdown(fd, SHUT_WR);
	received(fd, &closed);
	assert_false(closed);
	http_answer_status(pending, 204);
	assert_has(received(fd, &closed), "204 ");
	assert_true(closed);
	close(fd);
}

/* Runs it in a child, which must die of a check(). */
static void assert_aborts(const struct http_route *route)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(2);
		http_router_add(router, route);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void a_route_that_declares_too_little_stops_the_start(void **state)
{
	struct http_route route = { .path = "/new",
				    .methods = HTTP_GET,
				    .permission = HTTP_EVERYBODY,
				    .request = greet };

	(void)state;
	route.permission = 0;
	assert_aborts(&route);
	route.permission = HTTP_EVERYBODY;
	route.methods = 0;
	assert_aborts(&route);
	route.methods = HTTP_GET;
	route.body_max = 10;
	assert_aborts(&route);
	route.body_max = 0;
	route.is_prefix = true;
	assert_aborts(&route);
	route.is_prefix = false;
	route.path = "/";
	assert_aborts(&route);
	route.path = "/new";
	http_router_add(router, &route);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_answer),
		TEST(what_no_route_allows),
		TEST(refusals_close),
		TEST(pipelined_requests_are_answered_in_order),
		TEST(bodies_arrive),
		TEST(a_chunked_body_has_its_limit),
		TEST(a_handler_can_pause_a_body),
		TEST(the_slow_are_cut),
		TEST(who_never_reads_is_not_answered_for_ever),
		TEST(a_slow_reader_gets_everything),
		TEST(conditions_and_ranges),
		TEST(a_route_can_take_the_connection),
		TEST(a_lost_client_is_told),
		TEST(a_route_that_declares_too_little_stops_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
