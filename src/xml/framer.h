/*
 * The framer cuts a byte stream into top-level elements without parsing them: it counts depth,
 * skips quoted values and CDATA, and refuses what XMPP forbids as soon as it is seen. It checks
 * no names: the parser is the authority. It holds no buffer and no pointer; it is embedded in
 * each stream, may stop at any byte and never looks at a byte twice (but for the few after a
 * '<' at the end of the window).
 *
 * 	framer_init(&f, 10000, 128);
 * 	while ((kind = framer_next(&f, window, &frame)) > FRAME_MORE)
 * 		... window.ptr + frame.offset, frame.len; then cut frame.offset + frame.len
 * 		    bytes off the front of the window ...
 *
 * The window always starts at the first byte that no frame has taken yet, and only grows until
 * a frame comes. Frames over WebSocket (RFC 7395: a message is an element) go to the parser
 * directly. States:
 *
 * 	      .--------- '<' name ----------.         '"' or '\''
 * 	      v                             |         .--------.
 * 	    TAG <---------------------- CONTENT     QUOTE <-> TAG
 * 	     | '>'   depth + 1              ^ | '<![CDATA['  .-> CDATA -']]>'.
 * 	     '--------------> CONTENT       | |---------------'              |
 * 	    END <-- '</' -- CONTENT         | '<--------------------------- -'
 * 	     | '>'   depth - 1; at 0 a frame is complete
 * 	    DECLARATION: '<?xml ... ?>', only as the first thing of a stream
 */
#ifndef XML_FRAMER_H
#define XML_FRAMER_H

#include "base/bytes.h"
#include "xml/fault.h"

enum frame_kind {
	FRAME_MORE = 0, /* nothing complete: call again when the window has grown */
	FRAME_OPEN,	/* stream header, with the XML declaration if there was one */
	FRAME_STANZA,	/* one complete top-level element */
	FRAME_CLOSE,	/* an end tag at the top: see parse_stream_close() */
	FRAME_SPACE,	/* white space between elements: a keepalive */
	/* Errors: the framer stays in error until framer_reset(). */
	FRAME_TOO_LARGE = -1,
	FRAME_TOO_DEEP = -2,
	FRAME_RESTRICTED = -3,	    /* comment, PI, DTD, CDATA outside an element */
	FRAME_NOT_WELL_FORMED = -4, /* '<' in a tag, "<1", "<!x", ... */
	FRAME_BAD_FORMAT = -5,	    /* text between elements */
};

/* Where the frame stands in the window; consume offset + len bytes. */
struct frame {
	size_t offset;
	size_t len;
};

struct framer {
	uint32_t scanned;   /* bytes of the window already looked at */
	uint32_t max_bytes; /* of one frame */
	uint16_t depth;	    /* elements open, without the stream itself */
	uint16_t max_depth;
	int8_t error; /* FRAME_MORE, or the error that stays */
	uint8_t state;
	char quote;   /* in a quoted value: the mark that ends it */
	bool is_open; /* the stream header has been seen */
};

/* Expects a stream header. max_bytes up to 2^31, max_depth up to 2^15. */
void framer_init(struct framer *framer, uint32_t max_bytes, uint16_t max_depth);
/* A new stream on the same connection (after SASL, STARTTLS): expects a header; limits stay. */
void framer_reset(struct framer *framer);
/* May be called at any time, also while a frame is incomplete. */
void framer_set_limits(struct framer *framer, uint32_t max_bytes, uint16_t max_depth);
/* Fills *ret_frame when the result is > FRAME_MORE. Returns an enum frame_kind. */
int framer_next(struct framer *framer, struct bytes window, struct frame *ret_frame);
/* The stream error for a negative frame kind. */
enum xml_fault framer_fault(int kind);

#endif
