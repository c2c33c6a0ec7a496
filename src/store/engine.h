/*
 * What the front of the store and its engines share; private to this room. An engine implements
 * shapes and never sees a feature's name for more than a key.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdatomic.h>

#include "base/metric.h"
#include "io/worker.h"
#include "store/blob.h"
#include "store/open.h"
#include "store/request.h"

#define STORE_MAGIC 0x53746f72u

/*
 * The bytes of one blob while they are written or read. The functions below may block: the
 * embedded engine's are called by workers, never by a shard; one at a time for one file.
 * The engine embeds this in what it knows of the file.
 */
struct blob_file {
	uint64_t number;
};

struct engine_class {
	const char *name;
	uint32_t shapes;       /* bits 1 << enum store_shape */
	bool is_blob_blocking; /* blob functions must be called by workers */
	/* Fills store->engine. 0 or negative with a reason. */
	int (*open)(struct store *store, struct err *ret_err);
	/* Commits what was issued, answers all, frees store->engine; also a half-opened one. */
	void (*close)(struct store *store);
	/* Takes the batches: settles each and returns its reply, now or later, from any thread.
	 */
	void (*write)(struct store *store, struct list *batches);
	/* Takes the reads: fills parts and status, and returns their replies. */
	void (*read)(struct store *store, struct list *reads);
	/* A new file without a name yet. */
	int (*blob_create)(struct store *store, struct blob_file **ret_file);
	int (*blob_append)(struct blob_file *file, struct bytes chunk);
	/* All is written: make it durable, as configured. OP_BLOB_PUT comes next, with the
	 * file. */
	int (*blob_seal)(struct blob_file *file);
	/* The batch has committed: give the file its name. NULL: nothing to do. */
	void (*blob_publish)(struct blob_file *file);
	/* Opens what a PART_BLOBS item names. */
	int (*blob_open)(struct store *store, const struct store_item *item,
			 struct blob_file **ret_file);
	/* Reads into buffer; the number of bytes, 0 at the end, or negative. */
	ptrdiff_t (*blob_pread)(struct blob_file *file, char *buffer, size_t size,
				uint64_t offset);
	/* Closes; removes what was not committed. */
	void (*blob_close)(struct blob_file **file);
};

extern const struct engine_class engine_memory;
extern const struct engine_class engine_sqlite;

/* How a PART_BLOBS item's value starts; the kind follows. In the byte order of this machine. */
struct blob_head {
	uint64_t size_bytes;
	uint64_t expires_ms;
	uint64_t file;
};

struct store {
	uint32_t magic;
	const struct engine_class *class;
	struct store_config config;
	char *data_dir;
	void *engine;
	uint8_t bucket_key[16];
	int lock_fd;	      /* data_dir is ours while it is open; -1: none */
	uint64_t last_log_id; /* the highest id that earlier runs gave */
	_Atomic uint64_t backlog_bytes;
	_Atomic(struct store_desk *) desks[SHARDS_MAX];
};

/* All stores, by their index; NULL at 0 and beyond the last. */
const struct store_decl *store_by_index(uint32_t index);

/* The metrics of this room. */
extern struct metric store_commits, store_commit_failures, store_groups, store_reads,
	store_backlog;
void store_metrics_register(void);

#endif
