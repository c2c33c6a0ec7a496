/* SASL over a stream: RFC 6120 section 6. The mechanisms themselves are tested in xmpp. */
#include "unit.h"

#include "../xmpp/client.h"

static void start_plain(unsigned shards)
{
	fake_start(shards);
	fake_set("tls.required", "no", false);
}

/* A client that has its features. */
static struct memory_client *featured(void)
{
	struct memory_client *client = plain_client();

	fake_send(client, fake_header("example.org"));
	fake_received(client);
	return client;
}

static void send_auth(struct memory_client *client, const char *mech, const char *data)
{
	fake_send(client,
		  arena_printf(scratch(), "<auth " SASL " mechanism='%s'>%s</auth>", mech, data)
			  .ptr);
}

static void assert_failure(struct memory_client *client, const char *condition)
{
	assert_has(fake_received(client),
		   arena_printf(scratch(), "<failure " SASL "><%s/>", condition).ptr);
}

static void plain_succeeds(void **state)
{
	struct memory_client *client;
	const char *got;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	assert_string_equal(fake_received(client), "<success " SASL "></success>");
	assert_int_equal(fake.successes, 1);
	fake.features = BYTES_LIT("<sm xmlns='urn:xmpp:sm:3'/>");
	fake_send(client, fake_header("example.org"));
	got = fake_received(client);
	assert_has(got, "<?xml version='1.0'?><stream:stream ");
	assert_has(got, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
			"<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/>"
			"</session><sm xmlns='urn:xmpp:sm:3'/></stream:features>");
	memory_client_free(&client);
	fake_stop();
}

/* Three strangers: a wrong password, an unknown user, and after the third the end (6.4.5). */
static void failures_look_alike(void **state)
{
	struct memory_client *client;
	char wrong[512];

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "guess"));
	snprintf(wrong, sizeof(wrong), "%s", fake_received(client));
	assert_has(wrong, "<not-authorized/>");
	send_auth(client, "PLAIN", fake_plain("", "nobody", "guess"));
	assert_string_equal(fake_received(client), wrong);
	assert_int_equal(fake.failures, 2);
	assert_false(memory_client_is_closed(client));
	send_auth(client, "PLAIN", fake_plain("", "romeo", "again"));
	assert_has(fake_received(client), "<stream:error><policy-violation ");
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

static void succeeds_after_a_failure(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "guess"));
	assert_failure(client, "not-authorized");
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	assert_has(fake_received(client), "<success ");
	memory_client_free(&client);
	fake_stop();
}

static void a_foreign_authzid_is_refused(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("juliet@example.org", "romeo", "secret"));
	assert_failure(client, "invalid-authzid");
	send_auth(client, "PLAIN", fake_plain("romeo@example.org", "romeo", "secret"));
	assert_has(fake_received(client), "<success ");
	memory_client_free(&client);
	fake_stop();
}

struct bad_auth {
	const char *xml;
	const char *condition;
};

static const struct bad_auth bad_auths[] = {
	{ "<auth " SASL " mechanism='PLAIN'>a</auth>", "incorrect-encoding" },
	{ "<auth " SASL " mechanism='PLAIN'>YQ==</auth>", "malformed-request" },
	{ "<auth " SASL " mechanism='PLAIN'>=</auth>", "malformed-request" },
	{ "<auth " SASL " mechanism='CRAM-MD5'/>", "invalid-mechanism" },
	{ "<auth " SASL "/>", "invalid-mechanism" },
	{ "<auth " SASL " mechanism='SCRAM-SHA-1-PLUS'>biws</auth>", "invalid-mechanism" },
	{ "<response " SASL ">YQ==</response>", "malformed-request" },
	{ "<abort " SASL "/>", "aborted" },
};

static void requests_that_fail(void **state)
{
	(void)state;
	start_plain(1);
	for (size_t i = 0; i < sizeof(bad_auths) / sizeof(bad_auths[0]); i++) {
		struct memory_client *client = featured();

		fake_send(client, bad_auths[i].xml);
		assert_failure(client, bad_auths[i].condition);
		assert_false(memory_client_is_closed(client));
		memory_client_free(&client);
	}
	assert_int_equal(fake.failures, 0);
	fake_stop();
}

static void plain_without_initial_response(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", "");
	assert_string_equal(fake_received(client), "<challenge " SASL ">=</challenge>");
	fake_send(client, "<abort " SASL "/>");
	assert_failure(client, "aborted");
	send_auth(client, "PLAIN", "");
	fake_received(client);
	fake_send(client, arena_printf(scratch(), "<response " SASL ">%s</response>",
				       fake_plain("", "romeo", "secret"))
				  .ptr);
	assert_has(fake_received(client), "<success ");
	memory_client_free(&client);
	fake_stop();
}

static void encryption_is_required(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	assert_failure(client, "encryption-required");
	memory_client_free(&client);
	fake_stop();
}

static void lookups_that_fail(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	fake.fails_lookups = true;
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	assert_failure(client, "temporary-auth-failure");
	assert_int_equal(fake.failures, 0);
	fake.fails_lookups = false;
	stream_set_workers(NULL); /* as when the queue is full */
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	assert_failure(client, "temporary-auth-failure");
	memory_client_free(&client);
	fake_stop();
}

static void foreign_hashes_are_upgraded(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "imported", "wrong"));
	assert_failure(client, "not-authorized");
	assert_int_equal(fake.upgrades, 0);
	send_auth(client, "PLAIN", fake_plain("", "imported", "secret"));
	assert_has(fake_received(client), "<success ");
	assert_int_equal(fake.upgrades, 1);
	memory_client_free(&client);
	fake_stop();
}

static void attempts_are_delayed(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	fake.delay_ms = 2000;
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	shards_advance(fake.shards, 1999);
	assert_int_equal(memory_client_received(client).len, 0);
	shards_advance(fake.shards, 1);
	assert_has(fake_received(client), "<success ");
	memory_client_free(&client);
	fake_stop();
}

/* The challenge out of what the server sent, decoded. */
static struct bytes read_challenge(struct memory_client *client, struct arena *arena)
{
	const char *got = fake_received(client);
	const char *start = strstr(got, "'>");
	struct bytes text, raw;

	assert_has(got, "<challenge ");
	text = bytes_first(bytes_of(start + 2), strcspn(start + 2, "<"));
	assert_int_equal(base64_decode(arena, text, &raw), 0);
	return raw;
}

static void respond(struct memory_client *client, const char *element, struct bytes raw)
{
	struct bytes data = base64_encode(scratch(), raw);

	fake_send(client, arena_printf(scratch(), "<%s>%.*s</%.*s>", element, BYTES_ARG(data),
				       (int)strcspn(element, " "), element)
				  .ptr);
}

/* failure: the condition expected, NULL for success. */
static void scram(struct memory_client *client, const char *mech, const char *gs2,
		  struct bytes binding, const char *password, const char *failure)
{
	struct arena arena;
	struct client scram = { .arena = &arena,
				.md = EVP_sha256(),
				.gs2_header = gs2,
				.user = "romeo",
				.password = password,
				.binding_data = binding };
	struct bytes final;
	char auth[200];

	arena_init(&arena, 4096);
	snprintf(auth, sizeof(auth), "auth " SASL " mechanism='%s'", mech);
	respond(client, auth, client_first(&scram));
	final = client_final(&scram, read_challenge(client, &arena));
	respond(client, "response " SASL, final);
	if (!failure) {
		struct bytes proof = base64_encode(&arena, scram.expected_final);

		assert_string_equal(fake_received(client),
				    arena_printf(&arena, "<success " SASL ">%.*s</success>",
						 BYTES_ARG(proof))
					    .ptr);
	} else {
		assert_failure(client, failure);
	}
	arena_fini(&arena);
}

/* An unknown user has a salt like anybody: the same when asked again, until the secret changes. */
static void strangers_have_salts(void **state)
{
	static const uint8_t other[SASL_SECRET_BYTES] = { 1 };
	char salts[3][100];

	(void)state;
	start_plain(1);
	for (int i = 0; i < 3; i++) {
		struct memory_client *client = plain_client();
		struct bytes challenge;

		if (i == 2)
			stream_set_secret(other);
		fake_send(client, fake_header("example.org"));
		fake_received(client);
		respond(client, "auth " SASL " mechanism='SCRAM-SHA-1'",
			BYTES_LIT("n,,n=nobody,r=abc"));
		challenge = client_attribute(read_challenge(client, scratch()), 's');
		snprintf(salts[i], sizeof(salts[i]), "%.*s", BYTES_ARG(challenge));
		memory_client_free(&client);
	}
	assert_true(strlen(salts[0]) >= 16);
	assert_string_equal(salts[0], salts[1]);
	assert_string_not_equal(salts[0], salts[2]);
	fake_stop();
}

static void scram_logs_in(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	scram(client, "SCRAM-SHA-256", "n,,", BYTES_NONE, "wrong", "not-authorized");
	scram(client, "SCRAM-SHA-256", "n,,", BYTES_NONE, "secret", NULL);
	memory_client_free(&client);
	fake_stop();
}

static void scram_plus_binds_to_the_channel(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = memory_connect(
		&(struct memory_options){ .is_secure = true, .has_bindings = true });
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	scram(client, "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", memory_end_point(), "secret",
	      "malformed-request");
	scram(client, "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", memory_exporter(), "secret",
	      NULL);
	memory_client_free(&client);
	fake_stop();
}

/* A client that sends everything at once is served on its home, with all it sent. */
static void pipelining_across_the_move(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	for (unsigned home = 0; home < 3; home++) {
		start_plain(3);
		fake.home = home;
		client = plain_client();
		memory_client_send(client, bytes_of(fake_login_text("romeo", "secret")));
		memory_client_send(client, BYTES_LIT("<iq type='set' id='1'><bind " BIND "/>"
						     "</iq><message><body>hi</body></message>"
						     "</stream:stream>"));
		fake_run();
		session = list_first(&fake.sessions, struct fake_session, link);
		assert_non_null(session);
		assert_int_equal(session->shard, home);
		assert_int_equal(memory_client_shard(client), home);
		assert_int_equal(session->count, 1);
		assert_int_equal(session->end, STREAM_END_CLOSED);
		assert_true(memory_client_is_closed(client));
		memory_client_free(&client);
		fake_stop();
	}
}

/* The next header is not looked at before the answer to the lookup is there. */
static void waiting_stops_the_client(void **state)
{
	struct memory_client *client;
	size_t unread;

	(void)state;
	start_plain(1);
	fake.keeps_lookups = true;
	client = plain_client();
	fake_send(client, fake_login_text("romeo", "secret"));
	fake_received(client);
	unread = memory_client_unread(client);
	assert_int_equal(unread, strlen(fake_header("example.org")));
	fake_send(client, "<presence/>");
	assert_int_equal(memory_client_unread(client), unread + strlen("<presence/>"));
	fake_answer_lookup();
	fake_run();
	/* Now the header was read, and presence before bind is refused. */
	assert_error(client, "not-authorized");
	memory_client_free(&client);
	fake_stop();
}

/* The client goes away at every point where somebody still owes an answer. */
static void cut_while_waiting(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(2);
	fake.keeps_lookups = true;
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	memory_client_free(&client);
	fake_answer_lookup();

	/* while the password is being verified */
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	fake_answer_lookup();
	memory_client_free(&client);
	fake_run();

	/* while it is delayed */
	fake.delay_ms = 1000;
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	memory_client_free(&client);
	shards_advance(fake.shards, 2000);
	assert_null(fake.lookup);

	/* while it moves: this shard has turned, the other has not */
	fake.delay_ms = 0;
	fake.keeps_lookups = false;
	fake.home = 1;
	client = featured();
	memory_client_send(client,
			   arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
					fake_plain("", "romeo", "secret")));
	shard_turn(0);
	shard_turn(0);
	shard_turn(0);
	memory_client_free(&client);
	fake_stop();
}

static void stanzas_before_login(void **state)
{
	static const char *const stanzas[] = {
		"<message to='juliet@example.org'><body>hi</body></message>",
		"<presence/>",
		"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
		"<iq type='set' id='1'><bind " BIND "/></iq>",
	};

	(void)state;
	start_plain(1);
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++) {
		struct memory_client *client = featured();

		fake_send(client, stanzas[i]);
		assert_error(client, "not-authorized");
		memory_client_free(&client);
	}
	fake_stop();
}

static void another_domain_after_login(void **state)
{
	struct memory_client *client;

	(void)state;
	start_plain(1);
	client = featured();
	send_auth(client, "PLAIN", fake_plain("", "romeo", "secret"));
	fake_send(client, fake_header("example.net"));
	assert_error(client, "host-unknown");
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_succeeds),
		cmocka_unit_test(failures_look_alike),
		cmocka_unit_test(succeeds_after_a_failure),
		cmocka_unit_test(a_foreign_authzid_is_refused),
		cmocka_unit_test(requests_that_fail),
		cmocka_unit_test(plain_without_initial_response),
		cmocka_unit_test(encryption_is_required),
		cmocka_unit_test(lookups_that_fail),
		cmocka_unit_test(foreign_hashes_are_upgraded),
		cmocka_unit_test(attempts_are_delayed),
		cmocka_unit_test(strangers_have_salts),
		cmocka_unit_test(scram_logs_in),
		cmocka_unit_test(scram_plus_binds_to_the_channel),
		cmocka_unit_test(pipelining_across_the_move),
		cmocka_unit_test(waiting_stops_the_client),
		cmocka_unit_test(cut_while_waiting),
		cmocka_unit_test(stanzas_before_login),
		cmocka_unit_test(another_domain_after_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
