/*
 * WebSocket (RFC 6455) for servers: the handshake behind an HTTP request, and frames. What to do
 * with messages, pings and ends is the caller's; nothing here holds a connection.
 *
 * 	websocket_accept(head, "xmpp", &out);		the answer, or a status to refuse with
 * 	kind = websocket_next(&reader, ptr, len, &frame);
 */
#ifndef IO_WEBSOCKET_H
#define IO_WEBSOCKET_H

#include "base/buf.h"
#include "io/http_scan.h"

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* Section 7.4.1. */
enum websocket_status {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_STATUS = 1005, /* never in a frame */
	WEBSOCKET_BAD_DATA = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_LARGE = 1009,
};

enum { WEBSOCKET_HEAD_MAX = 10, WEBSOCKET_CONTROL_MAX = 125 };

/*
 * Examines an opening handshake (section 4.2.1) that must offer the sub-protocol, and appends
 * the 101 answer with its head's end. 0, or the status to refuse with: 400, or 426 for another
 * version, with WEBSOCKET_VERSION_FIELD.
 */
unsigned websocket_accept(const struct http_head *head, const char *protocol, struct buf *out);
#define WEBSOCKET_VERSION_FIELD "Sec-WebSocket-Version: 13\r\n"

struct websocket_reader {
	size_t limit;	   /* bytes of a message; the caller's, may change between calls */
	struct buf joined; /* fragments of a message; without memory while there are none */
	uint8_t opcode;	   /* of that message; 0: none has begun */
};

/* A whole message, or a control frame. */
struct websocket_frame {
	enum websocket_opcode opcode; /* never CONTINUATION */
	struct bytes payload;	      /* in the window, or in the reader until its next call */
	uint16_t status;	      /* of CLOSE; WEBSOCKET_NO_STATUS if it has none */
	size_t used;		      /* bytes of the window that are done with */
};

void websocket_reader_init(struct websocket_reader *reader, size_t limit);
void websocket_reader_fini(struct websocket_reader *reader);
/*
 * Reads from the start of the window, which it unmasks in place. 1: *ret_frame has something; 0:
 * more must come, and ret_frame->used bytes (fragments) are done with; < 0: minus the close
 * status (enum websocket_status) to fail the connection with. A frame that is not masked, a
 * reserved bit, and text that is not UTF-8 are such failures.
 */
int websocket_next(struct websocket_reader *reader, char *ptr, size_t len,
		   struct websocket_frame *ret_frame);

/* Writes the head of an unfragmented, unmasked frame; returns its length. */
size_t websocket_write_head(enum websocket_opcode opcode, size_t len,
			    char out[WEBSOCKET_HEAD_MAX]);
/* A whole close frame; returns its length. */
size_t websocket_write_close(enum websocket_status status, char out[WEBSOCKET_HEAD_MAX]);

#endif
