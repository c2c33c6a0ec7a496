/*
 * XEP-0379 Pre-Authenticated Roster Subscription: whoever was invited becomes a contact at once,
 * without either side having to agree again. Version 0.3.3. The server judges the tokens that
 * it made itself (XEP-0401); those of clients are none of its business and pass as they came
 * (section 4.1). A token works once and for its time; it is not bound to an address, because
 * nobody knows beforehand which one will come.
 */
#include "core/feature.h"
#include "core/friend.h"

#define NS_PARS "urn:xmpp:pars:0"

enum { TOKEN_BYTES_MAX = 256 };

/* Section 3.5: the request holds a token of the user's. It is used up by the answer. */
static bool is_invited(const struct passage *passage)
{
	const struct xnode *preauth =
		xnode_find(stanza_root(passage->stanza), "preauth", NS_PARS);
	struct bytes token = preauth == NULL ? BYTES_NONE : xnode_attr(preauth, "token");

	return token.len > 0 && token.len <= TOKEN_BYTES_MAX &&
	       friend_token_take(passage->user, token);
}

const struct feature feature_pars = {
	FEATURE_ABI,
	.name = "pars",
	.xep = "0379",
	.version = "0.3.3",
	.summary = "Make whoever was invited a contact at once.",
	.disco = (const char *const[]){ NS_PARS, NULL },
	.answer = { [QUESTION_INVITED] = is_invited },
	.stores = (struct store_decl *const[]){ &friend_store, NULL },
	.slots = (struct slot *const[]){ &friend_slot, NULL },
	.preload = (const struct preload[]){ { &friend_store, friend_loaded }, { 0 } },
};
