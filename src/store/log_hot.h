/*
 * What the embedded engine keeps in memory of the newest part of its logs: the place of each
 * entry that is not in its month's index yet (struct log_hot), and the conversation records that
 * are not in their table yet (struct log_records). Both are filled until they are frozen, then
 * written behind in sorted order, and forgotten as a whole. One thread changes them, under the
 * log's lock; others look at them under it.
 */
#ifndef STORE_LOG_HOT_H
#define STORE_LOG_HOT_H

#include "base/table.h"
#include "store/log_pack.h"

/* What an index row says. */
struct log_place {
	uint64_t id;
	uint64_t seq; /* of the journal: the row with the content */
	uint64_t time_us;
	uint64_t conversation;
	uint32_t bits;
	uint32_t origin;
};

struct log_hot_chunk {
	struct log_hot_chunk *older, *newer;
	uint32_t count, room;
	struct log_place places[];
};

struct log_hot_owner {
	uint64_t key; /* log_owner_key */
	struct log_hot_chunk *oldest, *newest;
	uint32_t replacing; /* how many places may stand for an older one of the same id */
};

struct log_hot {
	struct arena arena;
	struct table owners;
	size_t size_bytes;
	uint64_t count;
	uint64_t first_seq, last_seq;
};

struct log_hot *log_hot_new(void);
void log_hot_free(struct log_hot **hot);
/* is_replacing: the index may have another place for this id. */
void log_hot_add(struct log_hot *hot, uint64_t owner, const struct log_place *place,
		 bool is_replacing);
/* Both accept NULL for an empty one. */
const struct log_hot_owner *log_hot_find(const struct log_hot *hot, uint64_t owner);
const struct log_place *log_hot_locate(const struct log_hot *hot, uint64_t owner, uint64_t id);
/* All owners by key, in the arena of the hot; their number is table_count(&hot->owners). */
struct log_hot_owner **log_hot_sorted(struct log_hot *hot);

/* ---- records ---- */

struct log_record {
	struct log_record *next; /* of the same owner and store */
	struct bytes key;
	struct bytes owner; /* as stored */
	uint32_t store_id;
	struct log_conversation value; /* its name lives with the record */
	uint64_t staged_group;	       /* writer: staged_n is what this group makes of it */
	uint64_t staged_n;
	uint64_t seq;	 /* of the row that the value comes from */
	uint64_t order;	 /* sorts by owner, roughly */
	bool is_known;	 /* value holds; else the table may have one */
	bool is_deleted; /* neither holds: the owner was deleted */
};

struct log_records {
	struct arena arena;
	struct table records;
	struct table owners; /* struct log_record_owner by store and owner */
	size_t size_bytes;
};

struct log_record_owner {
	struct bytes key;
	struct log_record *first;
};

struct log_records *log_records_new(void);
void log_records_free(struct log_records **records);
struct log_record *log_records_get(struct log_records *records, uint32_t store_id,
				   struct bytes owner, struct bytes conversation);
/* records may be NULL. */
struct log_record *log_records_find(const struct log_records *records, uint32_t store_id,
				    struct bytes owner, struct bytes conversation);
/* The first of an owner's, which are linked. */
struct log_record *log_records_first(const struct log_records *records, uint32_t store_id,
				     struct bytes owner);
/* All, neighbours together, in their arena; their number is table_count(&records->records). */
struct log_record **log_records_sorted(struct log_records *records);
/* For this group of the writer n begins anew, as it will if the deletion below commits. */
void log_records_stage(struct log_records *records, uint32_t store_id, struct bytes owner,
		       bool is_domain, uint64_t group);
/* The owner has been deleted in this store (0: in all); is_domain: all owners of it. */
void log_records_delete(struct log_records *records, uint32_t store_id, struct bytes owner,
			bool is_domain);

/* Is this stored owner the domain's? Both as stored; the domain ends with its NUL. */
static inline bool log_owner_is_in(struct bytes owner, struct bytes domain)
{
	return bytes_has_prefix(owner, domain);
}

#endif
