/*
 * XEP-0191 Blocking Command: a user says once whom she does not want to hear from, on whatever
 * device. Version 1.3.0. "Polite" blocking (section 4): subscriptions stay. A message to a
 * contact's bare JID cannot tell which device reads it, so blocking one resource of a subscriber
 * keeps that resource's stanzas out, but later broadcasts of presence still reach it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/block.h"
#include "base/codec.h"
#include "base/secret.h"
#include "base/table.h"
#include "core/service.h"
#include "xml/build.h"
#include "xmpp/hash.h"
#include "xmpp/ns.h"

enum { KEY_BYTES_MAX = 1023 }; /* of a map (store/store.h) */

static struct option option_limit =
	OPTION_INT("limits.blocklist", OPTION_DOMAIN, 1000, 1, 100000,
		   "How many addresses one account may block.");

/*
 * Key: the JID, and no value. A JID that is too long for a key is the value, under its hash.
 */
static struct store_decl blocklist_store =
	STORE_DECL("blocklist", STORE_MAP, 1, "Addresses that each account has blocked.");

struct blocked {
	uint16_t len;
	char jid[];
};

/* Of a user; absent while nothing was ever blocked. */
struct blocklist {
	struct table jids; /* JID -> struct blocked */
};

/* Of a session: it has asked for the list and gets pushes. */
struct follower {
	bool is_following;
};

static void blocklist_fini(void *state)
{
	struct blocklist *list = state;
	uint32_t cursor = 0;
	struct blocked *blocked;

	while ((blocked = table_next(&list->jids, &cursor)) != NULL)
		block_free(blocked);
	table_fini(&list->jids);
}

static void follower_freeze(const void *state, struct buf *out)
{
	buf_append_byte(out, ((const struct follower *)state)->is_following ? '1' : '0');
}

static int follower_thaw(void *state, struct bytes in)
{
	((struct follower *)state)->is_following = bytes_is(in, "1");
	return 0;
}

/* Lost in a move: the account's load brings it back. */
static struct slot list_slot = { .of = SLOT_USER,
				 .size = sizeof(struct blocklist),
				 .is_lost = true,
				 .fini = blocklist_fini };
static struct slot follower_slot = { .of = SLOT_SESSION,
				     .size = sizeof(struct follower),
				     .freeze = follower_freeze,
				     .thaw = follower_thaw };

/* --- the list ----------------------------------------------------------------------------- */

static struct blocklist *list_of(struct user *user)
{
	struct blocklist *list = slot_find(&list_slot, user);

	if (list == NULL) {
		list = slot_get(&list_slot, user);
		table_init(&list->jids);
	}
	return list;
}

static uint32_t list_count(const struct user *user)
{
	const struct blocklist *list = slot_find(&list_slot, user);

	return list == NULL ? 0 : table_count(&list->jids);
}

/* False if it was there. */
static bool list_add(struct blocklist *list, struct bytes jid)
{
	struct blocked *blocked;

	if (table_find(&list->jids, jid) != NULL)
		return false;
	blocked = block_alloc(sizeof(*blocked) + jid.len);
	blocked->len = (uint16_t)jid.len;
	memcpy(blocked->jid, jid.ptr, jid.len);
	table_put(&list->jids, bytes_make(blocked->jid, jid.len), blocked);
	return true;
}

static bool list_remove(struct blocklist *list, struct bytes jid)
{
	struct blocked *blocked = table_del(&list->jids, jid);

	block_free(blocked);
	return blocked != NULL;
}

static void list_loaded(struct user *user, struct bytes key, struct bytes value)
{
	if (!bytes_is_none(key))
		list_add(list_of(user), value.len > 0 ? value : key);
}

static struct bytes list_key(struct bytes jid)
{
	uint8_t digest[HASH_MAX_BYTES];

	if (jid.len <= KEY_BYTES_MAX)
		return jid;
	hash_digest(HASH_SHA256, jid, digest);
	return base64url_encode(scratch(), bytes_make(digest, hash_bytes(HASH_SHA256)));
}

static struct bytes list_value(struct bytes jid)
{
	return jid.len <= KEY_BYTES_MAX ? BYTES_LIT("") : jid;
}

/*
 * Section 5. A domain covers all on it, a bare JID all its resources, the rest itself only.
 * Never between the user's own resources (section 4), and the user's server cannot be blocked: it
 * acts for the user.
 */
static bool is_blocked(const struct user *user, struct jid other)
{
	const struct blocklist *list = slot_find(&list_slot, user);
	struct jid own = user_jid(user);

	if (list == NULL || table_count(&list->jids) == 0 || jid_bare_equal(other, own) ||
	    bytes_equal(other.full, jid_domain(own)))
		return false;
	return table_find(&list->jids, other.full) != NULL ||
	       table_find(&list->jids, jid_bare(other)) != NULL ||
	       table_find(&list->jids, jid_domain(other)) != NULL;
}

/* --- requests ----------------------------------------------------------------------------- */

/* The addresses that a request names, normalised. */
struct targets {
	struct jid *jids;
	size_t count;
};

static void write_item(struct xml_writer *w, struct bytes jid)
{
	xml_open(w, "item", NULL);
	xml_attr(w, "jid", jid);
	xml_close(w);
}

static int compare_jids(const void *left, const void *right)
{
	return bytes_compare(((const struct jid *)left)->full,
			     ((const struct jid *)right)->full);
}

/* Sorted: the order of a hash is no order to show. */
static struct targets targets_all(struct user *user, struct arena *arena)
{
	struct blocklist *list = list_of(user);
	struct targets all = { arena_alloc(arena, (list_count(user) + 1) * sizeof(*all.jids)),
			       0 };
	uint32_t cursor = 0;
	struct blocked *blocked;

	while ((blocked = table_next(&list->jids, &cursor)) != NULL)
		all.jids[all.count++] = jid_from_normal(
			arena_copy(arena, bytes_make(blocked->jid, blocked->len)));
	qsort(all.jids, all.count, sizeof(*all.jids), compare_jids);
	return all;
}

/* Section 3.2. */
static struct verdict list_get(struct iq *iq)
{
	struct follower *follower = slot_get(&follower_slot, iq->passage->session);
	struct targets all;
	struct buf xml;
	struct xml_writer w;

	follower->is_following = true;
	if (list_count(iq->user) == 0)
		return iq_result(iq, BYTES_LIT("<blocklist xmlns='" NS_BLOCKING "'/>"));
	all = targets_all(iq->user, iq->arena);
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "blocklist", NS_BLOCKING);
	for (size_t i = 0; i < all.count; i++)
		write_item(&w, all.jids[i].full);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* To all devices that asked for the list: what changed, or that all is unblocked (no item). */
static void push(struct user *user, const char *command, const struct targets *changed)
{
	struct session *session = NULL;
	const struct follower *follower;

	while ((session = user_session_next(user, session)) != NULL) {
		struct bytes id = arena_printf(scratch(), "block-%" PRIx64, random_u64());
		struct builder builder;
		struct stanza *stanza;
		follower = slot_find(&follower_slot, session);
		if (follower == NULL || !follower->is_following)
			continue;
		builder_init(&builder, STANZA_IQ,
			     &(struct stanza_head){ .to = session_jid(session).full,
						    .id = id,
						    .type = BYTES_LIT("set") });
		xml_open(&builder.xml, command, NS_BLOCKING);
		for (size_t i = 0; i < changed->count; i++)
			write_item(&builder.xml, changed->jids[i].full);
		xml_close(&builder.xml);
		stanza = builder_seal(&builder);
		session_send(session, stanza);
		stanza_unref(&stanza);
	}
}

/* All items of the command, or what is wrong with the first bad one. */
static enum stanza_condition targets_read(const struct iq *iq, struct targets *ret_targets)
{
	struct targets targets = { NULL, 0 };
	const struct xnode *item;

	xnode_for_each_child (item, iq->child)
		targets.count++;
	targets.jids = arena_alloc(iq->arena, (targets.count + 1) * sizeof(*targets.jids));
	targets.count = 0;
	xnode_for_each_child (item, iq->child) {
		struct bytes jid = xnode_attr(item, "jid");
		if (!xnode_is(item, "item", NS_BLOCKING) || bytes_is_none(jid))
			return CONDITION_BAD_REQUEST;
		if (jid_parse_borrowed(iq->arena, jid, &targets.jids[targets.count++], NULL) <
		    0)
			return CONDITION_JID_MALFORMED;
	}
	*ret_targets = targets;
	return CONDITION_NONE;
}

/* Takes the batch; nothing to commit is nothing to do. */
static void commit(struct user *user, struct store_batch **batch)
{
	if (store_batch_count(*batch) == 0)
		store_batch_free(batch);
	else
		user_commit(user, batch);
}

static struct targets block_all(struct user *user, const struct targets *wanted,
				struct arena *arena)
{
	struct targets added = { arena_alloc(arena, wanted->count * sizeof(*added.jids)), 0 };
	struct store_batch *batch = store_batch_new(core_store(), user_jid(user).full);

	for (size_t i = 0; i < wanted->count; i++) {
		if (!list_add(list_of(user), wanted->jids[i].full))
			continue;
		store_put(batch, &blocklist_store, list_key(wanted->jids[i].full),
			  list_value(wanted->jids[i].full));
		added.jids[added.count++] = wanted->jids[i];
	}
	commit(user, &batch);
	return added;
}

static bool has_room(struct iq *iq, const struct targets *wanted)
{
	int64_t room =
		settings_int(domain_settings(iq->domain), &option_limit) - list_count(iq->user);

	for (size_t i = 0; i < wanted->count; i++)
		room -= table_find(&list_of(iq->user)->jids, wanted->jids[i].full) == NULL;
	return room >= 0;
}

/* Section 3.3. The user's own JID may stand in the list: it blocks nothing. */
static struct verdict block(struct iq *iq)
{
	struct targets wanted, added;
	struct verdict verdict;
	enum stanza_condition fault = targets_read(iq, &wanted);

	if (fault == CONDITION_NONE && wanted.count == 0)
		fault = CONDITION_BAD_REQUEST;
	if (fault != CONDITION_NONE)
		return verdict_fail(fault, TEXT_NONE);
	if (!has_room(iq, &wanted))
		return verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_BLOCKLIST_FULL);
	added = block_all(iq->user, &wanted, iq->arena);
	for (size_t i = 0; i < added.count; i++)
		if (!jid_bare_equal(added.jids[i], user_jid(iq->user)))
			service_hide_from(iq->user, added.jids[i]);
	verdict = iq_ok(iq);
	if (added.count > 0)
		push(iq->user, "block", &added);
	return verdict;
}

static struct targets unblock_all(struct user *user, const struct targets *wanted,
				  struct arena *arena)
{
	struct targets removed = { arena_alloc(arena, (wanted->count + 1) * sizeof(struct jid)),
				   0 };
	struct store_batch *batch = store_batch_new(core_store(), user_jid(user).full);

	for (size_t i = 0; i < wanted->count; i++) {
		if (!list_remove(list_of(user), wanted->jids[i].full))
			continue;
		store_del(batch, &blocklist_store, list_key(wanted->jids[i].full));
		removed.jids[removed.count++] = wanted->jids[i];
	}
	commit(user, &batch);
	return removed;
}

/* Sections 3.4 and 3.5: those named, or with none all; the push of the latter names none. */
static struct verdict unblock(struct iq *iq)
{
	struct targets wanted, removed;
	struct verdict verdict;
	enum stanza_condition fault = targets_read(iq, &wanted);
	bool is_all = fault == CONDITION_NONE && wanted.count == 0;

	if (fault != CONDITION_NONE)
		return verdict_fail(fault, TEXT_NONE);
	if (is_all)
		wanted = targets_all(iq->user, iq->arena);
	removed = unblock_all(iq->user, &wanted, iq->arena);
	verdict = iq_ok(iq);
	if (removed.count > 0)
		push(iq->user, "unblock", is_all ? &(struct targets){ NULL, 0 } : &removed);
	for (size_t i = 0; i < removed.count; i++)
		if (!jid_bare_equal(removed.jids[i], user_jid(iq->user)))
			service_show_to(iq->user, removed.jids[i]);
	return verdict;
}

/* --- phases (section 3.3) ----------------------------------------------------------------- */

static struct verdict check_sent(const struct passage *passage)
{
	if (!is_blocked(passage->user, passage->to))
		return verdict_pass();
	return (struct verdict){ .kind = VERDICT_FAIL,
				 .condition = CONDITION_NOT_ACCEPTABLE,
				 .type = ERROR_TYPE_CANCEL,
				 .extra = BYTES_LIT("<blocked xmlns='" NS_BLOCKING_ERRORS
						    "'/>") };
}

static bool is_from_blocked(const struct passage *passage)
{
	return passage->user != NULL && is_blocked(passage->user, passage->from);
}

/* Core answers no error and no result: those vanish, as the text asks for. */
static struct verdict check_received(const struct passage *passage)
{
	return is_from_blocked(passage) ? verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE)
					: verdict_pass();
}

static struct verdict check_received_presence(const struct passage *passage)
{
	return is_from_blocked(passage) ? verdict_drop() : verdict_pass();
}

static bool hides(const struct passage *passage)
{
	return is_blocked(passage->user, passage->to);
}

const struct feature feature_blocking = {
	FEATURE_ABI,
	.name = "blocking",
	.xep = "0191",
	.version = "1.3.0",
	.summary = "Block people, servers and single devices: nothing from or to them passes.",
	.disco = (const char *const[]){ NS_BLOCKING, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_ACCOUNT, NS_BLOCKING, "blocklist", list_get },
			{ IQ_SET, TO_ACCOUNT, NS_BLOCKING, "block", block },
			{ IQ_SET, TO_ACCOUNT, NS_BLOCKING, "unblock", unblock },
			{ 0 },
		},
	.message = { .sent.check = check_sent, .received.check = check_received },
	.presence = { .sent.check = check_sent, .received.check = check_received_presence },
	.iq_stanza = { .sent.check = check_sent, .received.check = check_received },
	.answer = { [QUESTION_HIDDEN] = hides },
	.options = (struct option *const[]){ &option_limit, NULL },
	.stores = (struct store_decl *const[]){ &blocklist_store, NULL },
	.slots = (struct slot *const[]){ &list_slot, &follower_slot, NULL },
	.preload = (const struct preload[]){ { &blocklist_store, list_loaded }, { 0 } },
};
