#include "xml/framer.h"

#include "base/check.h"
#include "xml/chars.h"

enum state {
	STATE_CONTENT, /* between tags; at depth 0: where a frame begins */
	STATE_TAG,
	STATE_QUOTE,
	STATE_END,
	STATE_CDATA,
	STATE_DECLARATION,
};

/* What a '<' turned out to be, besides a state: */
enum { NEED_MORE = -100 };

#define CDATA_START BYTES_LIT("<![CDATA[")

void framer_init(struct framer *framer, uint32_t max_bytes, uint16_t max_depth)
{
	*framer = (struct framer){ .state = STATE_CONTENT };
	framer_set_limits(framer, max_bytes, max_depth);
}

void framer_reset(struct framer *framer)
{
	framer_init(framer, framer->max_bytes, framer->max_depth);
}

void framer_set_limits(struct framer *framer, uint32_t max_bytes, uint16_t max_depth)
{
	check(max_bytes <= INT32_MAX && max_depth <= INT16_MAX);
	framer->max_bytes = max_bytes;
	framer->max_depth = max_depth;
}

enum xml_fault framer_fault(int kind)
{
	switch (kind) {
	case FRAME_TOO_LARGE:
	case FRAME_TOO_DEEP:
		return XML_FAULT_POLICY_VIOLATION;
	case FRAME_RESTRICTED:
		return XML_FAULT_RESTRICTED_XML;
	case FRAME_NOT_WELL_FORMED:
		return XML_FAULT_NOT_WELL_FORMED;
	case FRAME_BAD_FORMAT:
		return XML_FAULT_BAD_FORMAT;
	default:
		return XML_FAULT_NONE;
	}
}

static int fail(struct framer *framer, int kind)
{
	framer->error = (int8_t)kind;
	return kind;
}

/* True if all of b that is there agrees with literal. */
static bool may_become(struct bytes b, struct bytes literal)
{
	b = bytes_first(b, literal.len);
	return bytes_has_prefix(literal, b);
}

/* "<!": only a CDATA section inside an element is allowed. */
static int classify_bang(uint32_t depth, struct bytes b)
{
	if (depth == 0)
		return FRAME_RESTRICTED;
	if (may_become(b, CDATA_START))
		return b.len < CDATA_START.len ? NEED_MORE : STATE_CDATA;
	return b.ptr[2] == '-' || b.ptr[2] == 'D' ? FRAME_RESTRICTED : FRAME_NOT_WELL_FORMED;
}

/* "<?": only the XML declaration, and only before the stream header. */
static int classify_question(bool is_open, struct bytes b, size_t offset)
{
	if (is_open || offset > 0 || !may_become(b, BYTES_LIT("<?xml")))
		return FRAME_RESTRICTED;
	if (b.len < 6)
		return NEED_MORE;
	return char_is(b.ptr[5], CHAR_SPACE) ? STATE_DECLARATION : FRAME_RESTRICTED;
}

/* b begins with the '<' at `offset` of the window: the state it leads to, or NEED_MORE. */
static inline int classify(const struct framer *framer, struct bytes b, size_t offset)
{
	if (b.len < 2)
		return NEED_MORE;
	if (char_is(b.ptr[1], CHAR_NAME_START | CHAR_HIGH) || b.ptr[1] == ':')
		return framer->is_open && framer->depth >= framer->max_depth ? FRAME_TOO_DEEP
									     : STATE_TAG;
	switch (b.ptr[1]) {
	case '/':
		return framer->is_open ? STATE_END : FRAME_NOT_WELL_FORMED;
	case '!':
		return classify_bang(framer->depth, b);
	case '?':
		return classify_question(framer->is_open, b, offset);
	default:
		return FRAME_NOT_WELL_FORMED;
	}
}

/* A '>' in a tag: the frame that is complete, or FRAME_MORE. */
static inline int close_tag(struct framer *framer, bool is_end_tag, bool is_empty)
{
	framer->state = STATE_CONTENT;
	if (!framer->is_open) {
		framer->is_open = true;
		return FRAME_OPEN;
	}
	if (is_end_tag) {
		if (framer->depth == 0)
			return FRAME_CLOSE;
		framer->depth--;
	} else if (!is_empty) {
		framer->depth++;
	}
	return framer->depth == 0 ? FRAME_STANZA : FRAME_MORE;
}

/* A '>' outside of quotes. */
static inline int on_greater(struct framer *framer, const char *p)
{
	switch (framer->state) {
	case STATE_TAG:
		return close_tag(framer, false, p[-1] == '/');
	case STATE_END:
		return close_tag(framer, true, false);
	case STATE_CDATA:
		if (p[-1] == ']' && p[-2] == ']')
			framer->state = STATE_CONTENT;
		return FRAME_MORE;
	case STATE_DECLARATION:
		if (p[-1] == '?')
			framer->state = STATE_CONTENT;
		return FRAME_MORE;
	default:
		return FRAME_MORE;
	}
}

/* A '<' outside of quotes; NEED_MORE if what follows it is not there yet. */
static inline int on_less(struct framer *framer, struct bytes b, size_t offset)
{
	int next;

	if (framer->state == STATE_TAG || framer->state == STATE_END)
		return FRAME_NOT_WELL_FORMED;
	if (framer->state != STATE_CONTENT)
		return FRAME_MORE;
	next = classify(framer, bytes_make(b.ptr + offset, b.len - offset), offset);
	if (next < 0)
		return next;
	framer->state = (uint8_t)next;
	return FRAME_MORE;
}

/* A byte that matters, at `offset`. */
static inline int step(struct framer *framer, struct bytes b, size_t offset)
{
	char c = b.ptr[offset];

	if (framer->state == STATE_QUOTE) {
		if (c == framer->quote)
			framer->state = STATE_TAG;
		return FRAME_MORE;
	}
	if (c == '>')
		return on_greater(framer, b.ptr + offset);
	if (c == '<')
		return on_less(framer, b, offset);
	if (framer->state == STATE_TAG) {
		framer->state = STATE_QUOTE;
		framer->quote = c;
	}
	return FRAME_MORE;
}

/* The bytes of b that matter among the 16 from offset `at`, as bits. */
static inline uint32_t markup_at(struct bytes b, size_t at)
{
	uint32_t mask = 0;

	if (__builtin_expect(b.len - at >= 16, 1))
		return chars_markup_mask(b.ptr + at, 0);
	if (b.len >= 16)
		return chars_markup_mask(b.ptr + b.len - 16, 0) >> (16 - (b.len - at));
	for (const char *p = b.ptr + at, *end = b.ptr + b.len;; p++) {
		p = chars_markup_find(p, end, 0);
		if (p == end)
			return mask;
		mask |= 1u << (p - b.ptr - (ptrdiff_t)at);
	}
}

/*
 * Scans on from where it stopped, on a copy that stays in registers. A frame kind, and the
 * length of the frame.
 */
static int scan(struct framer *framer, struct bytes b, size_t *ret_len)
{
	struct framer copy = *framer;
	int kind = FRAME_MORE;
	size_t i = b.len;

	for (size_t at = copy.scanned; at < b.len && kind == FRAME_MORE; at += 16) {
		uint32_t mask = markup_at(b, at);
		for (; mask; mask &= mask - 1) {
			i = at + (unsigned)__builtin_ctz(mask);
			kind = step(&copy, b, i);
			if (kind != FRAME_MORE)
				break;
		}
	}
	*ret_len = i + 1;
	copy.scanned = (uint32_t)(kind == NEED_MORE ? i : b.len);
	*framer = copy;
	return kind == NEED_MORE ? FRAME_MORE : kind;
}

static size_t count_space(struct bytes window)
{
	size_t n = 0;

	while (n < window.len && char_is(window.ptr[n], CHAR_SPACE))
		n++;
	return n;
}

int framer_next(struct framer *framer, struct bytes window, struct frame *ret_frame)
{
	size_t len = 0;
	int kind;

	if (framer->error || window.len == 0)
		return framer->error;
	if (framer->scanned == 0 && window.ptr[0] != '<') {
		len = count_space(window);
		if (len == 0)
			return fail(framer,
				    framer->is_open ? FRAME_BAD_FORMAT : FRAME_NOT_WELL_FORMED);
		*ret_frame = (struct frame){ 0, len };
		return FRAME_SPACE;
	}
	kind = scan(framer, bytes_first(window, framer->max_bytes), &len);
	if (kind == FRAME_MORE && window.len > framer->max_bytes)
		kind = FRAME_TOO_LARGE;
	if (kind < 0)
		return fail(framer, kind);
	if (kind != FRAME_MORE) {
		*ret_frame = (struct frame){ 0, len };
		framer->scanned = 0;
	}
	return kind;
}
