/*
 * Opening and closing the store: for main and for tests. Features need store/store.h only.
 *
 * 	store_config_init(&config, settings);
 * 	config.data_dir = "./data";
 * 	status = store_open(&config, &store, &err);	(before the shards run)
 * 	store_close(&store);				(after they stopped)
 */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include "base/err.h"
#include "store/store.h"

struct option;
struct settings;
struct worker_pool;

/* What "committed" survives: the end of the process, or of the electricity. */
enum store_durability { STORE_PROCESS, STORE_POWER };

struct store_config {
	const char *engine; /* "sqlite" or "memory" */
	const char
		*data_dir; /* exists; memory accepts NULL (and then has a random bucket key) */
	enum store_durability durability;
	uint32_t cache_kib;	     /* page cache of each connection */
	uint32_t log_cache_kib;	     /* page cache of each open month of the logs */
	uint32_t log_memory_kib;     /* of log entries that are not indexed yet */
	uint32_t readers;	     /* reader threads, 1 or more */
	struct worker_pool *workers; /* move the bytes of blobs; borrowed, outlives the store */
	uint64_t
		backlog_bytes; /* uncommitted bytes from which new batches fail with -ENOBUFS */
};

/* The room's options, NULL-terminated, for main to register. */
extern struct option *const store_options[];
/* Fills everything but data_dir and workers from settings. */
void store_config_init(struct store_config *config, const struct settings *settings);

/*
 * Opens (creates, migrates) the data. 0 or negative: -EBUSY another process has it open,
 * -EPROTONOSUPPORT data of a newer server, -ENOTSUP a declared shape that the engine does not
 * offer, -EINVAL no such engine, else what the disk says. May block. config is copied.
 */
int store_open(const struct store_config *config, struct store **ret_store,
	       struct err *ret_err);
/* Something that a shard asked for has not been answered. When the threads of the shards have
 * stopped. */
bool store_is_busy(const struct store *store);
/*
 * Commits what was issued and frees everything; blocks. Call it when the shards have stopped
 * and before they are freed; completions that no shard has taken are dropped.
 */
void store_close(struct store **store);
/* True if the engine has this shape. */
bool store_has_shape(const struct store *store, enum store_shape shape);

#endif
