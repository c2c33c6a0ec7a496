/* Binding (RFC 6120 section 7) and the bound stream. */
#include "unit.h"

#include "xml/build.h"
#include "xml/wire.h"

static void start(void)
{
	fake_start(1);
	fake_set("tls.required", "no", false);
}

/* A client that is authenticated and has its features. */
static struct memory_client *authenticated(void)
{
	struct memory_client *client = plain_client();

	fake_send(client, fake_login_text("romeo", "secret"));
	fake_received(client);
	return client;
}

static struct fake_session *last_session(void)
{
	return list_first(&fake.sessions, struct fake_session, link);
}

static const char *heard(struct fake_session *session)
{
	const char *text = arena_cstr(scratch(), buf_bytes(&session->heard));

	buf_reset(&session->heard);
	return text;
}

static void the_wish_is_prepared(void **state)
{
	struct memory_client *client;

	(void)state;
	start();
	client = authenticated();
	fake_send(client, "<iq type='set' id='a&amp;b'><bind " BIND
			  "><resource>balcony &lt;1&gt;</resource></bind></iq>");
	assert_string_equal(fake_received(client),
			    "<iq type='result' id='a&amp;b'><bind " BIND
			    "><jid>romeo@example.org/balcony &lt;1&gt;</jid></bind></iq>");
	assert_string_equal(last_session()->jid, "romeo@example.org/balcony <1>");
	memory_client_free(&client);
	fake_stop();
}

static void the_server_makes_one_up(void **state)
{
	struct memory_client *clients[2];
	struct fake_session *sessions[2];

	(void)state;
	start();
	for (int i = 0; i < 2; i++) {
		clients[i] = authenticated();
		fake_send(clients[i], i == 0 ? "<iq type='set' id='1'><bind " BIND "/></iq>"
					     : "<iq type='set' id='1'><bind " BIND
					       "><resource/></bind></iq>");
		assert_has(fake_received(clients[i]), "<jid>romeo@example.org/");
		sessions[i] = last_session();
		assert_true(jid_resource(sessions[i]->full).len >= 16);
	}
	assert_string_not_equal(sessions[0]->jid, sessions[1]->jid);
	memory_client_free(&clients[0]);
	memory_client_free(&clients[1]);
	fake_stop();
}

static void bad_binds(void **state)
{
	static const char *const binds[] = {
		"<iq type='get' id='1'><bind " BIND "/></iq>",
		"<iq type='set'><bind " BIND "/></iq>",
		/* a line separator is in no class of PRECIS (RFC 8264). */
		"<iq type='set' id='1'><bind " BIND
		"><resource>a\xE2\x80\xA8</resource></bind></iq>",
	};
	struct memory_client *client;

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
		client = authenticated();
		fake_send(client, binds[i]);
		assert_has(fake_received(client), "<error type='modify'><bad-request ");
		/* The client may try again. */
		fake_send(client, "<iq type='set' id='2'><bind " BIND "/></iq>");
		assert_has(fake_received(client), "<iq type='result' id='2'>");
		memory_client_free(&client);
	}
	/* A resource of more than 1,023 bytes (RFC 7622 section 3.4). */
	client = authenticated();
	fake_send(client, arena_printf(scratch(),
				       "<iq type='set' id='1'><bind " BIND
				       "><resource>%01100d</resource></bind></iq>",
				       7)
				  .ptr);
	assert_has(fake_received(client), "<bad-request ");
	memory_client_free(&client);
	fake_stop();
}

static void core_refuses(void **state)
{
	struct memory_client *client;

	(void)state;
	start();
	fake.refuses_binds = CONDITION_CONFLICT;
	client = authenticated();
	fake_send(client, "<iq type='set' id='1'><bind " BIND "/></iq>");
	assert_has(fake_received(client),
		   "<iq type='error' id='1'><error type='cancel'><conflict ");
	fake.refuses_binds = CONDITION_NONE;
	fake_send(client, "<iq type='set' id='2'><bind " BIND "/></iq>");
	assert_has(fake_received(client), "<iq type='result' id='2'>");
	memory_client_free(&client);
	fake_stop();
}

static void core_answers_later(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	fake.keeps_binds = true;
	client = authenticated();
	fake_send(client, "<iq type='set' id='1'><bind " BIND "/></iq><presence/>");
	assert_int_equal(memory_client_received(client).len, 0);
	session = fake_answer_bind();
	fake_run();
	assert_has(fake_received(client), "<iq type='result' id='1'>");
	assert_string_equal(
		heard(session),
		arena_printf(scratch(), "<presence from='%s'/>\n", session->jid).ptr);
	memory_client_free(&client);
	assert_int_equal(session->end, STREAM_END_LOST);

	/* The client is gone before core answers: the session hears of it at once. */
	client = authenticated();
	fake_send(client, "<iq type='set' id='1'><bind " BIND "/></iq>");
	memory_client_free(&client);
	session = fake_answer_bind();
	assert_null(session->stream);
	assert_int_equal(session->end, STREAM_END_LOST);
	fake_stop();
}

static void not_before_binding(void **state)
{
	static const char *const stanzas[] = {
		"<message to='juliet@example.org'/>",
		"<presence/>",
		"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
	};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++) {
		struct memory_client *client = authenticated();

		fake_send(client, stanzas[i]);
		assert_error(client, "not-authorized");
		memory_client_free(&client);
	}
	fake_stop();
}

static void legacy_session(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	fake_send(client, "<iq type='set' id='s1'>"
			  "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
	assert_string_equal(fake_received(client), "<iq type='result' id='s1'></iq>");
	assert_int_equal(session->count, 0);
	memory_client_free(&client);
	fake_stop();
}

static void from_is_stamped(void **state)
{
	static const char *const froms[] = { "", " from='romeo@example.org/balcony'",
					     " from='romeo@example.org'",
					     " from='ROMEO@Example.org/balcony'" };
	static const char *const forged[] = { "juliet@example.org", "romeo@example.org/other",
					      "example.org", "romeo@example.net/balcony", "" };
	struct memory_client *client = NULL;
	struct fake_session *session;

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		client = plain_client();
		session = fake_login(client, "romeo", "balcony");
		fake_send(client, arena_printf(scratch(),
					       "<message%s to='juliet@example.org'>"
					       "<body>hi</body></message>",
					       froms[i])
					  .ptr);
		assert_string_equal(heard(session),
				    "<message from='romeo@example.org/balcony' "
				    "to='juliet@example.org'><body>hi</body></message>\n");
		memory_client_free(&client);
	}
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		client = plain_client();
		session = fake_login(client, "romeo", "balcony");
		fake_send(client,
			  arena_printf(scratch(), "<message from='%s'/>", forged[i]).ptr);
		assert_error(client, "invalid-from");
		assert_int_equal(session->count, 0);
		assert_int_equal(session->end, STREAM_END_ERROR);
		memory_client_free(&client);
	}
	fake_stop();
}

/* Section 4.8.5: prefixes of the header and xml:lang are in force in stanzas. */
static void the_headers_prefixes_and_language(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_send(client, arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
				       fake_plain("", "romeo", "secret"))
				  .ptr);
	fake_send(client, "<stream:stream to='example.org' version='1.0' xml:lang='de' "
			  "xmlns='jabber:client' xmlns:x='urn:x' "
			  "xmlns:stream='http://etherx.jabber.org/streams'>"
			  "<iq type='set' id='1'><bind " BIND "/></iq>");
	session = last_session();
	assert_string_equal(arena_cstr(scratch(), stream_xml_lang(session->stream)), "de");
	fake_send(client, "<message to='juliet@example.org'><x:y x:z='1'/></message>");
	assert_has(heard(session), "xml:lang='de'");
	fake_send(client, "<message xml:lang='fr'><x:y x:z='1'/></message>");
	assert_has(heard(session), "<y xmlns='urn:x'");
	fake_send(client, "<message><w:y/></message>");
	assert_error(client, "not-well-formed");
	memory_client_free(&client);
	fake_stop();
}

/* Section 4.8.2: no default namespace, every stanza with a prefix or one of its own. */
static void prefix_free_canonicalisation(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_send(client, arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
				       fake_plain("", "romeo", "secret"))
				  .ptr);
	fake_send(client, "<stream:stream to='example.org' version='1.0' "
			  "xmlns:stream='http://etherx.jabber.org/streams'>"
			  "<iq xmlns='jabber:client' type='set' id='1'><bind " BIND "/></iq>");
	session = last_session();
	assert_non_null(session);
	fake_send(client, "<message xmlns='jabber:client'><body>hi</body></message>");
	assert_has(heard(session), "<body>hi</body></message>");
	memory_client_free(&client);
	fake_stop();
}

static void other_elements(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	/* before binding */
	client = authenticated();
	fake_send(client, "<resume xmlns='urn:test'/>");
	assert_string_equal(fake_received(client), "<early xmlns='urn:test'/>");
	fake_send(client, "<resume xmlns='urn:unknown'/>");
	assert_error(client, "unsupported-stanza-type");
	memory_client_free(&client);
	/* bound */
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	fake_send(client, "<r xmlns='urn:test'/>");
	assert_has(arena_cstr(scratch(), buf_bytes(&session->extra)), "<r xmlns='urn:test'");
	fake_send(client, "<query/>");
	assert_error(client, "unsupported-stanza-type");
	memory_client_free(&client);
	/* a stanza of another kind of stream */
	client = plain_client();
	fake_login(client, "romeo", "balcony");
	fake_send(client, "<message xmlns='jabber:server'/>");
	assert_error(client, "invalid-namespace");
	memory_client_free(&client);
	fake_stop();
}

static void stanzas_go_out(void **state)
{
	struct memory_client *client;
	struct fake_session *session;
	struct stanza *stanza;
	struct buf head;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	stanza = stanza_from_parts(STANZA_MESSAGE,
				   &(struct stanza_head){ .to = BYTES_LIT("a@b") },
				   BYTES_LIT("<body>hi</body>"));
	buf_init(&head, 0);
	wire_head(&head, stanza, &wire_client);
	stream_send(session->stream, buf_bytes(&head), stanza);
	stanza_unref(&stanza);
	buf_fini(&head);
	stream_send_raw(session->stream, BYTES_LIT("<r/>"));
	assert_string_equal(fake_received(client),
			    "<message to='a@b'><body>hi</body></message><r/>");
	memory_client_free(&client);
	fake_stop();
}

static void core_closes(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	stream_close(session->stream, STREAM_CONDITION_CONFLICT, TEXT_NONE);
	session->end = STREAM_END_LOST;
	assert_non_null(session->stream); /* ended() was not called */
	assert_error(client, "conflict");
	memory_client_free(&client);

	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	stream_close(session->stream, STREAM_CONDITION_NONE, TEXT_NONE);
	assert_string_equal(fake_received(client), "</stream:stream>");
	memory_client_free(&client);
	fake_stop();
}

static void close_at_first(struct fake_session *session)
{
	stream_close(session->stream, STREAM_CONDITION_CONFLICT, TEXT_NONE);
}

/* Core closes the stream while it handles a stanza of it; what follows is not looked at. */
static void core_closes_inside_the_upcall(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	session->on_stanza = close_at_first;
	fake_send(client, "<presence/><presence/>");
	assert_int_equal(session->count, 1);
	assert_error(client, "conflict");
	memory_client_free(&client);
	fake_stop();
}

static void pause_at_first(struct fake_session *session)
{
	if (session->count == 1)
		stream_pause(session->stream, true);
}

static void core_pauses(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	session->on_stanza = pause_at_first;
	fake_send(client, "<presence/><presence/>");
	fake_send(client, "<presence/>");
	assert_int_equal(session->count, 1);
	stream_pause(session->stream, false);
	fake_run();
	assert_int_equal(session->count, 3);
	memory_client_free(&client);
	fake_stop();
}

static void what_others_ask(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	assert_false(stream_is_secure(session->stream));
	assert_false(stream_is_framed(session->stream));
	assert_string_equal(stream_carrier_name(session->stream), "memory");
	assert_true(bytes_is(stream_peer(session->stream), "memory"));
	assert_int_equal(stream_lang(session->stream), TEXT_LANG_EN);
	assert_true(bytes_is_none(stream_xml_lang(session->stream)));
	assert_int_equal(stream_queued_bytes(session->stream), 0);
	assert_int_equal(stream_count(), 1);
	memory_client_free(&client);
	assert_int_equal(stream_count(), 0);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wish_is_prepared),
		cmocka_unit_test(the_server_makes_one_up),
		cmocka_unit_test(bad_binds),
		cmocka_unit_test(core_refuses),
		cmocka_unit_test(core_answers_later),
		cmocka_unit_test(not_before_binding),
		cmocka_unit_test(legacy_session),
		cmocka_unit_test(from_is_stamped),
		cmocka_unit_test(the_headers_prefixes_and_language),
		cmocka_unit_test(prefix_free_canonicalisation),
		cmocka_unit_test(other_elements),
		cmocka_unit_test(stanzas_go_out),
		cmocka_unit_test(core_closes),
		cmocka_unit_test(core_closes_inside_the_upcall),
		cmocka_unit_test(core_pauses),
		cmocka_unit_test(what_others_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
