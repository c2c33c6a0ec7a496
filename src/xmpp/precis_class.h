/*
 * Inside precis: the string classes of RFC 8264 and their contextual rules (RFC 5892 appendix
 * A) over UTF-16, as ICU wants it. Included by precis.c and precis_class.c only.
 */
#ifndef XMPP_PRECIS_CLASS_H
#define XMPP_PRECIS_CLASS_H

#include <stdbool.h>
#include <unicode/umachine.h>

enum precis_class { PRECIS_IDENTIFIER_CLASS, PRECIS_FREEFORM_CLASS };

/* True if every code point of text[0..len) may stand where it stands. */
bool precis_conforms(enum precis_class class, const UChar *text, int32_t len);
/* True if the text has no right-to-left code point or obeys the Bidi Rule (RFC 5893 section 2).
 */
bool precis_obeys_bidi_rule(const UChar *text, int32_t len);

#endif
