/* Input in every shape: byte by byte, cut anywhere, and wrong in every way. */
#include "unit.h"

static void start(void)
{
	fake_start(1);
	fake_set("tls.required", "no", false);
}

/* A login and a chat, in one text; malloc'd. */
static char *whole_life(void)
{
	return strdup(
		arena_printf(scratch(),
			     "%s<iq type='set' id='1'><bind " BIND
			     "><resource>balcony</resource></bind></iq>\n"
			     "<presence/> <message to='juliet@example.org' id='&lt;'>"
			     "<body>\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80 &amp; <![CDATA["
			     "</message>]]></body></message><r xmlns='urn:test'/>"
			     "</stream:stream>",
			     fake_login_text("romeo", "secret"))
			.ptr);
}

static void check_life(struct memory_client *client)
{
	struct fake_session *session = list_first(&fake.sessions, struct fake_session, link);

	assert_non_null(session);
	assert_int_equal(session->count, 2);
	assert_int_equal(session->end, STREAM_END_CLOSED);
	assert_string_equal(arena_cstr(scratch(), buf_bytes(&session->heard)),
			    "<presence from='romeo@example.org/balcony'/>\n"
			    "<message from='romeo@example.org/balcony' "
			    "to='juliet@example.org' id='&lt;'><body>"
			    "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80 &amp; <![CDATA["
			    "</message>]]></body></message>\n");
	assert_true(memory_client_is_closed(client));
}

static void byte_by_byte(void **state)
{
	struct memory_client *client;
	char *text;

	(void)state;
	start();
	text = whole_life();
	client = plain_client();
	for (const char *p = text; *p != '\0'; p++) {
		memory_client_send(client, bytes_make(p, 1));
		fake_run();
	}
	check_life(client);
	memory_client_free(&client);
	free(text);
	fake_stop();
}

static void cut_at_every_byte(void **state)
{
	char *text;
	size_t len;

	(void)state;
	start();
	text = whole_life();
	len = strlen(text);
	for (size_t cut = 1; cut < len; cut++) {
		struct memory_client *client = plain_client();

		memory_client_send(client, bytes_make(text, cut));
		fake_run();
		memory_client_send(client, bytes_make(text + cut, len - cut));
		fake_run();
		check_life(client);
		memory_client_free(&client);
	}
	free(text);
	fake_stop();
}

struct bad_input {
	const char *xml;
	const char *condition;
};

static const struct bad_input bad_inputs[] = {
	{ "<message><body>\xFF</body></message>", "unsupported-encoding" },
	{ "<message><body>\xC0\xAF</body></message>", "unsupported-encoding" },
	{ "<message><body>\xED\xA0\x80</body></message>", "unsupported-encoding" },
	{ "<message><body>&#x1;</body></message>", "not-well-formed" },
	{ "<message><body>\x01</body></message>", "not-well-formed" },
	{ "<message><body>a & b</body></message>", "not-well-formed" },
	{ "<message><body></message></body>", "not-well-formed" },
	{ "<message><body><body</message>", "not-well-formed" },
	{ "<message a='1' a='2'/>", "not-well-formed" },
	{ "<message x:a='1'/>", "not-well-formed" },
	{ "<x:message/>", "not-well-formed" },
	{ "<message xmlns:a=''/>", "not-well-formed" },
	{ "<message xmlns:xml='urn:x'/>", "not-well-formed" },
	{ "<message xmlns:a='u' xmlns:b='u' a:c='1' b:c='1'/>", "not-well-formed" },
	{ "<message><!-- secret --></message>", "restricted-xml" },
	{ "<?php echo ?>", "restricted-xml" },
	{ "<!DOCTYPE lolz [<!ENTITY lol 'lol'>]>", "restricted-xml" },
	{ "<message><body>&lol;</body></message>", "restricted-xml" },
	{ "text between", "bad-format" },
	{ "</stream:strean>", NULL },
	{ "<message xmlns='jabber:server'/>", "invalid-namespace" },
	{ "<stream:features/>", "unsupported-stanza-type" },
	{ "<foo/>", "unsupported-stanza-type" },
	{ "<message from='juliet@example.org'/>", "invalid-from" },
	{ "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
	  "unsupported-stanza-type" },
	{ "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "unsupported-stanza-type" },
};

/* Whoever sends it gets the error; everybody else goes on. */
static void wrong_in_every_way(void **state)
{
	struct memory_client *other;
	struct fake_session *others;
	unsigned count = 0;

	(void)state;
	start();
	other = plain_client();
	others = fake_login(other, "juliet", "balcony");
	for (size_t i = 0; i < sizeof(bad_inputs) / sizeof(bad_inputs[0]); i++) {
		struct memory_client *client = plain_client();
		struct fake_session *session = fake_login(client, "romeo", "garden");

		fake_send(client, bad_inputs[i].xml);
		if (bad_inputs[i].condition)
			assert_error(client, bad_inputs[i].condition);
		assert_true(memory_client_is_closed(client));
		assert_int_equal(session->end, STREAM_END_ERROR);
		assert_int_equal(session->count, 0);
		fake_send(other, "<presence/>");
		assert_int_equal(others->count, ++count);
		memory_client_free(&client);
	}
	memory_client_free(&other);
	fake_stop();
}

static char *repeat(const char *text, size_t times)
{
	size_t len = strlen(text);
	char *all = malloc(len * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(all + i * len, text, len);
	all[len * times] = '\0';
	return all;
}

/* Large things, cut off before they are complete. */
static void too_much(void **state)
{
	static const struct bad_input shapes[] = {
		{ "<a>", "policy-violation" },		/* 10,000 deep */
		{ " a='aaaaaaa'", "policy-violation" }, /* many attributes */
	};
	struct memory_client *client;
	char *text;

	(void)state;
	start();
	for (size_t i = 0; i < 2; i++) {
		client = plain_client();
		fake_login(client, "romeo", "balcony");
		if (i == 1)
			fake_send(client, "<message");
		text = repeat(shapes[i].xml, i == 0 ? 10000 : 200000);
		fake_send(client, text);
		assert_error(client, shapes[i].condition);
		free(text);
		memory_client_free(&client);
	}
	/* An attribute of 1 MiB. */
	client = plain_client();
	fake_login(client, "romeo", "balcony");
	text = repeat("x", 1 << 20);
	fake_send(client, "<message id='");
	fake_send(client, text);
	assert_error(client, "policy-violation");
	free(text);
	memory_client_free(&client);
	fake_stop();
}

static void nothing_after_the_end(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	start();
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	fake_send(client, "<presence/><message><body>&x</body></message><presence/>");
	assert_int_equal(session->count, 1);
	assert_error(client, "not-well-formed");
	memory_client_send(client, BYTES_LIT("<presence/>"));
	fake_run();
	assert_int_equal(session->count, 1);
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_by_byte),		 cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(wrong_in_every_way),	 cmocka_unit_test(too_much),
		cmocka_unit_test(nothing_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
