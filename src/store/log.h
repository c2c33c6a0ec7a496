/*
 * The log shape: each owner (account, room) has one ordered log per declared store, and a map
 * of its conversations that is written in the same commit. Operations are parts of a batch or of
 * a read (store/store.h), on the owner's shard.
 *
 * The actor that owns a log assigns ids at once and waits for nothing: it keeps the records of
 * the conversations it touches (struct log_conversation, loaded by log_read_conversation), and
 * log_append() moves them on. After a failed commit it drops them and loads them again.
 *
 * 	struct log_entry entry = { .kind = ENTRY_MESSAGE, .conversation = peer, … };
 * 	log_append(batch, &account_log, conversation, &entry);	(sets entry.id and entry.n)
 * 	store_commit(store, &batch, done, user);
 *
 * A message between two owners of one shard is one batch: append the sender's entry, turn to the
 * recipient (store_batch_turn_to), append his. If their contents (bytes, origin_id, refers_to,
 * audience) are equal and their retention is the same, they are kept once, until both are gone.
 *
 * Export of an owner, for each declared log: log_read_page() without a filter, page by page by
 * after_id, and log_read_conversations(). Import: log_import() and log_put_conversation().
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "store/store.h"

/* Numbers are stored: append, never renumber, at most 31. */
enum entry_kind {
	ENTRY_MESSAGE = 1,
	ENTRY_MARKER, /* receipts and chat markers */
	ENTRY_ROSTER, /* a roster push */
	ENTRY_GROUP,  /* a groupchat message, in the room's log */
	ENTRY_TOMBSTONE,
};

/* Bits are stored: append, never move. */
enum entry_flag {
	ENTRY_IN_ARCHIVE = 1 << 0, /* archive queries show it */
	ENTRY_DELIVER_OFFLINE =
		1 << 1, /* clients that do not query the archive get it at login */
	ENTRY_COUNTS_UNREAD = 1 << 2,
	ENTRY_MAY_PUSH = 1 << 3,
	ENTRY_HELD = 1 << 4,	 /* content is kept for an auditor only */
	ENTRY_OUTGOING = 1 << 5, /* the owner sent it */
};

enum { LOG_RETENTIONS = 256 };

struct log_entry {
	struct log_entry *next;	   /* in results */
	uint64_t id;		   /* of the owner's log; see log_id_next */
	uint64_t n;		   /* 1, 2, … in the conversation; a tombstone keeps it */
	uint64_t time_us;	   /* wall clock, UTC; 0 on append: now */
	uint32_t kind;		   /* enum entry_kind */
	uint32_t flags;		   /* enum entry_flag */
	uint32_t retention;	   /* class: what expires together; below LOG_RETENTIONS */
	struct bytes peer;	   /* the other side's address as routed: bare or full JID */
	struct bytes conversation; /* its name: usually the peer's bare JID */
	struct bytes origin_id;	   /* the sender's (XEP-0359), else the stanza's id */
	struct bytes refers_to;	   /* the id that a correction, retraction or reaction names */
	struct bytes audience;	   /* who may see it, in a room's log; empty: all */
	struct bytes bytes;	   /* the stanza, canonical */
};

struct log_conversation {
	struct log_conversation *next; /* in results */
	struct bytes name;	       /* borrowed: lives with the holder of the record */
	uint64_t last_n;
	uint64_t last_id;
	uint64_t displayed_id;	/* up to here the owner has seen it; 0: nothing */
	uint64_t mute_until_us; /* 0: not muted, UINT64_MAX: for good */
	uint32_t unread;
};

/* ---- ids ---- */

/*
 * The next id on this shard: above every id given before, also by earlier runs, whatever the
 * clock does; unique in the data directory. An id names its millisecond, and so its month.
 */
uint64_t log_id_next(struct store *store);
/* Wall-clock milliseconds of an id. */
uint64_t log_id_ms(uint64_t id);
/* Its month in UTC, as year * 12 + (0..11). */
uint32_t log_id_month(uint64_t id);
/* The lowest id of a wall-clock millisecond: to turn a time into a bound. */
uint64_t log_id_at(uint64_t ms);

/* ---- operations of a batch ---- */

/*
 * Appends: sets entry->id, n and time, moves the conversation on (last_n, last_id, and unread
 * by ENTRY_COUNTS_UNREAD) and stores both. conversation->name is entry->conversation. What the
 * entry points to is copied. An append that does not continue the record (n) is a bug of the
 * caller: an engine that has the record at hand fails the batch with -ESTALE; it need not read
 * for that.
 */
void log_append(struct store_batch *batch, const struct store_decl *decl,
		struct log_conversation *conversation, struct log_entry *entry);
/*
 * Stores an entry of another server or of a backup as it is, with its id, n and time, and touches
 * no record: put that too, because owners are listed by their records. An entry of this id that
 * is there already stays.
 */
void log_import(struct store_batch *batch, const struct store_decl *decl,
		const struct log_entry *entry);
/* Stores a record changed by its holder: displayed, unread, mute. */
void log_put_conversation(struct store_batch *batch, const struct store_decl *decl,
			  const struct log_conversation *conversation);
/*
 * Replaces an entry's content (kind, flags, refers_to, audience, bytes); id, n, time, peer,
 * conversation, origin id and retention stay. A tombstone is such an entry. Unknown id: nothing
 * happens. Another owner's entry that shared the content keeps it.
 */
void log_amend(struct store_batch *batch, const struct store_decl *decl,
	       const struct log_entry *entry);
/*
 * Drops the entries with an id below before_id, of one conversation or (BYTES_NONE) of all.
 * Conversation records stay, so that n goes on.
 */
void log_trim(struct store_batch *batch, const struct store_decl *decl,
	      struct bytes conversation, uint64_t before_id);

/*
 * Drops the months before before_month (log_id_month) of a class of retention, of all owners and
 * stores, at once for readers and cheaply. Conversation records stay. Any shard.
 */
uint64_t log_expire(struct store *store, uint32_t retention, uint32_t before_month,
		    store_done_fn *done, void *context);

/* ---- parts of a read ---- */

struct log_query {
	struct bytes conversation; /* BYTES_NONE: all */
	struct bytes peer;	   /* exactly this address; BYTES_NONE: any */
	uint32_t kinds;		   /* bits 1 << kind; 0: all */
	uint32_t flags;		   /* all of these must be set */
	uint64_t after_id;	   /* exclusive; 0: from the start */
	uint64_t before_id;	   /* exclusive; 0: to the end */
	uint64_t start_us, end_us; /* inclusive wall clock; 0: open */
	uint32_t limit;		   /* 0: all */
	bool is_backward;	   /* the last `limit` that match, not the first */
	bool wants_count;	   /* also count all that match, without the limit */
};

/* A page; entries come oldest first whichever end they were taken from. query is copied. */
uint32_t log_read_page(struct store_read *read, const struct store_decl *decl,
		       const struct log_query *query);
/* Entries by id, in order of id; ids that do not exist are left out. */
uint32_t log_read_ids(struct store_read *read, const struct store_decl *decl,
		      const uint64_t *ids, size_t count);
/* The newest entry with this origin id, by this peer (BYTES_NONE: any), above after_id. */
uint32_t log_read_origin(struct store_read *read, const struct store_decl *decl,
			 struct bytes origin_id, struct bytes peer, uint64_t after_id);
/* One conversation's record. */
uint32_t log_read_conversation(struct store_read *read, const struct store_decl *decl,
			       struct bytes name);
/* All records of the owner, by name. */
uint32_t log_read_conversations(struct store_read *read, const struct store_decl *decl);

/* The entries found by page, ids or origin; NULL if none. */
const struct log_entry *log_read_entries(const struct store_read *read, uint32_t part);
/* With wants_count: how many match. */
uint64_t log_read_count(const struct store_read *read, uint32_t part);
/* The records found; NULL if none: then a new conversation starts from zeros. */
const struct log_conversation *log_read_records(const struct store_read *read, uint32_t part);

#endif
