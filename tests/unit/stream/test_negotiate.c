/* Stream headers, features, STARTTLS, closing: RFC 6120 sections 4 and 5. */
#include "unit.h"

static void header_and_features(void **state)
{
	struct memory_client *client;
	const char *got;

	(void)state;
	fake_start(1);
	client = memory_connect(&(struct memory_options){ .has_starttls = true });
	fake_send(client,
		  "<?xml version='1.0'?>\n<stream:stream to='Example.ORG' version='1.0' "
		  "from='Romeo@example.org' xml:lang='zh-CN' xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams'>");
	got = fake_received(client);
	assert_has(got, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
			"xmlns:stream='http://etherx.jabber.org/streams' id='");
	assert_has(got, " from='example.org' to='romeo@example.org' version='1.0' "
			"xml:lang='zh'>");
	/* STARTTLS is required: nothing else is offered (section 5.3.1). */
	assert_has(got, "<stream:features><starttls "
			"xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
			"</stream:features>");
	fake_send(client, "</stream:stream>");
	assert_string_equal(fake_received(client), "</stream:stream>");
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

static void ids_differ(void **state)
{
	struct memory_client *clients[2];
	char ids[2][20];

	(void)state;
	fake_start(1);
	for (int i = 0; i < 2; i++) {
		clients[i] = plain_client();
		fake_send(clients[i], fake_header("example.org"));
		const char *id = strstr(fake_received(clients[i]), " id='");
		assert_non_null(id);
		memcpy(ids[i], id + strlen(" id='"), sizeof(ids[i]));
	}
	assert_memory_not_equal(ids[0], ids[1], sizeof(ids[0]));
	memory_client_free(&clients[0]);
	memory_client_free(&clients[1]);
	fake_stop();
}

static void tls_not_required(void **state)
{
	struct memory_client *client;
	const char *got;

	(void)state;
	fake_start(1);
	fake_set("tls.required", "no", false);
	client = memory_connect(&(struct memory_options){ .has_starttls = true });
	fake_send(client, fake_header("example.org"));
	got = fake_received(client);
	assert_has(got, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>");
	assert_has(got, "<mechanism>SCRAM-SHA-1</mechanism>");
	assert_has(got, "<mechanism>PLAIN</mechanism>");
	assert_has_not(got, "-PLUS");
	assert_has_not(got, "sasl-channel-binding");
	memory_client_free(&client);
	fake_stop();
}

static void secure_offers(void **state)
{
	struct memory_client *client;
	const char *got;

	(void)state;
	fake_start(1);
	client = memory_connect(&(struct memory_options){
		.is_secure = true, .has_starttls = true, .has_bindings = true });
	fake_send(client, fake_header("example.org"));
	got = fake_received(client);
	assert_has_not(got, "starttls");
	assert_has(got, "<mechanism>SCRAM-SHA-256-PLUS</mechanism>");
	/* XEP-0440. */
	assert_has(got, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
			"<channel-binding type='tls-exporter'/>"
			"<channel-binding type='tls-server-end-point'/>"
			"</sasl-channel-binding>");
	memory_client_free(&client);
	fake_set("sasl.mechanisms", "SCRAM-SHA-1", false);
	client = memory_connect(
		&(struct memory_options){ .is_secure = true, .has_bindings = true });
	fake_send(client, fake_header("example.org"));
	got = fake_received(client);
	assert_has(got, "<mechanism>SCRAM-SHA-1-PLUS</mechanism>"
			"<mechanism>SCRAM-SHA-1</mechanism></mechanisms>");
	assert_has_not(got, "PLAIN");
	memory_client_free(&client);
	fake_stop();
}

static void starttls(void **state)
{
	struct memory_client *client;
	const char *got;

	(void)state;
	fake_start(1);
	client = memory_connect(&(struct memory_options){ .has_starttls = true });
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	/* What stands behind <starttls/> is from before TLS and is thrown away. */
	fake_send(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
			  "<message>injected</message>");
	assert_string_equal(fake_received(client),
			    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_true(memory_client_is_securing(client));
	assert_int_equal(memory_client_unread(client), 0);
	memory_client_handshake(client);
	fake_run();
	fake_send(client, fake_header("example.org"));
	got = fake_received(client);
	assert_has(got, "<?xml version='1.0'?><stream:stream ");
	assert_has(got, "<mechanism>PLAIN</mechanism>");
	/* A second STARTTLS: failure and the end, no stream error (section 5.4.2.2). */
	fake_send(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_string_equal(
		fake_received(client),
		"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

struct bad_header {
	const char *header;
	const char *condition;
};

#define STREAMS "xmlns:stream='http://etherx.jabber.org/streams'"

static const struct bad_header bad_headers[] = {
	{ "<stream:stream to='example.com' version='1.0' xmlns='jabber:client' " STREAMS ">",
	  "host-unknown" },
	{ "<stream:stream version='1.0' xmlns='jabber:client' " STREAMS ">",
	  "improper-addressing" },
	{ "<stream:stream to='a@example.org' version='1.0' xmlns='jabber:client' " STREAMS ">",
	  "improper-addressing" },
	{ "<stream:stream to='' version='1.0' xmlns='jabber:client' " STREAMS ">",
	  "improper-addressing" },
	{ "<stream:stream to='example.org' xmlns='jabber:client' " STREAMS ">",
	  "unsupported-version" },
	{ "<stream:stream to='example.org' version='0.9' xmlns='jabber:client' " STREAMS ">",
	  "unsupported-version" },
	{ "<stream:stream to='example.org' version='one' xmlns='jabber:client' " STREAMS ">",
	  "unsupported-version" },
	{ "<stream:stream to='example.org' version='1.0' xmlns='jabber:server' " STREAMS ">",
	  "invalid-namespace" },
	{ "<stream:stream to='example.org' version='1.0' xmlns='jabber:client' "
	  "xmlns:stream='urn:wrong'>",
	  "invalid-namespace" },
	{ "<foo:stream to='example.org' version='1.0' xmlns='jabber:client' "
	  "xmlns:foo='http://etherx.jabber.org/streams'>",
	  "bad-namespace-prefix" },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream to='example.org' "
	  "version='1.0' xmlns='jabber:client' " STREAMS ">",
	  "unsupported-encoding" },
	{ "<!DOCTYPE x><stream:stream>", "restricted-xml" },
	{ "<!-- hello -->", "restricted-xml" },
	{ "GET / HTTP/1.1\r\n\r\n", "not-well-formed" },
	{ "<message/>", NULL },
	{ "</stream:stream>", NULL },
};

/* Section 4.9.1.2: our own header comes first, whatever is wrong with theirs. */
static void errors_before_the_header(void **state)
{
	(void)state;
	fake_start(1);
	for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		struct memory_client *client = plain_client();
		const struct bad_header *bad = &bad_headers[i];
		struct bytes got;

		fake_send(client, bad->header);
		got = memory_client_received(client);
		if (!bytes_has_prefix(got,
				      BYTES_LIT("<?xml version='1.0'?><stream:stream xmlns")))
			fail_msg("%s: no header: %.*s", bad->header, BYTES_ARG(got));
		if (bad->condition)
			assert_error(client, bad->condition);
		assert_true(memory_client_is_closed(client));
		memory_client_free(&client);
	}
	fake_stop();
}

static void error_texts_follow_the_language(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = plain_client();
	fake_send(client, "<stream:stream to='example.com' version='1.0' xml:lang='zh' "
			  "xmlns='jabber:client' " STREAMS ">");
	assert_has(fake_received(client), "本服务器不提供该域的服务。");
	memory_client_free(&client);
	fake_stop();
}

static void whitespace_keepalive(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	fake_send(client, " \n\t ");
	fake_send(client, "   ");
	assert_int_equal(memory_client_received(client).len, 0);
	assert_false(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

static void later_versions_are_fine(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = plain_client();
	fake_send(client, "<stream:stream to='example.net' version='1.10' "
			  "xmlns='jabber:client' " STREAMS ">");
	assert_has(fake_received(client), "from='example.net' version='1.0'");
	memory_client_free(&client);
	fake_stop();
}

static void the_clients_stream_error(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	fake_send(client, "<stream:error><reset "
			  "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
	assert_string_equal(fake_received(client), "</stream:stream>");
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_and_features),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(tls_not_required),
		cmocka_unit_test(secure_offers),
		cmocka_unit_test(starttls),
		cmocka_unit_test(errors_before_the_header),
		cmocka_unit_test(error_texts_follow_the_language),
		cmocka_unit_test(whitespace_keepalive),
		cmocka_unit_test(later_versions_are_fine),
		cmocka_unit_test(the_clients_stream_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
