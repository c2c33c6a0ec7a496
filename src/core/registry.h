/*
 * The registry: all features of this process, in one order fixed at boot. It checks what they
 * claim (one IQ key, one claim, one disco namespace's owner), registers their options, metrics
 * and stores, and flattens their phases into arrays so that an absent handler costs nothing.
 *
 * Filled once by the main thread before the shards run; read-only afterwards (the test-only
 * shuffle excepted).
 */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "base/err.h"
#include "core/feature.h"

enum { REGISTRY_MAX = 128 };

/* The features compiled in (generated from the listing of src/xep, src/muc, src/pubsub). */
extern const struct feature *const registry_builtin[];
extern const size_t registry_builtin_count;

/* Adds one feature; before registry_seal(). 0, or -EPROTO (other ABI), -E2BIG, -EEXIST (name).
 */
int registry_add(const struct feature *feature, struct err *ret_err);
/* Loads a plugin: a .so that exports `const struct feature hearth_feature`. As registry_add. */
int registry_load(const char *path, struct err *ret_err);
/*
 * Registers options, metrics, stores, the features.<name> switches and the preloads; refuses
 * two claims on one thing, naming both features. Before store_open and reading the
 * configuration.
 */
int registry_seal(struct err *ret_err);
/* Runs every feature's start(). After the store is open. */
int registry_start(struct err *ret_err);
/* Back to empty (tests). */
void registry_reset(void);

unsigned registry_count(void);
const struct feature *registry_at(unsigned index);
/* -1 if it is not registered. */
int registry_index(const struct feature *feature);
/* The option features.<name> of a feature. */
const struct option *registry_switch(unsigned index);
/* Tests: the order inside the phases from now on, by this seed; 0 for the order of names. */
void registry_shuffle(uint64_t seed);

/* Slots of this kind declared by all features. */
unsigned registry_slot_count(enum slot_of of);
struct slot *registry_slot(enum slot_of of, unsigned index);

#endif
