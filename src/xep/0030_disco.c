/*
 * XEP-0030 Service Discovery: clients learn what this server and an account can do. Version
 * 2.5.0. Nodes come with the features that own them; an unknown node is item-not-found
 * (section 7). Accounts of others answer when there is a roster to say who may ask (section 8).
 */
#include "core/feature.h"

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"

/* Sections 3.2 and 4.2: nodes are their features'; section 7: one that nobody has. */
static struct verdict node_get(struct iq *iq, const char *ns)
{
	struct bytes node = xnode_attr(iq->child, "node");
	struct verdict verdict = verdict_pass();
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", ns);
	xml_attr(&w, "node", node);
	if (iq->target == TO_SERVER)
		verdict = disco_write_node(iq, node, &w);
	xml_close(&w);
	xml_writer_fini(&w);
	if (verdict.kind == VERDICT_DONE)
		return iq_result_buf(iq, &xml);
	buf_fini(&xml);
	if (verdict.kind == VERDICT_PASS)
		verdict = verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	return verdict;
}

/* Section 3.1: the server's identity, or the account's (section 3.1, last example). */
static struct verdict info_get(struct iq *iq)
{
	bool is_account = iq->target == TO_ACCOUNT;
	struct buf xml;
	struct xml_writer w;

	if (!bytes_is_none(xnode_attr(iq->child, "node")))
		return node_get(iq, NS_INFO);
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_INFO);
	disco_write_info(iq->domain, is_account, &w);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* Section 4.4: an entity without items says so by an empty query. */
static struct verdict items_get(struct iq *iq)
{
	if (!bytes_is_none(xnode_attr(iq->child, "node")))
		return node_get(iq, NS_ITEMS);
	return iq_result(iq, BYTES_LIT("<query xmlns='" NS_ITEMS "'/>"));
}

const struct feature feature_disco = {
	FEATURE_ABI,
	.name = "disco",
	.xep = "0030",
	.version = "2.5.0",
	.summary = "Tell clients what this server and their account can do.",
	.disco = (const char *const[]){ NS_INFO, NS_ITEMS, NULL },
	.disco_account = (const char *const[]){ NS_INFO, NS_ITEMS, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER | TO_ACCOUNT, NS_INFO, "query", info_get },
			{ IQ_GET, TO_SERVER | TO_ACCOUNT, NS_ITEMS, "query", items_get },
			{ 0 },
		},
};
