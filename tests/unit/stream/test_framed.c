/* RFC 7395 framing over the memory carrier: one element is one message. */
#include "unit.h"

#define FRAMING "xmlns='urn:ietf:params:xml:ns:xmpp-framing'"
#define OPEN "<open " FRAMING " to='example.org' version='1.0'/>"

static struct memory_client *framed_client(void)
{
	return memory_connect(&(struct memory_options){ .is_framed = true });
}

static void a_framed_life(void **state)
{
	struct memory_client *client;
	struct fake_session *session;
	const char *got;

	(void)state;
	fake_start(2);
	fake_set("tls.required", "no", false);
	fake.home = 1;
	client = framed_client();
	fake_send(client, OPEN);
	got = fake_received(client);
	assert_has(got, "<open " FRAMING " id='");
	assert_has(got, "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"
			"<mechanisms ");
	/* Pipelined over the move. */
	memory_client_send(client,
			   arena_printf(scratch(), "<auth " SASL " mechanism='PLAIN'>%s</auth>",
					fake_plain("", "romeo", "secret")));
	memory_client_send(client, BYTES_LIT(OPEN));
	memory_client_send(client, BYTES_LIT("<iq xmlns='jabber:client' type='set' id='1'>"
					     "<bind " BIND "/></iq>"));
	fake_run();
	got = fake_received(client);
	assert_has(got, "<success " SASL "></success><open ");
	assert_has(got, "<iq xmlns='jabber:client' type='result' id='1'>");
	session = list_first(&fake.sessions, struct fake_session, link);
	assert_int_equal(session->shard, 1);
	assert_true(stream_is_framed(session->stream));
	fake_send(client, "<message xmlns='jabber:client' xml:lang='en'>"
			  "<body>hi</body></message>");
	assert_has(arena_cstr(scratch(), buf_bytes(&session->heard)),
		   "<body>hi</body></message>");
	fake_send(client, "<close " FRAMING "/>");
	assert_string_equal(fake_received(client), "<close " FRAMING "/>");
	assert_true(memory_client_is_closed(client));
	assert_int_equal(session->end, STREAM_END_CLOSED);
	memory_client_free(&client);
	fake_stop();
}

static void framed_errors(void **state)
{
	static const char *const messages[][2] = {
		{ "<open " FRAMING " to='example.com' version='1.0'/>", "<host-unknown " },
		{ "<stream:stream to='example.org' "
		  "xmlns:stream='http://etherx.jabber.org/streams'>",
		  "<not-well-formed " },
		{ "<message xmlns='jabber:client'/>", "<not-authorized " },
		{ " ", "<not-well-formed " },
		{ "<a/><b/>", "<not-well-formed " },
	};

	(void)state;
	fake_start(1);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct memory_client *client = framed_client();
		const char *got;

		fake_send(client, messages[i][0]);
		got = fake_received(client);
		assert_has(got, "<open " FRAMING);
		assert_has(got,
			   "<stream:error xmlns:stream='http://etherx.jabber.org/streams'");
		assert_has(got, messages[i][1]);
		assert_has(got, "<close " FRAMING "/>");
		assert_true(memory_client_is_closed(client));
		memory_client_free(&client);
	}
	fake_stop();
}

static void a_second_open(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = framed_client();
	fake_send(client, OPEN);
	fake_received(client);
	fake_send(client, OPEN);
	assert_has(fake_received(client), "<bad-format ");
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_framed_life),
		cmocka_unit_test(framed_errors),
		cmocka_unit_test(a_second_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
