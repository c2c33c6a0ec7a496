/*
 * XEP-0054 vcard-temp: people put their card on the server, where others can read it, also while
 * they are away. Version 1.3.0. The server's own card is left out (0157 has its contacts), and
 * the photo's hash in presence is another feature's (XEP-0153).
 */
#include "base/block.h"
#include "core/service.h"
#include "xmpp/ns.h"

enum { READ_DEADLINE_MS = 10000 };

static struct option option_bytes =
	OPTION_INT("limits.vcard_bytes", OPTION_DOMAIN, 131072, 1024, 8388608,
		   "Largest card that a user may publish, its photo included, in bytes; "
		   "limits.stanza_bytes bounds it too.");

static struct store_decl vcard_store = STORE_DECL("vcard", STORE_DOC, 1, "Users' cards.");

/* A request that waits for the store. */
struct vcard_read {
	struct iq_token *token;
	enum stanza_condition none; /* what to say if there is no card */
};

static void vcard_found(struct store_read *read, int status, void *context)
{
	struct vcard_read *waiting = context;
	struct bytes card = status < 0 ? BYTES_NONE : store_read_value(read, 0);

	if (status < 0)
		iq_token_fail(&waiting->token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	else if (bytes_is_none(card))
		iq_token_fail(&waiting->token, waiting->none, TEXT_NONE);
	else
		iq_token_result(&waiting->token, card);
	block_free(waiting);
}

static struct verdict vcard_read(struct iq *iq, enum stanza_condition none)
{
	struct iq_token *token;
	struct verdict verdict = iq_later(iq, READ_DEADLINE_MS, &token);
	struct vcard_read *waiting;

	if (verdict.kind != VERDICT_LATER)
		return verdict;
	waiting = block_alloc(sizeof(*waiting));
	*waiting = (struct vcard_read){ token, none };
	store_get(core_store(), user_jid(iq->user).full, &vcard_store, BYTES_NONE, vcard_found,
		  waiting);
	return verdict;
}

/* Section 3.1. */
static struct verdict own_get(struct iq *iq)
{
	return vcard_read(iq, CONDITION_ITEM_NOT_FOUND);
}

/* Section 3.3: no card and no account look alike. */
static struct verdict other_get(struct iq *iq)
{
	if (iq->user == NULL)
		return verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE);
	return vcard_read(iq, CONDITION_SERVICE_UNAVAILABLE);
}

static void vcard_write(struct iq *iq, const struct xnode *card, struct bytes xml)
{
	struct store_batch *batch = store_batch_new(core_store(), user_jid(iq->user).full);

	if (card == NULL)
		store_del(batch, &vcard_store, BYTES_NONE);
	else
		store_put(batch, &vcard_store, BYTES_NONE, xml);
	service_card_set(iq->user, card, batch);
	user_commit(iq->user, &batch);
}

/* Section 3.2. An empty card is none. */
static struct verdict own_set(struct iq *iq)
{
	int64_t limit = settings_int(domain_settings(iq->domain), &option_bytes);
	bool is_empty = xnode_first_child(iq->child) == NULL;
	struct buf xml;

	buf_init(&xml, (size_t)limit);
	xnode_write(&xml, iq->child, BYTES_LIT(NS_CLIENT));
	if (xml.failed) {
		buf_fini(&xml);
		return verdict_fail(CONDITION_POLICY_VIOLATION, TEXT_VCARD_TOO_LARGE);
	}
	vcard_write(iq, is_empty ? NULL : iq->child, buf_bytes(&xml));
	buf_fini(&xml);
	return iq_ok(iq);
}

/* Section 3.2: nobody else's; whether there is such an account is not said. */
static struct verdict other_set(struct iq *iq)
{
	(void)iq;
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

const struct feature feature_vcard = {
	FEATURE_ABI,
	.name = "vcard",
	.xep = "0054",
	.version = "1.3.0",
	.summary = "Publish a card with name, address and photo, and read those of others.",
	.disco = (const char *const[]){ NS_VCARD_TEMP, NULL },
	.disco_account = (const char *const[]){ NS_VCARD_TEMP, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_ACCOUNT, NS_VCARD_TEMP, "vCard", own_get },
			{ IQ_GET, TO_OTHER, NS_VCARD_TEMP, "vCard", other_get },
			{ IQ_SET, TO_ACCOUNT, NS_VCARD_TEMP, "vCard", own_set },
			{ IQ_SET, TO_OTHER, NS_VCARD_TEMP, "vCard", other_set },
			{ 0 },
		},
	.options = (struct option *const[]){ &option_bytes, NULL },
	.stores = (struct store_decl *const[]){ &vcard_store, NULL },
};
