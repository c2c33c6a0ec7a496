/* Clients that are slow, silent, many, or never read; and the end of the server. */
#include "unit.h"

#include "stream/admission.h"

enum { PREAUTH_MS = 60000 };

static struct memory_client *from(const char *address)
{
	return memory_connect(&(struct memory_options){ .network = bytes_of(address) });
}

/* Silent, with half a header, with half a login: each is told and cut when the time is up. */
static void silence_before_login(void **state)
{
	static const char *const said[] = { "", "<?xml version='1.0'?><stream:str" };
	struct memory_client *clients[4];
	struct memory_client *bound;
	struct fake_session *session;

	(void)state;
	fake_start(2);
	fake.home = 1;
	bound = plain_client();
	session = fake_login(bound, "juliet", "balcony");
	for (int i = 0; i < 2; i++) {
		clients[i] = plain_client();
		fake_send(clients[i], said[i]);
	}
	clients[2] = plain_client();
	fake_send(clients[2], fake_header("example.org"));
	clients[3] = plain_client(); /* authenticated and moved, but not bound */
	fake_send(clients[3], fake_login_text("romeo", "secret"));
	assert_int_equal(memory_client_shard(clients[3]), 1);
	shards_advance(fake.shards, PREAUTH_MS - 1);
	for (int i = 0; i < 4; i++)
		assert_false(memory_client_is_closed(clients[i]));
	shards_advance(fake.shards, 1);
	for (int i = 0; i < 4; i++) {
		assert_error(clients[i], "connection-timeout");
		memory_client_free(&clients[i]);
	}
	/* Whoever is logged in has no deadline. */
	assert_non_null(session->stream);
	memory_client_free(&bound);
	fake_stop();
}

static void slow_loris(void **state)
{
	struct memory_client *client;
	unsigned ms = 0;

	(void)state;
	fake_start(1);
	client = plain_client();
	for (; !memory_client_is_closed(client); ms += 1000) {
		char one[2] = { fake_header("example.org")[ms / 1000], '\0' };

		assert_true(ms <= PREAUTH_MS);
		fake_send(client, one);
		shards_advance(fake.shards, 1000);
	}
	assert_int_equal(ms, PREAUTH_MS);
	assert_error(client, "connection-timeout");
	memory_client_free(&client);
	fake_stop();
}

static void the_handshake_counts_too(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = memory_connect(&(struct memory_options){ .has_starttls = true });
	fake_send(client, fake_header("example.org"));
	fake_send(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	fake_received(client);
	shards_advance(fake.shards, PREAUTH_MS);
	/* Nothing can be said in the middle of a handshake. */
	assert_int_equal(memory_client_received(client).len, 0);
	assert_true(memory_client_is_closed(client));
	memory_client_free(&client);
	fake_stop();
}

static void waiting_for_core_counts_too(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	fake_set("tls.required", "no", false);
	fake.keeps_lookups = true;
	client = plain_client();
	fake_send(client, fake_login_text("romeo", "secret"));
	shards_advance(fake.shards, PREAUTH_MS);
	assert_error(client, "connection-timeout");
	fake_answer_lookup();
	memory_client_free(&client);
	fake_stop();
}

static void a_flood_from_one_address(void **state)
{
	struct memory_client *clients[5];
	struct memory_client *other;

	(void)state;
	fake_start(2);
	fake_set("limits.preauth_per_address", "3", true);
	fake_set("tls.required", "no", false);
	for (int i = 0; i < 5; i++) {
		/* whichever shard accepts them */
		shard_enter(fake.shards->shards[i % 2]);
		clients[i] = from("\xC6\x33\x64\x05");
		assert_int_equal(memory_client_is_closed(clients[i]), i >= 3);
	}
	other = from("\xC6\x33\x64\x06");
	assert_false(memory_client_is_closed(other));
	memory_client_free(&other);
	memory_client_free(&clients[4]);
	/* One leaves, one logs in: two may come. */
	memory_client_free(&clients[0]);
	fake.home = 1;
	fake_login(clients[1], "romeo", "balcony");
	assert_int_equal(admission_count(), 1);
	for (int i = 0; i < 3; i++) {
		other = from("\xC6\x33\x64\x05");
		assert_int_equal(memory_client_is_closed(other), i == 2);
		if (i == 0)
			clients[0] = other;
		else if (i == 1)
			clients[4] = other;
		else
			memory_client_free(&other);
	}
	for (int i = 0; i < 5; i++)
		memory_client_free(&clients[i]);
	fake_stop();
}

static void a_flood_from_everywhere(void **state)
{
	struct memory_client *clients[100];
	unsigned served = 0;

	(void)state;
	fake_start(1);
	fake_set("limits.preauth_total", "50", true);
	for (unsigned i = 0; i < 100; i++) {
		char address[5] = { 10, 1, 1, (char)(i + 1), 0 };

		clients[i] = from(address);
		served += !memory_client_is_closed(clients[i]);
	}
	assert_int_equal(served, 50);
	assert_int_equal(stream_count(), 50);
	for (unsigned i = 0; i < 100; i++)
		memory_client_free(&clients[i]);
	fake_stop();
}

static const char *long_message(size_t bytes)
{
	int body_len = (int)(bytes - strlen("<message><body></body></message>"));

	return arena_printf(scratch(), "<message><body>%0*d</body></message>", body_len, 7).ptr;
}

static void elements_before_login(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	client = plain_client();
	fake_send(client, fake_header("example.org"));
	fake_received(client);
	fake_send(client, arena_printf(scratch(), "<auth " SASL ">%010000d", 7).ptr);
	assert_error(client, "policy-violation");
	memory_client_free(&client);
	/* The same for what has no end in sight, before the header even. */
	client = plain_client();
	fake_send(client, arena_printf(scratch(), "<stream:stream to='%010000d", 7).ptr);
	assert_error(client, "policy-violation");
	memory_client_free(&client);
	fake_stop();
}

static void stanzas_after_login(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	fake_start(1);
	fake_set("limits.stanza_bytes", "20000", false);
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	/* The limit is of the sealed element, with what was added to it. */
	fake_send(client, long_message(19900));
	assert_int_equal(session->count, 1);
	fake_send(client, long_message(20001));
	assert_int_equal(session->count, 1);
	assert_error(client, "policy-violation");
	memory_client_free(&client);
	fake_stop();
}

static void fill(struct fake_session *session, size_t bytes)
{
	for (size_t i = 0; i < bytes && session->stream; i += 1000) {
		assert_non_null(session->stream); /* ended() never comes from inside */
		stream_send_raw(session->stream, bytes_of(long_message(1000)));
	}
}

static void a_client_that_never_reads(void **state)
{
	struct memory_client *client;
	struct fake_session *session;
	size_t len;

	(void)state;
	fake_start(1);
	fake_set("limits.queue_bytes", "100000", false);
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	memory_client_stall(client, true);
	fill(session, 90000);
	fake_run();
	assert_non_null(session->stream);
	/* It reads at last: core hears that it may go on. */
	memory_client_stall(client, false);
	fake_run();
	assert_int_equal(session->drained, 1);
	fake_received(client);
	memory_client_stall(client, true);
	fill(session, 200000);
	len = memory_client_received(client).len;
	assert_in_range(len, 100000, 102000);
	fake_run();
	assert_null(session->stream);
	assert_int_equal(session->end, STREAM_END_ERROR);
	assert_error(client, "policy-violation");
	memory_client_free(&client);
	fake_stop();
}

/* Before it is bound a client may not make us queue either. */
static void questions_without_reading(void **state)
{
	struct memory_client *client;

	(void)state;
	fake_start(1);
	fake_set("tls.required", "no", false);
	client = plain_client();
	fake_send(client, fake_login_text("romeo", "secret"));
	memory_client_stall(client, true);
	for (int i = 0; i < 2000 && !memory_client_is_closed(client); i++)
		fake_send(client, "<iq type='get' id='1'><bind " BIND "/></iq>");
	assert_true(memory_client_is_closed(client));
	assert_in_range(memory_client_received(client).len, 60000, 70000);
	memory_client_free(&client);
	fake_stop();
}

static void note_done(void *context)
{
	*(bool *)context = true;
}

static void shutdown_tells_everybody(void **state)
{
	struct memory_client *early, *bound, *late;
	struct fake_session *session;
	bool is_done = false;

	(void)state;
	fake_start(1);
	early = plain_client();
	bound = plain_client();
	session = fake_login(bound, "romeo", "balcony");
	stream_drain(5000, note_done, &is_done);
	assert_int_equal(session->end, STREAM_END_REPLACED);
	assert_null(session->stream);
	late = plain_client();
	assert_true(memory_client_is_closed(late));
	assert_error(early, "system-shutdown");
	assert_error(bound, "system-shutdown");
	assert_false(is_done);
	shards_advance(fake.shards, 20);
	assert_true(is_done);
	memory_client_free(&early);
	memory_client_free(&bound);
	memory_client_free(&late);
	fake_stop();
}

/* A client that is on its way when its new home shuts down. */
static void shutdown_meets_a_mover(void **state)
{
	struct memory_client *client;
	bool is_done = false;

	(void)state;
	fake_start(2);
	fake_set("tls.required", "no", false);
	fake.home = 1;
	client = plain_client();
	memory_client_send(client, bytes_of(fake_login_text("romeo", "secret")));
	shard_enter(fake.shards->shards[1]);
	stream_drain(5000, note_done, &is_done);
	shard_enter(fake.shards->shards[0]);
	shard_turn(0);
	shard_turn(0);
	shard_turn(0);
	fake_run();
	assert_has(fake_received(client), "<system-shutdown ");
	assert_true(memory_client_is_closed(client));
	shards_advance(fake.shards, 6000);
	assert_true(is_done);
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_before_login),
		cmocka_unit_test(slow_loris),
		cmocka_unit_test(the_handshake_counts_too),
		cmocka_unit_test(waiting_for_core_counts_too),
		cmocka_unit_test(a_flood_from_one_address),
		cmocka_unit_test(a_flood_from_everywhere),
		cmocka_unit_test(elements_before_login),
		cmocka_unit_test(stanzas_after_login),
		cmocka_unit_test(a_client_that_never_reads),
		cmocka_unit_test(questions_without_reading),
		cmocka_unit_test(shutdown_tells_everybody),
		cmocka_unit_test(shutdown_meets_a_mover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
