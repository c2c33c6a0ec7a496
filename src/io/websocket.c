#include "io/websocket.h"

#include <openssl/sha.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/utf8.h"

/* --- the handshake (section 4.2) ----------------------------------------------------------- */

enum { KEY_TEXT_BYTES = 24, VERSION_OTHER = 426, BAD_REQUEST = 400 };

static struct bytes accept_value(struct bytes key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t digest[SHA_DIGEST_LENGTH];
	struct bytes text = arena_printf(scratch(), "%.*s%s", BYTES_ARG(key), guid);

	SHA1((const uint8_t *)text.ptr, text.len, digest);
	return base64_encode(scratch(), bytes_make(digest, sizeof(digest)));
}

/* 16 bytes in base64. */
static bool is_key(struct bytes key)
{
	struct bytes raw;

	return key.len == KEY_TEXT_BYTES && base64_decode(scratch(), key, &raw) == 0 &&
	       raw.len == 16;
}

unsigned websocket_accept(const struct http_head *head, const char *protocol, struct buf *out)
{
	struct bytes key = http_field(head, "Sec-WebSocket-Key");
	struct bytes version = http_field(head, "Sec-WebSocket-Version");

	if (head->method != HTTP_GET || head->minor == 0 || head->is_chunked ||
	    head->length > 0 || !http_has_token(head, "Connection", "Upgrade") ||
	    !http_has_token(head, "Upgrade", "websocket"))
		return BAD_REQUEST;
	if (!bytes_is(version, "13"))
		return VERSION_OTHER;
	if (http_field_count(head, "Sec-WebSocket-Key") != 1 || !is_key(key) ||
	    !http_has_token(head, "Sec-WebSocket-Protocol", protocol))
		return BAD_REQUEST;
	buf_printf(out,
		   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n"
		   "Sec-WebSocket-Protocol: %s\r\n\r\n",
		   BYTES_ARG(accept_value(key)), protocol);
	return 0;
}

/* --- reading (section 5) ------------------------------------------------------------------- */

enum {
	FIN = 0x80,
	RESERVED = 0x70,
	OPCODE = 0x0f,
	MASKED = 0x80,
	LENGTH = 0x7f,
	MASK_BYTES = 4
};

/* One frame's head. */
struct frame_head {
	bool is_final;
	uint8_t opcode;
	uint64_t len;
	size_t head_len; /* with the mask */
};

void websocket_reader_init(struct websocket_reader *reader, size_t limit)
{
	*reader = (struct websocket_reader){ .limit = limit };
	buf_init(&reader->joined, 0);
}

void websocket_reader_fini(struct websocket_reader *reader)
{
	buf_fini(&reader->joined);
}

static bool is_control(uint8_t opcode)
{
	return opcode & 8;
}

/* Big endian. */
static uint64_t read_number(const char *ptr, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | (uint8_t)ptr[i];
	return number;
}

/* What the first two bytes say can be refused before the rest comes. */
static int examine(const struct websocket_reader *reader, uint8_t first, uint8_t second)
{
	uint8_t opcode = first & OPCODE;

	if ((first & RESERVED) || !(second & MASKED)) /* sections 5.2, 5.1 */
		return -WEBSOCKET_PROTOCOL_ERROR;
	if (is_control(opcode)) {
		if (opcode > WEBSOCKET_PONG || !(first & FIN) ||
		    (second & LENGTH) > WEBSOCKET_CONTROL_MAX)
			return -WEBSOCKET_PROTOCOL_ERROR;
		return 0;
	}
	if (opcode > WEBSOCKET_BINARY ||
	    (opcode == WEBSOCKET_CONTINUATION) != (reader->opcode != 0))
		return -WEBSOCKET_PROTOCOL_ERROR;
	return 0;
}

/* 1, 0 for more to come, or minus a status. The shortest form of a length is asked for. */
static int read_head(const struct websocket_reader *reader, const char *ptr, size_t len,
		     struct frame_head *head)
{
	size_t more;
	uint8_t code;

	if (len < 2)
		return 0;
	if (examine(reader, (uint8_t)ptr[0], (uint8_t)ptr[1]) < 0)
		return -WEBSOCKET_PROTOCOL_ERROR;
	code = (uint8_t)ptr[1] & LENGTH;
	more = code == 126 ? 2 : code == 127 ? 8 : 0;
	if (len < 2 + more)
		return 0;
	head->is_final = (uint8_t)ptr[0] & FIN;
	head->opcode = (uint8_t)ptr[0] & OPCODE;
	head->len = more > 0 ? read_number(ptr + 2, more) : code;
	head->head_len = 2 + more + MASK_BYTES;
	if ((code == 126 && head->len < 126) || (code == 127 && head->len <= UINT16_MAX) ||
	    head->len > INT64_MAX)
		return -WEBSOCKET_PROTOCOL_ERROR;
	if (!is_control(head->opcode) &&
	    (head->len > reader->limit || reader->joined.len + head->len > reader->limit))
		return -WEBSOCKET_TOO_LARGE;
	return len >= head->head_len;
}

/* Section 5.3; eight bytes at a time. */
static void unmask(char *ptr, size_t len, const char mask[MASK_BYTES])
{
	uint64_t wide, word;
	size_t i = 0;

	memcpy(&wide, mask, MASK_BYTES);
	memcpy((char *)&wide + MASK_BYTES, mask, MASK_BYTES);
	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, ptr + i, sizeof(word));
		word ^= wide;
		memcpy(ptr + i, &word, sizeof(word));
	}
	for (; i < len; i++)
		ptr[i] ^= mask[i % MASK_BYTES];
}

/* Section 7.4: codes that may stand in a frame. */
static bool is_status_fine(uint64_t status)
{
	if (status >= 3000 && status < 5000)
		return true;
	return status >= 1000 && status < 1015 && status != 1004 && status != 1005 &&
	       status != 1006;
}

static int take_control(const struct frame_head *head, struct bytes payload,
			struct websocket_frame *frame)
{
	frame->opcode = (enum websocket_opcode)head->opcode;
	frame->payload = payload;
	frame->status = WEBSOCKET_NO_STATUS;
	if (head->opcode != WEBSOCKET_CLOSE || payload.len == 0)
		return 1;
	if (payload.len < 2 || !is_status_fine(read_number(payload.ptr, 2)))
		return -WEBSOCKET_PROTOCOL_ERROR;
	frame->status = (uint16_t)read_number(payload.ptr, 2);
	frame->payload = bytes_skip(payload, 2);
	return utf8_is_valid(frame->payload) ? 1 : -WEBSOCKET_BAD_DATA;
}

/* A data frame: the message if it is complete. */
static int take_data(struct websocket_reader *reader, const struct frame_head *head,
		     struct bytes payload, struct websocket_frame *frame)
{
	bool is_whole = head->is_final && head->opcode != WEBSOCKET_CONTINUATION;

	if (head->opcode != WEBSOCKET_CONTINUATION)
		reader->opcode = head->opcode;
	if (!is_whole) {
		buf_append(&reader->joined, payload);
		if (!head->is_final)
			return 0;
		payload = reader->joined.len > 0 ? buf_bytes(&reader->joined) : BYTES_LIT("");
	}
	frame->opcode = (enum websocket_opcode)reader->opcode;
	frame->payload = payload;
	reader->opcode = 0;
	if (frame->opcode == WEBSOCKET_TEXT && !utf8_is_valid(payload))
		return -WEBSOCKET_BAD_DATA;
	return 1;
}

int websocket_next(struct websocket_reader *reader, char *ptr, size_t len,
		   struct websocket_frame *ret_frame)
{
	size_t used = 0;
	int kind = 0;

	if (reader->opcode == 0 && reader->joined.capacity > 0) {
		buf_fini(&reader->joined); /* was presented by the last call */
		buf_init(&reader->joined, 0);
	}
	while (kind == 0) {
		struct frame_head head;
		char *payload;

		kind = read_head(reader, ptr + used, len - used, &head);
		if (kind <= 0)
			break;
		if (len - used - head.head_len < head.len) {
			kind = 0;
			break;
		}
		payload = ptr + used + head.head_len;
		unmask(payload, (size_t)head.len, payload - MASK_BYTES);
		used += head.head_len + (size_t)head.len;
		kind = is_control(head.opcode)
			       ? take_control(&head, bytes_make(payload, (size_t)head.len),
					      ret_frame)
			       : take_data(reader, &head, bytes_make(payload, (size_t)head.len),
					   ret_frame);
	}
	ret_frame->used = used;
	return kind;
}

/* --- writing ------------------------------------------------------------------------------- */

static void write_number(char *out, uint64_t number, size_t len)
{
	for (size_t i = len; i-- > 0; number >>= 8)
		out[i] = (char)(number & 0xff);
}

size_t websocket_write_head(enum websocket_opcode opcode, size_t len,
			    char out[WEBSOCKET_HEAD_MAX])
{
	out[0] = (char)(FIN | opcode);
	if (len < 126) {
		out[1] = (char)len;
		return 2;
	}
	if (len <= UINT16_MAX) {
		out[1] = 126;
		write_number(out + 2, len, 2);
		return 4;
	}
	out[1] = 127;
	write_number(out + 2, len, 8);
	return 10;
}

size_t websocket_write_close(enum websocket_status status, char out[WEBSOCKET_HEAD_MAX])
{
	size_t len = websocket_write_head(WEBSOCKET_CLOSE, 2, out);

	check(is_status_fine(status));
	write_number(out + len, status, 2);
	return len + 2;
}
