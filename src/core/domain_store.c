#include "core/domain_store.h"

#include "base/block.h"
#include "base/check.h"
#include "core/errand.h"
#include "core/group.h"
#include "core/session.h"
#include "core/shard_state.h"

struct store_decl domain_store =
	STORE_DECL("domains", STORE_MAP, 1, "Domains made while the server was running.");

/* The owner of what belongs to the server itself; its home is shard 0. */
#define SERVER_OWNER BYTES_LIT("")

struct domain_call {
	domain_done_fn *done;
	void *context;
	void (*each)(struct bytes name, struct bytes overrides, void *context);
	struct store_batch *rest; /* of a deletion: the second batch */
};

static struct domain_call *domain_call_new(domain_done_fn *done, void *context)
{
	struct domain_call *call = block_alloc_zeroed(sizeof(*call));

	/* One shard writes for the server, so that its batches keep their order. */
	check(shard_id() == 0);
	call->done = done;
	call->context = context;
	return call;
}

static void domain_written(int status, uint64_t seq, void *context)
{
	struct domain_call *call = context;
	struct store_batch *rest = call->rest;

	(void)seq;
	call->rest = NULL;
	if (status == 0 && rest != NULL) {
		store_commit(core_store(), &rest, domain_written, call);
		return;
	}
	if (rest != NULL)
		store_batch_free(&rest);
	call->done(status, call->context);
	block_free(call);
}

void domain_store_put(struct bytes name, struct bytes overrides, domain_done_fn *done,
		      void *context)
{
	struct domain_call *call = domain_call_new(done, context);
	struct store_batch *batch = store_batch_new(core_store(), SERVER_OWNER);

	store_put(batch, &domain_store, name, overrides);
	store_commit(core_store(), &batch, domain_written, call);
}

/* The data first: a crash in between leaves an empty domain, never ownerless data. */
void domain_store_del(struct bytes name, domain_done_fn *done, void *context)
{
	struct domain_call *call = domain_call_new(done, context);
	struct store_batch *data = store_batch_new(core_store(), name);

	call->rest = store_batch_new(core_store(), SERVER_OWNER);
	store_del(call->rest, &domain_store, name);
	store_delete_domain(data, name);
	group_domain_gone(name);
	store_commit(core_store(), &data, domain_written, call);
}

static void domain_listed(struct store_read *read, int status, void *context)
{
	struct domain_call *call = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;

	for (; item != NULL; item = item->next)
		call->each(item->key, item->value, call->context);
	call->done(status, call->context);
	block_free(call);
}

void domain_store_each(void (*each)(struct bytes name, struct bytes overrides, void *context),
		       domain_done_fn *done, void *context)
{
	struct domain_call *call = domain_call_new(done, context);

	call->each = each;
	store_scan(core_store(), SERVER_OWNER, &domain_store, BYTES_NONE, domain_listed, call);
}

struct publication {
	struct errand errand;
	const struct domain_set *set;
	unsigned next_shard;
	domain_done_fn *done;
	void *context;
};

static void publish_close_all(struct user *user)
{
	struct session *session;

	user->pins++;
	while ((session = user_session_next(user, NULL)) != NULL)
		session_close(session, STREAM_CONDITION_HOST_GONE, TEXT_DOMAIN_REMOVED);
	user->pins--;
	user_release(user);
}

/* Accounts in memory go over to the new snapshot; those of a removed domain end. */
static void publish_run(struct errand *errand)
{
	struct publication *p = container_of(errand, struct publication, errand);
	uint32_t cursor = 0;
	struct user *user;

	domain_adopt(p->set);
	while ((user = user_next(&cursor)) != NULL) {
		const struct domain *domain = domain_find(jid_domain(user->jid));
		if (domain == NULL)
			publish_close_all(user);
		else
			user->domain = domain;
	}
	errand_return(errand);
}

static void publish_back(struct errand *errand)
{
	struct publication *p = container_of(errand, struct publication, errand);

	if (++p->next_shard < shard_count()) {
		errand_send(errand, p->next_shard);
		return;
	}
	p->done(0, p->context);
	block_free(p);
}

void domain_publish(const struct domain_set *set, domain_done_fn *done, void *context)
{
	struct publication *p = block_alloc_zeroed(sizeof(*p));

	errand_init(&p->errand, "domain.publish", publish_run, publish_back);
	p->set = set;
	p->done = done;
	p->context = context;
	errand_send(&p->errand, 0);
}
