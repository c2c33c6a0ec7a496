#include "xmpp/precis_class.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#include "base/check.h"
#include "xmpp/precis.h"

/* RFC 5892 section 2.6, which RFC 8264 section 9.6 takes over. */
static bool exception_find(UChar32 c, enum precis_property *ret_property)
{
	static const struct {
		UChar32 first, last;
		enum precis_property property;
	} exceptions[] = {
		{ 0x00B7, 0x00B7, PRECIS_CONTEXTO },   { 0x00DF, 0x00DF, PRECIS_PVALID },
		{ 0x0375, 0x0375, PRECIS_CONTEXTO },   { 0x03C2, 0x03C2, PRECIS_PVALID },
		{ 0x05F3, 0x05F4, PRECIS_CONTEXTO },   { 0x0640, 0x0640, PRECIS_DISALLOWED },
		{ 0x0660, 0x0669, PRECIS_CONTEXTO },   { 0x06F0, 0x06F9, PRECIS_CONTEXTO },
		{ 0x06FD, 0x06FE, PRECIS_PVALID },     { 0x07FA, 0x07FA, PRECIS_DISALLOWED },
		{ 0x0F0B, 0x0F0B, PRECIS_PVALID },     { 0x3007, 0x3007, PRECIS_PVALID },
		{ 0x302E, 0x302F, PRECIS_DISALLOWED }, { 0x3031, 0x3035, PRECIS_DISALLOWED },
		{ 0x303B, 0x303B, PRECIS_DISALLOWED }, { 0x30FB, 0x30FB, PRECIS_CONTEXTO },
	};
	for (size_t i = 0; i < array_len(exceptions) && exceptions[i].first <= c; i++) {
		if (c <= exceptions[i].last) {
			*ret_property = exceptions[i].property;
			return true;
		}
	}
	return false;
}

static bool is_old_hangul_jamo(UChar32 c)
{
	int32_t type = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
	return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO ||
	       type == U_HST_TRAILING_JAMO;
}

static bool is_ignorable(UChar32 c)
{
	return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
	       u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT);
}

/* The categories of RFC 8264 sections 9.1, 9.14-9.16 and 9.18, by general category. */
static enum precis_property property_of_category(UChar32 c)
{
	uint32_t letter_digits = U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK |
				 U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
	uint32_t freeform_only = U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK |
				 U_GC_ZS_MASK | U_GC_S_MASK | U_GC_P_MASK;
	uint32_t category = U_GET_GC_MASK(c);

	if (category & letter_digits)
		return PRECIS_PVALID;
	return category & freeform_only ? PRECIS_FREE_PVAL : PRECIS_DISALLOWED;
}

/* The decision list of RFC 8264 section 8, in its order. BackwardCompatible is empty. */
enum precis_property precis_property(uint32_t code_point)
{
	UChar32 c = (UChar32)code_point;
	enum precis_property exception;

	if (c >= 0x21 && c <= 0x7E)
		return PRECIS_PVALID;
	if (exception_find(c, &exception))
		return exception;
	if (u_charType(c) == U_UNASSIGNED &&
	    !u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT))
		return PRECIS_UNASSIGNED;
	if (u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL))
		return PRECIS_CONTEXTJ;
	if (is_old_hangul_jamo(c) || is_ignorable(c) || u_charType(c) == U_CONTROL_CHAR)
		return PRECIS_DISALLOWED;
	/* HasCompat (section 9.17): NFKC would change it, whatever stands beside it. */
	if (u_getIntPropertyValue(c, UCHAR_NFKC_QUICK_CHECK) == UNORM_NO)
		return property_of_category(c) == PRECIS_DISALLOWED ? PRECIS_DISALLOWED
								    : PRECIS_FREE_PVAL;
	return property_of_category(c);
}

static int32_t joining_type(UChar32 c)
{
	return u_getIntPropertyValue(c, UCHAR_JOINING_TYPE);
}

/* RFC 5892 A.1, second half: (L|D) T* ZWNJ T* (R|D), with the ZWNJ at [at, after). */
static bool joins_both_sides(const UChar *text, int32_t len, int32_t at, int32_t after)
{
	UChar32 c = 0;
	int32_t type = U_JT_TRANSPARENT;

	while (at > 0 && type == U_JT_TRANSPARENT) {
		U16_PREV(text, 0, at, c);
		type = joining_type(c);
	}
	if (type != U_JT_LEFT_JOINING && type != U_JT_DUAL_JOINING)
		return false;
	type = U_JT_TRANSPARENT;
	while (after < len && type == U_JT_TRANSPARENT) {
		U16_NEXT(text, after, len, c);
		type = joining_type(c);
	}
	return type == U_JT_RIGHT_JOINING || type == U_JT_DUAL_JOINING;
}

static bool has_script(UChar32 c, UScriptCode wanted)
{
	UErrorCode status = U_ZERO_ERROR;
	return uscript_getScript(c, &status) == wanted && U_SUCCESS(status);
}

static bool has_kana_or_han(const UChar *text, int32_t len)
{
	for (int32_t i = 0; i < len;) {
		UChar32 c;
		U16_NEXT(text, i, len, c);
		if (has_script(c, USCRIPT_HIRAGANA) || has_script(c, USCRIPT_KATAKANA) ||
		    has_script(c, USCRIPT_HAN))
			return true;
	}
	return false;
}

/* All digits in question are in the BMP. */
static bool has_between(const UChar *text, int32_t len, UChar first, UChar last)
{
	for (int32_t i = 0; i < len; i++) {
		if (text[i] >= first && text[i] <= last)
			return true;
	}
	return false;
}

/* RFC 5892 appendix A, by code point; c stands at text[at..after). */
static bool context_allows(UChar32 c, const UChar *text, int32_t len, int32_t at, int32_t after)
{
	UChar32 previous = -1, next = -1;
	int32_t i = at, j = after;

	if (i > 0)
		U16_PREV(text, 0, i, previous);
	if (j < len)
		U16_NEXT(text, j, len, next);
	if (c >= 0x0660 && c <= 0x0669)
		return !has_between(text, len, 0x06F0, 0x06F9); /* A.8 */
	if (c >= 0x06F0 && c <= 0x06F9)
		return !has_between(text, len, 0x0660, 0x0669); /* A.9 */
	switch (c) {
	case 0x200C: /* A.1; 9 is the combining class of viramas */
		return previous >= 0 && (u_getCombiningClass(previous) == 9 ||
					 joins_both_sides(text, len, at, after));
	case 0x200D: /* A.2 */
		return previous >= 0 && u_getCombiningClass(previous) == 9;
	case 0x00B7: /* A.3 */
		return previous == 'l' && next == 'l';
	case 0x0375: /* A.4 */
		return next >= 0 && has_script(next, USCRIPT_GREEK);
	case 0x05F3: /* A.5 */
	case 0x05F4: /* A.6 */
		return previous >= 0 && has_script(previous, USCRIPT_HEBREW);
	case 0x30FB: /* A.7 */
		return has_kana_or_han(text, len);
	default:
		return false;
	}
}

bool precis_conforms(enum precis_class class, const UChar *text, int32_t len)
{
	for (int32_t at = 0, after = 0; after < len; at = after) {
		UChar32 c;
		U16_NEXT(text, after, len, c);
		switch (precis_property((uint32_t)c)) {
		case PRECIS_PVALID:
			break;
		case PRECIS_CONTEXTJ:
		case PRECIS_CONTEXTO:
			if (!context_allows(c, text, len, at, after))
				return false;
			break;
		case PRECIS_FREE_PVAL:
			if (class == PRECIS_IDENTIFIER_CLASS)
				return false;
			break;
		case PRECIS_DISALLOWED:
		case PRECIS_UNASSIGNED:
			return false;
		}
	}
	return true;
}

#define DIRECTION(d) (1u << (unsigned)(d))

enum {
	IS_RTL = DIRECTION(U_RIGHT_TO_LEFT) | DIRECTION(U_RIGHT_TO_LEFT_ARABIC),
	IS_AN = DIRECTION(U_ARABIC_NUMBER),
	IS_EN = DIRECTION(U_EUROPEAN_NUMBER),
	IS_NSM = DIRECTION(U_DIR_NON_SPACING_MARK),
	IS_NEUTRAL = DIRECTION(U_EUROPEAN_NUMBER_SEPARATOR) |
		     DIRECTION(U_COMMON_NUMBER_SEPARATOR) |
		     DIRECTION(U_EUROPEAN_NUMBER_TERMINATOR) | DIRECTION(U_OTHER_NEUTRAL) |
		     DIRECTION(U_BOUNDARY_NEUTRAL) | IS_NSM,
};

bool precis_obeys_bidi_rule(const UChar *text, int32_t len)
{
	unsigned all = 0, first = 0, last = 0;

	for (int32_t i = 0; i < len;) {
		UChar32 c;
		U16_NEXT(text, i, len, c);
		unsigned direction = DIRECTION(u_charDirection(c));
		all |= direction;
		if (first == 0)
			first = direction;
		if (!(direction & IS_NSM))
			last = direction;
	}
	if (!(all & (IS_RTL | IS_AN)))
		return true;
	/* It has right-to-left characters, so only a right-to-left text can pass: conditions
	 * 1-4; 5 forbids them in a left-to-right one. */
	if (!(first & IS_RTL) || (all & ~(unsigned)(IS_RTL | IS_AN | IS_EN | IS_NEUTRAL)))
		return false;
	if ((all & IS_EN) && (all & IS_AN))
		return false;
	return last & (IS_RTL | IS_EN | IS_AN);
}
