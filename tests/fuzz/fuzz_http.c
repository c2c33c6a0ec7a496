/*
 * Heads and chunked bodies: however the input is cut into pieces, the verdict is the same; what
 * is accepted has one framing, and no path leaves its root. The first byte chooses what is read
 * and the pieces.
 */
#include "base/check.h"
#include "io/http_scan.h"

enum { STEPS = 40 };

static ssize_t scan_in_pieces(const char *text, size_t len, size_t step, struct http_head *head)
{
	size_t searched = 0;
	ssize_t status = 0;

	for (size_t end = 0; status == 0 && end < len;) {
		end = end + step < len ? end + step : len;
		status = http_scan_head(bytes_make(text, end), &searched, head);
	}
	return status;
}

static void check_path(struct bytes path)
{
	struct arena_mark mark = arena_mark(scratch());
	struct bytes plain;

	if (http_path_decode(path, scratch(), &plain)) {
		check(plain.ptr[0] == '/' && bytes_find(plain, BYTES_LIT("//")) < 0);
		check(bytes_find(plain, BYTES_LIT("/../")) < 0);
		check(bytes_find_byte(plain, '\0') < 0 && bytes_find_byte(plain, '\\') < 0);
	}
	arena_release(scratch(), mark);
}

static void fuzz_head(const char *text, size_t len, size_t step)
{
	static struct http_head whole, pieces;
	ssize_t status = scan_in_pieces(text, len, len, &whole);

	check(scan_in_pieces(text, len, step, &pieces) == status);
	check(status <= (ssize_t)len && status <= HTTP_HEAD_MAX && status > -600);
	if (status <= 0)
		return;
	check(!whole.is_chunked || !whole.has_length);
	check(whole.field_count <= HTTP_FIELDS_MAX);
	check(bytes_equal(whole.path, pieces.path) && bytes_equal(whole.host, pieces.host));
	for (size_t i = 0; i < whole.field_count; i++) {
		check(bytes_find_byte(whole.fields[i].value, '\n') < 0);
		check(bytes_find_byte(whole.fields[i].value, '\0') < 0);
	}
	check_path(whole.path);
}

/* Bytes of data, and in *ret_used where the reading stopped. */
static uint64_t read_body(struct bytes text, size_t step, ssize_t *ret_status, size_t *ret_used)
{
	struct http_chunks chunks = { 0 };
	size_t used = 0, end = 0;
	uint64_t total = 0;
	ssize_t status = 0;

	while (status >= 0 && !http_chunks_is_done(&chunks)) {
		struct bytes data;

		status = http_chunks_next(&chunks, bytes_make(text.ptr + used, end - used),
					  &data);
		if (status > 0) {
			used += (size_t)status;
			check(used <= end);
			total += data.len;
		} else if (status == 0) {
			if (end == text.len)
				break;
			end = end + step < text.len ? end + step : text.len;
		}
	}
	*ret_status = status < 0 ? status : http_chunks_is_done(&chunks);
	*ret_used = used;
	return total;
}

static void fuzz_body(struct bytes text, size_t step)
{
	ssize_t status, again;
	size_t used, used_again;
	uint64_t total = read_body(text, text.len, &status, &used);

	check(read_body(text, step, &again, &used_again) == total);
	check(status == again && used == used_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step;

	if (size < 2 || size > 40000)
		return 0;
	step = (size_t)(data[0] >> 1) % STEPS + 1;
	if (data[0] & 1)
		fuzz_body(bytes_make(data + 1, size - 1), step);
	else
		fuzz_head((const char *)data + 1, size - 1, step);
	return 0;
}
