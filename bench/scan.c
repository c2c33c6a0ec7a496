/* Cutting a stream into stanzas. */
#include "scan.h"

void scan_reset(struct scan *scan)
{
	*scan = (struct scan){ 0 };
}

/* Moves pos behind the '>' that ends the open tag. False if data ends before. */
static bool finish_tag(struct scan *scan, struct bytes data)
{
	const char *p = data.ptr + scan->pos;
	const char *end = data.ptr + data.len;

	for (; p < end; p++) {
		if (scan->quote) {
			p = memchr(p, scan->quote, (size_t)(end - p));
			if (!p)
				break;
			scan->quote = 0;
		} else if (*p == '"' || *p == '\'') {
			scan->quote = *p;
		} else if (*p == '>') {
			scan->pos = (size_t)(p + 1 - data.ptr);
			scan->in_tag = false;
			return true;
		}
	}
	scan->pos = data.len;
	return false;
}

/* What the tag that just ended completes. */
static enum scan_kind count_tag(struct scan *scan, struct bytes data)
{
	const char *tag = data.ptr + scan->tag_start;
	bool is_empty = data.ptr[scan->pos - 2] == '/';

	if (tag[1] == '?') {
		scan->has_start = false;
		return SCAN_MORE;
	}
	if (tag[1] == '/') {
		scan->depth--;
		if (scan->depth == 0)
			return SCAN_CLOSE;
		return scan->depth == 1 ? SCAN_STANZA : SCAN_MORE;
	}
	if (is_empty)
		return scan->depth == 1 ? SCAN_STANZA : SCAN_MORE;
	return scan->depth++ == 0 ? SCAN_HEADER : SCAN_MORE;
}

static bool find_tag(struct scan *scan, struct bytes data)
{
	const char *lt = NULL;

	if (scan->pos < data.len)
		lt = memchr(data.ptr + scan->pos, '<', data.len - scan->pos);
	if (!lt) {
		scan->pos = data.len;
		return false;
	}
	scan->tag_start = (size_t)(lt - data.ptr);
	if (!scan->has_start) {
		scan->start = scan->tag_start;
		scan->has_start = true;
	}
	scan->pos = scan->tag_start + 1;
	scan->in_tag = true;
	scan->quote = 0;
	return true;
}

enum scan_kind scan_next(struct scan *scan, struct bytes data, struct bytes *ret_element,
			 size_t *ret_used)
{
	enum scan_kind kind = SCAN_MORE;

	while (kind == SCAN_MORE) {
		if (!scan->in_tag && !find_tag(scan, data))
			return SCAN_MORE;
		if (!finish_tag(scan, data))
			return SCAN_MORE;
		kind = count_tag(scan, data);
	}
	*ret_element = bytes_make(data.ptr + scan->start, scan->pos - scan->start);
	*ret_used = scan->pos;
	scan->pos = 0;
	scan->has_start = false;
	return kind;
}

struct bytes scan_attr(struct bytes element, struct bytes name)
{
	const char *p = element.ptr;
	const char *end = element.ptr + element.len;

	while (p < end && *p != '>') {
		const char *eq = p;
		while (eq < end && *eq != '=' && *eq != '>')
			eq++;
		if (end - eq < 3 || *eq == '>')
			break;
		const char *value = eq + 2;
		const char *stop = memchr(value, eq[1], (size_t)(end - value));
		if (!stop)
			break;
		if ((size_t)(eq - p) > name.len && eq[-(ptrdiff_t)name.len - 1] == ' ' &&
		    memcmp(eq - name.len, name.ptr, name.len) == 0)
			return bytes_make(value, (size_t)(stop - value));
		p = stop + 1;
	}
	return BYTES_NONE;
}

struct bytes scan_text(struct bytes element, struct bytes open)
{
	const char *end = element.ptr + element.len;
	const char *p = memmem(element.ptr, element.len, open.ptr, open.len);
	if (p)
		p = memchr(p, '>', (size_t)(end - p));
	if (!p)
		return BYTES_NONE;
	const char *stop = memmem(p, (size_t)(end - p), "</", 2);
	if (!stop)
		return BYTES_NONE;
	return bytes_make(p + 1, (size_t)(stop - p - 1));
}

bool scan_is(struct bytes element, const char *name)
{
	size_t n = strlen(name);

	if (element.len < n + 2 || memcmp(element.ptr + 1, name, n) != 0)
		return false;
	return memchr(" />\t\r\n", element.ptr[n + 1], 6) != NULL;
}
