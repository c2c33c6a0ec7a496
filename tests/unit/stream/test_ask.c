/* Requests before authentication (XEP-0077 section 3.1.1): who may ask, how often, and when. */
#include "unit.h"

#define ASK "<iq type='get' id='asked'><query xmlns='urn:test'/></iq>"
#define RESULT "<iq id='asked' type='result'/>"
#define AGAIN "<iq id='asked' type='result'><again xmlns='urn:test'/></iq>"

static void start(const char *tls_required)
{
	fake_start(1);
	fake_set("tls.required", tls_required, false);
	fake.has_offers = true;
}

static struct memory_client *featured(bool is_secure, const char *wanted)
{
	struct memory_client *client =
		memory_connect(&(struct memory_options){ .is_secure = is_secure });

	fake_send(client, fake_header("example.org"));
	if (wanted != NULL)
		assert_has(fake_received(client), wanted);
	return client;
}

static void stop(struct memory_client *client)
{
	memory_client_free(&client);
	fake_stop();
}

static void is_answered(void **state)
{
	struct memory_client *client;

	(void)state;
	start("yes");
	client = featured(true, "<offer xmlns='urn:test'/></stream:features>");
	fake_send(client, ASK);
	assert_string_equal(fake_received(client), RESULT);
	fake_send(client, ASK);
	assert_string_equal(fake_received(client), AGAIN);
	/* A login goes on as if nothing had been asked. */
	fake_send(client, "<auth " SASL " mechanism='PLAIN'/>");
	assert_has(fake_received(client), "<challenge");
	fake_send(client, ASK);
	assert_error(client, "not-authorized");
	stop(client);
}

static void nobody_answers(void **state)
{
	struct memory_client *client;

	(void)state;
	start("yes");
	fake.has_offers = false;
	client = featured(true, NULL);
	fake_send(client, ASK);
	assert_error(client, "not-authorized");
	stop(client);
}

static void never_in_the_clear(void **state)
{
	struct memory_client *client;

	(void)state;
	start("yes");
	client = featured(false, NULL);
	assert_has_not(fake_received(client), "<offer");
	fake_send(client, ASK);
	assert_error(client, "not-authorized");
	assert_int_equal(fake.asks, 0);
	stop(client);
}

static void not_before_the_header(void **state)
{
	struct memory_client *client;

	(void)state;
	start("no");
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	fake_send(client, "<message/>");
	assert_error(client, "not-authorized");
	assert_int_equal(fake.asks, 0);
	stop(client);
}

static void is_bounded(void **state)
{
	struct memory_client *client;

	(void)state;
	start("no");
	client = featured(false, "<offer");
	fake_received(client);
	for (int i = 0; i < 20; i++) {
		fake_send(client, ASK);
		assert_string_equal(fake_received(client), i == 0 ? RESULT : AGAIN);
	}
	fake_send(client, ASK);
	assert_error(client, "policy-violation");
	assert_int_equal(fake.asks, 20);
	stop(client);
}

/* While the answer is awaited nothing else is read; then everything is, in its order. */
static void waiting_stops_the_client(void **state)
{
	struct memory_client *client;

	(void)state;
	start("no");
	fake.keeps_asks = true;
	client = featured(false, "<offer");
	fake_send(client, ASK ASK);
	assert_int_equal(fake.asks, 1);
	assert_int_equal(memory_client_unread(client), strlen(ASK));
	fake_answer_ask();
	fake_run();
	assert_string_equal(fake_received(client), RESULT);
	assert_int_equal(fake.asks, 2);
	fake_answer_ask();
	fake_run();
	assert_string_equal(fake_received(client), AGAIN);
	stop(client);
}

/* The client goes away, or takes too long, while somebody still owes the answer. */
static void the_client_has_gone(void **state)
{
	struct memory_client *client;

	(void)state;
	start("no");
	fake.keeps_asks = true;
	client = featured(false, NULL);
	fake_send(client, ASK);
	memory_client_free(&client);
	fake_run();
	assert_true(stream_ask_is_orphan(fake.ask));
	assert_true(bytes_is_none(stream_ask_memory(fake.ask)));
	assert_true(bytes_is_none(stream_ask_network(fake.ask)));
	fake_answer_ask();

	client = featured(false, NULL);
	fake_send(client, ASK);
	fake_received(client);
	shards_advance(fake.shards, 3600000);
	assert_error(client, "connection-timeout");
	fake_answer_ask();
	stop(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_answered),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(never_in_the_clear),
		cmocka_unit_test(not_before_the_header),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(waiting_stops_the_client),
		cmocka_unit_test(the_client_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
