#include "xml/chars.h"

#include "base/check.h"
#include "base/utf8.h"

const uint8_t char_class[256] = {
	['a' ... 'z'] = CHAR_NAME_START | CHAR_NAME,
	['A' ... 'Z'] = CHAR_NAME_START | CHAR_NAME,
	['_'] = CHAR_NAME_START | CHAR_NAME,
	['0' ... '9'] = CHAR_NAME,
	['-'] = CHAR_NAME,
	['.'] = CHAR_NAME,
	[' '] = CHAR_SPACE,
	['\t'] = CHAR_SPACE | CHAR_ESCAPE,
	['\n'] = CHAR_SPACE | CHAR_ESCAPE,
	['\r'] = CHAR_SPACE | CHAR_ESCAPE,
	['\0' ... '\x08'] = CHAR_ESCAPE,
	['\x0b' ... '\x0c'] = CHAR_ESCAPE,
	['\x0e' ... '\x1f'] = CHAR_ESCAPE,
	['<'] = CHAR_ESCAPE,
	['>'] = CHAR_ESCAPE,
	['&'] = CHAR_ESCAPE,
	['"'] = CHAR_ESCAPE,
	['\''] = CHAR_ESCAPE,
	[0x80 ... 0xff] = CHAR_HIGH | CHAR_ESCAPE,
};

struct range {
	uint32_t first, last;
};

/* Production 4, what is not ASCII. */
static const struct range name_start_ranges[] = {
	{ 0xc0, 0xd6 },	    { 0xd8, 0xf6 },	{ 0xf8, 0x2ff },    { 0x370, 0x37d },
	{ 0x37f, 0x1fff },  { 0x200c, 0x200d }, { 0x2070, 0x218f }, { 0x2c00, 0x2fef },
	{ 0x3001, 0xd7ff }, { 0xf900, 0xfdcf }, { 0xfdf0, 0xfffd }, { 0x10000, 0xeffff },
};

/* Production 4a: what it adds. */
static const struct range name_ranges[] = {
	{ 0xb7, 0xb7 },
	{ 0x300, 0x36f },
	{ 0x203f, 0x2040 },
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static bool is_name_high(uint32_t c, bool is_start)
{
	return is_in(c, name_start_ranges, array_len(name_start_ranges)) ||
	       (!is_start && is_in(c, name_ranges, array_len(name_ranges)));
}

static size_t utf8_len(uint8_t lead)
{
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

const char *chars_name_end_high(const char *p, bool is_start)
{
	while (char_is(*p, CHAR_HIGH | CHAR_NAME)) {
		if (char_is(*p, CHAR_HIGH)) {
			uint32_t c;
			size_t len = utf8_decode(bytes_make(p, utf8_len((uint8_t)*p)), &c);
			if (!is_name_high(c, is_start))
				break;
			p += len;
		} else {
			p++;
		}
		is_start = false;
	}
	return p;
}

bool char_is_valid(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static inline bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Length of the well-formed, valid character that is not ASCII at p, or 0. By hand, because
 * this is most of the cost of a message in Chinese.
 */
static inline size_t high_char_len(const uint8_t *p, size_t left)
{
	uint32_t c = p[0];

	if (c >= 0xe0 && c < 0xf0 && left >= 3) {
		c = (c & 0xf) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		if (!is_continuation(p[1]) || !is_continuation(p[2]) || c < 0x800)
			return 0;
		return (c >= 0xd800 && c <= 0xdfff) || c >= 0xfffe ? 0 : 3;
	}
	if (c >= 0xc2 && c < 0xe0 && left >= 2)
		return is_continuation(p[1]) ? 2 : 0;
	return c >= 0xf0 ? utf8_decode(bytes_make(p, left), &c) : 0;
}

/* As above, and why not: U+FFFE and U+FFFF are UTF-8, but no characters of XML. */
static enum xml_fault fault_of_high(const uint8_t *p, size_t left)
{
	uint32_t c;

	return utf8_decode(bytes_make(p, left), &c) ? XML_FAULT_NOT_WELL_FORMED
						    : XML_FAULT_UNSUPPORTED_ENCODING;
}

static inline chars16 unplain16(const uint8_t *p)
{
	chars16 v = CHARS_LOAD((const char *)p);

	return CHARS_LOW_OR_HIGH(v);
}

/* The first byte that is not printable ASCII, or end. */
static const uint8_t *skip_plain(const uint8_t *start, const uint8_t *end)
{
	const uint8_t *p = start;

	for (; end - p >= 64; p += 64) {
		chars16 some = CHARS_OR(CHARS_OR(unplain16(p), unplain16(p + 16)),
					CHARS_OR(unplain16(p + 32), unplain16(p + 48)));
		if (CHARS_BITS(some))
			break;
	}
	for (; end - p >= 16; p += 16) {
		uint32_t mask = CHARS_BITS(unplain16(p));
		if (mask)
			return p + (unsigned)__builtin_ctz(mask);
	}
	if (end - start >= 16) { /* once more, over some bytes again */
		uint32_t mask = CHARS_BITS(unplain16(end - 16)) >> (16 - (end - p));
		return mask ? p + (unsigned)__builtin_ctz(mask) : end;
	}
	while (p < end && *p >= 0x20 && *p < 0x80)
		p++;
	return p;
}

size_t chars_check(struct bytes b, enum xml_fault *ret_fault)
{
	const uint8_t *p = (const uint8_t *)b.ptr, *end = p + b.len;

	while ((p = skip_plain(p, end)) < end) {
		if (*p < 0x20) {
			if (!char_is_valid(*p)) {
				*ret_fault = XML_FAULT_NOT_WELL_FORMED;
				break;
			}
			p++;
		}
		while (p < end && *p >= 0x80) {
			size_t len = high_char_len(p, (size_t)(end - p));
			if (len == 0) {
				*ret_fault = fault_of_high(p, (size_t)(end - p));
				return (size_t)(p - (const uint8_t *)b.ptr);
			}
			p += len;
		}
	}
	return (size_t)(p - (const uint8_t *)b.ptr);
}

static uint32_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint32_t)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (uint32_t)(c - 'A' + 10);
	return 16;
}

/* Production 66, after "&#". Leading zeros may be many. */
static uint32_t character_reference(const char *p, const char *end, const char **ret_next)
{
	uint32_t base = 10, c = 0;
	const char *first;

	if (p < end && *p == 'x') {
		base = 16;
		p++;
	}
	for (first = p; p < end && digit_of(*p) < base; p++)
		if (c <= 0x10ffff)
			c = c * base + digit_of(*p);
	if (p == first || p == end || *p != ';' || !char_is_valid(c))
		return 0;
	*ret_next = p + 1;
	return c;
}

static const struct {
	char name[5];
	uint8_t len;
	char c;
} entities[] = {
	{ "amp;", 4, '&' },  { "lt;", 3, '<' },	   { "gt;", 3, '>' },
	{ "quot;", 5, '"' }, { "apos;", 5, '\'' },
};

uint32_t chars_reference(const char *p, const char *end, size_t *ret_len,
			 enum xml_fault *ret_fault)
{
	const char *start = p++, *next = NULL;
	uint32_t c = 0;

	if (p < end && *p == '#') {
		c = character_reference(p + 1, end, &next);
	} else {
		for (size_t i = 0; i < array_len(entities) && !next; i++)
			if ((size_t)(end - p) >= entities[i].len &&
			    memcmp(p, entities[i].name, entities[i].len) == 0) {
				next = p + entities[i].len;
				c = (uint32_t)entities[i].c;
			}
	}
	if (next) {
		*ret_len = (size_t)(next - start);
		return c;
	}
	next = chars_name_end(p);
	*ret_fault =
		next > p && *next == ';' ? XML_FAULT_RESTRICTED_XML : XML_FAULT_NOT_WELL_FORMED;
	return 0;
}

/* Copies with CR LF and CR turned into LF (section 2.11). */
static char *copy_lines(char *out, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != '\r')
			*out++ = *p;
		else if (p + 1 == end || p[1] != '\n')
			*out++ = '\n';
	}
	return out;
}

size_t chars_decode_text(struct bytes raw, char *out)
{
	const char *p = raw.ptr, *end = p + raw.len, *next;
	char *start = out;

	while (p < end) {
		if (*p == '&') {
			enum xml_fault fault;
			size_t len = 0;
			uint32_t c = chars_reference(p, end, &len, &fault);
			check(c != 0);
			out += utf8_encode(c, out);
			p += len;
		} else if (*p == '<') { /* the only markup in character data: CDATA */
			p += sizeof("<![CDATA[") - 1;
			next = memmem(p, (size_t)(end - p), "]]>", 3);
			check(next != NULL);
			out = copy_lines(out, p, next);
			p = next + 3;
		} else {
			for (next = p; next < end && *next != '&' && *next != '<'; next++)
				;
			out = copy_lines(out, p, next);
			p = next;
		}
	}
	return (size_t)(out - start);
}
