#include <errno.h>

#include "base/check.h"
#include "core/domain.h"
#include "core/group_code.h"
#include "core/group_op.h"
#include "core/shard_state.h"

/* --- what there is to do ----------------------------------------------------------------------- */

static void todo_add(struct group_op *op, struct bytes group, struct bytes jid)
{
	op->todo[op->todo_count++] =
		(struct group_change){ .group = arena_copy(&op->arena, group),
				       .jid = arena_copy(&op->arena, jid) };
}

static void todo_begin(struct group_op *op, uint32_t capacity)
{
	op->todo = arena_alloc_raw(&op->arena, (capacity + 1) * sizeof(op->todo[0]));
	op->todo_count = 0;
}

static bool is_member(const struct group *group, struct bytes jid)
{
	const struct group_member *member = group_member_find(group, jid);

	return member != NULL && !member->is_removed;
}

/* An account that came or went: the groups that are everybody's, or those that it is in. */
static void plan_account(struct group_op *op, const struct group_domain *domain)
{
	todo_begin(op, domain->count);
	op->is_removing = op->verb == GROUP_ACCOUNT_GONE;
	for (uint32_t i = 0; i < domain->count; i++) {
		const struct group *group = &domain->groups[i];
		bool is_in = is_member(group, op->jid);
		if (op->is_removing ? is_in : group->is_everybody && !is_in)
			todo_add(op, group->name, op->jid);
	}
}

static void plan_del(struct group_op *op, const struct group *group)
{
	todo_begin(op, group->count);
	op->is_removing = true;
	for (uint32_t i = 0; i < group->count; i++)
		if (!group->members[i].is_removed)
			todo_add(op, group->name, group->members[i].jid);
}

static int plan_member(struct group_op *op, const struct group *group)
{
	const struct domain *domain = domain_find(op->domain);

	op->is_removing = op->verb == GROUP_DEL_MEMBER;
	if (group->is_everybody ||
	    !bytes_equal(jid_domain(jid_from_normal(op->jid)), op->domain))
		return -EINVAL;
	if (is_member(group, op->jid) != op->is_removing)
		return op->is_removing ? -ENOENT : -EEXIST;
	if (!op->is_removing &&
	    group->present >= settings_int(domain->settings, &group_option_members))
		return -ENOSPC;
	todo_begin(op, 1);
	todo_add(op, op->name, op->jid);
	return 0;
}

/* Two groups of one display name would be one in everybody's roster. */
static bool is_display_taken(const struct group_op *op, const struct group_domain *domain)
{
	for (uint32_t i = 0; domain != NULL && i < domain->count; i++)
		if (bytes_equal(domain->groups[i].display, op->display) &&
		    !bytes_equal(domain->groups[i].name, op->name))
			return true;
	return false;
}

static int plan_put(const struct group_op *op, const struct group_domain *domain)
{
	bool is_name = op->name.len > 0 && op->name.len <= GROUP_NAME_MAX &&
		       (uint8_t)op->name.ptr[0] >= ' ';

	if (!is_name || op->display.len == 0 || op->display.len > GROUP_DISPLAY_MAX)
		return -EINVAL;
	return is_display_taken(op, domain) ? -EEXIST : 0;
}

static int plan(struct group_op *op, const struct group_domain *domain)
{
	const struct group *group = group_find(domain, op->name);

	if (op->verb == GROUP_DOMAIN_GONE)
		return 0;
	if (domain_find(op->domain) == NULL)
		return -ENOENT;
	switch (op->verb) {
	case GROUP_PUT:
		return plan_put(op, domain);
	case GROUP_ACCOUNT_ADDED:
	case GROUP_ACCOUNT_GONE:
		if (domain != NULL)
			plan_account(op, domain);
		return 0;
	case GROUP_DEL:
		if (group == NULL)
			return -ENOENT;
		plan_del(op, group);
		return 0;
	default:
		return group == NULL ? -ENOENT : plan_member(op, group);
	}
}

/* --- a round ----------------------------------------------------------------------------------- */

/* The group of a PUT, made or shown anew. */
static void round_put(struct group_op *op)
{
	struct group *group = group_find(op->next, op->name);

	if (group == NULL) {
		group = group_domain_add(op->next, op->name, op->display, 0);
		group->is_everybody = op->is_everybody;
	} else {
		op->is_everybody = false; /* it is what it was made as */
		group->display = arena_copy(&op->next->arena, op->display);
	}
	group->since = op->next->version;
}

static void round_members(struct group_op *op, uint32_t count, struct store_batch *batch)
{
	check(count == 0 || op->todo != NULL);
	for (uint32_t i = 0; i < count; i++) {
		const struct group_change *change = &op->todo[op->at + i];
		struct group *group = group_find(op->next, change->group);
		check(group != NULL); /* the round was planned on this snapshot */
		group_set_member(op->next, group, change->jid, op->next->version,
				 op->is_removing);
		group_drop_tombstones(op->next, group);
		if (!group->is_everybody)
			store_put(batch, &group_store, group->name,
				  group_code_encode(scratch(), group));
	}
}

/* Devices that knew the group get their whole roster next time. */
static void round_drop(struct group_op *op, struct store_batch *batch)
{
	op->next->floor = op->next->version;
	group_domain_drop(op->next, group_find(op->next, op->name));
	store_del(batch, &group_store, op->name);
}

static void round_committed(int status, uint64_t seq, void *context)
{
	struct group_op *op = context;

	(void)seq;
	if (status < 0) {
		group_op_finish(op, status);
		return;
	}
	group_domain_seal(op->next);
	op->now = group_set_with(op->before, op->domain, op->next);
	op->next = NULL;
	group_op_publish(op);
}

static void round_begin(struct group_op *op)
{
	const struct group_domain *domain = group_domain_find(group_current(), op->domain);
	uint32_t left = op->todo_count - op->at;
	uint32_t count = left < GROUP_ROUND_MAX ? left : GROUP_ROUND_MAX;
	struct store_batch *batch = store_batch_new(core_store(), op->domain);
	struct group *put;

	op->before = group_set_ref(group_current());
	op->next = domain == NULL ? group_domain_new(op->domain)
				  : group_domain_copy(domain, count);
	op->next->version++;
	op->is_last_round = left == count;
	if (op->verb == GROUP_PUT && op->todo == NULL) {
		round_put(op);
		put = group_find(op->next, op->name);
		store_put(batch, &group_store, op->name, group_code_encode(scratch(), put));
	}
	round_members(op, count, batch);
	op->news = (struct group_news){ .domain = op->domain,
					.changes = op->todo == NULL ? NULL : &op->todo[op->at],
					.count = count };
	op->at += count;
	if (op->verb == GROUP_DEL && op->is_last_round && count == 0)
		round_drop(op, batch);
	store_put(batch, &group_store, GROUP_HEAD, group_head_encode(scratch(), op->next));
	store_commit(core_store(), &batch, round_committed, op);
}

/* A domain that is gone takes its rows with it: only the snapshot is left to change. */
static void forget_domain(struct group_op *op)
{
	op->before = group_set_ref(group_current());
	op->now = group_set_with(op->before, op->domain, NULL);
	op->news = (struct group_news){ .domain = op->domain };
	group_op_publish(op);
}

void group_op_start(struct group_op *op)
{
	int status = plan(op, group_domain_find(group_current(), op->domain));
	bool is_account = op->verb == GROUP_ACCOUNT_ADDED || op->verb == GROUP_ACCOUNT_GONE;

	if (status < 0 || (is_account && op->todo_count == 0))
		group_op_finish(op, status);
	else if (op->verb == GROUP_DOMAIN_GONE)
		forget_domain(op);
	else
		round_begin(op);
}

/* --- everybody --------------------------------------------------------------------------------- */

static void everybody_found(struct store_read *read, int status, void *context)
{
	struct group_op *op = context;
	const struct store_item *item;
	uint32_t count = 0;

	if (status < 0) {
		group_op_finish(op, status);
		return;
	}
	for (item = store_read_items(read, 0); item != NULL; item = item->next)
		count++;
	todo_begin(op, count);
	for (item = store_read_items(read, 0); item != NULL; item = item->next)
		if (bytes_find_byte(item->key, '@') >= 0)
			todo_add(op, op->name, item->key);
	if (op->todo_count == 0)
		group_op_finish(op, 0);
	else
		round_begin(op);
}

static void everybody_begin(struct group_op *op)
{
	struct store_read *read = store_read_new(core_store(), op->domain);

	store_read_owners(read, op->domain, BYTES_NONE, 0);
	store_read_submit(&read, everybody_found, op);
}

/* --- to all shards ----------------------------------------------------------------------------- */

static void adopt_run(struct errand *errand)
{
	struct group_op *op = container_of(errand, struct group_op, errand);
	struct group_shard *shard = group_shard();

	group_set_unref(&shard->set);
	shard->set = group_set_ref(op->now);
	errand_return(errand);
}

static void tell_run(struct errand *errand)
{
	struct group_op *op = container_of(errand, struct group_op, errand);

	group_tell(&op->news);
	errand_return(errand);
}

static void told(struct errand *errand)
{
	struct group_op *op = container_of(errand, struct group_op, errand);

	if (++op->shard < shard_count())
		errand_send(errand, op->shard);
	else
		group_op_published(op);
}

/* All have it before anybody is told: what is told is asked for by probes. */
static void adopted(struct errand *errand)
{
	struct group_op *op = container_of(errand, struct group_op, errand);

	if (++op->shard < shard_count()) {
		errand_send(errand, op->shard);
		return;
	}
	op->shard = 0;
	op->news.before = op->before;
	op->news.now = op->now;
	errand_init(errand, "group.tell", tell_run, told);
	errand_send(errand, 0);
}

void group_op_publish(struct group_op *op)
{
	op->shard = 0;
	errand_init(&op->errand, "group.adopt", adopt_run, adopted);
	errand_send(&op->errand, 0);
}

void group_op_published(struct group_op *op)
{
	bool is_dropped = op->verb != GROUP_DEL ||
			  group_find(group_domain_find(op->now, op->domain), op->name) == NULL;

	group_set_unref(&op->before);
	group_set_unref(&op->now);
	if (op->verb == GROUP_PUT && op->is_everybody && op->todo == NULL)
		everybody_begin(op);
	else if (op->at < op->todo_count || !is_dropped)
		round_begin(op);
	else
		group_op_finish(op, 0);
}
