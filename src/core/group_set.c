#include "core/group_set.h"

#include <stdlib.h>

#include "base/block.h"
#include "base/check.h"
#include "core/group.h"

enum { GROUPS_ARENA_BYTES = 4096 };

/* --- making ---------------------------------------------------------------------------------- */

struct group_domain *group_domain_new(struct bytes name)
{
	struct group_domain *domain = block_alloc_zeroed(sizeof(*domain));

	domain->refs = 1;
	arena_init(&domain->arena, GROUPS_ARENA_BYTES);
	domain->name = arena_copy(&domain->arena, name);
	return domain;
}

struct group *group_domain_add(struct group_domain *domain, struct bytes name,
			       struct bytes display, uint32_t capacity)
{
	struct group *groups =
		arena_alloc(&domain->arena, (domain->count + 1) * sizeof(groups[0]));
	struct group *group = &groups[domain->count];

	if (domain->count > 0)
		memcpy(groups, domain->groups, domain->count * sizeof(groups[0]));
	domain->groups = groups;
	domain->count++;
	group->name = arena_copy(&domain->arena, name);
	group->display = arena_copy(&domain->arena, display);
	group->members =
		arena_alloc_raw(&domain->arena, (capacity + 1) * sizeof(group->members[0]));
	return group;
}

struct group_domain *group_domain_copy(const struct group_domain *from, uint32_t more)
{
	struct group_domain *domain = group_domain_new(from->name);

	domain->version = from->version;
	domain->floor = from->floor;
	for (uint32_t i = 0; i < from->count; i++) {
		const struct group *old = &from->groups[i];
		struct group *group =
			group_domain_add(domain, old->name, old->display, old->count + more);
		group->is_everybody = old->is_everybody;
		group->since = old->since;
		group->count = old->count;
		group->present = old->present;
		for (uint32_t m = 0; m < old->count; m++) {
			group->members[m] = old->members[m];
			group->members[m].jid = arena_copy(&domain->arena, old->members[m].jid);
		}
	}
	return domain;
}

/* Where the JID is, or would be. */
static uint32_t group_index(const struct group *group, struct bytes jid, bool *ret_found)
{
	uint32_t low = 0, high = group->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = bytes_compare(group->members[middle].jid, jid);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

void group_set_member(struct group_domain *domain, struct group *group, struct bytes jid,
		      uint64_t since, bool is_removed)
{
	bool is_found;
	uint32_t at = group_index(group, jid, &is_found);
	struct group_member *member = &group->members[at];

	if (is_found) {
		group->present -= !member->is_removed;
	} else {
		memmove(member + 1, member, (group->count - at) * sizeof(*member));
		group->count++;
		member->jid = arena_copy(&domain->arena, jid);
	}
	member->since = since;
	member->is_removed = is_removed;
	group->present += !is_removed;
}

static void group_drop_tombstone(struct group_domain *domain, struct group *group)
{
	struct group_member *oldest = NULL;

	for (uint32_t i = 0; i < group->count; i++)
		if (group->members[i].is_removed &&
		    (oldest == NULL || group->members[i].since < oldest->since))
			oldest = &group->members[i];
	check(oldest != NULL);
	if (oldest->since > domain->floor)
		domain->floor = oldest->since;
	group->count--;
	memmove(oldest, oldest + 1,
		(size_t)(group->members + group->count - oldest) * sizeof(*oldest));
}

void group_drop_tombstones(struct group_domain *domain, struct group *group)
{
	while (group->count - group->present > GROUP_TOMBSTONES_MAX)
		group_drop_tombstone(domain, group);
}

void group_domain_drop(struct group_domain *domain, struct group *group)
{
	size_t at = (size_t)(group - domain->groups);

	check(at < domain->count);
	domain->count--;
	memmove(group, group + 1, (domain->count - at) * sizeof(*group));
}

static int compare_links(const void *left, const void *right)
{
	const struct group_link *a = left, *b = right;
	int order = bytes_compare(a->member->jid, b->member->jid);

	return order != 0 ? order : (a->group > b->group) - (a->group < b->group);
}

void group_domain_seal(struct group_domain *domain)
{
	uint32_t count = 0, at = 0;

	for (uint32_t i = 0; i < domain->count; i++)
		count += domain->groups[i].count;
	domain->links = arena_alloc_raw(&domain->arena, (count + 1) * sizeof(domain->links[0]));
	for (uint32_t i = 0; i < domain->count; i++)
		for (uint32_t m = 0; m < domain->groups[i].count; m++)
			domain->links[at++] =
				(struct group_link){ &domain->groups[i].members[m],
						     &domain->groups[i] };
	domain->link_count = count;
	if (domain->count > 1) /* the members of one group are in order already */
		qsort(domain->links, count, sizeof(domain->links[0]), compare_links);
}

struct group_domain *group_domain_ref(struct group_domain *domain)
{
	domain->refs++;
	return domain;
}

void group_domain_unref(struct group_domain **domain)
{
	struct group_domain *gone = *domain;

	*domain = NULL;
	if (gone == NULL || --gone->refs > 0)
		return;
	arena_fini(&gone->arena);
	block_free(gone);
}

struct group_set *group_set_with(const struct group_set *before, struct bytes name,
				 struct group_domain *taken)
{
	struct group_set *set = block_alloc_zeroed(sizeof(*set));
	struct group_domain *domain;
	uint32_t cursor = 0;

	set->refs = 1;
	table_init(&set->domains);
	while (before != NULL && (domain = table_next(&before->domains, &cursor)) != NULL)
		if (!bytes_equal(domain->name, name))
			table_put(&set->domains, domain->name, group_domain_ref(domain));
	if (taken != NULL)
		table_put(&set->domains, taken->name, taken);
	return set;
}

struct group_set *group_set_ref(struct group_set *set)
{
	if (set != NULL)
		set->refs++;
	return set;
}

void group_set_unref(struct group_set **set)
{
	struct group_set *gone = *set;
	struct group_domain *domain;
	uint32_t cursor = 0;

	*set = NULL;
	if (gone == NULL || --gone->refs > 0)
		return;
	while ((domain = table_next(&gone->domains, &cursor)) != NULL)
		group_domain_unref(&domain);
	table_fini(&gone->domains);
	block_free(gone);
}

/* --- looking --------------------------------------------------------------------------------- */

const struct group_domain *group_domain_find(const struct group_set *set, struct bytes name)
{
	return set == NULL ? NULL : table_find(&set->domains, name);
}

struct group *group_find(const struct group_domain *domain, struct bytes name)
{
	for (uint32_t i = 0; domain != NULL && i < domain->count; i++)
		if (bytes_equal(domain->groups[i].name, name))
			return &domain->groups[i];
	return NULL;
}

struct group_member *group_member_find(const struct group *group, struct bytes jid)
{
	bool is_found;
	uint32_t at = group_index(group, jid, &is_found);

	return is_found ? &group->members[at] : NULL;
}

static struct bytes domain_of(struct bytes bare)
{
	ptrdiff_t at = bytes_find_byte(bare, '@');

	return at < 0 ? bare : bytes_skip(bare, (size_t)at + 1);
}

struct group_view group_view_of(const struct group_set *set, struct bytes bare)
{
	const struct group_domain *domain = group_domain_find(set, domain_of(bare));
	struct group_view view = { .domain = domain, .bare = bare };
	uint32_t low = 0, high = domain == NULL ? 0 : domain->link_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (bytes_compare(domain->links[middle].member->jid, bare) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (domain == NULL)
		return view;
	view.links = &domain->links[low];
	while (low + view.count < domain->link_count &&
	       bytes_equal(view.links[view.count].member->jid, bare))
		view.count++;
	return view;
}

/* The contact in the group of this link, if both are members. */
static bool link_joins(const struct group_link *link, struct bytes contact)
{
	const struct group_member *member =
		link->member->is_removed ? NULL : group_member_find(link->group, contact);

	return member != NULL && !member->is_removed;
}

bool group_view_has(const struct group_view *view, struct bytes contact)
{
	if (view->count == 0 || bytes_equal(view->bare, contact))
		return false;
	for (uint32_t i = 0; i < view->count; i++)
		if (link_joins(&view->links[i], contact))
			return true;
	return false;
}

/* A contact in several groups is met in the first. */
static bool is_met_before(const struct group_view *view, uint32_t link, struct bytes contact)
{
	for (uint32_t i = 0; i < link; i++)
		if (link_joins(&view->links[i], contact))
			return true;
	return false;
}

struct bytes group_view_next(const struct group_view *view, struct group_cursor *cursor)
{
	for (; cursor->link < view->count; cursor->link++, cursor->member = 0) {
		const struct group_link *link = &view->links[cursor->link];
		while (!link->member->is_removed && cursor->member < link->group->count) {
			const struct group_member *member =
				&link->group->members[cursor->member++];
			if (!member->is_removed && member != link->member &&
			    !is_met_before(view, cursor->link, member->jid))
				return member->jid;
		}
	}
	return BYTES_NONE;
}

struct bytes group_view_name(const struct group_view *view, struct bytes contact,
			     uint32_t *cursor)
{
	while (*cursor < view->count) {
		const struct group_link *link = &view->links[(*cursor)++];
		if (link_joins(link, contact))
			return link->group->display;
	}
	return BYTES_NONE;
}

uint64_t group_view_since(const struct group_view *view, struct bytes contact)
{
	uint64_t latest = 0;

	for (uint32_t i = 0; i < view->count; i++) {
		const struct group_link *link = &view->links[i];
		const struct group_member *member = group_member_find(link->group, contact);
		uint64_t since;
		if (member == NULL)
			continue;
		since = member->since > link->member->since ? member->since
							    : link->member->since;
		if (link->group->since > since)
			since = link->group->since;
		if (since > latest)
			latest = since;
	}
	return latest;
}
