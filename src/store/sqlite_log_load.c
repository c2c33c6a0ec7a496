/*
 * Start: what was not written behind is read again from the ends of the months' files, and what
 * a crash left between the engine's database and a file is moved.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/sqlite_log.h"

/* ---- markers ---- */

static int load_expired(struct sqlite_log *log)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_EXPIRED_LIST);
	int result;

	if (!statement)
		return sqlite_conn_status(conn);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		sqlite_log_set_aside(log, (uint32_t)sqlite3_column_int64(statement, 0),
				     (uint32_t)sqlite3_column_int64(statement, 1));
	sqlite3_reset(statement);
	if (result != SQLITE_DONE)
		return sqlite_conn_status(conn);
	/* Nothing is left of them: what the table says is done. */
	return sqlite_conn_run(conn, SQL_LOG_EXPIRED_DEL);
}

static void add_gone(struct sqlite_log *log, sqlite3_stmt *row)
{
	struct bytes owner = sqlite_column(row, 3);
	bool has_conversation = sqlite3_column_type(row, 4) != SQLITE_NULL;
	struct bytes conversation = has_conversation ? sqlite_column(row, 4) : BYTES_NONE;
	struct log_gone *gone = log_gone_new(owner, conversation);

	gone->seq = (uint64_t)sqlite3_column_int64(row, 0);
	gone->store_id = (uint32_t)sqlite3_column_int64(row, 1);
	gone->is_domain = sqlite3_column_int(row, 2) != 0;
	gone->before_id = (uint64_t)sqlite3_column_int64(row, 5);
	gone->next = log->gone;
	log->gone = gone;
	if (gone->seq > log->last_seq)
		log->last_seq = gone->seq;
}

static int load_gone(struct sqlite_log *log)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_GONE_LIST);
	int result;

	if (!statement)
		return sqlite_conn_status(conn);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		add_gone(log, statement);
	sqlite3_reset(statement);
	return result == SQLITE_DONE ? 0 : sqlite_conn_status(conn);
}

/* ---- a month ---- */

/* Names by number, remembered while one file is read. */
struct names {
	struct arena arena;
	struct table table;
};

struct numbered_name {
	uint64_t number;
	struct bytes text;
};

static struct bytes name_of(struct names *names, struct month *month, uint64_t number)
{
	struct numbered_name *name =
		table_find(&names->table, bytes_make(&number, sizeof(number)));
	sqlite3_stmt *statement;

	if (name)
		return name->text;
	name = arena_new(&names->arena, struct numbered_name);
	name->number = number;
	statement = month_conn_get(&month->conn, MONTH_NAME_GET);
	if (!statement)
		return BYTES_NONE;
	sqlite3_bind_int64(statement, 1, (int64_t)number);
	if (sqlite3_step(statement) == SQLITE_ROW)
		name->text = arena_copy(&names->arena, sqlite_column(statement, 0));
	sqlite3_reset(statement);
	table_put(&names->table, bytes_make(&name->number, sizeof(name->number)), name);
	return name->text;
}

static void load_side(struct sqlite_log *log, struct month *month, struct names *names,
		      uint64_t seq, struct bytes packed)
{
	struct log_side side;

	if (packed.len == 0 || !log_side_unpack(&side, packed))
		return;
	if (side.kind != SIDE_RECORD && seq > month->indexed)
		sqlite_log_place_add(log, month, seq, &side);
	if (seq <= log->records_seq || (side.kind != SIDE_ENTRY && side.kind != SIDE_RECORD))
		return;
	side.record.name = name_of(names, month, side.conversation);
	if (side.record.name.ptr)
		sqlite_log_record_put(log, (uint32_t)(side.owner & ((1 << LOG_STORE_BITS) - 1)),
				      name_of(names, month, side.owner >> LOG_STORE_BITS),
				      &side.record, seq);
}

static int load_state(struct sqlite_log *log, struct month *month)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_STATE_GET);
	int status = -EIO;

	if (!statement)
		return month_conn_status(&month->conn);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		month->indexed = (uint64_t)sqlite3_column_int64(statement, 0);
		month->last_id = (uint64_t)sqlite3_column_int64(statement, 1);
		month->moved = (uint64_t)sqlite3_column_int64(statement, 2);
		status = 0;
	}
	sqlite3_reset(statement);
	if (month->indexed > log->last_seq)
		log->last_seq = month->indexed;
	if (month->moved > log->last_seq)
		log->last_seq = month->moved;
	if (month->last_id > log->last_id)
		log->last_id = month->last_id;
	return status;
}

static int load_rows(struct sqlite_log *log, struct month *month)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_MSG_SINCE);
	uint64_t since = month->indexed < log->records_seq ? month->indexed : log->records_seq;
	struct names names;
	int result;

	if (!statement)
		return month_conn_status(&month->conn);
	arena_init(&names.arena, 8 << 10);
	table_init(&names.table);
	sqlite3_bind_int64(statement, 1, (int64_t)since);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(statement, 0);

		load_side(log, month, &names, seq, month_column(statement, 1));
		load_side(log, month, &names, seq, month_column(statement, 2));
		if (seq > log->last_seq)
			log->last_seq = seq;
	}
	sqlite3_reset(statement);
	table_fini(&names.table);
	arena_fini(&names.arena);
	return result == SQLITE_DONE ? 0 : month_conn_status(&month->conn);
}

static int load_month(struct sqlite_log *log, struct month *month, struct err *ret_err)
{
	int status = sqlite_log_use(log, month, ret_err);

	if (status < 0)
		return status;
	status = load_state(log, month);
	if (status == 0)
		status = load_rows(log, month);
	if (status < 0)
		return err_set(ret_err, status, "cannot read %s: %s", month->path,
			       sqlite3_errmsg(month->conn.db));
	return 0;
}

/* ---- rows on their way ---- */

static int add_pending(struct sqlite_log *log, struct log_job *job, sqlite3_stmt *statement)
{
	struct bytes packed = arena_copy(&log->arena, sqlite_column(statement, 3));
	struct log_row *row = log_row_unpack(&log->arena, packed);
	int status;

	if (!row)
		return -EIO;
	row->seq = (uint64_t)sqlite3_column_int64(statement, 0);
	row->month = sqlite_log_month(log, (uint32_t)sqlite3_column_int64(statement, 2),
				      (uint32_t)sqlite3_column_int64(statement, 1));
	status = sqlite_log_use(log, row->month, NULL);
	if (status < 0)
		return status;
	row->is_void = row->seq <= row->month->moved;
	*job->tail = row;
	job->tail = &row->next;
	if (row->seq > log->last_seq)
		log->last_seq = row->seq;
	return 0;
}

static int list_pending(struct sqlite_log *log, struct log_job *job)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_PENDING_LIST);
	int result, status = 0;

	if (!statement)
		return sqlite_conn_status(conn);
	while (status == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
		status = add_pending(log, job, statement);
	if (status == 0 && result != SQLITE_DONE)
		status = sqlite_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

static int commit_months(struct sqlite_log *log, const struct log_job *job)
{
	int status = 0;

	for (struct month *month = log->months; month && status == 0; month = month->next) {
		bool is_needed = false;

		for (const struct log_row *row = job->first; row; row = row->next)
			is_needed |= row->month == month && !row->is_void;
		if (is_needed)
			status = sqlite_log_commit_month(log, month, false);
	}
	return status;
}

int sqlite_log_move_pending(struct sqlite_log *log, struct err *ret_err)
{
	struct log_job *job = &log->jobs[0];
	int status;

	*job = (struct log_job){ .tail = &job->first };
	log->job_count = 1;
	status = list_pending(log, job);
	if (status == 0)
		status = commit_months(log, job);
	log->has_pending = job->first != NULL;
	log->job_count = 0;
	if (status < 0)
		return err_set(ret_err, status,
			       "cannot write the log's last messages to %s: %s", log->dir,
			       strerror(-status));
	log->pending_seq = log->last_seq;
	arena_reset(&log->arena);
	return 0;
}

/* ---- all ---- */

static void load_own_state(struct sqlite_log *log)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;

	log->records_seq =
		(uint64_t)sqlite_conn_integer(conn, "SELECT records FROM log_state", 0);
	log->last_id = (uint64_t)sqlite_conn_integer(conn, "SELECT last_id FROM log_state", 0);
	log->last_seq = log->records_seq;
}

int sqlite_log_load(struct sqlite_log *log, struct err *ret_err)
{
	int status;

	load_own_state(log);
	status = load_expired(log);
	if (status == 0)
		status = load_gone(log);
	if (status < 0)
		return sqlite_conn_err(&log->engine->writer.conn, "read", ret_err);
	for (struct month *month = log->months; month && status == 0; month = month->next)
		status = load_month(log, month, ret_err);
	if (status == 0)
		status = sqlite_log_move_pending(log, ret_err);
	log->engine->store->last_log_id = log->last_id;
	return status;
}
