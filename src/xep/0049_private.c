/*
 * XEP-0049 Private XML Storage: clients keep their settings on the server. Version 1.2. An
 * element is found by its name and namespace; several of one kind in a set are kept together.
 */
#include "base/block.h"
#include "base/list.h"
#include "core/feature.h"
#include "xmpp/ns.h"

enum { DEADLINE_MS = 10000, KEY_BYTES_MAX = 1000, ELEMENTS_MAX = 100 };

static struct option option_bytes =
	OPTION_INT("limits.private_bytes", OPTION_DOMAIN, 1048576, 1024, 16777216,
		   "How much private data all clients of one account may keep, in bytes.");

/* Key: namespace, a space, the element's name. Value: the elements. */
static struct store_decl private_store =
	STORE_DECL("private", STORE_MAP, 1, "What clients keep for themselves.");

/*
 * A set looks at the store before it writes, so the requests of an account are worked off one
 * after the other. The queue is there while one is in work, and outlives the slot if the account
 * has to be loaded again.
 */
struct private_queue {
	struct list ops; /* struct private_op; the first is in work */
	bool is_orphan;	 /* the slot is gone */
};

struct private_slot {
	struct private_queue *queue;
};

struct private_op {
	struct list list;
	struct private_queue *queue;
	struct iq_token *token;
	struct user *user; /* the token keeps it */
	struct stanza *request;
};

static void slot_fini(void *state)
{
	struct private_slot *slot = state;

	if (slot->queue != NULL)
		slot->queue->is_orphan = true;
}

static struct slot queue_slot = {
	.of = SLOT_USER, .size = sizeof(struct private_slot), .is_lost = true, .fini = slot_fini
};

static struct bytes key_of(struct arena *arena, const struct xnode *node)
{
	return arena_printf(arena, "%.*s %.*s", BYTES_ARG(xnode_ns(node)),
			    BYTES_ARG(xnode_name(node)));
}

static bool is_reserved(struct bytes ns)
{
	return bytes_has_prefix(ns, BYTES_LIT("jabber:")) ||
	       bytes_has_prefix(ns, BYTES_LIT("http://jabber.org/")) ||
	       bytes_is(ns, NS_VCARD_TEMP) || ns.len == 0;
}

/*
 * Section 2.3: at least one child, each in a namespace of its own that is not reserved (that of
 * the query itself is), or it is not acceptable; nor are very many.
 */
static struct verdict query_check(const struct iq *iq)
{
	const struct xnode *child = xnode_first_child(iq->child);
	unsigned count = 0;

	if (child == NULL)
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_NONE);
	for (; child != NULL; child = xnode_next(child))
		if (is_reserved(xnode_ns(child)) || ++count > ELEMENTS_MAX ||
		    key_of(iq->arena, child).len > KEY_BYTES_MAX)
			return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_NONE);
	return verdict_pass();
}

static struct bytes wrap(struct bytes xml)
{
	return arena_printf(scratch(), "<query xmlns='" NS_PRIVATE "'>%.*s</query>",
			    BYTES_ARG(xml));
}

static const struct xnode *query_of(const struct private_op *op)
{
	return xnode_first_child(stanza_root(op->request));
}

/* --- get ---------------------------------------------------------------------------------- */

/* Asked for what is not there, the question is the answer. */
static void get_answer(struct private_op *op, struct bytes found)
{
	struct buf echo;

	buf_init(&echo, 0);
	if (bytes_is_none(found)) {
		xnode_write(&echo, xnode_first_child(query_of(op)), BYTES_LIT(NS_PRIVATE));
		found = buf_bytes(&echo);
	}
	iq_token_result(&op->token, wrap(found));
	buf_fini(&echo);
}

/* --- set ---------------------------------------------------------------------------------- */

/* All elements of the same kind as `first`, unless it is not the first of them. */
static bool kind_write(struct buf *out, const struct xnode *query, const struct xnode *first)
{
	const struct xnode *node;

	xnode_for_each_child (node, query) {
		if (!bytes_equal(xnode_name(node), xnode_name(first)) ||
		    !bytes_equal(xnode_ns(node), xnode_ns(first)))
			continue;
		if (node->index < first->index)
			return false;
		xnode_write(out, node, BYTES_LIT(NS_PRIVATE));
	}
	return true;
}

static bool is_in_query(const struct xnode *query, struct bytes key)
{
	const struct xnode *node;

	xnode_for_each_child (node, query) {
		struct bytes ns = xnode_ns(node);
		if (bytes_has_prefix(key, ns) &&
		    bytes_equal(bytes_skip(key, ns.len + 1), xnode_name(node)))
			return true;
	}
	return false;
}

/* What stays as it is counts against the limit. */
static size_t bytes_that_stay(const struct store_item *item, const struct xnode *query)
{
	size_t bytes = 0;

	for (; item != NULL; item = item->next)
		if (!is_in_query(query, item->key))
			bytes += item->key.len + item->value.len;
	return bytes;
}

static size_t put_all(struct store_batch *batch, const struct xnode *query)
{
	const struct xnode *node;
	size_t bytes = 0;

	xnode_for_each_child (node, query) {
		struct bytes key = key_of(scratch(), node);
		struct buf xml;
		buf_init(&xml, 0);
		if (kind_write(&xml, query, node)) {
			store_put(batch, &private_store, key, buf_bytes(&xml));
			bytes += key.len + xml.len;
		}
		buf_fini(&xml);
	}
	return bytes;
}

/* The limit is on the whole, so the whole was looked at: at most limits.private_bytes. */
static void set_answer(struct private_op *op, const struct store_item *stored)
{
	const struct settings *settings = domain_settings(user_domain(op->user));
	struct store_batch *batch = store_batch_new(core_store(), user_jid(op->user).full);
	size_t bytes = put_all(batch, query_of(op)) + bytes_that_stay(stored, query_of(op));

	if (bytes > (size_t)settings_int(settings, &option_bytes)) {
		store_batch_free(&batch);
		iq_token_fail(&op->token, CONDITION_RESOURCE_CONSTRAINT, TEXT_PRIVATE_FULL);
		return;
	}
	user_commit(op->user, &batch);
	iq_token_result(&op->token, BYTES_NONE);
}

/* --- the queue ---------------------------------------------------------------------------- */

static void op_found(struct store_read *read, int status, void *context);

static void op_start(struct private_op *op)
{
	struct bytes owner = user_jid(op->user).full;

	if (bytes_is(op->request->type, "get"))
		store_get(core_store(), owner, &private_store,
			  key_of(scratch(), xnode_first_child(query_of(op))), op_found, op);
	else
		store_scan(core_store(), owner, &private_store, BYTES_NONE, op_found, op);
}

/* The account may have gone with the answer: then the slot is gone, and the queue an orphan. */
static void op_end(struct private_op *op)
{
	struct private_queue *queue = op->queue;
	struct user *user = op->user;
	struct private_op *next;

	list_del(&op->list);
	stanza_unref(&op->request);
	block_free(op);
	next = list_first(&queue->ops, struct private_op, list);
	if (next != NULL) {
		op_start(next);
		return;
	}
	if (!queue->is_orphan)
		((struct private_slot *)slot_find(&queue_slot, user))->queue = NULL;
	block_free(queue);
}

static void op_found(struct store_read *read, int status, void *context)
{
	struct private_op *op = context;

	if (status < 0)
		iq_token_fail(&op->token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	else if (bytes_is(op->request->type, "get"))
		get_answer(op, store_read_value(read, 0));
	else
		set_answer(op, store_read_items(read, 0));
	op_end(op);
}

static void op_queue(struct private_op *op)
{
	struct private_slot *slot = slot_get(&queue_slot, op->user);
	bool is_idle = slot->queue == NULL;

	if (is_idle) {
		slot->queue = block_alloc_zeroed(sizeof(*slot->queue));
		list_init(&slot->queue->ops);
	}
	op->queue = slot->queue;
	list_add_tail(&slot->queue->ops, &op->list);
	if (is_idle)
		op_start(op);
}

/* Section 2.3: a get is for one element and no more. */
static struct verdict private_ask(struct iq *iq)
{
	struct verdict verdict = query_check(iq);
	struct iq_token *token;
	struct private_op *op;

	if (verdict.kind != VERDICT_PASS)
		return verdict;
	if (iq->type == IQ_GET && xnode_next(xnode_first_child(iq->child)) != NULL)
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	verdict = iq_later(iq, DEADLINE_MS, &token);
	if (verdict.kind != VERDICT_LATER)
		return verdict;
	op = block_alloc(sizeof(*op));
	*op = (struct private_op){ .token = token,
				   .user = iq->user,
				   .request = stanza_ref(iq->stanza) };
	op_queue(op);
	return verdict;
}

/* Section 2.3: what belongs to others. */
static struct verdict other(struct iq *iq)
{
	(void)iq;
	return (struct verdict){ .kind = VERDICT_FAIL,
				 .condition = CONDITION_FORBIDDEN,
				 .type = ERROR_TYPE_CANCEL };
}

const struct feature feature_private = {
	FEATURE_ABI,
	.name = "private",
	.xep = "0049",
	.version = "1.2",
	.summary = "Keep clients' settings and old bookmarks on the server.",
	.disco = (const char *const[]){ NS_PRIVATE, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET | IQ_SET, TO_ACCOUNT, NS_PRIVATE, "query", private_ask },
			{ IQ_GET | IQ_SET, TO_OTHER, NS_PRIVATE, "query", other },
			{ 0 },
		},
	.options = (struct option *const[]){ &option_bytes, NULL },
	.stores = (struct store_decl *const[]){ &private_store, NULL },
	.slots = (struct slot *const[]){ &queue_slot, NULL },
};
