/*
 * The verification string of entity capabilities (XEP-0115 section 5): a hash over what disco#info
 * says, for who announces capabilities and who checks what others announced. Pure functions, any
 * thread.
 *
 *	ver = caps_verification(arena, query, HASH_SHA1, &features);
 *	if (bytes_equal(ver, announced))	(NONE equals nothing announced)
 */
#ifndef XMPP_CAPS_H
#define XMPP_CAPS_H

#include "xml/stanza.h"
#include "xmpp/hash.h"

/* Sorted by bytes_compare; slices of the stanza or the arena. */
struct caps_features {
	const struct bytes *all;
	size_t count;
};

/*
 * query: <query/> of a disco#info result. The string (base64) and the features live in the arena.
 * BYTES_NONE if the answer is ill-formed (section 5.4, step 3: an identity, feature or form
 * twice, a form of two types), names no identity, or holds a '<' that would hide where a part
 * ends; *ret_features is untouched then.
 */
struct bytes caps_verification(struct arena *arena, const struct xnode *query, enum hash hash,
			       struct caps_features *ret_features);

#endif
