#include "core/group.h"

#include "base/block.h"
#include "base/check.h"
#include "core/domain.h"
#include "core/group_op.h"
#include "core/shard_state.h"

struct store_decl group_store =
	STORE_DECL("groups", STORE_MAP, 1, "Shared groups of a domain's accounts.");

struct option group_option_members =
	OPTION_INT("limits.group_members", OPTION_DOMAIN, 10000, 1, 1000000,
		   "How many members an administrator may put into one shared group.");

struct group_shard *group_shard(void)
{
	return core_shard()->groups;
}

struct group_set *group_current(void)
{
	return group_shard()->set;
}

void group_shard_start(void)
{
	struct group_shard *shard = block_alloc_zeroed(sizeof(*shard));

	list_init(&shard->ops);
	core_shard()->groups = shard;
}

/* --- operations ------------------------------------------------------------------------------ */

struct group_op *group_op_new(enum group_verb verb, struct bytes domain, struct bytes name,
			      group_done_fn *done, void *context)
{
	struct group_op *op = block_alloc_zeroed(sizeof(*op));

	arena_init(&op->arena, 1024);
	op->verb = verb;
	op->domain = arena_copy(&op->arena, domain);
	op->name = arena_copy(&op->arena, name);
	op->done = done;
	op->context = context;
	return op;
}

static void group_op_free(struct group_op *op)
{
	group_domain_unref(&op->next);
	group_set_unref(&op->before);
	group_set_unref(&op->now);
	group_set_unref(&op->loaded);
	arena_fini(&op->arena);
	block_free(op);
}

static void group_next(struct group_shard *shard)
{
	struct group_op *op = list_first(&shard->ops, struct group_op, list);

	if (op == NULL || shard->is_busy)
		return;
	shard->is_busy = true;
	if (op->verb == GROUP_LOAD)
		group_load_start(op);
	else
		group_op_start(op);
}

/* An operation ends in its turn at the earliest, never inside the call that asked for it. */
static void group_op_arrived(struct errand *errand)
{
	struct group_op *op = container_of(errand, struct group_op, errand);

	list_add_tail(&group_shard()->ops, &op->list);
	group_next(group_shard());
}

void group_op_queue(struct group_op *op)
{
	errand_init(&op->errand, "group.op", group_op_arrived, NULL);
	errand_send(&op->errand, 0);
}

void group_op_finish(struct group_op *op, int status)
{
	struct group_shard *shard = group_shard();

	list_del(&op->list);
	shard->is_busy = false;
	if (op->done != NULL)
		op->done(status, op->context);
	group_op_free(op);
	group_next(shard);
}

void group_shard_stop(void)
{
	struct group_shard *shard = group_shard();
	struct group_op *op;

	/* Nobody waits for an answer any more, and nothing comes back. */
	while ((op = list_first(&shard->ops, struct group_op, list)) != NULL) {
		list_del(&op->list);
		group_op_free(op);
	}
	group_set_unref(&shard->set);
	block_free(shard);
	core_shard()->groups = NULL;
}

/* --- what is asked ----------------------------------------------------------------------------- */

void group_put(struct bytes domain, struct bytes name, struct bytes display, bool is_everybody,
	       group_done_fn *done, void *context)
{
	struct group_op *op = group_op_new(GROUP_PUT, domain, name, done, context);

	op->display = arena_copy(&op->arena, display);
	op->is_everybody = is_everybody;
	group_op_queue(op);
}

void group_del(struct bytes domain, struct bytes name, group_done_fn *done, void *context)
{
	group_op_queue(group_op_new(GROUP_DEL, domain, name, done, context));
}

static void group_member_op(enum group_verb verb, struct bytes domain, struct bytes name,
			    struct jid bare, group_done_fn *done, void *context)
{
	struct group_op *op = group_op_new(verb, domain, name, done, context);

	op->jid = arena_copy(&op->arena, jid_bare(bare));
	group_op_queue(op);
}

void group_add_member(struct bytes domain, struct bytes name, struct jid bare,
		      group_done_fn *done, void *context)
{
	group_member_op(GROUP_ADD_MEMBER, domain, name, bare, done, context);
}

void group_del_member(struct bytes domain, struct bytes name, struct jid bare,
		      group_done_fn *done, void *context)
{
	group_member_op(GROUP_DEL_MEMBER, domain, name, bare, done, context);
}

void group_load(group_done_fn *done, void *context)
{
	group_op_queue(group_op_new(GROUP_LOAD, BYTES_LIT(""), BYTES_LIT(""), done, context));
}

/* Most domains have no groups: then nothing is to be done. */
static bool group_concerns(struct bytes domain)
{
	return group_domain_find(group_current(), domain) != NULL;
}

void group_account_added(struct jid bare)
{
	if (group_concerns(jid_domain(bare)))
		group_member_op(GROUP_ACCOUNT_ADDED, jid_domain(bare), BYTES_LIT(""), bare,
				NULL, NULL);
}

void group_account_gone(struct jid bare)
{
	if (group_concerns(jid_domain(bare)))
		group_member_op(GROUP_ACCOUNT_GONE, jid_domain(bare), BYTES_LIT(""), bare, NULL,
				NULL);
}

void group_domain_gone(struct bytes domain)
{
	if (group_concerns(domain))
		group_op_queue(
			group_op_new(GROUP_DOMAIN_GONE, domain, BYTES_LIT(""), NULL, NULL));
}
