/*
 * Connections move between two real threads while the client pipelines: shard 0 reads one line
 * and moves, shard 1 must see every following byte, once and in order.
 */
#include "tls_test.h"

#include <signal.h>

#include "base/block.h"

enum { TIMES = 1000, LINES = 40, TEXT_MAX = 4096 };

#define LINE_FORMAT "line %u and something to make it long"

struct visit {
	struct mail mail;
	struct conn *conn;
	int fd;
	struct tls_set *set; /* NULL: plain */
	unsigned next;	     /* line expected */
	unsigned home;	     /* shard that reads now */
};

static uint32_t seed = 1;
static char text[TEXT_MAX];
static size_t text_len;

static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void write_text(void)
{
	text_len = (size_t)snprintf(text, sizeof(text), "auth\n");
	for (unsigned i = 0; i < LINES; i++)
		text_len += (size_t)snprintf(text + text_len, sizeof(text) - text_len,
					     LINE_FORMAT "\n", i);
	text_len += (size_t)snprintf(text + text_len, sizeof(text) - text_len, "end\n");
}

static void visit_end(struct visit *visit, bool is_complete)
{
	char answer[32];
	int n = snprintf(answer, sizeof(answer), "%s %u\n", is_complete ? "done" : "broken",
			 visit->next);

	conn_send(visit->conn, bytes_make(answer, (size_t)n));
	conn_close(visit->conn, CONN_CLOSE_FLUSH);
	block_free(visit);
}

/* False when the visit is over. */
static bool line_came(struct visit *visit, struct bytes line)
{
	char expected[64];

	if (bytes_is(line, "end")) {
		visit_end(visit, visit->next == LINES);
		return false;
	}
	snprintf(expected, sizeof(expected), LINE_FORMAT, visit->next);
	if (!bytes_is(line, expected)) {
		visit_end(visit, false);
		return false;
	}
	visit->next++;
	return true;
}

static size_t at_home(struct conn *conn, char *ptr, size_t len)
{
	struct visit *visit = conn_owner(conn);
	struct bytes rest = bytes_make(ptr, len);
	ptrdiff_t end;

	check(visit->home == shard_id());
	while ((end = bytes_find_byte(rest, '\n')) >= 0) {
		if (!line_came(visit, bytes_first(rest, (size_t)end)))
			return len;
		rest = bytes_skip(rest, (size_t)end + 1);
	}
	return len - rest.len;
}

static void visit_closed(struct conn *conn, enum conn_reason reason)
{
	(void)reason;
	block_free(conn_owner(conn));
}

static const struct conn_ops home_ops = { .data = at_home, .closed = visit_closed };

static void came_home(struct conn *conn, void *cargo)
{
	struct visit *visit = cargo;

	visit->home = shard_id();
	conn_attach(conn, &home_ops, visit);
}

static size_t at_door(struct conn *conn, char *ptr, size_t len)
{
	struct visit *visit = conn_owner(conn);
	ptrdiff_t end = bytes_find_byte(bytes_make(ptr, len), '\n');

	check(shard_id() == 0);
	if (end < 0)
		return 0;
	conn_send(conn, BYTES_LIT("success\n"));
	conn_move(conn, 1, came_home, visit);
	return (size_t)end + 1;
}

static const struct conn_ops door_ops = { .data = at_door, .closed = visit_closed };

static void visit_begins(struct mail *mail)
{
	struct visit *visit = container_of(mail, struct visit, mail);
	struct peer peer = { .kind = PEER_UNIX };

	visit->conn = conn_new(visit->fd, &peer, &door_ops, visit);
	if (visit->set)
		conn_start_tls(visit->conn, visit->set, NULL);
}

static int send_visitor(struct tls_set *set)
{
	struct visit *visit = block_alloc_zeroed(sizeof(*visit));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	visit->mail.name = "visit";
	visit->mail.deliver = visit_begins;
	visit->fd = fds[0];
	visit->set = set;
	mailbox_post_to(group->shards[0], &visit->mail);
	return fds[1];
}

static size_t next_piece(size_t sent)
{
	size_t n = 1 + next_random() % (next_random() % 4 ? 60 : TEXT_MAX);

	return n < text_len - sent ? n : text_len - sent;
}

static void assert_answer(const struct buf *answer)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "success\ndone %u\n", LINES);
	assert_int_equal(answer->len, strlen(expected));
	assert_memory_equal(answer->ptr, expected, answer->len);
}

static void visit_plain(void)
{
	struct buf answer;
	int fd = send_visitor(NULL);

	buf_init(&answer, 0);
	for (size_t sent = 0, n; sent < text_len; sent += n) {
		n = next_piece(sent);
		put(fd, text + sent, n);
	}
	assert_int_equal(take(fd, &answer), 1);
	assert_answer(&answer);
	buf_fini(&answer);
	close(fd);
}

static void visit_tls(struct tls_set *set, int version)
{
	struct client client;
	struct buf answer;

	client_init(&client, send_visitor(set), version, "a.example");
	buf_init(&answer, 0);
	assert_int_equal(SSL_connect(client.ssl), 1);
	for (size_t sent = 0, n; sent < text_len; sent += n) {
		n = next_piece(sent);
		assert_int_equal(SSL_write(client.ssl, text + sent, (int)n), n);
	}
	assert_int_equal(client_take(&client, &answer), SSL_ERROR_ZERO_RETURN);
	assert_answer(&answer);
	buf_fini(&answer);
	client_fini(&client);
}

static int set_up(void **state)
{
	struct shards_config config = { .count = 2 };

	(void)state;
	write_text();
	assert_int_equal(shards_new(&config, &group), 0);
	return shards_start(group, NULL, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	shards_stop(group);
	shards_free(&group);
	return 0;
}

static void plain_connections_move(void **state)
{
	(void)state;
	for (int i = 0; i < TIMES; i++)
		visit_plain();
}

static void tls_connections_move(void **state)
{
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls_set *set = new_set(tickets);

	(void)state;
	for (int i = 0; i < TIMES; i++)
		visit_tls(set, i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	tear_down(state); /* connections that linger have layers that hold the set */
	set_up(state);
	tls_set_unref(&set);
	tls_tickets_unref(&tickets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_connections_move, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tls_connections_move, set_up, tear_down),
	};

	io_register_metrics();
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
