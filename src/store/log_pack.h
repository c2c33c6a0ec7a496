/*
 * How log entries are written down by the embedded engine: the two sides of a message (what each
 * owner knows of it), the content that they share, conversation records, and whole rows with
 * their names spelled out, for the short while in which they wait for their month's file.
 * Private to the engine; no I/O.
 */
#ifndef STORE_LOG_PACK_H
#define STORE_LOG_PACK_H

#include "base/buf.h"
#include "store/log.h"

/* Stored: append, never renumber. */
enum log_side_kind {
	SIDE_ENTRY = 1, /* an append: with the record that goes with it */
	SIDE_RECORD,	/* only a record */
	SIDE_AMENDED,	/* replaces an entry of this id */
	SIDE_IMPORTED,	/* no record */
};

/* A side of a message, names as the numbers of its month's file. */
struct log_side {
	enum log_side_kind kind;
	uint64_t owner; /* see log_owner_key */
	uint64_t id;
	uint64_t n;
	uint64_t time_us;
	uint64_t conversation;
	uint32_t bits;	    /* kind | flags << 5 */
	uint32_t origin;    /* log_origin_hash */
	uint32_t peer_kind; /* enum log_peer_kind */
	struct bytes peer;
	struct log_conversation record; /* without its name; RECORD and ENTRY */
};

/* Most peers are the conversation, or its resource. */
enum log_peer_kind { PEER_IS_CONVERSATION, PEER_IS_RESOURCE, PEER_IS_OTHER };

enum { LOG_KIND_BITS = 5, LOG_STORE_BITS = 10 };

/* An owner of one store, in one month's file. */
static inline uint64_t log_owner_key(uint64_t name, uint32_t store_id)
{
	return name << LOG_STORE_BITS | store_id;
}

/* To find an origin id without looking at every entry; 0: there is none. */
uint32_t log_origin_hash(struct bytes origin_id);

/* side->peer and peer_kind, from the entry's peer and conversation; borrows. */
void log_side_set_peer(struct log_side *side, const struct log_entry *entry);
/* The peer, in the arena if it has to be put together. */
struct bytes log_side_peer(const struct log_side *side, struct bytes conversation,
			   struct arena *arena);
void log_side_pack(struct buf *buf, const struct log_side *side);
/* False if these bytes are no side; side->peer borrows from them. */
bool log_side_unpack(struct log_side *ret_side, struct bytes packed);

/* Content: origin id, refers-to, audience, the stanza. */
void log_content_pack(struct buf *buf, const struct log_entry *entry);
/* Sets the four fields; they borrow. */
bool log_content_unpack(struct log_entry *entry, struct bytes packed);

void log_record_pack(struct buf *buf, const struct log_conversation *record);
/* Sets everything but name and next. */
bool log_record_unpack(struct log_conversation *record, struct bytes packed);

/* ---- rows ---- */

enum log_row_kind { ROW_ENTRIES = 1, ROW_RECORD, ROW_AMEND, ROW_IMPORT };

struct log_row_side {
	uint32_t store_id;
	struct bytes owner;		       /* as stored: domain, NUL, localpart */
	const struct log_entry *entry;	       /* NULL in ROW_RECORD */
	const struct log_conversation *record; /* or NULL */
};

/* One row to be written into a month's file. */
struct log_row {
	struct log_row *next;
	enum log_row_kind kind;
	uint64_t seq; /* its number in the journal: rising over all files */
	struct month *month;
	uint32_t count; /* sides: 1 or 2 */
	struct log_row_side sides[2];
	struct log_side written[2]; /* once it is in the file */
	bool is_applied;	    /* it is in the transaction */
	bool is_void;		    /* it has no effect */
};

/* Everything but seq and month. */
void log_row_pack(struct buf *buf, const struct log_row *row);
/* The row and what hangs on it, borrowing from packed; NULL if these bytes are none. */
struct log_row *log_row_unpack(struct arena *arena, struct bytes packed);

#endif
