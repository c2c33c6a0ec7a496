/*
 * The logs of the embedded engine. A message is one row in its month's file, written in order of
 * arrival: that is its commit. Where each owner's entries are is kept in memory (store/log_hot.h)
 * and written behind into the file's index, sorted; so are conversation records, into the table of
 * the engine's maps. Start-up reads again what was not yet written behind.
 *
 * A batch with operations of other shapes, or on several months, commits in the engine's database:
 * its log rows wait there (log_pending) for the moment until they are in their files.
 *
 * Deleting is saying so: a marker (log_gone) hides at once what is then removed bit by bit.
 *
 * The writer's thread changes everything here; what readers look at, under the lock.
 */
#ifndef STORE_SQLITE_LOG_H
#define STORE_SQLITE_LOG_H

#include "store/checkpoint.h"
#include "store/month.h"
#include "store/sqlite.h"

enum { LOG_GROUP_MAX = 32 };

/* What is deleted: entries up to a seq. */
struct log_gone {
	struct log_gone *next;
	uint64_t seq;
	uint32_t store_id; /* 0: in all */
	bool is_domain;
	struct bytes owner;	   /* as stored; of a domain: with its NUL */
	struct bytes conversation; /* BYTES_NONE: all */
	uint64_t before_id;	   /* 0: all, and the records too */
	/* How far its removal is: behind this month, or in it, behind this entry. */
	struct {
		uint32_t month, retention;
		uint64_t owner, id;
		bool is_month_done, has_begun;
	} at;
};

/* A batch of the group at hand. */
struct log_job {
	struct store_batch *batch;
	struct log_row *first, **tail;
	struct log_gone *gone;
	struct month *month; /* its only one, or NULL */
	bool is_direct;	     /* commits in that month's file */
};

struct sqlite_log {
	struct sqlite_engine *engine;
	char *dir;
	pthread_mutex_t lock;
	/* Under the lock; the writer reads without. */
	struct month *months; /* newest first, then by retention */
	uint64_t version;     /* rises when places move or vanish */
	struct log_gone *gone;
	struct log_records *records, *frozen_records;
	/* The writer's. */
	uint64_t last_seq;
	uint64_t last_id;
	uint64_t group;
	struct arena arena; /* of the group */
	struct log_job jobs[LOG_GROUP_MAX];
	uint32_t job_count;
	struct buf buf, content;
	uint64_t records_seq, frozen_records_seq; /* the table holds, will hold, up to here */
	struct log_record **sorted_records;
	size_t flushed_records, record_count;
	struct month *record_month; /* takes records without an entry */
	uint64_t pending_seq;	    /* rows up to here have left log_pending */
	bool has_pending;	    /* there are rows in log_pending */
	bool has_expired;	    /* months are out of the way that log_expired names */
	bool is_stuck;		    /* some of them could not be moved */
	uint64_t use;
	uint32_t record_budget;
	uint32_t idle_ticks;
	struct log_unlinker *unlinker;
	uint32_t unlinked;
};

/* ---- sqlite_log.c: files ---- */

int sqlite_log_open(struct sqlite_engine *engine, struct err *ret_err);
void sqlite_log_close(struct sqlite_engine *engine);
/* The month's file, made if need be; its connection may not be open. */
struct month *sqlite_log_month(struct sqlite_log *log, uint32_t number, uint32_t retention);
struct month *sqlite_log_find_month(const struct sqlite_log *log, uint32_t number,
				    uint32_t retention);
/* Opens the writer's connection if need be. */
int sqlite_log_use(struct sqlite_log *log, struct month *month, struct err *ret_err);
void sqlite_log_unref(struct sqlite_log *log, struct month *month);
/*
 * Drops the months before this one: they get another name at once, so that a new file may take
 * theirs, and a thread unlinks them.
 */
void sqlite_log_set_aside(struct sqlite_log *log, uint32_t retention, uint32_t before_month);
/* The same once log_expired says so, which is then forgotten. */
void sqlite_log_expire(struct sqlite_log *log, uint32_t retention, uint32_t before_month);
/* Removes month files in a thread of its own. */
void log_unlink(struct sqlite_log *log, const char *path);
void log_unlink_wait(struct sqlite_log *log);

/* ---- sqlite_log_load.c: start ---- */

int sqlite_log_load(struct sqlite_log *log, struct err *ret_err);
/* Writes what waits in log_pending into its files. */
int sqlite_log_move_pending(struct sqlite_log *log, struct err *ret_err);

/* ---- sqlite_log_group.c: the writer's group ---- */

/* Prepares what concerns logs, settles what cannot be, commits what a month's file holds alone. */
void sqlite_log_begin_group(struct sqlite_log *log, struct list *batches);
/* Inside the engine's transaction, first: rows that were moved. */
int sqlite_log_forget_pending(struct sqlite_conn *conn);
/* Inside the engine's transaction: what this batch leaves there. */
int sqlite_log_apply(struct sqlite_conn *conn, const struct store_batch *batch);
/* After it: moves the rows to their files. status: of the transaction. */
void sqlite_log_end_group(struct sqlite_log *log, int status);

struct log_gone *log_gone_new(struct bytes owner, struct bytes conversation);

/* ---- sqlite_log_write.c: rows of one month ---- */

/* In its transaction. */
int sqlite_log_apply_row(struct sqlite_log *log, struct month *month, struct log_row *row);
/* After its commit. */
void sqlite_log_publish(struct sqlite_log *log, struct log_row *row);
void sqlite_log_place_add(struct sqlite_log *log, struct month *month, uint64_t seq,
			  const struct log_side *side);
void sqlite_log_record_put(struct sqlite_log *log, uint32_t store_id, struct bytes owner,
			   const struct log_conversation *value, uint64_t seq);
/* The rows of jobs (direct or not) of this month, in one transaction. */
int sqlite_log_commit_month(struct sqlite_log *log, struct month *month, bool is_direct);
/* Finds an entry: in memory, or in the index. 1, 0 or negative. */
int sqlite_log_locate(struct sqlite_log *log, struct month *month, uint64_t owner, uint64_t id,
		      struct log_place *ret_place);
/* Is it deleted or trimmed, and only not yet removed? */
bool sqlite_log_is_removed(struct sqlite_log *log, struct month *month,
			   const struct log_row_side *side, const struct log_place *place);
/* Takes an owner's side from a row, which goes with its last one. */
int sqlite_log_take_side(struct sqlite_log *log, struct month *month, uint64_t seq,
			 uint64_t owner, uint64_t id);
bool sqlite_log_is_gone(const struct log_gone *gone, uint32_t store_id, struct bytes owner,
			struct bytes conversation, uint64_t id, uint64_t seq);

/* ---- sqlite_log_flush.c: writing behind, removing ---- */

/* In a month's transaction: writes some of its places into its index. */
int sqlite_log_flush_places(struct sqlite_log *log, struct month *month, uint32_t rows);
/* After it: forgets what is written, or goes back to where it was. */
void sqlite_log_flushed(struct sqlite_log *log, struct month *month, int status);
/* Between groups; rows: how many the last one had. */
void sqlite_log_flush_records(struct sqlite_log *log, uint32_t rows);
/* All of them. 0 or negative. */
int sqlite_log_flush_all_records(struct sqlite_log *log);
/* Removes some of what is deleted. 1: there is more, 0: not now. */
int sqlite_log_remove(struct sqlite_log *log);
/* True if there is something to do when nobody writes. */
bool sqlite_log_has_work(const struct sqlite_log *log);
/* Does some of it; returns how long to wait for the next time. */
uint32_t sqlite_log_idle(struct sqlite_log *log);

/* ---- sqlite_log_read.c ---- */

struct log_reader;

struct log_reader *log_reader_new(struct sqlite_log *log);
void log_reader_free(struct log_reader **reader);
/* True if the read has parts that concern logs. */
bool log_read_is_needed(const struct store_read *read);
/* Fills a page, ids or an origin. -EAGAIN: something moved. */
int log_reader_fill(struct log_reader *reader, struct store_read *read, struct store_part *part,
		    struct bytes owner);
/* A read begins, before any look at the engine's database; the log's version. */
uint64_t log_reader_begin(struct log_reader *reader);
/* False if something has moved since: the read must be done again. */
bool log_reader_end(struct log_reader *reader, uint64_t version);

/* ---- sqlite_log_records.c ---- */

int sqlite_log_fill_records(struct sqlite_conn *conn, struct store_read *read,
			    struct store_part *part, struct bytes owner);
/* The owners of a domain (as stored, with its NUL) that have records in memory, sorted. */
struct bytes *sqlite_log_owners(struct sqlite_log *log, struct bytes domain,
				struct arena *arena, size_t *ret_count);

#endif
