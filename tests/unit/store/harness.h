/*
 * One store on one by-hand shard, and calls that wait for their answer by turning that shard:
 * the same tests run on every engine. A world is made per test; its directory is removed.
 */
#ifndef TEST_STORE_HARNESS_H
#define TEST_STORE_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/blob.h"
#include "store/log.h"
#include "store/memory.h"
#include "store/open.h"

struct world {
	const char *engine;
	char dir[64];
	struct shards *shards;
	struct worker_pool *pool;
	struct store *store;
	struct store_config config;
};

/* "memory" or "sqlite": the first argument of the test program. */
extern const char *harness_engine;

int world_setup(void **state);
int world_teardown(void **state);
/* Opens or closes only the store, in the same directory. */
int world_open(struct world *world);
void world_close(struct world *world);

/* An answer that has not come. */
enum { PENDING = 12345 };

/* Turns the shard until *status is no longer PENDING. */
void turn_until(const int *status);
/* A store_done_fn: context is an int. */
void note_status(int status, uint64_t seq, void *context);
/* Commits and waits; the status. */
int commit(struct world *world, struct store_batch **batch);
/* Submits and waits; the read is the caller's, status as given to the callback. */
struct store_read *read_wait(struct store_read **read, int *ret_status);

/* One operation each, waited for; they assert success. */
void put(struct world *world, const char *owner, const struct store_decl *decl, const char *key,
	 const char *value);
/* The value as a C string in a static buffer, or NULL if there is none. */
const char *get(struct world *world, const char *owner, const struct store_decl *decl,
		const char *key);
/* Keys of a scan, separated by spaces, in a static buffer; "…" at the end if cut. */
const char *scan(struct world *world, const char *owner, const struct store_decl *decl,
		 const char *prefix, const char *after, uint32_t limit);

void assert_bytes(struct bytes b, const char *expected);

#endif
