/*
 * PRECIS (RFC 8264) over ICU: the two profiles of RFC 8265 that XMPP uses. jid.c comes here
 * only for parts that are not plain ASCII; passwords come here always. Pure functions, any
 * thread; ICU opens its tables at the first use.
 */
#ifndef XMPP_PRECIS_H
#define XMPP_PRECIS_H

#include "base/arena.h"

/* The longest result, and the longest text that is looked at (mapping may shorten it). */
enum { PRECIS_MAX_BYTES = 1023, PRECIS_RAW_MAX_BYTES = 4096 };

/* RFC 8264 section 8: what a code point is in a class. */
enum precis_property {
	PRECIS_PVALID,
	PRECIS_CONTEXTJ,
	PRECIS_CONTEXTO,
	PRECIS_FREE_PVAL, /* valid in FreeformClass, disallowed in IdentifierClass */
	PRECIS_DISALLOWED,
	PRECIS_UNASSIGNED,
};

enum precis_property precis_property(uint32_t c);

/*
 * RFC 8265 section 3.3: width mapping, IdentifierClass, lower case, NFC, Bidi Rule. The result
 * lives in the arena. 0, -EINVAL (forbidden, empty, not UTF-8) or -E2BIG (over
 * PRECIS_MAX_BYTES).
 */
int precis_username_case_mapped(struct arena *arena, struct bytes raw, struct bytes *ret);
/*
 * RFC 8265 section 4.2 (OpaqueString): FreeformClass, other spaces to U+0020, NFC. For
 * resourceparts and passwords. As above.
 */
int precis_opaque_string(struct arena *arena, struct bytes raw, struct bytes *ret);

#endif
