/* TLS against an OpenSSL client in the same thread. */
#include "tls_test.h"

#include <sys/stat.h>

static struct sink sink;
static struct client client;
static struct tls_tickets *tickets;
static struct tls_set *set;
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	group_new(2);
	tickets = tls_tickets_new();
	set = new_set(tickets);
	buf_init(&out, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sink_fini(&sink);
	client_fini(&client);
	buf_fini(&out);
	tls_set_unref(&set);
	tls_tickets_unref(&tickets);
	group_free();
	return 0;
}

static void open_tls(int version, const char *name)
{
	int fd = sink_open(&sink, &sink_ops);

	conn_start_tls(sink.conn, set, xmpp_client);
	client_init(&client, fd, version, name);
}

static void reopen_tls(int version, const char *name, SSL_SESSION *session)
{
	sink_fini(&sink);
	client_fini(&client);
	run();
	open_tls(version, name);
	if (session)
		SSL_set_session(client.ssl, session);
}

static SSL_SESSION *take_session(void)
{
	SSL_SESSION *session;

	client_take(&client, &out); /* the ticket comes with the first read */
	if (SSL_version(client.ssl) ==
	    TLS1_2_VERSION) /* renewed ones are not called back for */
		return SSL_get1_session(client.ssl);
	session = client.session;
	client.session = NULL;
	assert_non_null(session);
	return session;
}

static void echo_both_ways(void)
{
	client_put(&client, "hello", 5);
	assert_got(&sink, "hello");
	conn_send(sink.conn, BYTES_LIT("answer"));
	run();
	assert_int_equal(client_take(&client, &out), SSL_ERROR_WANT_READ);
	assert_true(bytes_is(buf_bytes(&out), "answer"));
	assert_int_equal(conn_queued_bytes(sink.conn), 0);
	assert_null(sink.conn->tail);
}

static void assert_same_exporter(void)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	uint8_t ours[CONN_EXPORTER_BYTES], theirs[CONN_EXPORTER_BYTES];

	assert_int_equal(conn_tls_exporter(sink.conn, ours), 0);
	assert_int_equal(SSL_export_keying_material(client.ssl, theirs, sizeof(theirs), label,
						    strlen(label), (const uint8_t *)"", 0, 1),
			 1);
	assert_memory_equal(ours, theirs, sizeof(ours));
}

/* As Python's ssl.SSLSocket.get_channel_binding("tls-unique") does it. */
static void assert_same_unique(void)
{
	uint8_t ours[CONN_END_POINT_MAX], theirs[CONN_END_POINT_MAX];
	size_t our_len, len;

	assert_int_equal(conn_tls_unique(sink.conn, ours, &our_len), 0);
	if (SSL_session_reused(client.ssl))
		len = SSL_get_peer_finished(client.ssl, theirs, sizeof(theirs));
	else
		len = SSL_get_finished(client.ssl, theirs, sizeof(theirs));
	assert_true(len > 0);
	assert_int_equal(our_len, len);
	assert_memory_equal(ours, theirs, len);
}

/* md: what RFC 5929 says for the signature of the certificate the client saw. */
static void assert_same_end_point(X509 *seen, const EVP_MD *md)
{
	uint8_t ours[CONN_END_POINT_MAX], theirs[EVP_MAX_MD_SIZE];
	unsigned len;
	size_t our_len;

	assert_int_equal(conn_tls_server_end_point(sink.conn, ours, &our_len), 0);
	assert_int_equal(X509_digest(seen, md, theirs, &len), 1);
	assert_int_equal(our_len, len);
	assert_memory_equal(ours, theirs, len);
}

static void handshake_and_echo(int version, const char *version_name)
{
	X509 *seen;

	open_tls(version, "a.example");
	assert_false(conn_is_secure(sink.conn));
	assert_null(conn_tls_version(sink.conn));
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_int_equal(sink.secured, 1);
	assert_true(conn_is_secure(sink.conn));
	assert_string_equal(conn_tls_version(sink.conn), version_name);
	assert_string_equal(conn_tls_cipher(sink.conn), SSL_get_cipher_name(client.ssl));
	assert_true(bytes_is(conn_tls_server_name(sink.conn), "a.example"));
	assert_true(bytes_is_none(conn_tls_alpn(sink.conn)));
	echo_both_ways();
	assert_same_exporter();
	assert_same_unique();
	seen = SSL_get1_peer_certificate(client.ssl);
	assert_same_end_point(seen, EVP_sha256());
	X509_free(seen);
}

static void tls13(void **state)
{
	(void)state;
	handshake_and_echo(TLS1_3_VERSION, "TLSv1.3");
}

static void tls12(void **state)
{
	(void)state;
	handshake_and_echo(TLS1_2_VERSION, "TLSv1.2");
}

static void tls12_without_extended_master_secret_has_no_binding(void **state)
{
	uint8_t value[CONN_END_POINT_MAX];
	size_t len;

	(void)state;
	open_tls(TLS1_2_VERSION, NULL);
	SSL_set_options(client.ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_int_equal(conn_tls_exporter(sink.conn, value), -ENOTSUP);
	assert_int_equal(conn_tls_unique(sink.conn, value, &len), -ENOTSUP);
}

static void older_versions_are_refused(void **state)
{
	(void)state;
	open_tls(0, NULL);
	SSL_set_min_proto_version(client.ssl, TLS1_1_VERSION);
	SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
	SSL_set_cipher_list(client.ssl, "ALL:@SECLEVEL=0");
	assert_int_equal(client_connect(&client), 0);
	run();
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_TLS);
}

static void start_tls(struct sink *s)
{
	conn_send(s->conn, BYTES_LIT("<proceed/>"));
	conn_start_tls(s->conn, set, xmpp_client);
	conn_send(s->conn, BYTES_LIT("not in plain"));
}

static void what_came_before_the_handshake_is_thrown_away(void **state)
{
	char plain[32] = "";
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	client_init(&client, fd, 0, "a.example");
	sink.takes_lines = true;
	sink.act = start_tls;
	put_text(fd, "<starttls/>\n<injected/>\n<half");
	run();
	assert_int_equal(read(fd, plain, sizeof(plain)), 10);
	assert_string_equal(plain, "<proceed/>");
	sink.got.len = 0;
	sink.takes_lines = false;
	assert_int_equal(client_connect(&client), 1);
	client_put(&client, "secret", 6);
	assert_got(&sink, "secret");
	client_take(&client, &out);
	assert_int_equal(out.len, 0);
}

static void a_kept_tail_is_thrown_away_too(void **state)
{
	int fd = sink_open(&sink, &sink_ops);

	(void)state;
	client_init(&client, fd, 0, "a.example");
	sink.takes_lines = true;
	put_text(fd, "tail");
	run();
	assert_non_null(sink.conn->tail);
	conn_start_tls(sink.conn, set, NULL);
	assert_null(sink.conn->tail);
	assert_int_equal(client_connect(&client), 1);
	client_put(&client, "x\n", 2);
	assert_got(&sink, "x\n");
}

/* A client that knows only one kind of key, so that the certificate is not merely the last. */
static void prefer(int version, bool is_rsa)
{
	SSL_set1_sigalgs_list(client.ssl,
			      is_rsa ? "RSA-PSS+SHA256:RSA+SHA256:RSA+SHA384" : "ECDSA+SHA256");
	if (version == TLS1_2_VERSION)
		SSL_set_cipher_list(client.ssl, is_rsa ? "ECDHE-RSA-AES128-GCM-SHA256"
						       : "ECDHE-ECDSA-AES128-GCM-SHA256");
}

static void resume(int version, bool is_rsa)
{
	const EVP_MD *md = is_rsa ? EVP_sha384() : EVP_sha256();
	SSL_SESSION *session;
	X509 *seen;

	open_tls(version, "a.example");
	prefer(version, is_rsa);
	assert_int_equal(client_connect(&client), 1);
	run();
	seen = SSL_get1_peer_certificate(client.ssl);
	assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(seen)),
			 is_rsa ? EVP_PKEY_RSA : EVP_PKEY_EC);
	assert_same_end_point(seen, md);
	for (int i = 0; i < 4; i++) {
		session = take_session();
		tls_tickets_rotate(tickets);
		reopen_tls(version, "a.example", session);
		SSL_SESSION_free(session);
		assert_int_equal(client_connect(&client), 1);
		run();
		assert_true(conn_tls_is_resumed(sink.conn));
		assert_same_exporter();
		assert_same_unique();
		assert_same_end_point(seen, md);
	}
	session = take_session();
	for (int i = 0; i < 3; i++)
		tls_tickets_rotate(tickets);
	reopen_tls(version, "a.example", session);
	SSL_SESSION_free(session);
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_false(conn_tls_is_resumed(sink.conn));
	X509_free(seen);
}

static void tls13_resumes_until_its_key_is_gone(void **state)
{
	(void)state;
	resume(TLS1_3_VERSION, true);
}

static void tls12_resumes_until_its_key_is_gone(void **state)
{
	(void)state;
	resume(TLS1_2_VERSION, true);
}

static void tls13_resumes_with_ecdsa(void **state)
{
	(void)state;
	resume(TLS1_3_VERSION, false);
}

static void tls12_resumes_with_ecdsa(void **state)
{
	(void)state;
	resume(TLS1_2_VERSION, false);
}

static void a_ticket_outlives_a_reload_but_not_its_domain(void **state)
{
	struct tls_set *old = set;
	SSL_SESSION *session;

	(void)state;
	open_tls(0, "a.example");
	assert_int_equal(client_connect(&client), 1);
	run();
	set = new_set(tickets);
	tls_set_unref(&old);
	session = take_session();
	reopen_tls(0, "a.example", session);
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_true(conn_tls_is_resumed(sink.conn));
	SSL_SESSION_free(session);
	session = take_session();
	reopen_tls(0, "b.example", session);
	SSL_SESSION_free(session);
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_false(conn_tls_is_resumed(sink.conn));
}

static void assert_certificate_for(const char *asked, const char *expected)
{
	X509 *seen;

	reopen_tls(0, asked, NULL);
	assert_int_equal(client_connect(&client), 1);
	seen = SSL_get1_peer_certificate(client.ssl);
	assert_int_equal(X509_check_host(seen, expected, 0, 0, NULL), 1);
	X509_free(seen);
}

static void the_name_chooses_the_certificate(void **state)
{
	(void)state;
	open_tls(0, NULL);
	assert_certificate_for("b.example", "b.example");
	assert_certificate_for("B.Example", "b.example");
	assert_certificate_for("a.example", "a.example");
	assert_certificate_for("other.example", "a.example");
	assert_certificate_for(NULL, "a.example");
}

static void assert_certificate_as(const char *begun_as, const char *asked, const char *expected)
{
	X509 *seen;
	int fd;

	sink_fini(&sink);
	client_fini(&client);
	run();
	fd = sink_open(&sink, &sink_ops);
	conn_start_tls_as(sink.conn, set, NULL, bytes_of(begun_as));
	client_init(&client, fd, 0, asked);
	assert_int_equal(client_connect(&client), 1);
	seen = SSL_get1_peer_certificate(client.ssl);
	assert_int_equal(X509_check_host(seen, expected, 0, 0, NULL), 1);
	X509_free(seen);
}

/* RFC 6120: a client that sends no server name has said in its stream header whom it wants. */
static void the_stream_header_stands_in_for_the_name(void **state)
{
	(void)state;
	open_tls(0, NULL);
	assert_certificate_as("b.example", NULL, "b.example");
	assert_certificate_as("b.example", "other.example", "b.example");
	assert_certificate_as("b.example", "a.example", "a.example");
	assert_certificate_as("other.example", NULL, "a.example");
}

static void the_protocol_is_agreed_on(void **state)
{
	(void)state;
	open_tls(0, NULL);
	SSL_set_alpn_protos(client.ssl, (const uint8_t *)"\x02h2\x0bxmpp-client", 15);
	assert_int_equal(client_connect(&client), 1);
	run();
	assert_true(bytes_is(conn_tls_alpn(sink.conn), "xmpp-client"));
}

static void only_other_protocols_are_refused(void **state)
{
	(void)state;
	open_tls(0, NULL);
	SSL_set_alpn_protos(client.ssl, (const uint8_t *)"\x02h2", 3);
	ERR_clear_error();
	assert_int_equal(client_connect(&client), 0);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
			 SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	ERR_clear_error();
	run();
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_TLS);
}

static void garbage_is_refused(void **state)
{
	(void)state;
	open_tls(0, NULL);
	put_text(client.fd, "<?xml version='1.0'?><stream:stream to='a.example'>");
	run();
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_TLS);
	assert_int_equal(sink.calls, 0);
}

static void a_peer_that_leaves_in_the_handshake(void **state)
{
	(void)state;
	open_tls(0, NULL);
	SSL_do_handshake(client.ssl);
	run();
	shutdown(client.fd, SHUT_RDWR);
	run();
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.secured, 0);
}

static void data_right_behind_the_handshake_is_seen(void **state)
{
	(void)state;
	open_tls(TLS1_3_VERSION, NULL);
	assert_int_equal(SSL_do_handshake(client.ssl), -1);
	run();
	assert_int_equal(SSL_do_handshake(client.ssl), 1);
	assert_int_equal(SSL_write(client.ssl, "at once", 7), 7);
	run(); /* finished and data in one read */
	assert_int_equal(sink.secured, 1);
	assert_got(&sink, "at once");
}

static void a_turn_is_one_record(void **state)
{
	char message[250], raw[8192];

	(void)state;
	open_tls(TLS1_3_VERSION, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	client_take(&client, &out);
	memset(message, 'm', sizeof(message));
	for (int i = 0; i < 16; i++)
		conn_send(sink.conn, bytes_make(message, sizeof(message)));
	run();
	/* head 5, type 1, tag 16 */
	assert_int_equal(recv(client.fd, raw, sizeof(raw), MSG_PEEK), 16 * 250 + 22);
	client_take(&client, &out);
	assert_int_equal(out.len, 16 * 250);
}

static void a_slow_reader_gets_all_in_order(void **state)
{
	enum { TOTAL = 3000000 };
	char *text = malloc(TOTAL);

	(void)state;
	for (int i = 0; i < TOTAL; i++)
		text[i] = (char)('a' + i % 23);
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	for (size_t sent = 0; sent < TOTAL; sent += 30000)
		conn_send(sink.conn, bytes_make(text + sent, 30000));
	run();
	assert_true(conn_queued_bytes(sink.conn) > TOTAL / 2);
	while (conn_queued_bytes(sink.conn) > 0) {
		client_take(&client, &out);
		run();
	}
	client_take(&client, &out);
	assert_int_equal(out.len, TOTAL);
	assert_memory_equal(out.ptr, text, TOTAL);
	assert_int_equal(conn_written_position(sink.conn), TOTAL);
	free(text);
}

static void much_input_with_tails(void **state)
{
	enum { TOTAL = 600000 };
	char *text = malloc(TOTAL);

	(void)state;
	for (int i = 0; i < TOTAL; i++)
		text[i] = (char)('a' + i % 23);
	text[50] = text[40000] = text[200000] = text[TOTAL - 1] = '\n';
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	sink.takes_lines = true;
	client_put(&client, text, TOTAL);
	assert_int_equal(sink.got.len, TOTAL);
	assert_memory_equal(sink.got.ptr, text, TOTAL);
	assert_null(sink.conn->tail);
	free(text);
}

static void closing_says_goodbye(void **state)
{
	(void)state;
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	conn_send(sink.conn, BYTES_LIT("bye"));
	conn_close(sink.conn, CONN_CLOSE_FLUSH);
	sink.conn = NULL;
	run();
	assert_int_equal(client_take(&client, &out), SSL_ERROR_ZERO_RETURN);
	assert_true(bytes_is(buf_bytes(&out), "bye"));
	assert_false(list_is_empty(&group->shards[0]->closings));
	shutdown(client.fd, SHUT_WR);
	run();
	assert_true(list_is_empty(&group->shards[0]->closings));
}

static void the_peers_goodbye_comes_after_its_data(void **state)
{
	(void)state;
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	SSL_write(client.ssl, "last", 4);
	SSL_shutdown(client.ssl);
	run(); /* one read holds both */
	assert_got(&sink, "last");
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_EOF);
}

static void a_broken_record_comes_after_good_ones(void **state)
{
	static const char bad[] = "\x17\x03\x03\x00\x20"
				  "this is no record of this session";

	(void)state;
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	SSL_write(client.ssl, "good", 4);
	put(client.fd, bad, sizeof(bad) - 1);
	run();
	assert_got(&sink, "good");
	assert_int_equal(sink.closed, 1);
	assert_int_equal(sink.reason, CONN_REASON_TLS);
}

static void key_updates_are_answered(void **state)
{
	(void)state;
	open_tls(TLS1_3_VERSION, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED);
	echo_both_ways();
}

static void renegotiation_is_refused(void **state)
{
	(void)state;
	open_tls(TLS1_2_VERSION, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	SSL_renegotiate(client.ssl);
	SSL_do_handshake(client.ssl);
	run();
	assert_int_equal(client_connect(&client), 0);
	ERR_clear_error();
	assert_int_equal(sink.secured, 1);
}

/* A storm: each turn does a few steps, and what is established is served in between. */
static void handshakes_have_a_budget(void **state)
{
	enum { STORM = 12 };
	struct sink sinks[STORM];
	struct client clients[STORM];
	unsigned turns = 0, done;

	(void)state;
	open_tls(0, NULL);
	assert_int_equal(client_connect(&client), 1);
	run();
	for (int i = 0; i < STORM; i++) {
		int fd = sink_open(&sinks[i], &sink_ops);
		conn_start_tls(sinks[i].conn, set, NULL);
		client_init(&clients[i], fd, 0, NULL);
	}
	shard_turn(0);
	for (int i = 0; i < STORM; i++)
		SSL_do_handshake(clients[i].ssl);
	SSL_write(client.ssl, "x", 1);
	shard_turn(0);
	assert_got(&sink, "x");
	do {
		done = 0;
		for (int i = 0; i < STORM; i++)
			done += SSL_do_handshake(clients[i].ssl) == 1;
		turns++;
		if (turns == 1)
			assert_int_equal(done, 4);
		shard_turn(0);
	} while (done < STORM);
	assert_int_equal(turns, 3);
	run();
	for (int i = 0; i < STORM; i++) {
		assert_int_equal(sinks[i].secured, 1);
		sink_fini(&sinks[i]);
		client_fini(&clients[i]);
	}
}

/* --- certificates ------------------------------------------------------------------------- */

static void a_self_signed_key_is_private_and_kept(void **state)
{
	struct stat before, after;
	struct err err;

	(void)state;
	open_tls(0, NULL);
	assert_int_equal(stat(in_dir("a.example.key"), &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	assert_int_equal(tls_make_self_signed(BYTES_LIT("a.example"), certificate_dir, &err),
			 0);
	assert_int_equal(stat(in_dir("a.example.key"), &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(tls_make_self_signed(BYTES_LIT("../x"), certificate_dir, &err),
			 -EINVAL);
	assert_int_equal(tls_make_self_signed(BYTES_LIT("a,DNS:b"), certificate_dir, &err),
			 -EINVAL);
}

static void a_self_signed_certificate_names_the_xmpp_address(void **state)
{
	FILE *file = fopen(in_dir("a.example.pem"), "r");
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	GENERAL_NAMES *names;
	int found = 0;

	(void)state;
	open_tls(0, NULL);
	fclose(file);
	names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_OTHERNAME)
			found += OBJ_obj2nid(name->d.otherName->type_id) == NID_XmppAddr;
	}
	assert_int_equal(found, 1);
	GENERAL_NAMES_free(names);
	X509_free(certificate);
}

static void bad_files_are_named(void **state)
{
	struct err err = { 0 };
	FILE *file = fopen(in_dir("garbage"), "w");

	(void)state;
	open_tls(0, NULL);
	fputs("no certificate\n", file);
	fclose(file);
	assert_int_equal(tls_set_add(set, BYTES_LIT("c"), "/nowhere.pem", NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere.pem"));
	assert_int_equal(tls_set_add(set, BYTES_LIT("c"), in_dir("garbage"), NULL, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "garbage"));
	assert_int_equal(tls_set_add(set, BYTES_LIT("c"), in_dir("a.example.pem"),
				     in_dir("b.example.key"), &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "b.example.key"));
	assert_false(tls_set_has(set, BYTES_LIT("c")));
	assert_true(tls_set_has(set, BYTES_LIT("B.EXAMPLE")));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tls13),
		T(tls12),
		T(tls12_without_extended_master_secret_has_no_binding),
		T(older_versions_are_refused),
		T(what_came_before_the_handshake_is_thrown_away),
		T(a_kept_tail_is_thrown_away_too),
		T(tls13_resumes_until_its_key_is_gone),
		T(tls12_resumes_until_its_key_is_gone),
		T(tls13_resumes_with_ecdsa),
		T(tls12_resumes_with_ecdsa),
		T(a_ticket_outlives_a_reload_but_not_its_domain),
		T(the_name_chooses_the_certificate),
		T(the_stream_header_stands_in_for_the_name),
		T(the_protocol_is_agreed_on),
		T(only_other_protocols_are_refused),
		T(garbage_is_refused),
		T(a_peer_that_leaves_in_the_handshake),
		T(data_right_behind_the_handshake_is_seen),
		T(a_turn_is_one_record),
		T(a_slow_reader_gets_all_in_order),
		T(much_input_with_tails),
		T(closing_says_goodbye),
		T(the_peers_goodbye_comes_after_its_data),
		T(a_broken_record_comes_after_good_ones),
		T(key_updates_are_answered),
		T(renegotiation_is_refused),
		T(handshakes_have_a_budget),
		T(a_self_signed_key_is_private_and_kept),
		T(a_self_signed_certificate_names_the_xmpp_address),
		T(bad_files_are_named),
	};

	io_register_metrics();
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
