/*
 * Core as a whole, for main and the tests.
 *
 * 	core_register(&err)		options, metrics, stores, features; before configuration
 * 	store_open(…), registry_start	by main
 * 	core_start(store)		once
 * 	core_shard_start(set)		on each shard, before it accepts
 * 	core_shard_stop()		on each shard, when no stream is left
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/err.h"

struct domain_set;
struct store;

/*
 * Adds the compiled-in features and seals the registry. Plugins (registry_load) come before it.
 * 0, or negative if two features claim one thing.
 */
int core_register(struct err *ret_err);
/* The store is borrowed until the end of the process; sets the stream host. */
void core_start(struct store *store);
/* Makes this shard's state and adopts the domains. */
void core_shard_start(const struct domain_set *set);
/* Ends what is still bound; features may write at that. */
void core_shard_end_sessions(void);
/* The same, and frees the shard's state. Nothing of the store is awaited any more. */
void core_shard_stop(void);

#endif
