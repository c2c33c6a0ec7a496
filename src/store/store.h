/*
 * The store: features declare stores, engines implement shapes. Everything is asynchronous and
 * is answered on the shard that asked, by mail, never before the asking call has returned.
 *
 * The store belongs to main, which opens it (store/open.h) after the last store_register().
 * Writes are batches of one owner: atomic, completed in the order issued, committed in groups.
 *
 * 	static struct store_decl roster = STORE_DECL("roster", STORE_MAP, 1, "Contact lists.");
 *
 * 	struct store_batch *batch = store_batch_new(store, user->jid);
 * 	store_put(batch, &roster, contact, item);
 * 	seq = store_commit(store, &batch, roster_saved, user);
 *
 * 	struct store_read *read = store_read_new(store, user->jid);	(one trip for a login)
 * 	store_read_get(read, &account, BYTES_NONE);
 * 	store_read_scan(read, &roster, BYTES_NONE, BYTES_NONE, 0);
 * 	store_read_submit(&read, user_loaded, user);
 *
 * An owner is a bare JID, a domain, or "" for the server; its domain is what follows the '@'.
 * Of one owner, batches and reads come from one shard (its home). Logs: store/log.h. Blobs:
 * store/blob.h. Hooks of the tests: store/memory.h.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"

struct store;
struct store_batch;
struct store_read;

enum store_shape { STORE_DOC, STORE_MAP, STORE_LOG, STORE_BLOB, STORE_SHAPES };

struct store_decl {
	const char *name; /* stored; never renamed */
	enum store_shape shape;
	uint32_t version; /* of the values' encoding; a database with a newer one is refused */
	const char *sentence; /* for the manual */
	uint32_t index;	      /* set by store_register, from 1 */
};

#define STORE_DECL(name_, shape_, version_, sentence_)                     \
	{                                                                  \
		.name = (name_), .shape = (shape_), .version = (version_), \
		.sentence = (sentence_)                                    \
	}

enum { STORE_MAX = 256, STORE_BUCKETS = 256, STORE_VALUE_BYTES_MAX = 16 << 20 };

/* Before store_open(). Two stores of one name abort; idempotent for one object. */
void store_register(struct store_decl *decl);
/* By name, or NULL. */
const struct store_decl *store_find(struct bytes name);
/* In order of registration: start with *cursor = 0, NULL at the end. */
const struct store_decl *store_next(uint32_t *cursor);

/* Home of an owner: 0..255, SipHash by the key in data_dir/hash.key; the same at every start.
 */
uint32_t store_bucket(const struct store *store, struct bytes owner);
/* What follows the '@', or all of it; borrowed. */
struct bytes store_domain_of(struct bytes owner);

/* ---- writing ---- */

/* A batch of one owner; its memory is freed by the commit. Arguments below are copied. */
struct store_batch *store_batch_new(struct store *store, struct bytes owner);
/*
 * From here on the operations are of this owner: the batch's own, or one second owner whose home
 * is this shard too. A batch of two has its place in the order of both, and fails with both.
 */
void store_batch_turn_to(struct store_batch *batch, struct bytes owner);
/* For a batch that is not wanted after all. */
void store_batch_free(struct store_batch **batch);
/* Number of operations. */
uint32_t store_batch_count(const struct store_batch *batch);

/* Inserts or replaces. key: BYTES_NONE for a doc; at most 1,023 bytes for a map. */
void store_put(struct store_batch *batch, const struct store_decl *decl, struct bytes key,
	       struct bytes value);
/* Inserts; the batch fails with -EEXIST if there is a value. */
void store_put_new(struct store_batch *batch, const struct store_decl *decl, struct bytes key,
		   struct bytes value);
/* Deletes if it is there. Docs, maps and blobs. */
void store_del(struct store_batch *batch, const struct store_decl *decl, struct bytes key);
/*
 * The same to the server's own rows (owner "") of a map, within this batch: for what must be
 * found at start without knowing whose it is (hand-over). Keys must tell the owners apart.
 */
void store_put_server(struct store_batch *batch, const struct store_decl *decl,
		      struct bytes key, struct bytes value);
void store_del_server(struct store_batch *batch, const struct store_decl *decl,
		      struct bytes key);
/* Deletes all that the owner has in this store, of any shape. */
void store_del_all(struct store_batch *batch, const struct store_decl *decl);
/* Deletes all that the owner has in all stores. */
void store_delete_owner(struct store_batch *batch);
/* Deletes all owners of this domain, and the domain's own data. The batch's owner: the domain.
 */
void store_delete_domain(struct store_batch *batch, struct bytes domain);

/* status: 0, -EEXIST, -EMSGSIZE (a value too large), -ENOSPC, -EIO, -ENOBUFS, -ECANCELED. */
typedef void store_done_fn(int status, uint64_t seq, void *context);

/*
 * Commits a batch, takes it (*batch becomes NULL), and returns its journal number: rising per
 * shard, from 1. done is called on this shard when the batch is as durable as configured, or
 * has failed: then nothing of it is stored, and batches of the same owner that are in flight at
 * that time fail with -ECANCELED, because they were built on what did not happen; drop the
 * actor and load it again. An empty batch is allowed: it completes in its turn.
 */
uint64_t store_commit(struct store *store, struct store_batch **batch, store_done_fn *done,
		      void *context);

enum store_pressure {
	STORE_PRESSURE_NONE,
	STORE_PRESSURE_SOFT, /* above a quarter of the backlog: ask the origins to pause */
	STORE_PRESSURE_HARD, /* new batches fail with -ENOBUFS */
};

/* How full the backlog of the writer is. Any thread. */
enum store_pressure store_pressure(const struct store *store);
/* Batches that this shard issued and that have not completed. */
uint64_t store_in_flight(const struct store *store);

/* ---- reading ---- */

struct store_item {
	struct store_item *next;
	const struct store_decl *decl; /* NULL for an owner, or a store no longer declared */
	struct bytes key;
	struct bytes value;
};

/*
 * status: 0, -EIO or another negative number. The read and all that hangs on it are borrowed
 * and freed after the callback, unless store_read_take() is called in it.
 */
typedef void store_read_fn(struct store_read *read, int status, void *context);

/* One trip to the reader with any number of parts; all of one owner. Arguments are copied. */
struct store_read *store_read_new(struct store *store, struct bytes owner);
void store_read_free(struct store_read **read);

/* Each returns the number of its part, 0, 1, … */
uint32_t store_read_get(struct store_read *read, const struct store_decl *decl,
			struct bytes key);
/*
 * Keys with this prefix (BYTES_NONE: all), from the first one after `after` (BYTES_NONE: from
 * the start), in order of bytes, at most limit (0: all).
 */
uint32_t store_read_scan(struct store_read *read, const struct store_decl *decl,
			 struct bytes prefix, struct bytes after, uint32_t limit);
/* Every doc and map item of the owner, for export; ordered by store, then key. */
uint32_t store_read_each(struct store_read *read);
/*
 * The owners (as keys) of a domain that have docs, maps, logs or blobs, after `after`, at most
 * limit (0: all), for export and listings: the domain itself, then by localpart. The read's
 * owner is not looked at.
 */
uint32_t store_read_owners(struct store_read *read, struct bytes domain, struct bytes after,
			   uint32_t limit);

/*
 * Takes the read (*read becomes NULL) and issues it. It sees every batch of its owner that this
 * shard issued before it.
 */
void store_read_submit(struct store_read **read, store_read_fn *done, void *context);

/* The value found by a get; BYTES_NONE if there is none. */
struct bytes store_read_value(const struct store_read *read, uint32_t part);
/* The items found by a scan, each or owners; NULL if none. A get is a list of 0 or 1. */
const struct store_item *store_read_items(const struct store_read *read, uint32_t part);
/* True if a limit cut the list. */
bool store_read_is_partial(const struct store_read *read, uint32_t part);
/* Keeps the read after the callback: the caller frees it. */
struct store_read *store_read_take(struct store_read *read);
/* The read's memory: a place for what the callback derives and keeps with a taken read. */
struct arena *store_read_arena(struct store_read *read);

/* One get or one scan, built and submitted. */
void store_get(struct store *store, struct bytes owner, const struct store_decl *decl,
	       struct bytes key, store_read_fn *done, void *context);
void store_scan(struct store *store, struct bytes owner, const struct store_decl *decl,
		struct bytes prefix, store_read_fn *done, void *context);

#endif
