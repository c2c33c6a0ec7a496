/* Plain connections by hand, over socket pairs. */
#include "io_test.h"

#include "base/block.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/clock.h"

static struct sink sink;

static int set_up(void **state)
{
	(void)state;
	group_new(2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sink_fini(&sink);
	group_free();
	return 0;
}

static void assert_idle(const struct conn *conn)
{
	assert_null(conn->tail);
	assert_null(conn->out_first);
	assert_int_equal(conn_queued_bytes(conn), 0);
}

static void is_small(void **state)
{
	(void)state;
	sink_init(&sink);
	assert_true(sizeof(struct conn) <= 192);
}

static void what_arrives_is_seen_and_what_is_sent_leaves(void **state)
{
	struct buf out;
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	buf_init(&out, 0);
	put_text(fd, "hello");
	run();
	assert_got(&sink, "hello");
	conn_send(sink.conn, BYTES_LIT("a"));
	conn_send(sink.conn, BYTES_LIT("bc"));
	assert_int_equal(conn_queued_bytes(sink.conn), 3);
	assert_int_equal(take(fd, &out), 0);
	assert_int_equal(out.len, 0); /* not before the end of the turn */
	run();
	take(fd, &out);
	assert_true(bytes_is(buf_bytes(&out), "abc"));
	assert_int_equal(conn_position(sink.conn), 3);
	assert_int_equal(conn_written_position(sink.conn), 3);
	assert_idle(sink.conn);
	buf_fini(&out);
	close(fd);
}

static void a_tail_is_kept_and_presented_with_more(void **state)
{
	static const char text[] = "one\ntwo\nthree\n";
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	sink.takes_lines = true;
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		put(fd, text + i, 1);
		run();
		assert_true((sink.conn->tail == NULL) == (text[i] == '\n'));
	}
	assert_got(&sink, text);
	put_text(fd, "four\nfi");
	run();
	put_text(fd, "ve\n");
	run();
	assert_got(&sink, "one\ntwo\nthree\nfour\nfive\n");
	assert_idle(sink.conn);
	close(fd);
}

/* Lines longer than any buffer, in pieces of many sizes, through both ways of growing. */
static void long_tails_grow(void **state)
{
	enum { TOTAL = 700000 };
	char *text = malloc(TOTAL);
	int fd = sink_open(&sink, &sink_ops);
	size_t sent = 0, piece = 1;

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		text[i] = (char)('a' + i % 23);
	text[3000] = text[9000] = text[300000] = text[300001] = text[TOTAL - 1] = '\n';
	sink.takes_lines = true;
	while (sent < TOTAL) {
		size_t n = piece < TOTAL - sent ? piece : TOTAL - sent;
		put(fd, text + sent, n);
		sent += n;
		piece = piece * 3 % 100003;
		run();
	}
	assert_int_equal(sink.got.len, TOTAL);
	assert_memory_equal(sink.got.ptr, text, TOTAL);
	assert_idle(sink.conn);
	free(text);
	close(fd);
}

static void pause_self(struct sink *s)
{
	conn_pause(s->conn);
}

static void paused_reads_nothing_and_resumed_presents_again(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	sink.takes_lines = true;
	sink.act = pause_self;
	put_text(fd, "a\nrest");
	run();
	put_text(fd, "\nmore\n");
	run();
	assert_got(&sink, "a\n");
	assert_int_equal(sink.calls, 1);
	conn_resume(sink.conn);
	run();
	assert_got(&sink, "a\nrest\nmore\n");
	/* What was left over is presented even if nothing comes. */
	sink.act = pause_self;
	put_text(fd, "tail");
	run();
	sink.takes_lines = false;
	conn_resume(sink.conn);
	run();
	assert_got(&sink, "a\nrest\nmore\ntail");
	assert_idle(sink.conn);
	close(fd);
}

static void a_hang_up_while_paused_does_not_spin(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	conn_pause(sink.conn);
	put_text(fd, "last words");
	close(fd);
	run(); /* would not return */
	assert_int_equal(sink.closed, 0);
	conn_resume(sink.conn);
	run();
	assert_got(&sink, "last words");
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_EOF);
}

static unsigned unrefs;

static void count_unref(void *ref)
{
	(void)ref;
	unrefs++;
}

static void a_slow_reader_gets_all_in_order(void **state)
{
	enum { PIECES = 200, PIECE = 20000 };
	char *shared = malloc(PIECE);
	struct buf out, expected;
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	unrefs = 0;
	buf_init(&out, 0);
	buf_init(&expected, 0);
	for (int i = 0; i < PIECE; i++)
		shared[i] = (char)('A' + i % 26);
	for (unsigned i = 0; i < PIECES; i++) {
		buf_printf(&expected, "head %u:", i);
		conn_send(sink.conn,
			  bytes_skip(buf_bytes(&expected), (size_t)conn_position(sink.conn)));
		buf_append(&expected, bytes_make(shared, PIECE - i));
		conn_send_shared(sink.conn, bytes_make(shared, PIECE - i), shared, count_unref);
	}
	conn_want_drained(sink.conn, 100000);
	run();
	assert_true(conn_queued_bytes(sink.conn) > 1000000);
	assert_true(unrefs < PIECES);
	assert_int_equal(sink.drained, 0);
	while (conn_queued_bytes(sink.conn) > 0) {
		take(fd, &out);
		run();
		assert_int_equal(sink.drained, conn_queued_bytes(sink.conn) <= 100000);
	}
	take(fd, &out);
	assert_int_equal(unrefs, PIECES);
	assert_int_equal(out.len, expected.len);
	assert_memory_equal(out.ptr, expected.ptr, out.len);
	assert_int_equal(sink.drained, 1);
	assert_idle(sink.conn);
	assert_false(sink.conn->watch.events & EPOLLOUT);
	buf_fini(&out);
	buf_fini(&expected);
	free(shared);
	close(fd);
}

static void small_shared_bytes_are_copied_at_once(void **state)
{
	char small[] = "small";
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	unrefs = 0;
	conn_send_shared(sink.conn, bytes_of(small), small, count_unref);
	assert_int_equal(unrefs, 1);
	close(fd);
}

static void close_flush(struct sink *s)
{
	conn_send(s->conn, BYTES_LIT("bye"));
	conn_close(s->conn, CONN_CLOSE_FLUSH);
	s->conn = NULL;
}

static void closing_in_data_flushes_and_waits_for_the_peer(void **state)
{
	struct buf out;
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	buf_init(&out, 0);
	sink.act = close_flush;
	put_text(fd, "x");
	run();
	assert_int_equal(take(fd, &out), 1); /* the end */
	assert_true(bytes_is(buf_bytes(&out), "bye"));
	put_text(fd, "ignored");
	run();
	assert_int_equal(sink.calls, 1);
	assert_false(list_is_empty(&group->shards[0]->closings));
	close(fd);
	run();
	assert_true(list_is_empty(&group->shards[0]->closings));
	assert_int_equal(sink.closed, 0);
	buf_fini(&out);
}

static void a_peer_that_does_not_read_is_cut_at_the_deadline(void **state)
{
	char *much = calloc(1, 3000000);
	int fd = sink_open(&sink, &sink_ops);
	struct buf out;

	(void)state;
	clock_fake_start(0);
	buf_init(&out, 0);
	conn_send(sink.conn, bytes_make(much, 3000000));
	conn_close(sink.conn, CONN_CLOSE_FLUSH);
	sink.conn = NULL;
	shards_advance(group, CONN_LINGER_MS - 1);
	assert_false(list_is_empty(&group->shards[0]->closings));
	shards_advance(group, 2);
	assert_true(list_is_empty(&group->shards[0]->closings));
	assert_int_equal(take(fd, &out), 1);
	assert_true(out.len < 3000000);
	clock_fake_stop();
	buf_fini(&out);
	free(much);
	close(fd);
}

static void aborting_throws_output_away(void **state)
{
	struct buf out;
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	buf_init(&out, 0);
	conn_send(sink.conn, BYTES_LIT("never"));
	conn_close(sink.conn, CONN_CLOSE_ABORT);
	sink.conn = NULL;
	run();
	assert_int_equal(take(fd, &out), 1);
	assert_int_equal(out.len, 0);
	assert_int_equal(sink.closed, 0);
	buf_fini(&out);
	close(fd);
}

static void the_peers_end_closes(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	put_text(fd, "x");
	close(fd);
	run();
	assert_got(&sink, "x");
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_EOF);
}

static void an_owner_may_answer_after_the_peers_end(void **state)
{
	struct conn_ops ops = sink_ops;
	struct buf out;
	int fd;

	(void)state;
	ops.ended = sink_ended;
	fd = sink_open(&sink, &ops);
	buf_init(&out, 0);
	put_text(fd, "ask");
	shutdown(fd, SHUT_WR);
	run();
	assert_int_equal(sink.ended, 1);
	assert_int_equal(sink.closed, 0);
	conn_send(sink.conn, BYTES_LIT("answer"));
	conn_close(sink.conn, CONN_CLOSE_FLUSH);
	sink.conn = NULL;
	run();
	assert_int_equal(take(fd, &out), 1);
	assert_true(bytes_is(buf_bytes(&out), "answer"));
	assert_true(list_is_empty(&group->shards[0]->closings)); /* nothing to wait for */
	buf_fini(&out);
	close(fd);
}

static void writing_to_a_broken_pipe_closes_once(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	conn_pause(sink.conn);
	close(fd);
	conn_send(sink.conn, BYTES_LIT("x"));
	run();
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_RESET);
}

static void a_reset_is_told(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger now = { 1, 0 };
	socklen_t len = sizeof(in);
	int listening = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct peer peer;

	(void)state;
	assert_int_equal(bind(listening, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	getsockname(listening, (struct sockaddr *)&in, &len);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	sink_init(&sink);
	peer = peer_from_sockaddr((struct sockaddr *)&in, len);
	sink.conn = conn_new(accept(listening, NULL, NULL), &peer, &sink_ops, &sink);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	while (!sink.closed)
		shard_turn(1000);
	assert_int_equal(sink.reason, CONN_REASON_RESET);
	close(listening);
}

static struct sink second;

static void give_away(struct sink *s)
{
	sink_init(&second);
	second.conn = s->conn;
	conn_set_owner(s->conn, &sink_ops, &second);
	s->conn = NULL;
}

static void a_new_owner_sees_what_the_old_one_left(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	sink.takes_lines = true;
	sink.act = give_away;
	put_text(fd, "old\nnew");
	run();
	assert_got(&sink, "old\n");
	assert_got(&second, "new");
	sink_fini(&second);
	close(fd);
}

static void arrived(struct conn *conn, void *cargo)
{
	struct sink *s = cargo;

	assert_int_equal(shard_id(), 1);
	s->conn = conn;
	conn_attach(conn, &sink_ops, s);
}

static void move_away(struct sink *s)
{
	sink_init(&second);
	conn_send(s->conn, BYTES_LIT("queued before;"));
	conn_move(s->conn, 1, arrived, &second);
	s->conn = NULL;
}

static void what_is_not_consumed_moves_along(void **state)
{
	struct buf out;
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	buf_init(&out, 0);
	sink.takes_lines = true;
	sink.act = move_away;
	put_text(fd, "auth\nbind");
	run();
	assert_got(&second, "bind"); /* without anything new from the peer */
	put_text(fd, " and more");
	run();
	assert_got(&sink, "auth\n");
	assert_got(&second, "bind and more");
	take(fd, &out);
	assert_true(bytes_is(buf_bytes(&out), "queued before;"));
	shard_enter(group->shards[1]);
	assert_ptr_equal(second.conn->shard, group->shards[1]);
	assert_int_equal(mailbox_peak_bytes(group->shards[1]) > sizeof(struct conn), 1);
	conn_send(second.conn, BYTES_LIT("x"));
	run();
	sink_fini(&second);
	run();
	shard_enter(group->shards[0]);
	buf_fini(&out);
	close(fd);
}

static void a_peer_that_left_while_moving_is_told_on_arrival(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	sink.act = move_away;
	put_text(fd, "x");
	shard_turn(0);
	close(fd);
	run();
	assert_int_equal(sink.closed, 0);
	assert_int_equal(second.closed, 1);
	buf_fini(&second.got);
}

static size_t take_nothing(struct conn *conn, char *ptr, size_t len)
{
	(void)conn;
	(void)ptr;
	(void)len;
	return 0;
}

static void a_tail_has_an_upper_bound(void **state)
{
	static const struct conn_ops ops = { .data = take_nothing, .closed = sink_closed };
	char *piece = calloc(1, 100000);
	int fd = sink_open(&sink, &ops);

	(void)state;
	for (size_t sent = 0; sent <= CONN_INPUT_MAX && !sink.closed; sent += 100000) {
		put(fd, piece, 100000);
		run();
	}
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_TOO_LARGE);
	free(piece);
	close(fd);
}

/* The steady path takes no memory: after a warm-up, block_misses stands still. */
static void echo_takes_no_memory(void **state)
{
	struct buf out;
	int fd = sink_open(&sink, &sink_ops);
	uint64_t before = 0;

	(void)state;
	buf_init(&out, 0);
	for (int i = 0; i < 200; i++) {
		if (i == 100)
			before = block_misses();
		put_text(fd, "some stanza");
		shard_turn(0);
		conn_send(sink.conn, BYTES_LIT("some answer"));
		shard_turn(0);
		buf_reset(&out);
		take(fd, &out);
		assert_int_equal(out.len, 11);
	}
	assert_int_equal(block_misses(), before);
	buf_fini(&out);
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(is_small),
		T(what_arrives_is_seen_and_what_is_sent_leaves),
		T(a_tail_is_kept_and_presented_with_more),
		T(long_tails_grow),
		T(paused_reads_nothing_and_resumed_presents_again),
		T(a_hang_up_while_paused_does_not_spin),
		T(a_slow_reader_gets_all_in_order),
		T(small_shared_bytes_are_copied_at_once),
		T(closing_in_data_flushes_and_waits_for_the_peer),
		T(a_peer_that_does_not_read_is_cut_at_the_deadline),
		T(aborting_throws_output_away),
		T(the_peers_end_closes),
		T(an_owner_may_answer_after_the_peers_end),
		T(writing_to_a_broken_pipe_closes_once),
		T(a_reset_is_told),
		T(a_new_owner_sees_what_the_old_one_left),
		T(what_is_not_consumed_moves_along),
		T(a_peer_that_left_while_moving_is_told_on_arrival),
		T(a_tail_has_an_upper_bound),
		T(echo_takes_no_memory),
	};

	io_register_metrics();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
