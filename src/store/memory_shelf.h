/*
 * What the memory engine holds: owners, their shelves (one per store), and on a shelf a sorted
 * array of items and, for logs, one of entries. Private to the memory engine; the caller holds
 * its lock.
 */
#ifndef STORE_MEMORY_SHELF_H
#define STORE_MEMORY_SHELF_H

#include "base/buf.h"
#include "store/engine.h"

/* The bytes of one blob: counted by its item and by the streams that have it open. */
struct memory_blob {
	struct blob_file base;
	struct list link;
	struct memory *memory;
	uint32_t refs;
	struct buf data;
};

/* An item of a doc, map or blob; for a log: a conversation, whose value is its record. */
struct shelf_item {
	struct bytes key; /* both behind the struct */
	struct bytes value;
	struct memory_blob *blob;
};

struct shelf {
	struct shelf *next; /* by decl->index */
	const struct store_decl *decl;
	struct shelf_item **items; /* by key */
	size_t item_count;
	size_t item_room;
	struct memory_entry **entries; /* by id */
	size_t entry_count;
	size_t entry_room;
};

struct memory_entry {
	struct arena arena; /* holds the entry itself */
	struct log_entry *entry;
};

struct memory_owner {
	struct bytes name; /* behind the struct */
	struct shelf *shelves;
};

struct memory {
	pthread_mutex_t lock;
	struct table owners;
	struct list blobs;
	uint64_t last_file;
	/* Hooks. */
	struct list held;
	bool is_holding;
	uint32_t commits_to_fail, reads_to_fail;
	int commit_status, read_status;
};

struct memory_owner *memory_owner_find(const struct memory *memory, struct bytes name);
struct shelf *shelf_find(const struct memory_owner *owner, const struct store_decl *decl);
/* Index of the first item whose key is not below key. */
size_t shelf_lower_bound(const struct shelf *shelf, struct bytes key);
/* The item with exactly this key, or NULL; shelf may be NULL. */
struct shelf_item *shelf_item_find(const struct shelf *shelf, struct bytes key);
/* Index of the first entry whose id is not below id. */
size_t shelf_entry_bound(const struct shelf *shelf, uint64_t id);

/* 0, or why the batch cannot be applied; nothing is changed. */
int memory_check(const struct memory *memory, const struct store_batch *batch);
/* Applies a checked batch: cannot fail. */
void memory_apply(struct memory *memory, const struct store_batch *batch);
void memory_drop_all(struct memory *memory);

struct memory_blob *memory_blob_new(struct memory *memory);
void memory_blob_unref(struct memory_blob *blob);

/* Fills the parts. */
void memory_fill(const struct memory *memory, struct store_read *read);

#endif
