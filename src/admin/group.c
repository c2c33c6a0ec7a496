/* group list, add, del, members, add-member, del-member: shared groups (core/group.h). */
#include "core/group.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/log.h"
#include "core/group_set.h"

/* A change on its way; strings in the call's arena. */
struct change {
	struct admin_call *call;
	struct bytes domain;
	struct bytes group;
	struct jid member; /* or JID_NONE */
	enum text text;	   /* when it is done */
	const char *event;
};

static void change_failed(const struct change *it, int status)
{
	bool is_member = !jid_is_none(it->member);
	if (status == -ENOENT)
		admin_call_fail(it->call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_GROUP, it->group,
				it->domain);
	else if (status == -EEXIST)
		admin_call_fail(it->call, ADMIN_EXISTS,
				is_member ? TEXT_ADMIN_GROUP_MEMBER_IS
					  : TEXT_ADMIN_GROUP_EXISTS,
				it->group, is_member ? it->member.full : it->domain);
	else if (status == -EINVAL)
		admin_call_fail(it->call, ADMIN_BAD_REQUEST,
				is_member ? TEXT_ADMIN_GROUP_MEMBER_NOT : TEXT_ADMIN_BAD_GROUP,
				it->group, it->member.full);
	else if (status == -ENOSPC)
		admin_call_fail(it->call, ADMIN_REFUSED, TEXT_ADMIN_GROUP_FULL, it->group,
				BYTES_NONE);
	else
		admin_call_fail(it->call, ADMIN_INTERNAL, TEXT_ADMIN_FAILED,
				bytes_of(strerror(-status)), BYTES_NONE);
}

static void changed(int status, void *context)
{
	struct change *it = context;
	if (status < 0) {
		change_failed(it, status);
	} else {
		log_event(LOG_ADMIN, LOG_INFO, it->event, LOG_BYTES("domain", it->domain),
			  LOG_BYTES("group", it->group), LOG_BYTES("member", it->member.full));
		admin_call_done_text(it->call, it->text, it->group,
				     jid_is_none(it->member) ? it->domain : it->member.full);
	}
	block_free(it);
}

/* The arguments "domain" and "group", and "jid" if it is asked for; NULL: answered. */
static struct change *change_new(struct admin_call *call, bool has_member)
{
	struct bytes name;
	const struct domain *domain;
	struct jid member = JID_NONE;
	if (!words_domain(call, &name) || (has_member && !words_user(call, &member, &domain)))
		return NULL;
	struct change *it = block_alloc_zeroed(sizeof(*it));
	*it = (struct change){ .call = call,
			       .domain = name,
			       .group = admin_call_word(call, "group"),
			       .member = member };
	return it;
}

void admin_group_add(struct admin_call *call)
{
	struct bytes display = admin_call_word(call, "display");
	struct change *it = change_new(call, false);
	if (!it)
		return;
	it->text = TEXT_ADMIN_GROUP_SET;
	it->event = "group.set";
	group_put(it->domain, it->group, bytes_is_none(display) ? it->group : display,
		  admin_call_flag(call, "everybody"), changed, it);
}

void admin_group_del(struct admin_call *call)
{
	struct change *it = change_new(call, false);
	if (!it)
		return;
	it->text = TEXT_ADMIN_GROUP_DELETED;
	it->event = "group.deleted";
	group_del(it->domain, it->group, changed, it);
}

void admin_group_add_member(struct admin_call *call)
{
	struct change *it = change_new(call, true);
	if (!it)
		return;
	it->text = TEXT_ADMIN_GROUP_MEMBER_ADDED;
	it->event = "group.member_added";
	group_add_member(it->domain, it->group, it->member, changed, it);
}

void admin_group_del_member(struct admin_call *call)
{
	struct change *it = change_new(call, true);
	if (!it)
		return;
	it->text = TEXT_ADMIN_GROUP_MEMBER_DELETED;
	it->event = "group.member_deleted";
	group_del_member(it->domain, it->group, it->member, changed, it);
}

/* --- list, members --- */

static void list_domain(struct admin_call *call, const struct group_domain *domain)
{
	for (uint32_t i = 0; domain && i < domain->count; i++) {
		const struct group *group = &domain->groups[i];
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "domain", domain->name);
		words_add(row, "group", group->name);
		words_add(row, "display", group->display);
		cJSON_AddNumberToObject(row, "members", group->present);
		cJSON_AddBoolToObject(row, "everybody", group->is_everybody);
		admin_call_row(call, row);
	}
}

void admin_group_list(struct admin_call *call)
{
	const struct domain_set *set = domain_current();
	struct bytes only = BYTES_NONE;
	if (!bytes_is_none(admin_call_word(call, "domain")) && !words_domain(call, &only))
		return;
	for (size_t i = 0; i < domain_set_count(set); i++) {
		struct bytes name = domain_set_at(set, i)->name;
		if (bytes_is_none(only) || bytes_equal(only, name))
			list_domain(call, group_domain_find(group_current(), name));
	}
	admin_call_done(call, NULL);
}

void admin_group_members(struct admin_call *call)
{
	struct bytes name, wanted = admin_call_word(call, "group");
	if (!words_domain(call, &name))
		return;
	const struct group *group =
		group_find(group_domain_find(group_current(), name), wanted);
	if (!group) {
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_GROUP, wanted, name);
		return;
	}
	for (uint32_t i = 0; i < group->count; i++) {
		if (group->members[i].is_removed)
			continue;
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "jid", group->members[i].jid);
		admin_call_row(call, row);
	}
	admin_call_done(call, NULL);
}
