/*
 * Inside the xml room: characters of XML 1.0 (fifth edition) and searches that look at 16 bytes
 * at a time. The name functions read until a byte ends the name: a '>' at the end of the input
 * is their sentinel, and the input is valid UTF-8.
 */
#ifndef XML_CHARS_H
#define XML_CHARS_H

#include "base/bytes.h"
#include "xml/fault.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
	CHAR_NAME_START = 1, /* ASCII that may start an NCName */
	CHAR_NAME = 2,	     /* ASCII that may go on in one */
	CHAR_SPACE = 4,	     /* white space, production 3 */
	CHAR_HIGH = 8,	     /* not ASCII */
	CHAR_ESCAPE = 16,    /* not printable ASCII, or one of < > & quotes */
};

extern const uint8_t char_class[256];

static inline bool char_is(char c, int class)
{
	return (char_class[(uint8_t)c] & class) != 0;
}

/* Production 2. */
bool char_is_valid(uint32_t c);

/* The first byte that is not white space. Sentinel. */
static inline const char *chars_skip_space(const char *p)
{
	while (char_is(*p, CHAR_SPACE))
		p++;
	return p;
}

/* The rest of an NCName from a byte that is not ASCII; is_start: nothing stands before it. */
const char *chars_name_end_high(const char *p, bool is_start);

/* The first byte at or after p that is no ASCII name character. Sentinel; four at a time. */
static inline const char *chars_name_tail(const char *p)
{
	for (;; p += 4) {
		if (!char_is(p[0], CHAR_NAME))
			return p;
		if (!char_is(p[1], CHAR_NAME))
			return p + 1;
		if (!char_is(p[2], CHAR_NAME))
			return p + 2;
		if (!char_is(p[3], CHAR_NAME))
			return p + 3;
	}
}

/* The end of the NCName at p; p itself if there is none. Sentinel. */
static inline const char *chars_name_end(const char *p)
{
	if (!char_is(*p, CHAR_NAME_START))
		return char_is(*p, CHAR_HIGH) ? chars_name_end_high(p, true) : p;
	p = chars_name_tail(p + 1);
	return __builtin_expect(char_is(*p, CHAR_HIGH), 0) ? chars_name_end_high(p, false) : p;
}

/* b.len if all of b is UTF-8 and production 2; else where it is not, and *ret_fault. */
size_t chars_check(struct bytes b, enum xml_fault *ret_fault);

/*
 * One function per set: <name>_mask gives the bytes of a set among the 16 at p as bits, and
 * <name>_find the first one in [p, end), or end.
 */
#ifdef __SSE2__
typedef __m128i chars16;
#define CHARS_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define CHARS_EQ(v, c) _mm_cmpeq_epi8((v), _mm_set1_epi8(c))
/* Controls, and everything that is not ASCII (signed comparison). */
#define CHARS_LOW_OR_HIGH(v) _mm_cmplt_epi8((v), _mm_set1_epi8(0x20))
#define CHARS_CONTROL(v) _mm_cmpeq_epi8(_mm_min_epu8((v), _mm_set1_epi8(0x1f)), (v))
#define CHARS_OR(a, b) _mm_or_si128((a), (b))
#define CHARS_BITS(v) ((uint32_t)_mm_movemask_epi8(v))
#else
typedef signed char chars16 __attribute__((vector_size(16)));
static inline chars16 chars_load(const char *p)
{
	chars16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}
static inline uint32_t chars_bits(chars16 v)
{
	uint32_t bits = 0;

	for (int i = 0; i < 16; i++)
		bits |= (uint32_t)(v[i] != 0) << i;
	return bits;
}
#define CHARS_LOAD(p) chars_load(p)
#define CHARS_EQ(v, c) ((chars16)((v) == (signed char)(c)))
#define CHARS_LOW_OR_HIGH(v) ((chars16)((v) < 0x20))
#define CHARS_CONTROL(v) ((chars16)((v) < 0x20 & (v) >= 0))
#define CHARS_OR(a, b) ((a) | (b))
#define CHARS_BITS(v) chars_bits(v)
#endif

#define CHARS_FINDER(name, in_vector, in_byte)                                        \
	static inline uint32_t name##_mask(const char *p, char q)                     \
	{                                                                             \
		chars16 v = CHARS_LOAD(p);                                            \
                                                                                      \
		(void)q;                                                              \
		return CHARS_BITS(in_vector);                                         \
	}                                                                             \
	static inline const char *name##_find(const char *p, const char *end, char q) \
	{                                                                             \
		for (; end - p >= 16; p += 16) {                                      \
			uint32_t mask = name##_mask(p, q);                            \
			if (mask)                                                     \
				return p + (unsigned)__builtin_ctz(mask);             \
		}                                                                     \
		(void)q;                                                              \
		for (; p < end; p++) {                                                \
			char c = *p;                                                  \
			if (in_byte)                                                  \
				break;                                                \
		}                                                                     \
		return p;                                                             \
	}

/* What the framer cares about: < > " ' */
CHARS_FINDER(chars_markup,
	     CHARS_OR(CHARS_OR(CHARS_EQ(v, '<'), CHARS_EQ(v, '>')),
		      CHARS_OR(CHARS_EQ(v, '"'), CHARS_EQ(v, '\''))),
	     c == '<' || c == '>' || c == '"' || c == '\'')
/* What may end or need work in character data: < & ] CR */
CHARS_FINDER(chars_text,
	     CHARS_OR(CHARS_OR(CHARS_EQ(v, '<'), CHARS_EQ(v, '&')),
		      CHARS_OR(CHARS_EQ(v, ']'), CHARS_EQ(v, '\r'))),
	     c == '<' || c == '&' || c == ']' || c == '\r')
/* The same in a quoted value: the quote q, < & and controls, which are white space here. */
CHARS_FINDER(chars_value,
	     CHARS_OR(CHARS_OR(CHARS_EQ(v, q), CHARS_EQ(v, '<')),
		      CHARS_OR(CHARS_EQ(v, '&'), CHARS_CONTROL(v))),
	     c == q || c == '<' || c == '&' || (uint8_t)c < 0x20)
/* What the writer must look at: & < > quotes, controls, not ASCII. */
CHARS_FINDER(chars_escape,
	     CHARS_OR(CHARS_OR(CHARS_OR(CHARS_EQ(v, '<'), CHARS_EQ(v, '>')),
			       CHARS_OR(CHARS_EQ(v, '"'), CHARS_EQ(v, '\''))),
		      CHARS_OR(CHARS_EQ(v, '&'), CHARS_LOW_OR_HIGH(v))),
	     char_is(c, CHAR_ESCAPE))

/*
 * The reference at p ("&...;"): its character and, in *ret_len, its length; or 0 and
 * *ret_fault. Character references are checked against production 2; entities other than the
 * five predefined ones are restricted-xml.
 */
uint32_t chars_reference(const char *p, const char *end, size_t *ret_len,
			 enum xml_fault *ret_fault);

/*
 * Decodes character data that the parser has accepted: references, CDATA sections, line ends.
 * Writes at most raw.len bytes to out; returns how many.
 */
size_t chars_decode_text(struct bytes raw, char *out);

#endif
