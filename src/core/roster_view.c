/* The roster as clients see it: the account's own items and its shared groups, as one. */
#include <inttypes.h>

#include "core/group_set.h"
#include "core/roster.h"
#include "core/user.h"

enum subscription roster_state(struct user *user, struct bytes bare)
{
	struct group_view view = group_view_of(group_current(), user->jid.full);
	const struct roster_item *item;

	if (group_view_has(&view, bare))
		return SUBSCRIPTION_BOTH;
	item = roster_find(roster_of(user), bare);
	return item == NULL ? SUBSCRIPTION_NONE : (enum subscription)item->state;
}

void roster_cursor_init(struct roster_cursor *cursor, struct user *user)
{
	*cursor = (struct roster_cursor){
		.user = user, .view = group_view_of(group_current(), user->jid.full)
	};
}

bool roster_cursor_next(struct roster_cursor *cursor, struct bytes *ret_jid,
			enum subscription *ret_state)
{
	const struct roster *roster = roster_of(cursor->user);
	struct bytes jid;

	while (cursor->item < roster->count) {
		const struct roster_item *item = roster->items[cursor->item++];
		if ((item->flags & ROSTER_REMOVED) != 0)
			continue;
		*ret_jid = roster_item_jid(item);
		*ret_state = group_view_has(&cursor->view, *ret_jid)
				     ? SUBSCRIPTION_BOTH
				     : (enum subscription)item->state;
		return true;
	}
	while (!bytes_is_none(jid = group_view_next(&cursor->view, &cursor->shared))) {
		if (roster_find(roster, jid) != NULL)
			continue;
		*ret_jid = jid;
		*ret_state = SUBSCRIPTION_BOTH;
		return true;
	}
	return false;
}

bool roster_is_shared(const struct user *user, struct bytes bare)
{
	struct group_view view = group_view_of(group_current(), user->jid.full);

	return group_view_has(&view, bare);
}

static bool is_shared_name(const struct group_view *view, struct bytes contact,
			   struct bytes name)
{
	struct bytes display;
	uint32_t cursor = 0;

	while (!bytes_is_none(display = group_view_name(view, contact, &cursor)))
		if (bytes_equal(display, name))
			return true;
	return false;
}

struct bytes roster_own_groups(const struct user *user, struct bytes bare, struct bytes groups)
{
	struct group_view view = group_view_of(group_current(), user->jid.full);
	char *own = arena_alloc_raw(scratch(), groups.len + 1), *at = own;

	if (!group_view_has(&view, bare))
		return groups;
	while (groups.len > 0) {
		size_t len = (uint8_t)groups.ptr[0] | (size_t)(uint8_t)groups.ptr[1] << 8;
		if (!is_shared_name(&view, bare, bytes_make(groups.ptr + 2, len))) {
			memcpy(at, groups.ptr, 2 + len);
			at += 2 + len;
		}
		groups = bytes_skip(groups, 2 + len);
	}
	return bytes_make(own, (size_t)(at - own));
}

struct roster_point roster_now(struct user *user)
{
	struct group_view view = group_view_of(group_current(), user->jid.full);

	return (struct roster_point){ roster_of(user)->version,
				      view.domain == NULL ? 0 : view.domain->version };
}

/* "id-own", or "id-own-groups" where the domain has groups. */
struct bytes roster_version(struct arena *arena, const struct roster *roster,
			    struct roster_point point)
{
	if (point.groups == 0)
		return arena_printf(arena, "%" PRIx64 "-%" PRIu64, roster->id, point.own);
	return arena_printf(arena, "%" PRIx64 "-%" PRIu64 "-%" PRIu64, roster->id, point.own,
			    point.groups);
}

bool roster_since(struct user *user, struct bytes version, struct roster_point *ret_since)
{
	const struct roster *roster = roster_of(user);
	struct group_view view = group_view_of(group_current(), user->jid.full);
	struct bytes rest = version, id = bytes_cut(&rest, '-'), own = bytes_cut(&rest, '-');
	struct roster_point now = roster_now(user), since = { 0 };

	if (!bytes_equal(id, arena_printf(scratch(), "%" PRIx64, roster->id)) ||
	    bytes_is_none(own) || bytes_to_u64(own, &since.own) < 0 ||
	    (!bytes_is_none(rest) && bytes_to_u64(rest, &since.groups) < 0))
		return false;
	*ret_since = since;
	return since.own >= roster->floor && since.own <= now.own &&
	       since.groups <= now.groups &&
	       (view.domain == NULL || since.groups >= view.domain->floor);
}

static void write_own_groups(struct xml_writer *w, struct bytes groups)
{
	while (groups.len > 0) {
		size_t len = (uint8_t)groups.ptr[0] | (size_t)(uint8_t)groups.ptr[1] << 8;
		xml_element_text(w, "group", bytes_make(groups.ptr + 2, len));
		groups = bytes_skip(groups, 2 + len);
	}
}

static bool has_group(struct bytes groups, struct bytes name)
{
	while (groups.len > 0) {
		size_t len = (uint8_t)groups.ptr[0] | (size_t)(uint8_t)groups.ptr[1] << 8;
		if (bytes_equal(bytes_make(groups.ptr + 2, len), name))
			return true;
		groups = bytes_skip(groups, 2 + len);
	}
	return false;
}

static void write_shared_groups(struct xml_writer *w, const struct group_view *view,
				struct bytes contact, struct bytes own)
{
	struct bytes name;
	uint32_t cursor = 0;

	while (!bytes_is_none(name = group_view_name(view, contact, &cursor)))
		if (!has_group(own, name))
			xml_element_text(w, "group", name);
}

static void write_contact(struct xml_writer *w, const struct roster_change *item,
			  const struct group_view *view, bool is_shared)
{
	enum subscription state = is_shared ? SUBSCRIPTION_BOTH : item->state;
	struct bytes local = jid_local(jid_from_normal(item->jid));

	if (item->name.len > 0)
		xml_attr(w, "name", item->name);
	else if (is_shared && (item->flags & ROSTER_IN_LIST) == 0 && local.len > 0)
		xml_attr(w, "name", local);
	xml_attr(w, "subscription", bytes_of(subscription_word(state)));
	if (subscription_is_asking(state))
		xml_attr(w, "ask", BYTES_LIT("subscribe"));
	if ((item->flags & ROSTER_APPROVED) != 0)
		xml_attr(w, "approved", BYTES_LIT("true"));
	write_own_groups(w, item->groups);
	if (is_shared)
		write_shared_groups(w, view, item->jid, item->groups);
}

/* Section 2.1.2. */
static void write_item(struct xml_writer *w, const struct roster_change *item,
		       const struct group_view *view)
{
	bool is_shared = group_view_has(view, item->jid);

	xml_open(w, "item", NULL);
	xml_attr(w, "jid", item->jid);
	if (is_shared || (item->flags & ROSTER_IN_LIST) != 0)
		write_contact(w, item, view, is_shared);
	else
		xml_attr(w, "subscription", BYTES_LIT("remove"));
	xml_close(w);
}

void roster_write_item(struct xml_writer *w, struct user *user, struct bytes jid)
{
	struct group_view view = group_view_of(group_current(), user->jid.full);
	struct roster_change item = roster_change_of(roster_of(user), jid);

	write_item(w, &item, &view);
}

void roster_write_all(struct xml_writer *w, struct user *user)
{
	const struct roster *roster = roster_of(user);
	struct group_view view = group_view_of(group_current(), user->jid.full);
	struct group_cursor cursor = { 0 };
	struct roster_change item;
	struct bytes contact;

	for (uint32_t i = 0; i < roster->count; i++) {
		item = roster_item_change(roster->items[i]);
		if ((item.flags & ROSTER_IN_LIST) != 0)
			write_item(w, &item, &view);
	}
	while (!bytes_is_none(contact = group_view_next(&view, &cursor))) {
		item = roster_change_of(roster, contact);
		if ((item.flags & ROSTER_IN_LIST) == 0)
			write_item(w, &item, &view);
	}
}
