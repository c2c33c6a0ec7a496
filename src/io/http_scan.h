/*
 * The scanner of HTTP/1.x requests (RFC 9112): heads and chunked bodies, in a window of bytes
 * that its caller owns. It is stricter than the RFC asks: whatever two programs could read in
 * two ways is refused, so that no request can hide in another (section 11.2).
 *
 * 	len = http_scan_head(window, &searched, &head);
 *
 * Pure functions: no state but the caller's, any thread.
 */
#ifndef IO_HTTP_SCAN_H
#define IO_HTTP_SCAN_H

#include <sys/types.h>

#include "base/arena.h"

enum {
	HTTP_HEAD_MAX = 16384, /* bytes of a request line and all fields */
	HTTP_TARGET_MAX = 8000,
	HTTP_FIELDS_MAX = 64,
	HTTP_CHUNK_LINE_MAX = 256,
	HTTP_TRAILER_MAX = 4096,
};

/* Bits, so that a route can name several. */
enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PUT = 8,
	HTTP_DELETE = 16,
	HTTP_OPTIONS = 32,
	HTTP_PATCH = 64,
};

struct http_field {
	struct bytes name;
	struct bytes value; /* without white space around it */
};

/* Slices of the window. */
struct http_head {
	enum http_method method;
	struct bytes path;  /* begins with '/', still percent-encoded; "*" for OPTIONS * */
	struct bytes query; /* behind '?'; BYTES_NONE if there is none */
	struct bytes host;  /* "example.org:5280"; "" if an HTTP/1.0 request names none */
	uint8_t minor;	    /* HTTP/1.0 or 1.1 */
	bool is_chunked;
	bool has_length;
	uint64_t length; /* Content-Length; 0 without one */
	bool keeps_alive;
	bool expects_continue;
	size_t field_count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/*
 * Reads a head from the start of the window. > 0: its length, and *ret_head is filled; 0: not
 * all of it has come; < 0: minus the status to refuse it with. *searched keeps, between calls
 * with a growing window, what was looked at; 0 for a new head.
 */
ssize_t http_scan_head(struct bytes window, size_t *searched, struct http_head *ret_head);

/* The value of the first field of this name (ASCII case ignored); BYTES_NONE if absent. */
struct bytes http_field(const struct http_head *head, const char *name);
size_t http_field_count(const struct http_head *head, const char *name);
/* True if a comma-separated list, over all fields of this name, has the token (case ignored). */
bool http_has_token(const struct http_head *head, const char *name, const char *token);

/*
 * The path without percent-encoding, in the arena. False: refuse it with 400. What remains
 * begins with '/', is UTF-8, and has no segment that is empty (but the last), "." or "..", no
 * encoded slash, no backslash and no control character, so that it never leaves a root.
 */
bool http_path_decode(struct bytes path, struct arena *arena, struct bytes *ret_path);

/* A chunked body (section 7.1); zeroed at its beginning. */
struct http_chunks {
	uint64_t left; /* of the chunk in hand */
	uint16_t trailer_bytes;
	uint8_t state;
};

/*
 * Consumes framing and at most one piece of data from the start of the window; returns how many
 * bytes (0: more is needed) or minus a status. *ret_data: the piece, perhaps empty. When
 * http_chunks_is_done() it consumed the end of the body and nothing behind it.
 */
ssize_t http_chunks_next(struct http_chunks *chunks, struct bytes window,
			 struct bytes *ret_data);
bool http_chunks_is_done(const struct http_chunks *chunks);

#endif
