/*
 * Roster management (RFC 6121 section 2) as clients ask for it: get, set, remove, versioning
 * and pushes. XEP-0237's versioning is RFC 6121 section 2.6.
 */
#include <inttypes.h>

#include <stdlib.h>

#include "base/check.h"
#include "base/secret.h"
#include "core/domain.h"
#include "core/group.h"
#include "core/group_set.h"
#include "core/output.h"
#include "core/presence.h"
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

static struct bytes item_xml(struct buf *out, struct user *user, struct bytes jid)
{
	struct xml_writer w;

	buf_init(out, 0);
	xml_writer_init(&w, out);
	roster_write_item(&w, user, jid);
	xml_writer_fini(&w);
	return buf_bytes(out);
}

static bool has_interested(const struct user *user)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (session->is_interested)
			return true;
	return false;
}

static void push_at(struct user *user, struct bytes jid, struct roster_point point)
{
	struct bytes ver = roster_version(scratch(), roster_of(user), point);
	struct session *session = NULL;
	struct bytes xml;
	struct buf item;

	if (!has_interested(user))
		return;
	if (point.groups != 0)
		roster_keep_id(user);
	xml = item_xml(&item, user, jid);
	while ((session = user_session_next(user, session)) != NULL)
		if (session->is_interested)
			push_to(session, ver, xml);
	buf_fini(&item);
}

void roster_push(struct user *user, struct bytes jid)
{
	push_at(user, jid, roster_now(user));
}

void roster_push_as(struct user *user, struct bytes jid, uint64_t groups)
{
	push_at(user, jid, (struct roster_point){ roster_of(user)->version, groups });
}

/* A contact that changed, and the version that it leads to. */
struct changed {
	struct bytes jid;
	struct roster_point point;
};

static int compare_changed(const void *left, const void *right)
{
	const struct roster_point *a = &((const struct changed *)left)->point;
	const struct roster_point *b = &((const struct changed *)right)->point;

	if (a->groups != b->groups)
		return a->groups < b->groups ? -1 : 1;
	return a->own < b->own ? -1 : a->own > b->own;
}

/* The account's own items first, then what happened to its shared groups. */
static size_t changed_own(const struct roster *roster, struct roster_point since,
			  struct changed *out)
{
	size_t count = 0;

	for (uint32_t i = 0; i < roster->count; i++) {
		const struct roster_item *item = roster->items[i];
		if (item->version > since.own &&
		    (item->flags & (ROSTER_IN_LIST | ROSTER_REMOVED)) != 0)
			out[count++] = (struct changed){ roster_item_jid(item),
							 { item->version, since.groups } };
	}
	return count;
}

static size_t changed_shared(const struct group_view *view, struct roster_point since,
			     uint64_t own, struct changed *out)
{
	size_t count = 0;

	for (uint32_t i = 0; i < view->count; i++) {
		const struct group *group = view->links[i].group;
		for (uint32_t m = 0; m < group->count; m++) {
			struct bytes contact = group->members[m].jid;
			uint64_t version = group_view_since(view, contact);
			if (version > since.groups && !bytes_equal(contact, view->bare))
				out[count++] = (struct changed){ contact, { own, version } };
		}
	}
	return count;
}

static size_t changed_max(const struct roster *roster, const struct group_view *view)
{
	size_t count = roster->count + 1;

	for (uint32_t i = 0; i < view->count; i++)
		count += view->links[i].group->count;
	return count;
}

/*
 * Section 2.6.3: what changed since a version, as pushes in the order of the changes, each with
 * the version it leads to, so that a client cut off in between goes on from there. Of several
 * that lead to one version only the last may say so.
 */
static void push_since(struct session *session, struct user *user, struct roster_point since)
{
	const struct roster *roster = roster_of(user);
	struct group_view view = group_view_of(group_current(), user->jid.full);
	struct changed *changed =
		arena_alloc_raw(scratch(), changed_max(roster, &view) * sizeof(*changed));
	size_t count = changed_own(roster, since, changed);
	struct roster_point reached = since;

	if (view.domain != NULL && view.domain->version > since.groups)
		count += changed_shared(&view, since, roster->version, changed + count);
	qsort(changed, count, sizeof(*changed), compare_changed);
	for (size_t i = 0; i < count; i++) {
		bool is_last_of_version =
			i + 1 == count || compare_changed(&changed[i], &changed[i + 1]) != 0;
		struct buf item;
		if (is_last_of_version)
			reached = changed[i].point;
		push_to(session, roster_version(scratch(), roster, reached),
			item_xml(&item, user, changed[i].jid));
		buf_fini(&item);
	}
}

static struct verdict roster_get(struct iq *iq)
{
	struct session *session = iq->passage->session;
	struct bytes known = xnode_attr(iq->child, "ver");
	struct verdict verdict;
	struct buf xml;
	struct xml_writer w;
	struct roster_point since;

	if (xnode_first_child(iq->child) != NULL)
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	session->is_interested = true;
	if (!bytes_is_none(known) && roster_now(iq->user).groups != 0)
		roster_keep_id(iq->user);
	if (!bytes_is_none(known) && roster_since(iq->user, known, &since)) {
		verdict = iq_ok(iq);
		push_since(session, iq->user, since);
		return verdict;
	}
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_ROSTER);
	if (!bytes_is_none(known))
		xml_attr(&w, "ver",
			 roster_version(iq->arena, roster_of(iq->user), roster_now(iq->user)));
	roster_write_all(&w, iq->user);
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
	change.groups = roster_own_groups(iq->user, contact.full, change.groups);
	change.flags |= ROSTER_IN_LIST;
	batch = store_batch_new(core_store(), iq->user->jid.full);
	is_pushed = roster_apply(iq->user, &change, batch);
	user_commit(iq->user, &batch);
	verdict = iq_ok(iq);
	/* What a client wants of a shared group it does not get: it is told what it has. */
	if (is_pushed || roster_is_shared(iq->user, contact.full))
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
	if (bytes_is(xnode_attr(item, "subscription"), "remove") &&
	    roster_is_shared(iq->user, contact.full))
		return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_GROUP_CONTACT);
	if (bytes_is(xnode_attr(item, "subscription"), "remove"))
		return subscribe_remove(iq, contact);
	return roster_update(iq, item, contact);
}

/* Sections 2.1.5, 2.3.3: a roster is its owner's alone; the answer is the same for everybody. */
static struct verdict roster_of_others(struct iq *iq)
{
	(void)iq;
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

static void roster_owner_gone(const struct domain *domain, struct jid bare)
{
	(void)domain;
	group_account_gone(bare);
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
	.user_loaded = presence_user_loaded,
	.user_deleted = roster_owner_gone,
	.stores = (struct store_decl *const[]){ &roster_store, NULL },
	.slots = (struct slot *const[]){ &roster_slot, NULL },
	.preload = (const struct preload[]){ { &roster_store, roster_loaded }, { 0 } },
};
