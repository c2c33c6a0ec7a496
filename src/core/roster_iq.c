/*
 * Roster management (RFC 6121 section 2) as clients ask for it: get, set, remove, versioning
 * and pushes. XEP-0237's versioning is RFC 6121 section 2.6.
 */
#include <inttypes.h>

#include <stdlib.h>

#include "base/check.h"
#include "base/secret.h"
#include "core/domain.h"
#include "core/output.h"
#include "core/roster.h"
#include "core/roster_code.h"
#include "core/session.h"
#include "core/shard_state.h"
#include "core/subscribe.h"
#include "xml/build.h"

#define NS_ROSTER "jabber:iq:roster"
#define NS_VER "urn:xmpp:features:rosterver"

struct option roster_option_items =
	OPTION_INT("limits.roster_items", OPTION_DOMAIN, 10000, 1, 1000000,
		   "How many contacts one account may have.");

bool roster_has_room(struct user *user)
{
	return roster_size(roster_of(user)) <
	       settings_int(user->domain->settings, &roster_option_items);
}

static void write_all(struct xml_writer *w, const struct roster *roster)
{
	for (uint32_t i = 0; i < roster->count; i++)
		if ((roster->items[i]->flags & ROSTER_IN_LIST) != 0)
			roster_write_item(w, roster, roster_item_jid(roster->items[i]));
}

static void push_to(struct session *session, struct bytes ver, struct bytes item_xml)
{
	struct builder b;
	struct stanza *push;
	struct bytes id = arena_printf(scratch(), "push-%" PRIx64, random_u64());

	builder_init(&b, STANZA_IQ,
		     &(struct stanza_head){
			     .to = session->jid.full, .id = id, .type = BYTES_LIT("set") });
	xml_open(&b.xml, "query", NS_ROSTER);
	xml_attr(&b.xml, "ver", ver);
	xml_raw(&b.xml, item_xml);
	xml_close(&b.xml);
	push = builder_seal(&b);
	output_to_session(session, push);
	stanza_unref(&push);
}

static struct bytes item_xml(struct buf *out, const struct roster *roster, struct bytes jid)
{
	struct xml_writer w;

	buf_init(out, 0);
	xml_writer_init(&w, out);
	roster_write_item(&w, roster, jid);
	xml_writer_fini(&w);
	return buf_bytes(out);
}

void roster_push(struct user *user, struct bytes jid)
{
	struct roster *roster = roster_of(user);
	struct session *session = NULL;
	struct buf item;
	struct bytes xml = item_xml(&item, roster, jid);

	while ((session = user_session_next(user, session)) != NULL)
		if (session->is_interested)
			push_to(session, roster_version(scratch(), roster), xml);
	buf_fini(&item);
}

static int compare_by_version(const void *left, const void *right)
{
	const struct roster_item *a = *(const struct roster_item *const *)left;
	const struct roster_item *b = *(const struct roster_item *const *)right;

	return a->version < b->version ? -1 : a->version > b->version;
}

/*
 * Section 2.6.3: what changed since a version, as pushes in the order of the changes, each with
 * the version it leads to, so that a client cut off in between goes on from there.
 */
static void push_since(struct session *session, const struct roster *roster, uint64_t since)
{
	const struct roster_item **changed =
		arena_alloc_raw(scratch(), (roster->count + 1) * sizeof(*changed));
	size_t count = 0;

	for (uint32_t i = 0; i < roster->count; i++)
		if (roster->items[i]->version > since &&
		    (roster->items[i]->flags & (ROSTER_IN_LIST | ROSTER_REMOVED)) != 0)
			changed[count++] = roster->items[i];
	qsort(changed, count, sizeof(*changed), compare_by_version);
	for (size_t i = 0; i < count; i++) {
		struct buf item;
		struct bytes ver = arena_printf(scratch(), "%" PRIx64 "-%" PRIu64, roster->id,
						changed[i]->version);
		push_to(session, ver, item_xml(&item, roster, roster_item_jid(changed[i])));
		buf_fini(&item);
	}
}

static struct verdict roster_get(struct iq *iq)
{
	struct roster *roster = roster_of(iq->user);
	struct session *session = iq->passage->session;
	struct bytes known = xnode_attr(iq->child, "ver");
	struct verdict verdict;
	struct buf xml;
	struct xml_writer w;
	uint64_t since;

	if (xnode_first_child(iq->child) != NULL)
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	session->is_interested = true;
	if (!bytes_is_none(known) && roster_since(roster, known, &since)) {
		verdict = iq_ok(iq);
		push_since(session, roster, since);
		return verdict;
	}
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_ROSTER);
	if (!bytes_is_none(known))
		xml_attr(&w, "ver", roster_version(iq->arena, roster));
	write_all(&w, roster);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* Section 2.3.3: the groups of a set, checked and put into the stored form. */
static enum stanza_condition read_groups(const struct xnode *item, struct bytes *ret_groups)
{
	const struct xnode *group;
	unsigned count = 0;
	struct buf out;

	buf_init(&out, UINT16_MAX);
	xnode_for_each_child (group, item) {
		struct bytes name = xnode_text(group, scratch());
		if (!xnode_is(group, "group", NS_ROSTER))
			continue;
		if (name.len == 0 || name.len > ROSTER_NAME_MAX ||
		    ++count > ROSTER_GROUPS_MAX) {
			buf_fini(&out);
			return CONDITION_NOT_ACCEPTABLE;
		}
		for (struct bytes rest = buf_bytes(&out); rest.len > 0;) {
			size_t len = (uint8_t)rest.ptr[0] | (size_t)(uint8_t)rest.ptr[1] << 8;
			if (bytes_equal(bytes_make(rest.ptr + 2, len), name)) {
				buf_fini(&out);
				return CONDITION_BAD_REQUEST; /* the same group twice */
			}
			rest = bytes_skip(rest, 2 + len);
		}
		buf_append_byte(&out, (char)(name.len & 0xff));
		buf_append_byte(&out, (char)(name.len >> 8));
		buf_append(&out, name);
	}
	*ret_groups = arena_copy(scratch(), buf_bytes(&out));
	bool is_over = out.failed;
	buf_fini(&out);
	return is_over ? CONDITION_NOT_ACCEPTABLE : CONDITION_NONE;
}

/* Section 2.3: adds or changes an item; the subscription is not the client's to set. */
static struct verdict roster_update(struct iq *iq, const struct xnode *item, struct jid contact)
{
	struct roster *roster = roster_of(iq->user);
	struct roster_change change = roster_change_of(roster, contact.full);
	struct bytes name = xnode_attr(item, "name");
	enum stanza_condition fault = read_groups(item, &change.groups);
	struct store_batch *batch;
	struct verdict verdict;
	bool is_new = (change.flags & ROSTER_IN_LIST) == 0;
	bool is_pushed;

	if (fault == CONDITION_NONE && name.len > ROSTER_NAME_MAX)
		fault = CONDITION_NOT_ACCEPTABLE;
	if (fault != CONDITION_NONE)
		return verdict_fail(fault, TEXT_NONE);
	if (is_new && !roster_has_room(iq->user))
		return verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_ROSTER_FULL);
	change.name = bytes_is_none(name) ? BYTES_LIT("") : name;
	change.flags |= ROSTER_IN_LIST;
	batch = store_batch_new(core_store(), iq->user->jid.full);
	is_pushed = roster_apply(iq->user, &change, batch);
	user_commit(iq->user, &batch);
	verdict = iq_ok(iq);
	if (is_pushed)
		roster_push(iq->user, contact.full);
	return verdict;
}

static struct verdict roster_set(struct iq *iq)
{
	const struct xnode *item = xnode_first_child(iq->child);
	struct jid contact;

	if (item == NULL || xnode_next(item) != NULL || !xnode_is(item, "item", NS_ROSTER) ||
	    bytes_is_none(xnode_attr(item, "jid")))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (jid_parse(iq->arena, xnode_attr(item, "jid"), &contact, NULL) < 0)
		return verdict_fail(CONDITION_JID_MALFORMED, TEXT_NONE);
	contact = jid_to_bare(contact);
	if (contact.full.len > ROSTER_JID_MAX)
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_NONE);
	if (jid_bare_equal(contact, iq->user->jid))
		return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_NONE);
	if (bytes_is(xnode_attr(item, "subscription"), "remove"))
		return subscribe_remove(iq, contact);
	return roster_update(iq, item, contact);
}

/* Sections 2.1.5 and 2.3.3: a roster is its owner's alone; the answer is the same whoever is asked. */
static struct verdict roster_of_others(struct iq *iq)
{
	(void)iq;
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

static void announce_versions(const struct domain *domain, struct buf *out)
{
	(void)domain;
	buf_append_cstr(out, "<ver xmlns='" NS_VER
			     "'/><sub xmlns='urn:xmpp:features:pre-approval'/>");
}

const struct feature feature_roster = {
	FEATURE_ABI,
	.name = "roster",
	.xep = "0237",
	.version = "1.3",
	.summary = "Contact lists, kept on the server and sent as differences (RFC 6121).",
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_ACCOUNT, NS_ROSTER, "query", roster_get },
			{ IQ_SET, TO_ACCOUNT, NS_ROSTER, "query", roster_set },
			{ IQ_GET | IQ_SET, TO_OTHER, NS_ROSTER, "query", roster_of_others },
			{ 0 },
		},
	.stream_features = announce_versions,
	.options = (struct option *const[]){ &roster_option_items, NULL },
	.stores = (struct store_decl *const[]){ &roster_store, NULL },
	.slots = (struct slot *const[]){ &roster_slot, NULL },
	.preload = (const struct preload[]){ { &roster_store, roster_loaded }, { 0 } },
};
