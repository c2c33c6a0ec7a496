/* Answers of HTTP: heads, pieces, conditions and ranges. */
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "io/http_impl.h"

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *reason_of(unsigned status)
{
	for (size_t i = 0; i < array_len(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* --- heads --------------------------------------------------------------------------------- */

/* RFC 9110 section 5.6.7, in English whatever the locale. */
static void write_date(struct buf *out)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)(clock_real_us() / 1000000);
	struct tm tm;

	gmtime_r(&now, &tm);
	buf_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
		   days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
		   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 9110 section 10.2.1: goes with 405. */
static void write_allow(struct buf *out, unsigned methods)
{
	static const char *const names[] = { "GET",    "HEAD",	  "POST", "PUT",
					     "DELETE", "OPTIONS", "PATCH" };
	const char *separator = "Allow: ";

	if (methods & HTTP_GET)
		methods |= HTTP_HEAD;
	for (size_t i = 0; i < array_len(names); i++) {
		if (!(methods & (1U << i)))
			continue;
		buf_printf(out, "%s%s", separator, names[i]);
		separator = ", ";
	}
	buf_append_cstr(out, "\r\n");
}

static bool has_no_body(unsigned status)
{
	return status == 204 || status == 304;
}

static void write_framing(struct http *http, struct buf *out, unsigned status, int64_t length)
{
	http->answers_chunked = false;
	if (has_no_body(status))
		return;
	if (length != HTTP_UNKNOWN_LENGTH) {
		buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)length);
	} else if (http->is_http10) {
		http->keeps_alive = false;
	} else {
		http->answers_chunked = true;
		buf_append_cstr(out, "Transfer-Encoding: chunked\r\n");
	}
}

static void write_head(struct http *http, struct buf *out, const struct http_answer *answer,
		       int64_t length)
{
	/* A body that was not read to its end would be taken for the next request. */
	if (http->state == HTTP_IN_BODY)
		http->keeps_alive = false;
	buf_printf(out, "HTTP/1.1 %u %s\r\n", answer->status, reason_of(answer->status));
	write_date(out);
	write_framing(http, out, answer->status, length);
	if (!bytes_is_none(answer->type))
		buf_printf(out, "Content-Type: %.*s\r\n", BYTES_ARG(answer->type));
	if (answer->status == 405)
		write_allow(out, http->route->methods);
	if (!http->keeps_alive)
		buf_append_cstr(out, "Connection: close\r\n");
	buf_append_cstr(out, "X-Content-Type-Options: nosniff\r\n");
	buf_append(out, answer->fields);
	buf_append_cstr(out, "\r\n");
}

void http_send_continue(struct http *http)
{
	conn_send(http->conn, BYTES_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* --- pieces -------------------------------------------------------------------------------- */

void http_begin(struct http *http, const struct http_answer *answer, int64_t length)
{
	struct buf out;

	check_magic(http, HTTP_MAGIC);
	check(http->has_exchange && !http->has_begun);
	buf_init(&out, 0);
	write_head(http, &out, answer, length);
	http->has_begun = true;
	http->written_position = UINT64_MAX; /* its reader has a whole tick */
	conn_send(http->conn, buf_bytes(&out));
	buf_fini(&out);
}

void http_write(struct http *http, struct bytes piece)
{
	char line[20];
	int len;

	check_magic(http, HTTP_MAGIC);
	check(http->has_exchange && http->has_begun);
	if (http->is_head_method || piece.len == 0)
		return;
	if (!http->answers_chunked) {
		conn_send(http->conn, piece);
		return;
	}
	len = snprintf(line, sizeof(line), "%zx\r\n", piece.len);
	conn_send(http->conn, bytes_make(line, (size_t)len));
	conn_send(http->conn, piece);
	conn_send(http->conn, BYTES_LIT("\r\n"));
}

void http_end(struct http *http)
{
	check_magic(http, HTTP_MAGIC);
	check(http->has_exchange && http->has_begun);
	if (http->answers_chunked && !http->is_head_method)
		conn_send(http->conn, BYTES_LIT("0\r\n\r\n"));
	http_answered(http);
}

void http_answer(struct http *http, const struct http_answer *answer)
{
	http_begin(http, answer, (int64_t)answer->body.len);
	http_write(http, answer->body);
	http_end(http);
}

void http_answer_status(struct http *http, unsigned status)
{
	http_answer(
		http,
		&(struct http_answer){
			.status = status,
			.type = has_no_body(status) ? BYTES_NONE : BYTES_LIT("text/plain"),
			.body = has_no_body(status) ? BYTES_NONE : bytes_of(reason_of(status)),
		});
}

/* --- conditions and ranges ----------------------------------------------------------------- */

static bool list_has_etag(struct bytes list, struct bytes etag, bool is_weak)
{
	while (!bytes_is_none(list)) {
		struct bytes item = bytes_trim(bytes_cut(&list, ','));

		if (is_weak && bytes_has_prefix(item, BYTES_LIT("W/")))
			item = bytes_skip(item, 2);
		if (bytes_equal(item, etag) || bytes_is(item, "*"))
			return true;
	}
	return false;
}

/* Section 13.2.2, as far as there are entity tags: 412, 304 or 0. */
static unsigned precondition(const struct http_head *head, struct bytes etag)
{
	struct bytes match = http_field(head, "If-Match");
	struct bytes none_match = http_field(head, "If-None-Match");

	if (!bytes_is_none(match) && !list_has_etag(match, etag, false))
		return 412;
	if (!bytes_is_none(none_match) && list_has_etag(none_match, etag, true))
		return 304;
	return 0;
}

struct range {
	uint64_t first;
	uint64_t len;
};

/* Section 14.1.2. 206: *range is a part of `size` bytes; 416; 200: all of it. */
static unsigned read_range(struct bytes text, uint64_t size, struct range *range)
{
	struct bytes last = text, first;
	uint64_t a = 0, b = size - 1;

	if (!bytes_has_prefix(text, BYTES_LIT("bytes=")) || bytes_find_byte(text, ',') >= 0)
		return 200; /* other units and several parts are ignored, as they may be */
	last = bytes_skip(text, strlen("bytes="));
	first = bytes_cut(&last, '-');
	if (bytes_is_none(last) || (first.len == 0 && last.len == 0) ||
	    (first.len > 0 && bytes_to_u64(first, &a) < 0) ||
	    (last.len > 0 && bytes_to_u64(last, &b) < 0) ||
	    (first.len > 0 && last.len > 0 && b < a))
		return 200;
	if (first.len == 0) { /* the last b bytes */
		if (b == 0 || size == 0)
			return 416;
		a = b < size ? size - b : 0;
		b = size - 1;
	}
	if (a >= size)
		return 416;
	*range = (struct range){ a, (b < size - 1 ? b : size - 1) - a + 1 };
	return 206;
}

static unsigned choose_range(const struct http_head *head, const struct http_asset *asset,
			     struct range *range)
{
	struct bytes text = http_field(head, "Range");
	struct bytes condition = http_field(head, "If-Range");

	*range = (struct range){ 0, asset->body.len };
	if (head->method != HTTP_GET || bytes_is_none(text))
		return 200;
	if (!bytes_is_none(condition) && !bytes_equal(condition, asset->etag))
		return 200;
	return read_range(text, asset->body.len, range);
}

static void unref_nothing(void *ref)
{
	(void)ref;
}

static void send_asset(struct http *http, const struct http_asset *asset, struct bytes part)
{
	if (asset->is_static && part.len > 0 && !http->is_head_method)
		conn_send_shared(http->conn, part, http, unref_nothing);
	else
		http_write(http, part);
	http_end(http);
}

void http_answer_asset(struct http *http, const struct http_head *head,
		       const struct http_asset *asset)
{
	struct http_answer answer = { .status = precondition(head, asset->etag) };
	struct range range = { 0, 0 };
	struct buf fields;

	if (answer.status == 0)
		answer.status = choose_range(head, asset, &range);
	buf_init(&fields, 0);
	buf_append(&fields, asset->fields);
	buf_printf(&fields, "ETag: %.*s\r\nAccept-Ranges: bytes\r\n", BYTES_ARG(asset->etag));
	if (answer.status == 206)
		buf_printf(&fields, "Content-Range: bytes %llu-%llu/%zu\r\n",
			   (unsigned long long)range.first,
			   (unsigned long long)(range.first + range.len - 1), asset->body.len);
	if (answer.status == 416) {
		buf_printf(&fields, "Content-Range: bytes */%zu\r\n", asset->body.len);
		range.len = 0;
	}
	if (answer.status == 200 || answer.status == 206)
		answer.type = asset->type;
	answer.fields = buf_bytes(&fields);
	http_begin(http, &answer, (int64_t)range.len);
	buf_fini(&fields);
	send_asset(http, asset, bytes_make(asset->body.ptr + range.first, (size_t)range.len));
}
