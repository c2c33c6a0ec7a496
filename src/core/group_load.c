#include "base/check.h"
#include "base/log.h"
#include "core/domain.h"
#include "core/group_code.h"
#include "core/group_op.h"
#include "core/shard_state.h"

static void load_next(struct group_op *op);

/* What cannot be read is left out, and said: the others are worth having. */
static struct group_domain *load_decode(struct bytes name, const struct store_item *item)
{
	struct group_domain *domain = item == NULL ? NULL : group_domain_new(name);

	for (; item != NULL; item = item->next) {
		int status = bytes_equal(item->key, GROUP_HEAD)
				     ? group_head_decode(item->value, domain)
				     : group_code_decode(item->key, item->value, domain);
		if (status < 0)
			log_event(LOG_CORE, LOG_ERROR, "group.unreadable",
				  LOG_BYTES("domain", name), LOG_BYTES("group", item->key));
	}
	return domain;
}

static bool has_everybody(const struct group_domain *domain)
{
	for (uint32_t i = 0; domain != NULL && i < domain->count; i++)
		if (domain->groups[i].is_everybody)
			return true;
	return false;
}

static void load_keep(struct group_op *op, struct group_domain *taken)
{
	struct group_set *before = op->loaded;

	group_domain_seal(taken);
	op->loaded = group_set_with(before, taken->name, taken);
	group_set_unref(&before);
}

/*
 * Since when an account is everybody's is not stored: as far as anybody can know, since the last
 * change, so older rosters are sent whole.
 */
static void load_everybody(struct group_domain *domain, const struct store_item *item)
{
	domain->floor = domain->version;
	for (; item != NULL; item = item->next)
		for (uint32_t i = 0; i < domain->count; i++)
			if (domain->groups[i].is_everybody &&
			    bytes_find_byte(item->key, '@') >= 0)
				group_set_member(domain, &domain->groups[i], item->key,
						 domain->version, false);
}

static void load_failed(struct group_op *op, int status)
{
	group_domain_unref(&op->next);
	log_event(LOG_CORE, LOG_ERROR, "group.load_failed", LOG_INT("status", status));
	load_next(op);
}

static void load_owners(struct store_read *read, int status, void *context)
{
	struct group_op *op = context;
	const struct store_item *item;
	struct group_domain *domain;
	uint32_t count = 0;

	if (status < 0) {
		load_failed(op, status);
		return;
	}
	for (item = store_read_items(read, 0); item != NULL; item = item->next)
		count++;
	domain = group_domain_copy(op->next, count);
	group_domain_unref(&op->next);
	load_everybody(domain, store_read_items(read, 0));
	load_keep(op, domain);
	load_next(op);
}

static void load_found(struct store_read *read, int status, void *context)
{
	struct group_op *op = context;
	struct group_domain *found;
	struct store_read *owners;

	if (status < 0) {
		load_failed(op, status);
		return;
	}
	found = load_decode(op->loading->name, store_read_items(read, 0));
	if (!has_everybody(found)) {
		if (found != NULL)
			load_keep(op, found);
		load_next(op);
		return;
	}
	op->next = found;
	owners = store_read_new(core_store(), found->name);
	store_read_owners(owners, found->name, BYTES_NONE, 0);
	store_read_submit(&owners, load_owners, op);
}

/* One domain after the other; then all shards get them at once. */
static void load_next(struct group_op *op)
{
	op->loading = domain_set_at(domain_current(), op->load_index++);
	if (op->loading != NULL) {
		store_scan(core_store(), op->loading->name, &group_store, BYTES_NONE,
			   load_found, op);
		return;
	}
	op->now = op->loaded;
	op->loaded = NULL;
	if (op->now == NULL) { /* no groups at all */
		group_op_finish(op, 0);
		return;
	}
	op->news = (struct group_news){ .domain = BYTES_LIT("") };
	group_op_publish(op);
}

void group_load_start(struct group_op *op)
{
	load_next(op);
}
