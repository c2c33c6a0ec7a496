/*
 * What the front of the store and its engines share; private to this room. An engine implements
 * shapes and never sees a feature's name for more than a key.
 *
 * A batch or read is owned by its shard until it is issued, then by the engine, and comes back
 * through its desk. A desk is one shard's counter: what it issued, in which order, and the
 * queue by which any thread returns it. A line is what one desk knows of one owner while
 * batches of it are in flight.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/metric.h"
#include "base/table.h"
#include "io/shard.h"
#include "io/worker.h"
#include "store/blob.h"
#include "store/log.h"
#include "store/open.h"

/* Something that travels back to the shard that issued it. */
struct store_reply {
	struct list list;
	struct store_desk *desk;
	void (*arrive)(struct store_reply *reply);
	void (*drop)(struct store_reply *reply); /* the store closes and nobody will hear it */
};

struct store_desk {
	struct store *store;
	struct shard *shard;
	uint64_t last_seq;
	uint64_t in_flight;
	uint64_t last_log_id;
	struct table lines; /* struct store_line by owner */
	/* Issued in this turn; handed to the engine at its end, so that it wakes once. */
	struct list batches;
	struct list reads;
	struct call hand_over;
	/* What came back, from any thread. */
	pthread_mutex_t lock;
	struct list replies;
	bool is_posted; /* mail is on its way, and more replies may ride with it */
	bool is_closed; /* the store is gone: the mail frees the desk when it arrives */
	struct mail mail;
};

/* Replies of one desk, all taken; its shard is woken at most once. Any thread. */
void store_desk_return(struct store_desk *desk, struct list *replies);
/* The same for one. */
void store_reply_return(struct store_reply *reply);
/* Replies of several desks, each desk's in order; all taken. */
void store_replies_return(struct list *replies);
/* The calling shard's desk. */
struct store_desk *store_desk_self(struct store *store);
/* Hands to the engine what was issued and not yet handed over. The shards have stopped. */
void store_desks_flush(struct store *store);
/* Drops what has come back and was not taken. */
void store_desks_free(struct store *store);

struct store_line {
	struct bytes owner; /* behind the struct */
	uint64_t last_seq;
	uint32_t in_flight;
	uint32_t generation; /* the shard's: raised when a failure has come back */
	uint32_t
		failed_generation; /* the engine's: batches up to here are cancelled; 0: none */
	struct list reads;	   /* struct store_read, waiting for their batch */
};

enum op_kind {
	OP_PUT,
	OP_PUT_NEW,
	OP_DEL,
	OP_DEL_ALL,
	OP_DELETE_OWNER,
	OP_DELETE_DOMAIN, /* key: the domain */
	OP_APPEND,
	OP_CONVERSATION,
	OP_AMEND,
	OP_TRIM, /* key: the conversation, number: before_id */
	OP_BLOB_PUT,
	OP_BLOB_EXPIRE, /* number: now_ms */
	OP_BLOB_SWEPT,	/* number: the file, which is unlinked */
};

struct store_op {
	struct store_op *next;
	enum op_kind kind;
	bool is_servers; /* PUT, DEL: of the server's rows (owner "") */
	const struct store_decl *decl;
	struct bytes key;
	struct bytes value;
	uint64_t number;
	union {
		const struct log_entry *entry;
		const struct log_conversation *conversation;
		struct blob_file *file;
	};
};

#define STORE_BATCH_MAGIC 0x53426174u
#define STORE_READ_MAGIC 0x53526561u
#define STORE_MAGIC 0x53746f72u

struct store_batch {
	uint32_t magic;
	uint32_t count;
	struct arena arena; /* holds the batch itself */
	struct store *store;
	struct bytes owner;
	struct store_op *first;
	struct store_op **tail;
	size_t size_bytes; /* of keys and values, for the backlog */
	/* From here on: set by the commit. */
	struct store_reply reply; /* its list is also the engine's queue */
	struct store_line *line;
	uint64_t seq;
	uint32_t generation;
	int status;
	bool is_settled; /* the engine's: the outcome is known before the group's */
	store_done_fn *done;
	void *context;
};

/* Adds an operation; key and value are copied. */
struct store_op *store_batch_add(struct store_batch *batch, enum op_kind kind,
				 const struct store_decl *decl, struct bytes key,
				 struct bytes value);
/*
 * For engines: what this batch must fail with before it is tried (cancelled, no room in the
 * backlog), or 0. Batches of one owner must be asked about in the order issued.
 */
int store_batch_doom(const struct store_batch *batch);
/* For engines: records the outcome (cancelling what follows a failure), before the return. */
void store_batch_settle(struct store_batch *batch, int status);

enum part_kind {
	PART_GET,
	PART_SCAN,
	PART_EACH,
	PART_OWNERS, /* key: the domain */
	PART_BLOBS,  /* key: one blob, or BYTES_NONE for all */
	PART_PAGE,
	PART_IDS,
	PART_ORIGIN,  /* key: origin id, query.peer, query.after_id */
	PART_RECORDS, /* key: one conversation, or BYTES_NONE for all */
};

struct store_part {
	struct store_part *next;
	enum part_kind kind;
	const struct store_decl *decl;
	struct bytes key; /* or prefix */
	struct bytes after;
	uint32_t limit;
	struct log_query query;
	const uint64_t *ids;
	size_t id_count;
	/* Results. */
	struct store_item *items;
	struct store_item **items_tail;
	struct log_entry *entries;
	struct log_entry **entries_tail;
	struct log_conversation *records;
	struct log_conversation **records_tail;
	uint64_t total;
	bool is_partial;
};

struct store_read {
	uint32_t magic;
	uint32_t count;
	struct arena arena; /* holds the read itself, its parts and its results */
	struct store *store;
	struct bytes owner;
	struct store_part *parts;
	struct store_part **tail;
	struct store_reply reply;
	uint64_t after_seq; /* while waiting in a line */
	int status;
	bool is_taken;
	store_read_fn *done;
	void *context;
};

/* For engines: adds a result, copied into the read's memory. */
void store_part_add_item(struct store_read *read, struct store_part *part,
			 const struct store_decl *decl, struct bytes key, struct bytes value);
void store_part_add_entry(struct store_read *read, struct store_part *part,
			  const struct log_entry *entry);
void store_part_add_record(struct store_read *read, struct store_part *part,
			   const struct log_conversation *record);
struct store_part *store_read_part(const struct store_read *read, uint32_t part);
struct store_part *store_read_add(struct store_read *read, enum part_kind kind,
				  const struct store_decl *decl);
/* A deep copy. */
struct log_entry *log_entry_copy(struct arena *arena, const struct log_entry *entry);
struct log_conversation *log_conversation_copy(struct arena *arena,
					       const struct log_conversation *record);

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
