/*
 * What is inside a batch and a read: operations, parts, results. Private to this room. Each is
 * its shard's until it is issued, then the engine's, and comes back through its desk.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "store/desk.h"
#include "store/log.h"

struct blob_file;

#define STORE_BATCH_MAGIC 0x53426174u
#define STORE_READ_MAGIC 0x53526561u

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
	OP_IMPORT,
	OP_LOG_EXPIRE, /* number: retention << 32 | before_month */
	OP_BLOB_PUT,
	OP_BLOB_EXPIRE, /* number: now_ms */
	OP_BLOB_SWEPT,	/* number: the file, which is unlinked */
};

struct store_op {
	struct store_op *next;
	enum op_kind kind;
	bool is_servers; /* PUT, DEL: of the server's rows (owner "") */
	bool is_others;	 /* of the batch's second owner */
	bool is_shared;	 /* APPEND: its content is that of the batch's append before it */
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

struct store_batch {
	uint32_t magic;
	uint32_t count;
	struct arena arena; /* holds the batch itself */
	struct store *store;
	struct bytes owner;
	struct bytes other; /* the second owner; BYTES_NONE: there is none */
	bool is_at_other;   /* operations are added for him */
	struct store_op *first;
	struct store_op **tail;
	const struct store_op *last_append;
	size_t size_bytes; /* of keys and values, for the backlog */
	/* From here on: set by the commit. */
	struct store_reply reply; /* its list is also the engine's queue */
	struct store_line *line;
	struct store_line *other_line; /* NULL: no second owner */
	uint64_t seq;
	uint32_t generation;
	uint32_t other_generation;
	int status;
	bool is_settled; /* the engine's: the outcome is known before the group's */
	store_done_fn *done;
	void *context;
};

/* Adds an operation; key and value are copied. */
struct store_op *store_batch_add(struct store_batch *batch, enum op_kind kind,
				 const struct store_decl *decl, struct bytes key,
				 struct bytes value);
/* Whose rows the operation touches. */
static inline struct bytes store_op_owner(const struct store_batch *batch,
					  const struct store_op *op)
{
	if (op->is_servers)
		return BYTES_LIT("");
	return op->is_others ? batch->other : batch->owner;
}

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

#endif
