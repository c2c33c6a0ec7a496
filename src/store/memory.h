/*
 * Hooks of the memory engine, for tests: commits wait until told, are let go in another order
 * between owners (never within one), fail; reads fail. They may be called from any thread.
 * Without hooks a commit is applied when it is issued and its completion is posted at once.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

/* Homes by this key instead of a random one, before anything is stored: the same in each run. */
void store_memory_set_bucket_key(struct store *store, const uint8_t key[16]);

/* From now on batches are queued and not applied; reads of their owners wait for them. */
void store_memory_hold(struct store *store);
/* How many batches are held. */
size_t store_memory_held(struct store *store);
/* Applies the `count` oldest held batches, and posts their completions; returns how many. */
size_t store_memory_release(struct store *store, size_t count);
/* The same for the oldest batch of one owner; false if it has none. */
bool store_memory_release_owner(struct store *store, struct bytes owner);
/* Applies all in an order drawn from seed: shuffled between owners, kept within each. */
void store_memory_release_shuffled(struct store *store, uint64_t seed);
/* Ends holding, and releases what is held. */
void store_memory_resume(struct store *store);
/* The next `count` batches to be applied fail with status (negative). */
void store_memory_fail_commits(struct store *store, uint32_t count, int status);
/* The next `count` reads fail with status. */
void store_memory_fail_reads(struct store *store, uint32_t count, int status);

#endif
