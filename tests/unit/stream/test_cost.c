/* What an idle client costs, and what a message may allocate. */
#include "unit.h"

#include "base/block.h"
#include "stream/inside.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

/* Nothing of the negotiation stays with a bound stream. */
static void an_idle_stream(void **state)
{
	struct memory_client *client;
	struct fake_session *session;

	(void)state;
	fake_start(1);
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	assert_null(session->stream->login);
	assert_null(session->stream->facts);
	assert_true(sizeof(struct stream) <= 128);
	memory_client_free(&client);
	fake_stop();
}

/* The steady path takes blocks from the free lists only. */
static void a_message_allocates_nothing_new(void **state)
{
	struct bytes message = BYTES_LIT("<message to='juliet@example.org' type='chat'>"
					 "<body>hi</body></message>");
	struct memory_client *client;
	struct fake_session *session;
	uint64_t misses = 0;

	(void)state;
	fake_start(1);
	client = plain_client();
	session = fake_login(client, "romeo", "balcony");
	fake.is_quiet = true;
	for (int i = 0; i < 1100; i++) {
		if (i == 100)
			misses = block_misses();
		assert_int_equal(stream_on_bytes(session->stream, message), message.len);
	}
	assert_int_equal(session->count, 1100);
#ifndef IS_SANITIZED
	assert_int_equal(block_misses() - misses, 0);
#endif
	(void)misses;
	memory_client_free(&client);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_stream),
		cmocka_unit_test(a_message_allocates_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
