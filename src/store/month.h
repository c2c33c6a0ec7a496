/*
 * One file of the logs: a month of one class of retention. Private to the embedded engine.
 * Names (owners, conversations) are numbers inside the file, so that it stands for itself. Its
 * rows are written by the writer's connection and read by connections of the readers.
 *
 * 	msg(id, a, b, body)	one row per message, in the order of the journal (id = seq): what
 * 				each of its owners knows, and the content
 * 	log(owner, id, …)	where an owner's entry is: written behind
 * 	state(indexed, last_id)	up to which seq the index is complete
 * 	state(moved)		up to which seq rows of log_pending have come here
 */
#ifndef STORE_MONTH_H
#define STORE_MONTH_H

#include <sqlite3.h>

#include "base/err.h"
#include "store/log_hot.h"
#include "store/open.h"

enum month_sql {
	MONTH_BEGIN,
	MONTH_BEGIN_READ,
	MONTH_COMMIT,
	MONTH_ROLLBACK,
	MONTH_NAME_ADD,
	MONTH_NAME_FIND,
	MONTH_NAME_GET,
	MONTH_MSG_ADD,
	MONTH_MSG_GET,
	MONTH_MSG_SIDES,
	MONTH_MSG_SET_SIDES,
	MONTH_MSG_DEL,
	MONTH_MSG_SINCE,
	MONTH_INDEX_PUT,
	MONTH_INDEX_GET,
	MONTH_INDEX_DEL,
	MONTH_INDEX_FORWARD,
	MONTH_INDEX_BACKWARD,
	MONTH_INDEX_GONE,
	MONTH_STATE_GET,
	MONTH_STATE_MOVED,
	MONTH_STATE_PUT,
	MONTH_SQL_COUNT,
};

struct month_conn {
	sqlite3 *db;
	sqlite3_stmt *statements[MONTH_SQL_COUNT];
};

enum month_mode { MONTH_READ, MONTH_WRITE, MONTH_CREATE };

int month_conn_open(struct month_conn *conn, const char *path, enum month_mode mode,
		    const struct store_config *config, struct err *ret_err);
void month_conn_close(struct month_conn *conn);
/* The statement, ready for binding; NULL if it cannot be prepared. */
sqlite3_stmt *month_conn_get(struct month_conn *conn, enum month_sql which);
/* One without parameters and rows. 0 or negative. */
int month_conn_run(struct month_conn *conn, enum month_sql which);
int month_conn_status(const struct month_conn *conn);
/* A name's number, 0 if there is none. Negative: failure. */
int64_t month_conn_find_name(struct month_conn *conn, struct bytes name);
/* The row of an index statement. */
struct log_place month_place(sqlite3_stmt *row);
void month_bind_bytes(sqlite3_stmt *statement, int index, struct bytes b);
struct bytes month_column(sqlite3_stmt *statement, int column);
/* One step of a statement without rows, and its reset. */
int month_run(struct month_conn *conn, sqlite3_stmt *statement);

/* The file itself. Its list, counter and hot parts belong to struct sqlite_log. */
struct month {
	struct month *next; /* by number, then retention */
	uint32_t number;    /* log_id_month */
	uint32_t retention;
	char *path;
	uint32_t refs;
	bool is_made; /* the file is there, with its tables */
	bool is_gone; /* expired */
	struct log_hot *active, *frozen;
	uint64_t indexed; /* the index holds everything up to this seq */
	/* The writer's. */
	struct month_conn conn;
	struct checkpoint *checkpoint;
	uint64_t last_use;
	struct arena name_arena;
	struct table names;
	uint64_t last_id;
	uint64_t moved; /* rows of log_pending up to here are in the file, or were */
	struct log_hot_owner **sorted; /* of the frozen part; NULL: not flushing */
	size_t owner_count;
	struct month_flush {
		size_t owner;			   /* of sorted */
		const struct log_hot_chunk *chunk; /* NULL: the owner's first */
		uint32_t place;
	} flush, flush_before; /* before the transaction at hand */
};

#endif
