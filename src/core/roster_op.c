#include "core/roster_op.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "core/domain.h"
#include "core/place.h"
#include "core/shard_state.h"
#include "core/subscribe.h"

struct roster_op *roster_op_new(enum roster_op_verb verb, struct jid bare, struct jid contact,
				void (*done)(struct roster_op *), void *context)
{
	struct roster_op *op = block_alloc_zeroed(sizeof(*op));

	arena_init(&op->arena, 2048);
	op->verb = verb;
	op->jid = jid_copy(&op->arena, jid_to_bare(bare));
	op->contact =
		jid_is_none(contact) ? JID_NONE : jid_copy(&op->arena, jid_to_bare(contact));
	op->name = op->group = BYTES_NONE;
	op->done = done;
	op->context = context;
	return op;
}

static void op_return(struct roster_op *op, int status)
{
	op->status = status;
	errand_return(&op->errand);
}

static void op_back(struct errand *errand)
{
	struct roster_op *op = container_of(errand, struct roster_op, errand);

	op->done(op);
	arena_fini(&op->arena);
	block_free(op);
}

/* --- LIST, BLOCKED --------------------------------------------------------------------------- */

static void op_list(struct roster_op *op, struct user *user)
{
	struct roster_row **end = &op->rows;
	struct roster_cursor cursor;
	enum subscription state;
	struct bytes jid;

	roster_cursor_init(&cursor, user);
	while (roster_cursor_next(&cursor, &jid, &state)) {
		struct roster_change item = roster_change_of(roster_of(user), jid);
		bool is_shared = group_view_has(&cursor.view, jid);
		struct roster_row *row;
		if (!is_shared && (item.flags & ROSTER_IN_LIST) == 0)
			continue;
		row = arena_new(&op->arena, struct roster_row);
		row->jid = arena_copy(&op->arena, jid);
		row->name = arena_copy(&op->arena, item.name);
		row->groups = arena_copy(&op->arena, item.groups);
		row->subscription = subscription_word(state);
		row->is_asking = subscription_is_asking(state);
		row->is_shared = is_shared;
		*end = row;
		end = &row->next;
	}
}

static void op_blocked_found(struct store_read *read, int status, void *context)
{
	struct roster_op *op = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;
	struct roster_row **end = &op->rows;

	for (; item != NULL; item = item->next) {
		*end = arena_new(&op->arena, struct roster_row);
		(*end)->jid = arena_copy(&op->arena, item->key);
		end = &(*end)->next;
	}
	op_return(op, status);
}

/* The list is a feature's (XEP-0191): known by its store's name alone. */
static void op_blocked(struct roster_op *op)
{
	const struct store_decl *decl = store_find(BYTES_LIT("blocklist"));

	if (decl == NULL)
		op_return(op, -ENOTSUP);
	else
		store_scan(core_store(), op->jid.full, decl, BYTES_NONE, op_blocked_found, op);
}

/* --- PUT ------------------------------------------------------------------------------------- */

static struct bytes one_group(struct bytes name)
{
	char *out = arena_alloc_raw(scratch(), 2 + name.len);

	if (name.len == 0)
		return BYTES_LIT("");
	out[0] = (char)(name.len & 0xff);
	out[1] = (char)(name.len >> 8);
	memcpy(out + 2, name.ptr, name.len);
	return bytes_make(out, 2 + name.len);
}

static int op_put(struct roster_op *op, struct user *user)
{
	struct roster_change change = roster_change_of(roster_of(user), op->contact.full);
	struct store_batch *batch;
	bool is_pushed;

	if (op->name.len > ROSTER_NAME_MAX || op->group.len > ROSTER_NAME_MAX)
		return -EINVAL;
	if ((change.flags & ROSTER_IN_LIST) == 0 && !roster_has_room(user))
		return -ENOSPC;
	if (!bytes_is_none(op->name))
		change.name = op->name;
	if (!bytes_is_none(op->group))
		change.groups = one_group(op->group);
	change.flags |= ROSTER_IN_LIST;
	batch = store_batch_new(core_store(), user->jid.full);
	is_pushed = roster_apply(user, &change, batch);
	user_commit(user, &batch);
	if (is_pushed)
		roster_push(user, op->contact.full);
	return 0;
}

/* --- at the account's home ------------------------------------------------------------------- */

static int op_change(struct roster_op *op, struct user *user)
{
	if (op->contact.full.len > ROSTER_JID_MAX || jid_bare_equal(op->contact, user->jid))
		return -EINVAL;
	switch (op->verb) {
	case ROSTER_OP_PUT:
		return op_put(op, user);
	case ROSTER_OP_BEFRIEND:
		subscribe_invited(user, op->contact, BYTES_NONE);
		return 0;
	case ROSTER_OP_REMOVE:
		return roster_is_shared(user, op->contact.full)
			       ? -EPERM
			       : subscribe_drop(user, op->contact);
	default:
		check(!"a change");
		return -EINVAL;
	}
}

/* What was changed is committed before it is said. */
static void op_committed(int status, uint64_t seq, void *context)
{
	(void)seq;
	op_return(context, status);
}

static void op_ready(struct user_wait *wait, struct user *user, int status)
{
	struct roster_op *op = container_of(wait, struct roster_op, wait);
	struct store_batch *batch;

	if (status == 0 && op->verb == ROSTER_OP_BLOCKED) {
		op_blocked(op);
		return;
	}
	if (status == 0 && op->verb == ROSTER_OP_LIST)
		op_list(op, user);
	else if (status == 0)
		status = op_change(op, user);
	if (status < 0 || op->verb == ROSTER_OP_LIST) {
		op_return(op, status);
		return;
	}
	batch = store_batch_new(core_store(), user->jid.full);
	store_commit(core_store(), &batch, op_committed, op);
}

static void op_run(struct errand *errand)
{
	struct roster_op *op = container_of(errand, struct roster_op, errand);
	const struct domain *domain = domain_find(jid_domain(op->jid));

	op->wait.run = op_ready;
	if (domain == NULL)
		op_return(op, -ENOENT);
	else
		user_when_ready(user_wake(op->jid, domain), &op->wait);
}

void roster_op_send(struct roster_op *op)
{
	errand_init(&op->errand, "roster.op", op_run, op_back);
	errand_send(&op->errand, place_shard(op->jid));
}
