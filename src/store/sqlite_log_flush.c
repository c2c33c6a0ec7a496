/*
 * Writing behind: what memory holds of the logs goes, sorted, into the months' indexes and the
 * table of records; a little with each group, so that no group waits long. And removing what
 * was deleted, a little at a time too.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/sqlite_log.h"

enum {
	RECORD_ROWS_MIN = 256, /* per transaction, which is the engine's database's */
	IDLE_ROWS = 512,
	IDLE_TICK_MS = 1000,
	IDLE_TICKS = 10, /* then everything is written, for a quick start */
};

/*
 * Of the memory that the option gives, an eighth each for places that fill up and that are frozen,
 * three for records: these are larger, and it pays to gather more of them, because each is a
 * page of its own unless it meets its neighbours.
 */
static bool is_full(const struct sqlite_log *log, size_t size_bytes, uint32_t eighths)
{
	return size_bytes >= (size_t)log->engine->store->config.log_memory_kib * 128 * eighths;
}

/* ---- places ---- */

static void freeze_places(struct sqlite_log *log, struct month *month)
{
	pthread_mutex_lock(&log->lock);
	month->frozen = month->active;
	month->active = NULL;
	pthread_mutex_unlock(&log->lock);
	month->sorted = log_hot_sorted(month->frozen);
	month->owner_count = table_count(&month->frozen->owners);
	month->flush = month->flush_before = (struct month_flush){ 0 };
}

static int put_place(struct month *month, uint64_t owner, const struct log_place *place)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_INDEX_PUT);

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)owner);
	sqlite3_bind_int64(statement, 2, (int64_t)place->id);
	sqlite3_bind_int64(statement, 3,
			   (int64_t)(place->time_us - log_id_ms(place->id) * 1000));
	sqlite3_bind_int64(statement, 4, (int64_t)place->conversation);
	sqlite3_bind_int64(statement, 5, place->bits);
	sqlite3_bind_int64(statement, 6, place->origin);
	sqlite3_bind_int64(statement, 7, (int64_t)place->seq);
	return month_run(&month->conn, statement);
}

/* The next place to write, or NULL at the end. */
static const struct log_place *next_place(struct month *month, uint64_t *ret_owner)
{
	struct month_flush *at = &month->flush;

	while (at->owner < month->owner_count) {
		const struct log_hot_owner *owner = month->sorted[at->owner];

		if (!at->chunk)
			at->chunk = owner->oldest;
		if (at->place < at->chunk->count) {
			*ret_owner = owner->key;
			return &at->chunk->places[at->place++];
		}
		at->place = 0;
		at->chunk = at->chunk->newer;
		if (!at->chunk)
			at->owner++;
	}
	return NULL;
}

static bool is_flushed(const struct month *month)
{
	return month->sorted && month->flush.owner == month->owner_count;
}

static int put_state(struct month *month)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_STATE_PUT);

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)month->frozen->last_seq);
	sqlite3_bind_int64(statement, 2, (int64_t)month->last_id);
	return month_run(&month->conn, statement);
}

int sqlite_log_flush_places(struct sqlite_log *log, struct month *month, uint32_t rows)
{
	const struct log_place *place;
	uint64_t owner = 0;
	int status = 0;

	if (!month->sorted && month->active && is_full(log, month->active->size_bytes, 1))
		freeze_places(log, month);
	if (!month->sorted)
		return 0;
	month->flush_before = month->flush;
	while (status == 0 && rows-- > 0 && (place = next_place(month, &owner)))
		status = put_place(month, owner, place);
	if (status == 0 && is_flushed(month))
		status = put_state(month);
	return status;
}

void sqlite_log_flushed(struct sqlite_log *log, struct month *month, int status)
{
	struct log_hot *done;

	if (status < 0)
		month->flush = month->flush_before;
	if (!is_flushed(month))
		return;
	pthread_mutex_lock(&log->lock);
	done = month->frozen;
	month->indexed = done->last_seq;
	month->frozen = NULL;
	log->version++;
	pthread_mutex_unlock(&log->lock);
	month->sorted = NULL;
	log_hot_free(&done);
}

/* Without a group. */
static int flush_month(struct sqlite_log *log, struct month *month)
{
	int status = sqlite_log_use(log, month, NULL);

	if (status == 0)
		status = month_conn_run(&month->conn, MONTH_BEGIN);
	if (status == 0)
		status = sqlite_log_flush_places(log, month, IDLE_ROWS);
	if (status == 0)
		status = month_conn_run(&month->conn, MONTH_COMMIT);
	if (month->conn.db && !sqlite3_get_autocommit(month->conn.db))
		month_conn_run(&month->conn, MONTH_ROLLBACK);
	sqlite_log_flushed(log, month, status);
	if (status == 0)
		checkpoint_turn(month->checkpoint);
	return status;
}

/* ---- records ---- */

static bool freeze_records(struct sqlite_log *log)
{
	if (!log->records || log->is_stuck)
		return false;
	pthread_mutex_lock(&log->lock);
	log->frozen_records = log->records;
	log->records = NULL;
	pthread_mutex_unlock(&log->lock);
	log->frozen_records_seq = log->last_seq;
	log->sorted_records = log_records_sorted(log->frozen_records);
	log->record_count = table_count(&log->frozen_records->records);
	log->flushed_records = 0;
	return true;
}

/* A record is an item of the engine's maps. */
static int put_record(struct sqlite_conn *conn, struct sqlite_log *log,
		      const struct log_record *record)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_PUT);

	if (!statement)
		return sqlite_conn_status(conn);
	buf_reset(&log->buf);
	log_record_pack(&log->buf, &record->value);
	sqlite_bind(statement, 1, record->owner);
	sqlite3_bind_int64(statement, 2, record->store_id);
	sqlite_bind(statement, 3, record->value.name);
	sqlite_bind(statement, 4, buf_bytes(&log->buf));
	return sqlite_run(conn, statement);
}

static int put_records_seq(struct sqlite_conn *conn, uint64_t seq)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_STATE_PUT);

	if (statement)
		sqlite3_bind_int64(statement, 1, (int64_t)seq);
	return sqlite_run(conn, statement);
}

static int put_some(struct sqlite_conn *conn, struct sqlite_log *log, uint32_t rows)
{
	int status = sqlite_conn_run(conn, SQL_BEGIN);

	for (; status == 0 && rows > 0 && log->flushed_records < log->record_count; rows--) {
		const struct log_record *record = log->sorted_records[log->flushed_records++];

		if (record->is_known)
			status = put_record(conn, log, record);
	}
	if (status == 0 && log->flushed_records == log->record_count)
		status = put_records_seq(conn, log->frozen_records_seq);
	if (status == 0)
		status = sqlite_conn_run(conn, SQL_COMMIT);
	if (!sqlite3_get_autocommit(conn->db))
		sqlite_conn_run(conn, SQL_ROLLBACK);
	return status;
}

static void forget_frozen_records(struct sqlite_log *log)
{
	struct log_records *done;

	pthread_mutex_lock(&log->lock);
	done = log->frozen_records;
	log->frozen_records = NULL;
	log->version++;
	pthread_mutex_unlock(&log->lock);
	log->records_seq = log->frozen_records_seq;
	log->sorted_records = NULL;
	log_records_free(&done);
}

/*
 * Until they are in the table, records are in the journal: what a power cut takes from this
 * transaction it takes whole, with the number of how far it went. So it need not wait.
 */
static int flush_some(struct sqlite_log *log, uint32_t rows)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	bool is_power = log->engine->store->config.durability == STORE_POWER;
	size_t before = log->flushed_records;
	int status;

	if (is_power)
		sqlite_conn_exec(conn, "PRAGMA synchronous = NORMAL");
	status = put_some(conn, log, rows);
	if (is_power)
		sqlite_conn_exec(conn, "PRAGMA synchronous = FULL");
	if (status < 0)
		log->flushed_records = before;
	else if (log->flushed_records == log->record_count)
		forget_frozen_records(log);
	return status;
}

void sqlite_log_flush_records(struct sqlite_log *log, uint32_t rows)
{
	if (!log->frozen_records) {
		if (log->records && is_full(log, log->records->size_bytes, 3))
			freeze_records(log);
		return;
	}
	log->record_budget += rows;
	if (log->record_budget < RECORD_ROWS_MIN)
		return;
	flush_some(log, log->record_budget);
	log->record_budget = 0;
}

int sqlite_log_flush_all_records(struct sqlite_log *log)
{
	int status = 0;

	while (status == 0 && (log->frozen_records || freeze_records(log)))
		status = flush_some(log, IDLE_ROWS);
	return status;
}

/* ---- removing ---- */

static bool is_in_memory(const struct log_hot *hot, uint64_t seq)
{
	return hot && hot->first_seq <= seq;
}

/* What is not in the index yet cannot be found there. */
static bool is_indexed(const struct sqlite_log *log, uint64_t seq)
{
	for (const struct month *month = log->months; month; month = month->next) {
		if (is_in_memory(month->active, seq) || is_in_memory(month->frozen, seq))
			return false;
	}
	return true;
}

static int64_t clamp(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static sqlite3_stmt *bind_gone(struct sqlite_log *log, struct month *month,
			       const struct log_gone *gone, int64_t conversation)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_INDEX_GONE);

	if (!statement)
		return NULL;
	/* One owner: up to its name and a NUL; a domain, which ends with one: up to the next. */
	buf_reset(&log->buf);
	buf_append(&log->buf, gone->owner);
	if (gone->is_domain)
		log->buf.ptr[log->buf.len - 1] = '\1';
	else
		buf_append_byte(&log->buf, '\0');
	month_bind_bytes(statement, 1, gone->owner);
	month_bind_bytes(statement, 2, buf_bytes(&log->buf));
	sqlite3_bind_int64(statement, 3, (int64_t)gone->seq);
	sqlite3_bind_int64(statement, 4, gone->before_id ? clamp(gone->before_id) : INT64_MAX);
	sqlite3_bind_int64(statement, 5, conversation);
	sqlite3_bind_int64(statement, 6, gone->store_id);
	sqlite3_bind_int64(statement, 7, (int64_t)gone->at.owner);
	sqlite3_bind_int64(statement, 8, (int64_t)gone->at.id);
	return statement;
}

static int remove_entry(struct sqlite_log *log, struct month *month, uint64_t owner,
			uint64_t id, uint64_t seq)
{
	sqlite3_stmt *statement;
	int status = sqlite_log_take_side(log, month, seq, owner, id);

	if (status < 0)
		return status;
	statement = month_conn_get(&month->conn, MONTH_INDEX_DEL);
	if (statement) {
		sqlite3_bind_int64(statement, 1, (int64_t)owner);
		sqlite3_bind_int64(statement, 2, (int64_t)id);
	}
	return month_run(&month->conn, statement);
}

struct found {
	uint64_t owner, id, seq;
};

/* Collected first: a statement does not like its table to change under it. */
static int remove_some(struct sqlite_log *log, struct month *month, struct log_gone *gone)
{
	struct found found[64];
	uint32_t count = 0;
	int64_t conversation = 0;
	sqlite3_stmt *statement;
	int result, status = 0;

	if (gone->conversation.ptr) {
		conversation = month_conn_find_name(&month->conn, gone->conversation);
		if (conversation <= 0)
			return (int)conversation;
	}
	statement = bind_gone(log, month, gone, conversation);
	if (!statement)
		return month_conn_status(&month->conn);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < array_len(found))
		found[count++] = (struct found){ (uint64_t)sqlite3_column_int64(statement, 0),
						 (uint64_t)sqlite3_column_int64(statement, 1),
						 (uint64_t)sqlite3_column_int64(statement, 2) };
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		status = month_conn_status(&month->conn);
	sqlite3_reset(statement);
	for (uint32_t i = 0; i < count && status == 0; i++)
		status = remove_entry(log, month, found[i].owner, found[i].id, found[i].seq);
	if (status == 0 && count > 0) {
		gone->at.owner = found[count - 1].owner;
		gone->at.id = found[count - 1].id;
	}
	return status < 0 ? status : (int)count;
}

/* 1: there may be more in this month, 0: it is done. */
static int remove_in(struct sqlite_log *log, struct month *month, struct log_gone *gone)
{
	int count, status = sqlite_log_use(log, month, NULL);

	if (status == 0)
		status = month_conn_run(&month->conn, MONTH_BEGIN);
	if (status < 0)
		return status;
	count = remove_some(log, month, gone);
	status = count < 0 ? count : month_conn_run(&month->conn, MONTH_COMMIT);
	if (!sqlite3_get_autocommit(month->conn.db))
		month_conn_run(&month->conn, MONTH_ROLLBACK);
	if (status == 0)
		checkpoint_turn(month->checkpoint);
	return status < 0 ? status : count > 0;
}

static struct month *next_month(const struct sqlite_log *log, const struct log_gone *gone)
{
	for (struct month *month = log->months; month; month = month->next) {
		if (!gone->at.has_begun || month->number < gone->at.month ||
		    (month->number == gone->at.month &&
		     month->retention >= gone->at.retention + gone->at.is_month_done))
			return month;
	}
	return NULL;
}

/* Nothing of it is left: the marker goes, unless a start would still read records before it. */
static int forget_gone(struct sqlite_log *log, struct log_gone **place)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	struct log_gone *gone = *place;
	sqlite3_stmt *statement;
	int status = 0;

	if (log->records_seq < gone->seq)
		status = sqlite_log_flush_all_records(log);
	if (status == 0 && log->records_seq < gone->seq && !log->is_stuck) {
		status = put_records_seq(conn, log->last_seq);
		log->records_seq = status == 0 ? log->last_seq : log->records_seq;
	}
	statement = sqlite_conn_get(conn, SQL_LOG_GONE_DEL);
	if (statement)
		sqlite3_bind_int64(statement, 1, (int64_t)gone->seq);
	if (status == 0)
		status = sqlite_run(conn, statement);
	if (status < 0)
		return status;
	pthread_mutex_lock(&log->lock);
	*place = gone->next;
	pthread_mutex_unlock(&log->lock);
	free(gone);
	return 1;
}

/* Owners have other numbers in each file, and the one before may have expired meanwhile. */
static void enter_month(struct log_gone *gone, const struct month *month)
{
	if (gone->at.has_begun && gone->at.month == month->number &&
	    gone->at.retention == month->retention)
		return;
	gone->at.owner = gone->at.id = 0;
	gone->at.has_begun = true;
	gone->at.month = month->number;
	gone->at.retention = month->retention;
}

int sqlite_log_remove(struct sqlite_log *log)
{
	for (struct log_gone **place = &log->gone; *place; place = &(*place)->next) {
		struct log_gone *gone = *place;
		struct month *month = next_month(log, gone);
		int status;

		if (!is_indexed(log, gone->seq))
			continue;
		if (!month)
			return forget_gone(log, place);
		enter_month(gone, month);
		status = remove_in(log, month, gone);
		gone->at.is_month_done = status == 0;
		return status < 0 ? status : 1;
	}
	return 0;
}

/* ---- when nobody writes ---- */

bool sqlite_log_has_work(const struct sqlite_log *log)
{
	if (log->records || log->frozen_records || log->gone || log->has_pending)
		return true;
	for (const struct month *month = log->months; month; month = month->next) {
		if (month->active || month->frozen)
			return true;
	}
	return false;
}

static int flush_something(struct sqlite_log *log)
{
	for (struct month *month = log->months; month; month = month->next) {
		if (month->sorted)
			return flush_month(log, month) < 0 ? -1 : 1;
	}
	if (log->frozen_records)
		return flush_some(log, IDLE_ROWS) < 0 ? -1 : 1;
	return log->gone ? sqlite_log_remove(log) : 0;
}

static bool freeze_all(struct sqlite_log *log)
{
	bool has_frozen = freeze_records(log);

	for (struct month *month = log->months; month; month = month->next) {
		if (month->active && !month->frozen) {
			freeze_places(log, month);
			has_frozen = true;
		}
	}
	return has_frozen;
}

uint32_t sqlite_log_idle(struct sqlite_log *log)
{
	int status = flush_something(log);

	if (status > 0)
		return 0;
	if (status < 0)
		return IDLE_TICK_MS;
	for (struct month *month = log->months; month; month = month->next) {
		if (month->checkpoint)
			checkpoint_idle(month->checkpoint);
	}
	if (log->gone || ++log->idle_ticks >= IDLE_TICKS) {
		log->idle_ticks = 0;
		if (freeze_all(log))
			return 0;
		sqlite_log_forget_pending(&log->engine->writer.conn);
	}
	return IDLE_TICK_MS;
}
