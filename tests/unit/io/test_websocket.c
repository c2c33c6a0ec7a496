/* WebSocket: the examples of RFC 6455, and what must fail with which status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "io/websocket.h"

static struct websocket_reader reader;

static int set_up(void **state)
{
	(void)state;
	websocket_reader_init(&reader, 70000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	websocket_reader_fini(&reader);
	scratch_fini();
	return 0;
}

/* --- frames: a small client --------------------------------------------------------------- */

static void put_frame(struct buf *out, int first, struct bytes payload)
{
	static const char mask[4] = { 0x37, (char)0xfa, 0x21, 0x3d };
	char head[WEBSOCKET_HEAD_MAX];
	size_t len = websocket_write_head(WEBSOCKET_TEXT, payload.len, head);

	head[0] = (char)first;
	head[1] = (char)(head[1] | 0x80);
	buf_append(out, bytes_make(head, len));
	buf_append(out, bytes_make(mask, 4));
	for (size_t i = 0; i < payload.len; i++)
		buf_append_byte(out, (char)(payload.ptr[i] ^ mask[i % 4]));
}

static int next(struct buf *in, struct websocket_frame *frame)
{
	return websocket_next(&reader, in->ptr, in->len, frame);
}

static void assert_frame(const struct websocket_frame *frame, int opcode, const char *text)
{
	assert_int_equal(frame->opcode, opcode);
	assert_int_equal(frame->payload.len, strlen(text));
	assert_memory_equal(frame->payload.ptr, text, strlen(text));
}

/* Section 5.7. */
static void the_examples(void **state)
{
	char hello[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	char pong[] = "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	char unmasked[] = "\x81\x05Hello";
	char head[WEBSOCKET_HEAD_MAX];
	struct websocket_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(hello) - 1; i++) {
		assert_int_equal(websocket_next(&reader, hello, i, &frame), 0);
		assert_int_equal(frame.used, 0);
	}
	assert_int_equal(websocket_next(&reader, hello, sizeof(hello) - 1, &frame), 1);
	assert_frame(&frame, WEBSOCKET_TEXT, "Hello");
	assert_int_equal(frame.used, sizeof(hello) - 1);
	assert_int_equal(websocket_next(&reader, pong, sizeof(pong) - 1, &frame), 1);
	assert_frame(&frame, WEBSOCKET_PONG, "Hello");
	assert_int_equal(websocket_next(&reader, unmasked, sizeof(unmasked) - 1, &frame),
			 -WEBSOCKET_PROTOCOL_ERROR);
	assert_int_equal(websocket_write_head(WEBSOCKET_TEXT, 5, head), 2);
	assert_memory_equal(head, "\x81\x05", 2);
	assert_int_equal(websocket_write_head(WEBSOCKET_BINARY, 256, head), 4);
	assert_memory_equal(head, "\x82\x7e\x01\x00", 4);
	assert_int_equal(websocket_write_head(WEBSOCKET_BINARY, 65536, head), 10);
	assert_memory_equal(head, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
	assert_int_equal(websocket_write_close(WEBSOCKET_NORMAL, head), 4);
	assert_memory_equal(head, "\x88\x02\x03\xe8", 4);
}

static void lengths_of_all_forms(void **state)
{
	static const size_t lengths[] = { 0, 1, 7, 8, 125, 126, 127, 65535, 65536, 70000 };
	static char text[70000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < array_len(lengths); i++) {
		struct websocket_frame frame;
		struct buf in;

		buf_init(&in, 0);
		put_frame(&in, 0x81, bytes_make(text, lengths[i]));
		assert_int_equal(websocket_next(&reader, in.ptr, in.len - 1, &frame), 0);
		assert_int_equal(next(&in, &frame), 1);
		assert_int_equal(frame.payload.len, lengths[i]);
		assert_memory_equal(frame.payload.ptr, text, lengths[i]);
		buf_fini(&in);
	}
}

static void fragments_are_joined(void **state)
{
	struct websocket_frame frame;
	struct buf in;

	(void)state;
	buf_init(&in, 0);
	put_frame(&in, 0x01, BYTES_LIT("\xe4\xb8"));
	put_frame(&in, 0x89, BYTES_LIT("there?"));
	put_frame(&in, 0x00, BYTES_LIT(""));
	put_frame(&in, 0x80, BYTES_LIT("\xad!"));
	put_frame(&in, 0x82, BYTES_LIT("\xff"));
	assert_int_equal(next(&in, &frame), 1);
	assert_frame(&frame, WEBSOCKET_PING, "there?");
	buf_consume(&in, frame.used);
	assert_int_equal(next(&in, &frame), 1);
	assert_frame(&frame, WEBSOCKET_TEXT, "\xe4\xb8\xad!");
	buf_consume(&in, frame.used);
	assert_int_equal(next(&in, &frame), 1);
	assert_frame(&frame, WEBSOCKET_BINARY, "\xff");
	assert_null(reader.joined.ptr);
	buf_fini(&in);
}

static void what_fails(void **state)
{
	static const struct {
		int first;
		struct bytes payload;
		int status;
	} cases[] = {
		{ 0xc1, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR }, /* reserved bits */
		{ 0xa1, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x91, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x83, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR }, /* reserved opcodes */
		{ 0x87, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x8b, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x8f, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x09, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR }, /* a fragment of control */
		{ 0x80, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR }, /* nothing to continue */
		{ 0x00, BYTES_LIT("x"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x88, BYTES_LIT("\x03"), WEBSOCKET_PROTOCOL_ERROR },
		{ 0x88, BYTES_LIT("\x03\xe7"), WEBSOCKET_PROTOCOL_ERROR }, /* 999 */
		{ 0x88, BYTES_LIT("\x03\xec"), WEBSOCKET_PROTOCOL_ERROR }, /* 1004 */
		{ 0x88, BYTES_LIT("\x03\xed"), WEBSOCKET_PROTOCOL_ERROR }, /* 1005 */
		{ 0x88, BYTES_LIT("\x03\xee"), WEBSOCKET_PROTOCOL_ERROR }, /* 1006 */
		{ 0x88, BYTES_LIT("\x03\xf7"), WEBSOCKET_PROTOCOL_ERROR }, /* 1015 */
		{ 0x88, BYTES_LIT("\x13\x88"), WEBSOCKET_PROTOCOL_ERROR }, /* 5000 */
		{ 0x88, BYTES_LIT("\x03\xe8\xff"), WEBSOCKET_BAD_DATA },
		{ 0x81, BYTES_LIT("\xff"), WEBSOCKET_BAD_DATA },
		{ 0x81, BYTES_LIT("\xed\xa0\x80"), WEBSOCKET_BAD_DATA },
		{ 0x81, BYTES_LIT("\xe4\xb8"), WEBSOCKET_BAD_DATA },
	};

	(void)state;
	for (size_t i = 0; i < array_len(cases); i++) {
		struct websocket_frame frame;
		struct buf in;
		int kind;

		buf_init(&in, 0);
		put_frame(&in, cases[i].first, cases[i].payload);
		kind = next(&in, &frame);
		if (kind != -cases[i].status)
			fail_msg("%zu: %d, not %d", i, kind, -cases[i].status);
		buf_fini(&in);
	}
}

static void heads_that_fail(void **state)
{
	static const struct {
		struct bytes head;
		int status;
	} cases[] = {
		{ BYTES_LIT("\x81\xfe\x00\x7d...."),
		  WEBSOCKET_PROTOCOL_ERROR }, /* not shortest */
		{ BYTES_LIT("\x81\xff\0\0\0\0\0\0\xff\xff...."), WEBSOCKET_PROTOCOL_ERROR },
		{ BYTES_LIT("\x81\xff\x80\0\0\0\0\0\0\0...."), WEBSOCKET_PROTOCOL_ERROR },
		{ BYTES_LIT("\x89\xfe"), WEBSOCKET_PROTOCOL_ERROR }, /* a long ping */
		{ BYTES_LIT("\x81\x7f"), WEBSOCKET_PROTOCOL_ERROR }, /* not masked */
		{ BYTES_LIT("\x81\xff\0\0\0\0\0\x01\x11\x71"), WEBSOCKET_TOO_LARGE },
		{ BYTES_LIT("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), WEBSOCKET_TOO_LARGE },
	};

	(void)state;
	for (size_t i = 0; i < array_len(cases); i++) {
		struct websocket_frame frame;
		char *copy = arena_cstr(scratch(), cases[i].head);
		int kind = websocket_next(&reader, copy, cases[i].head.len, &frame);

		if (kind != -cases[i].status)
			fail_msg("%zu: %d, not %d", i, kind, -cases[i].status);
	}
}

static void fragments_are_limited_together(void **state)
{
	struct websocket_frame frame;
	struct buf in;

	(void)state;
	reader.limit = 10;
	buf_init(&in, 0);
	put_frame(&in, 0x01, BYTES_LIT("12345"));
	put_frame(&in, 0x80, BYTES_LIT("67890"));
	assert_int_equal(next(&in, &frame), 1);
	assert_frame(&frame, WEBSOCKET_TEXT, "1234567890");
	buf_reset(&in);
	put_frame(&in, 0x01, BYTES_LIT("12345"));
	put_frame(&in, 0x01, BYTES_LIT("again"));
	assert_int_equal(next(&in, &frame), -WEBSOCKET_PROTOCOL_ERROR);
	websocket_reader_fini(&reader);
	websocket_reader_init(&reader, 10);
	buf_reset(&in);
	put_frame(&in, 0x01, BYTES_LIT("12345"));
	put_frame(&in, 0x80, BYTES_LIT("678901"));
	assert_int_equal(next(&in, &frame), -WEBSOCKET_TOO_LARGE);
	buf_fini(&in);
}

static void ends_have_their_status(void **state)
{
	struct websocket_frame frame;
	struct buf in;

	(void)state;
	buf_init(&in, 0);
	put_frame(&in, 0x88,
		  BYTES_LIT("\x03\xe9"
			    "bye"));
	assert_int_equal(next(&in, &frame), 1);
	assert_frame(&frame, WEBSOCKET_CLOSE, "bye");
	assert_int_equal(frame.status, WEBSOCKET_GOING_AWAY);
	buf_reset(&in);
	put_frame(&in, 0x88, BYTES_LIT(""));
	assert_int_equal(next(&in, &frame), 1);
	assert_int_equal(frame.status, WEBSOCKET_NO_STATUS);
	buf_fini(&in);
}

/* --- the handshake ------------------------------------------------------------------------- */

#define GET "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: chat, superchat\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static unsigned shake(const char *text, const char *protocol, struct buf *out)
{
	struct http_head head;
	size_t searched = 0;

	assert_true(http_scan_head(bytes_of(text), &searched, &head) > 0);
	return websocket_accept(&head, protocol, out);
}

/* Section 1.3. */
static void the_handshake(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
		{ GET UPGRADE KEY PROTOCOL VERSION "\r\n", 0 },
		{ GET "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" KEY PROTOCOL
			  VERSION "\r\n",
		  0 },
		{ GET "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY PROTOCOL VERSION "\r\n",
		  400 },
		{ GET "Upgrade: websocket\r\n" KEY PROTOCOL VERSION "\r\n", 400 },
		{ GET UPGRADE PROTOCOL VERSION "\r\n", 400 },
		{ GET UPGRADE "Sec-WebSocket-Key: short\r\n" PROTOCOL VERSION "\r\n", 400 },
		{ GET UPGRADE KEY KEY PROTOCOL VERSION "\r\n", 400 },
		{ GET UPGRADE KEY VERSION "\r\n", 400 },
		{ GET UPGRADE KEY "Sec-WebSocket-Protocol: xmpp\r\n" VERSION "\r\n", 400 },
		{ GET UPGRADE KEY PROTOCOL "\r\n", 426 },
		{ GET UPGRADE KEY PROTOCOL "Sec-WebSocket-Version: 8\r\n\r\n", 426 },
		{ "GET / HTTP/1.0\r\n" UPGRADE KEY PROTOCOL VERSION "\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY PROTOCOL VERSION "\r\n", 400 },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < array_len(cases); i++) {
		unsigned status = shake(cases[i].text, "chat", &out);

		if (status != cases[i].status)
			fail_msg("%zu: %u", i, status);
		if (i > 0)
			continue;
		assert_true(
			bytes_is(buf_bytes(&out),
				 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				 "Connection: Upgrade\r\n"
				 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				 "Sec-WebSocket-Protocol: chat\r\n\r\n"));
	}
	buf_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_examples),	      TEST(lengths_of_all_forms),
		TEST(fragments_are_joined),   TEST(what_fails),
		TEST(heads_that_fail),	      TEST(fragments_are_limited_together),
		TEST(ends_have_their_status), TEST(the_handshake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
