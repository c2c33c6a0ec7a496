/* Listening: addresses as text, accepting, and running out of descriptors. */
#include "io_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/listen.h"

static const struct {
	const char *text;
	const char *bound; /* NULL: refused */
} addresses[] = {
	{ "127.0.0.1:5222", "127.0.0.1:5222" },
	{ "0.0.0.0:0", "0.0.0.0:0" },
	{ "[::1]:5222", "[::1]:5222" },
	{ "[::]:65535", "[::]:65535" },
	{ "*:5223", "[::]:5223" },
	{ "[2001:db8::17]:80", "[2001:db8::17]:80" },
	{ "[::ffff:192.0.2.1]:80", "192.0.2.1:80" },
	{ "unix:/run/hearth/c2s", "unix" },
	{ "", NULL },
	{ ":", NULL },
	{ ":5222", NULL },
	{ "5222", NULL },
	{ "127.0.0.1", NULL },
	{ "127.0.0.1:", NULL },
	{ "127.0.0.1:x", NULL },
	{ "127.0.0.1:-1", NULL },
	{ "127.0.0.1:65536", NULL },
	{ "127.0.0.1:18446744073709551616", NULL },
	{ "127.0.0.1:5222 ", NULL },
	{ " 127.0.0.1:5222", NULL },
	{ "127.0.0:5222", NULL },
	{ "256.0.0.1:5222", NULL },
	{ "::1:5222", NULL },
	{ "[::1:5222", NULL },
	{ "::1]:5222", NULL },
	{ "[]:5222", NULL },
	{ "[127.0.0.1]:5222", NULL },
	{ "[::1]5222", NULL },
	{ "[fe80::1%lo]:5222", NULL },
	{ "localhost:5222", NULL },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:1", NULL },
	{ "unix:", NULL },
};

static void addresses_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_len(addresses); i++) {
		struct listen_address address = { .len = 0 };
		struct err err = { 0 };
		struct peer peer;
		int r = listen_parse(bytes_of(addresses[i].text), &address, &err);
		if (!addresses[i].bound) {
			assert_int_equal(r, -EINVAL);
			assert_int_equal(address.len, 0);
			assert_true(strlen(err.text) > 0);
			continue;
		}
		assert_int_equal(r, 0);
		peer = peer_from_sockaddr(&address.any, address.len);
		assert_true(bytes_is(peer_text(&peer, scratch()), addresses[i].bound));
	}
	scratch_fini();
}

static void nul_and_long_paths_are_refused(void **state)
{
	struct listen_address address;
	char path[200] = "unix:";

	(void)state;
	memset(path + 5, 'x', sizeof(path) - 5);
	assert_int_equal(listen_parse(bytes_make(path, sizeof(path)), &address, NULL), -EINVAL);
	assert_int_equal(listen_parse(BYTES_LIT("1.2.3.4\0:1"), &address, NULL), -EINVAL);
}

static void peers_know_their_network(void **state)
{
	struct listen_address a, b, c;
	struct peer peer_a, peer_b, peer_c;

	(void)state;
	listen_parse(BYTES_LIT("[2001:db8:0:1::1]:1"), &a, NULL);
	listen_parse(BYTES_LIT("[2001:db8:0:1:ffff::2]:2"), &b, NULL);
	listen_parse(BYTES_LIT("[2001:db8:0:2::1]:1"), &c, NULL);
	peer_a = peer_from_sockaddr(&a.any, a.len);
	peer_b = peer_from_sockaddr(&b.any, b.len);
	peer_c = peer_from_sockaddr(&c.any, c.len);
	assert_true(bytes_equal(peer_network(&peer_a), peer_network(&peer_b)));
	assert_false(bytes_equal(peer_network(&peer_a), peer_network(&peer_c)));
	assert_false(peer_is_local(&peer_a));
	listen_parse(BYTES_LIT("[::ffff:127.8.9.1]:1"), &a, NULL);
	peer_a = peer_from_sockaddr(&a.any, a.len);
	assert_true(peer_is_local(&peer_a));
}

static int accepted_fds[64];
static unsigned accepted_count;
static struct peer accepted_peer;

static void accepted(struct listener *listener, int fd, const struct peer *peer)
{
	assert_string_equal(listener->tag, "c2s");
	accepted_fds[accepted_count++] = fd;
	accepted_peer = *peer;
}

static int connect_to(int listening)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);
	int fd;

	getsockname(listening, (struct sockaddr *)&storage, &len);
	fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	return fd;
}

static void close_accepted(void)
{
	while (accepted_count > 0)
		close(accepted_fds[--accepted_count]);
}

static void connections_are_accepted_within_a_budget(void **state)
{
	struct listener listeners[2];
	int listening, fds[20];

	(void)state;
	group_new(2);
	assert_int_equal(listen_open(BYTES_LIT("127.0.0.1:0"), &listening, NULL), 0);
	for (unsigned i = 0; i < 2; i++) { /* both shards share the socket */
		shard_enter(group->shards[i]);
		listener_init(&listeners[i], listening, "c2s", accepted, NULL);
		assert_int_equal(listener_start(&listeners[i]), 0);
	}
	for (unsigned i = 0; i < array_len(fds); i++)
		fds[i] = connect_to(listening);
	shard_enter(group->shards[0]);
	shard_turn(0);
	assert_int_equal(accepted_count, LISTEN_ACCEPT_BUDGET);
	shard_enter(group->shards[1]);
	shard_turn(0);
	assert_int_equal(accepted_count, array_len(fds));
	assert_int_equal(accepted_peer.kind, PEER_IPV4);
	assert_true(peer_is_local(&accepted_peer));
	assert_true(fcntl(accepted_fds[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted_fds[0], F_GETFD) & FD_CLOEXEC);
	for (unsigned i = 0; i < array_len(fds); i++)
		close(fds[i]);
	close_accepted();
	for (unsigned i = 0; i < 2; i++) {
		shard_enter(group->shards[i]);
		listener_stop(&listeners[i]);
	}
	close(listening);
	group_free();
}

static void a_unix_socket_replaces_a_stale_file_only(void **state)
{
	char text[64], path[] = "/tmp/hearth-listen-XXXXXX";
	struct err err;
	int first, second;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(text, sizeof(text), "unix:%s/s", path);
	assert_int_equal(listen_open(bytes_of(text), &first, &err), 0);
	assert_int_equal(listen_open(bytes_of(text), &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, text));
	close(first);
	assert_int_equal(listen_open(bytes_of(text), &second, &err), 0);
	assert_int_equal(listen_bound(second).kind, PEER_UNIX);
	close(second);
	unlink(text + 5);
	rmdir(path);
}

/* No descriptor left: the peer is told by a close, the loop does not spin, and it recovers. */
static void running_out_of_descriptors(void **state)
{
	struct rlimit before, small;
	struct listener listener;
	int listening, fd, next;
	char byte;

	(void)state;
	group_new(1);
	clock_fake_start(0);
	log_set_level(BYTES_LIT("io"), BYTES_LIT("error"));
	assert_int_equal(listen_open(BYTES_LIT("127.0.0.1:0"), &listening, NULL), 0);
	listener_init(&listener, listening, "c2s", accepted, NULL);
	assert_int_equal(listener_start(&listener), 0);
	fd = connect_to(listening);
	getrlimit(RLIMIT_NOFILE, &before);
	small = before;
	next = dup(fd);
	close(next);
	small.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &small);
	run();
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(accepted_count, 0);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
	fd = connect_to(listening);
	run();
	assert_int_equal(accepted_count, 0); /* rests */
	shards_advance(group, LISTEN_RETRY_MS);
	assert_int_equal(accepted_count, 1);
	log_set_level(BYTES_LIT("io"), BYTES_LIT("info"));
	clock_fake_stop();
	close_accepted();
	close(fd);
	listener_stop(&listener);
	close(listening);
	group_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_parsed),
		cmocka_unit_test(nul_and_long_paths_are_refused),
		cmocka_unit_test(peers_know_their_network),
		cmocka_unit_test(connections_are_accepted_within_a_budget),
		cmocka_unit_test(a_unix_socket_replaces_a_stale_file_only),
		cmocka_unit_test(running_out_of_descriptors),
	};

	io_register_metrics();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
