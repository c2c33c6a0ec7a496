#include "io/http_scan.h"

#include "base/utf8.h"

enum {
	BAD_REQUEST = -400,
	URI_TOO_LONG = -414,
	FIELDS_TOO_LARGE = -431,
	NOT_IMPLEMENTED = -501,
	VERSION_NOT_SUPPORTED = -505,
};

/* --- characters --------------------------------------------------------------------------- */

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* RFC 9110 section 5.6.2. */
static bool is_token_char(unsigned char c)
{
	return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 3986, without '#', which no request has; brackets only stand in hosts. */
static bool is_target_char(unsigned char c)
{
	return is_alnum(c) || (c != 0 && strchr("-._~!$&'()*+,;=:@/?%", c) != NULL);
}

/* Of a host and port; user information is refused. */
static bool is_host_char(unsigned char c)
{
	return is_alnum(c) || (c != 0 && strchr("-._:[]", c) != NULL);
}

static bool is_value_char(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool has_only(struct bytes b, bool (*is_fine)(unsigned char))
{
	for (size_t i = 0; i < b.len; i++)
		if (!is_fine((unsigned char)b.ptr[i]))
			return false;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* --- the request line ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },	 { "HEAD", HTTP_HEAD },	    { "POST", HTTP_POST },
	{ "PUT", HTTP_PUT },	 { "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS },
	{ "PATCH", HTTP_PATCH },
};

static int read_method(struct bytes text, struct http_head *head)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!bytes_is(text, methods[i].name))
			continue;
		head->method = methods[i].method;
		return 0;
	}
	return text.len > 0 && has_only(text, is_token_char) ? NOT_IMPLEMENTED : BAD_REQUEST;
}

static int read_version(struct bytes text, struct http_head *head)
{
	if (text.len != 8 || !bytes_has_prefix(text, BYTES_LIT("HTTP/")) || text.ptr[6] != '.')
		return BAD_REQUEST;
	if (text.ptr[5] != '1' || text.ptr[7] < '0' || text.ptr[7] > '1')
		return VERSION_NOT_SUPPORTED;
	head->minor = (uint8_t)(text.ptr[7] - '0');
	return 0;
}

/* http://host/path: the host is kept, to be compared with the field (RFC 9112 3.2.2). */
static struct bytes cut_authority(struct bytes *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < 2; i++) {
		struct bytes rest = *target, authority;
		ptrdiff_t slash;

		if (!bytes_has_prefix(rest, bytes_of(schemes[i])))
			continue;
		rest = bytes_skip(rest, strlen(schemes[i]));
		slash = bytes_find_byte(rest, '/');
		if (slash <= 0)
			return BYTES_NONE;
		authority = bytes_first(rest, (size_t)slash);
		*target = bytes_skip(rest, (size_t)slash);
		return authority;
	}
	return BYTES_NONE;
}

static int read_target(struct bytes target, struct http_head *head)
{
	if (target.len > HTTP_TARGET_MAX)
		return URI_TOO_LONG;
	head->host = cut_authority(&target);
	head->query = target;
	head->path = bytes_cut(&head->query, '?');
	if (bytes_is(target, "*") && head->method == HTTP_OPTIONS)
		return 0;
	if (head->path.len == 0 || head->path.ptr[0] != '/' ||
	    !has_only(target, is_target_char))
		return BAD_REQUEST;
	return 0;
}

static int read_request_line(struct bytes line, struct http_head *head)
{
	struct bytes method = bytes_cut(&line, ' ');
	struct bytes target = bytes_cut(&line, ' ');
	int status = read_version(line, head);

	if (status == 0)
		status = read_method(method, head);
	return status == 0 ? read_target(target, head) : status;
}

/* --- fields -------------------------------------------------------------------------------- */

static int read_field(struct bytes line, struct http_head *head)
{
	struct bytes value = line;
	struct bytes name = bytes_cut(&value, ':');

	if (head->field_count == HTTP_FIELDS_MAX)
		return FIELDS_TOO_LARGE;
	/* Refuses folded lines and white space before the colon too (RFC 9112 5.1, 5.2). */
	if (bytes_is_none(value) || name.len == 0 || !has_only(name, is_token_char) ||
	    !has_only(value, is_value_char))
		return BAD_REQUEST;
	head->fields[head->field_count++] = (struct http_field){ name, bytes_trim(value) };
	return 0;
}

size_t http_field_count(const struct http_head *head, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < head->field_count; i++)
		count += bytes_equal_nocase(head->fields[i].name, bytes_of(name));
	return count;
}

struct bytes http_field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->field_count; i++)
		if (bytes_equal_nocase(head->fields[i].name, bytes_of(name)))
			return head->fields[i].value;
	return BYTES_NONE;
}

static bool list_has(struct bytes list, const char *token)
{
	while (!bytes_is_none(list))
		if (bytes_equal_nocase(bytes_trim(bytes_cut(&list, ',')), bytes_of(token)))
			return true;
	return false;
}

bool http_has_token(const struct http_head *head, const char *name, const char *token)
{
	for (size_t i = 0; i < head->field_count; i++)
		if (bytes_equal_nocase(head->fields[i].name, bytes_of(name)) &&
		    list_has(head->fields[i].value, token))
			return true;
	return false;
}

/* --- what the fields mean ------------------------------------------------------------------ */

/* Section 3.2: exactly one in HTTP/1.1, and none that differs from the request line's. */
static int examine_host(struct http_head *head)
{
	size_t count = http_field_count(head, "Host");
	struct bytes host = http_field(head, "Host");

	if (count > 1 || (count == 0 && head->minor > 0))
		return BAD_REQUEST;
	if (!bytes_is_none(head->host) && !bytes_equal_nocase(host, head->host))
		return BAD_REQUEST;
	if (!has_only(host, is_host_char) || (host.len == 0 && head->minor > 0))
		return BAD_REQUEST;
	head->host = bytes_is_none(host) ? BYTES_LIT("") : host;
	return 0;
}

/* Section 6: one way to say how long the body is, or none. */
static int examine_framing(struct http_head *head)
{
	size_t codings = http_field_count(head, "Transfer-Encoding");
	size_t lengths = http_field_count(head, "Content-Length");
	struct bytes length = http_field(head, "Content-Length");

	if (codings + lengths > 1 || (codings > 0 && head->minor == 0))
		return BAD_REQUEST;
	if (lengths == 1) {
		head->has_length = true;
		if (bytes_to_u64(length, &head->length) < 0 || head->length > INT64_MAX)
			return BAD_REQUEST;
	}
	if (codings == 1) {
		head->is_chunked = bytes_equal_nocase(http_field(head, "Transfer-Encoding"),
						      BYTES_LIT("chunked"));
		if (!head->is_chunked)
			return NOT_IMPLEMENTED;
	}
	return 0;
}

static int examine(struct http_head *head)
{
	int status = examine_host(head);

	if (status == 0)
		status = examine_framing(head);
	head->keeps_alive = head->minor > 0 && !http_has_token(head, "Connection", "close");
	head->expects_continue =
		head->minor > 0 &&
		bytes_equal_nocase(http_field(head, "Expect"), BYTES_LIT("100-continue"));
	if (status == 0 && http_field_count(head, "Expect") > 0 && !head->expects_continue &&
	    head->minor > 0)
		return -417;
	return status;
}

/* --- the whole ----------------------------------------------------------------------------- */

/* The head with its last empty line: its length, 0 for more to come, or minus a status. */
static ssize_t find_end(struct bytes window, size_t *searched)
{
	size_t limit = window.len < HTTP_HEAD_MAX ? window.len : HTTP_HEAD_MAX;

	while (*searched < limit) {
		const char *line = window.ptr + *searched;
		const char *feed = memchr(line, '\n', limit - *searched);

		if (!feed)
			break;
		if (feed == line || feed[-1] != '\r') /* section 2.2: no bare LF */
			return BAD_REQUEST;
		*searched = (size_t)(feed + 1 - window.ptr);
		if (feed == line + 1 && line != window.ptr)
			return (ssize_t)*searched;
	}
	if (window.len < HTTP_HEAD_MAX)
		return 0;
	return memchr(window.ptr, '\n', limit) ? FIELDS_TOO_LARGE : URI_TOO_LONG;
}

/* Up to CR LF, which is cut off; every line of a found head has one. */
static struct bytes cut_line(struct bytes *rest)
{
	struct bytes line = bytes_cut(rest, '\n');

	return bytes_first(line, line.len - 1);
}

ssize_t http_scan_head(struct bytes window, size_t *searched, struct http_head *ret_head)
{
	ssize_t len = find_end(window, searched);
	struct bytes rest = bytes_first(window, len > 0 ? (size_t)len : 0);
	struct bytes line;
	int status;

	if (len <= 0)
		return len;
	/* Not all of it: most of the fields are never looked at. */
	memset(ret_head, 0, offsetof(struct http_head, fields));
	line = cut_line(&rest);
	if (line.len == 0) /* section 2.2: one empty line before a request is ignored */
		line = cut_line(&rest);
	status = read_request_line(line, ret_head);
	while (status == 0 && (line = cut_line(&rest)).len > 0)
		status = read_field(line, ret_head);
	if (status == 0)
		status = examine(ret_head);
	return status < 0 ? status : len;
}

/* --- paths --------------------------------------------------------------------------------- */

static bool is_segment_fine(struct bytes segment, bool is_last)
{
	if (segment.len == 0)
		return is_last;
	return !bytes_is(segment, ".") && !bytes_is(segment, "..");
}

static bool has_fine_segments(struct bytes path)
{
	struct bytes rest = bytes_skip(path, 1);

	while (!bytes_is_none(rest)) {
		struct bytes segment = bytes_cut(&rest, '/');

		if (!is_segment_fine(segment, bytes_is_none(rest)))
			return false;
	}
	return true;
}

bool http_path_decode(struct bytes path, struct arena *arena, struct bytes *ret_path)
{
	char *out = arena_alloc_raw(arena, path.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < path.len; i++) {
		int c = (unsigned char)path.ptr[i];

		if (c == '%') {
			int high = i + 2 < path.len ? hex_digit(path.ptr[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(path.ptr[i + 2]);

			c = low < 0 ? 0 : high * 16 + low;
			i += 2;
			if (c == '/')
				return false;
		}
		if (c < 0x20 || c == 0x7f || c == '\\')
			return false;
		out[len++] = (char)c;
	}
	*ret_path = bytes_make(out, len);
	return len > 0 && out[0] == '/' && utf8_is_valid(*ret_path) &&
	       has_fine_segments(*ret_path);
}

/* --- chunked bodies ------------------------------------------------------------------------ */

enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_DONE };

/* A line with its CR LF: length, 0 for more to come, or BAD_REQUEST. */
static ssize_t line_length(struct bytes window, size_t limit)
{
	ptrdiff_t feed = bytes_find_byte(bytes_first(window, limit), '\n');

	if (feed < 0)
		return window.len >= limit ? BAD_REQUEST : 0;
	return feed == 0 || window.ptr[feed - 1] != '\r' ? BAD_REQUEST : feed + 1;
}

/* Size in hexadecimal, then perhaps extensions, which are ignored (section 7.1.1). */
static ssize_t read_chunk_size(struct http_chunks *chunks, struct bytes window)
{
	ssize_t len = line_length(window, HTTP_CHUNK_LINE_MAX);
	uint64_t size = 0;
	size_t digits = 0;
	struct bytes line, rest;

	if (len <= 0)
		return len;
	line = bytes_first(window, (size_t)len - 2);
	while (digits < line.len && hex_digit(line.ptr[digits]) >= 0)
		size = size * 16 + (uint64_t)hex_digit(line.ptr[digits++]);
	rest = bytes_skip(line, digits);
	if (digits == 0 || digits > 15 || !has_only(rest, is_value_char) ||
	    (rest.len > 0 && rest.ptr[0] != ';'))
		return BAD_REQUEST;
	chunks->left = size;
	chunks->state = size > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return len;
}

static ssize_t read_data_end(struct http_chunks *chunks, struct bytes window)
{
	if (window.ptr[0] != '\r' || (window.len > 1 && window.ptr[1] != '\n'))
		return BAD_REQUEST;
	if (window.len < 2)
		return 0;
	chunks->state = CHUNK_SIZE;
	return 2;
}

/* Trailer fields are read as fields are and thrown away. */
static ssize_t read_trailer(struct http_chunks *chunks, struct bytes window)
{
	ssize_t len = line_length(window, (size_t)HTTP_TRAILER_MAX - chunks->trailer_bytes);
	struct bytes name, value;

	if (len <= 0)
		return len;
	chunks->trailer_bytes = (uint16_t)(chunks->trailer_bytes + len);
	value = bytes_first(window, (size_t)len - 2);
	if (value.len == 0) {
		chunks->state = CHUNK_DONE;
		return len;
	}
	name = bytes_cut(&value, ':');
	if (bytes_is_none(value) || name.len == 0 || !has_only(name, is_token_char) ||
	    !has_only(value, is_value_char))
		return BAD_REQUEST;
	return len;
}

static ssize_t read_data(struct http_chunks *chunks, struct bytes window,
			 struct bytes *ret_data)
{
	size_t len = window.len < chunks->left ? window.len : (size_t)chunks->left;

	*ret_data = bytes_first(window, len);
	chunks->left -= len;
	if (chunks->left == 0)
		chunks->state = CHUNK_DATA_END;
	return (ssize_t)len;
}

ssize_t http_chunks_next(struct http_chunks *chunks, struct bytes window,
			 struct bytes *ret_data)
{
	*ret_data = BYTES_NONE;
	if (window.len == 0)
		return 0;
	switch (chunks->state) {
	case CHUNK_SIZE:
		return read_chunk_size(chunks, window);
	case CHUNK_DATA:
		return read_data(chunks, window, ret_data);
	case CHUNK_DATA_END:
		return read_data_end(chunks, window);
	case CHUNK_TRAILER:
		return read_trailer(chunks, window);
	default:
		return 0;
	}
}

bool http_chunks_is_done(const struct http_chunks *chunks)
{
	return chunks->state == CHUNK_DONE;
}
