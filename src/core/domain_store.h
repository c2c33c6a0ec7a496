/*
 * Domains made at run time: stored by name with their overrides, so that they are there at the
 * next start. Publishing a set makes it the current one of every shard.
 */
#ifndef CORE_DOMAIN_STORE_H
#define CORE_DOMAIN_STORE_H

#include "core/domain.h"
#include "store/store.h"

extern struct store_decl domain_store;

/* status as in store.h; on this shard. */
typedef void domain_done_fn(int status, void *context);

/* name: normalised; overrides: text of the caller's making (configuration lines), kept as is.
 */
void domain_store_put(struct bytes name, struct bytes overrides, domain_done_fn *done,
		      void *context);
/* Deletes the domain's entry and everything that its accounts have. */
void domain_store_del(struct bytes name, domain_done_fn *done, void *context);
/* Calls each(name, overrides) for all, then done. */
void domain_store_each(void (*each)(struct bytes name, struct bytes overrides, void *context),
		       domain_done_fn *done, void *context);

/*
 * Makes the set current on every shard, one after the other; sessions of domains that are no
 * longer served are closed (host-gone). done(0) on this shard when the last one has it.
 */
void domain_publish(const struct domain_set *set, domain_done_fn *done, void *context);

#endif
