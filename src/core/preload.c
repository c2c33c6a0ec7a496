#include "core/preload.h"

#include "base/block.h"
#include <errno.h>

#include "core/account.h"
#include "core/domain.h"
#include "core/registry.h"
#include "core/shard_state.h"

struct preload_run {
	struct user *user;
	void (*done)(struct user *, int status);
};

/* Calls each(preload, context) for what the features on at this domain want. */
static void preload_each(const struct domain *domain,
			 void (*each)(const struct preload *, void *context), void *context)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct preload *preload = registry_at(i)->preload;
		if (!domain_feature_is_on(domain, i))
			continue;
		for (; preload != NULL && preload->store != NULL; preload++)
			each(preload, context);
	}
}

static void preload_ask(const struct preload *preload, void *context)
{
	struct store_read *read = context;

	if (preload->store->shape == STORE_DOC)
		store_read_get(read, preload->store, BYTES_NONE);
	else
		store_read_scan(read, preload->store, BYTES_NONE, BYTES_NONE, 0);
}

struct preload_answer {
	struct user *user;
	const struct store_read *read;
	uint32_t part;
};

static void preload_hand_over(const struct preload *preload, void *context)
{
	struct preload_answer *answer = context;
	const struct store_item *item = store_read_items(answer->read, answer->part);

	if (preload->store->shape == STORE_DOC) {
		preload->loaded(answer->user, BYTES_NONE,
				store_read_value(answer->read, answer->part));
	} else {
		for (; item != NULL; item = item->next)
			preload->loaded(answer->user, item->key, item->value);
		preload->loaded(answer->user, BYTES_NONE, BYTES_NONE);
	}
	answer->part++;
}

/* Part 0: an account that is not there cannot be loaded. */
static int preload_account(struct user *user, const struct store_read *read)
{
	struct bytes value = store_read_value(read, 0);
	struct account account;

	if (bytes_is_none(value))
		return -ENOENT;
	if (account_parse_facts(value, &account) < 0)
		return -EILSEQ;
	user->role = (uint8_t)account.role;
	return 0;
}

static void preload_read(struct store_read *read, int status, void *context)
{
	struct preload_run run = *(struct preload_run *)context;

	block_free(context);
	if (status == 0)
		status = preload_account(run.user, read);
	if (status == 0)
		preload_each(run.user->domain, preload_hand_over,
			     &(struct preload_answer){ run.user, read, 1 });
	run.done(run.user, status);
}

void preload_start(struct user *user, void (*done)(struct user *, int status))
{
	struct store_read *read = store_read_new(core_store(), user->jid.full);
	struct preload_run *run = block_alloc(sizeof(*run));

	*run = (struct preload_run){ user, done };
	store_read_get(read, &account_store, BYTES_NONE);
	preload_each(user->domain, preload_ask, read);
	store_read_submit(&read, preload_read, run);
}
