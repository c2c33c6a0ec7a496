/*
 * A group of batches, seen by the logs. Each batch with log operations becomes rows; if all it has
 * is rows of one month, it is direct: it commits in that month's file. Else it commits in the
 * engine's database, with its rows in log_pending, from where they move at once.
 *
 * Direct ones commit first, so one that follows an indirect one of the same owner in the group must
 * not be direct: no batch may be stored whose predecessor failed.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/sqlite_log.h"

/* ---- rows ---- */

static uint32_t store_id_of(const struct sqlite_log *log, const struct store_op *op)
{
	return log->engine->store_ids[op->decl->index];
}

static struct bytes stored_owner(struct sqlite_log *log, const struct store_batch *batch,
				 const struct store_op *op)
{
	return arena_copy(&log->arena, sqlite_owner_key(&log->buf, store_op_owner(batch, op)));
}

static struct log_row *row_new(struct sqlite_log *log, struct log_job *job,
			       enum log_row_kind kind)
{
	struct log_row *row = arena_new(&log->arena, struct log_row);

	row->kind = kind;
	row->count = 1;
	*job->tail = row;
	job->tail = &row->next;
	return row;
}

static void fill_side(struct sqlite_log *log, struct log_row_side *side,
		      const struct store_batch *batch, const struct store_op *op)
{
	side->store_id = store_id_of(log, op);
	side->owner = stored_owner(log, batch, op);
	if (op->kind == OP_CONVERSATION)
		side->record = op->conversation;
	else
		side->entry = op->entry;
}

static int check_size(const struct log_entry *entry)
{
	size_t size = entry->bytes.len + entry->origin_id.len + entry->refers_to.len +
		      entry->audience.len + entry->peer.len;

	return size > STORE_VALUE_BYTES_MAX ? -EMSGSIZE : 0;
}

/*
 * n must continue the record, where the record is at hand: in memory, that is; the writer reads
 * nothing for an append. What earlier appends of the group make of n counts.
 */
static int check_n(struct sqlite_log *log, const struct log_row_side *side)
{
	const struct log_entry *entry = side->entry;
	const struct log_record *older;
	struct log_record *record;
	uint64_t last_n;

	if (!log->records) {
		pthread_mutex_lock(&log->lock);
		log->records = log_records_new();
		pthread_mutex_unlock(&log->lock);
	}
	pthread_mutex_lock(&log->lock);
	record =
		log_records_get(log->records, side->store_id, side->owner, entry->conversation);
	pthread_mutex_unlock(&log->lock);
	older = record;
	if (!record->is_known && !record->is_deleted)
		older = log_records_find(log->frozen_records, side->store_id, side->owner,
					 entry->conversation);
	if (record->staged_group == log->group)
		last_n = record->staged_n;
	else if (older && older->staged_group == log->group)
		last_n = older->staged_n;
	else if (older && (older->is_known || older->is_deleted))
		last_n = older->value.last_n;
	else
		last_n = entry->n - 1;
	if (entry->n != last_n + 1)
		return -ESTALE;
	record->staged_group = log->group;
	record->staged_n = entry->n;
	return 0;
}

/* Prepared in this group, and not written yet. */
static struct month *month_of_staged(const struct sqlite_log *log,
				     const struct log_row_side *wanted)
{
	struct month *month = NULL;

	for (uint32_t i = 0; i < log->job_count; i++) {
		const struct log_row *row = log->jobs[i].first;

		for (; row; row = row->next) {
			for (uint32_t j = 0; j < row->count; j++) {
				const struct log_row_side *side = &row->sides[j];

				if (side->entry && side->entry != wanted->entry &&
				    side->entry->id == wanted->entry->id &&
				    side->store_id == wanted->store_id &&
				    bytes_equal(side->owner, wanted->owner) && !row->is_void)
					month = row->month;
			}
		}
	}
	return month;
}

static bool has_entry(struct sqlite_log *log, struct month *month,
		      const struct log_row_side *side)
{
	struct log_place place;
	int64_t name;

	if (sqlite_log_use(log, month, NULL) < 0)
		return false;
	name = month_conn_find_name(&month->conn, side->owner);
	return name > 0 &&
	       sqlite_log_locate(log, month, log_owner_key((uint64_t)name, side->store_id),
				 side->entry->id, &place) == 1 &&
	       !sqlite_log_is_removed(log, month, side, &place);
}

/* Of the files of that month, one per class of retention, the one that has it; or NULL. */
static struct month *month_of_entry(struct sqlite_log *log, const struct log_row_side *side)
{
	uint32_t number = log_id_month(side->entry->id);
	struct month *staged = month_of_staged(log, side);

	for (struct month *month = log->months; month && !staged; month = month->next) {
		if (month->number == number && has_entry(log, month, side))
			return month;
	}
	return staged;
}

/* A record without an entry goes where the last entry went. */
static struct month *month_of_record(struct sqlite_log *log)
{
	if (log->record_month)
		return log->record_month;
	if (log->months)
		return log->months;
	return sqlite_log_month(log, log_id_month(log_id_at(clock_real_us() / 1000)), 0);
}

/* Where the preparation of a batch is. */
struct preparing {
	struct log_job *job;
	struct log_row *last_row;	/* of the last append, if another may join it */
	struct log_row_side *last_side; /* of the last append, if its record may follow */
};

/* The second entry of a message joins the first one's row, if both are of one month. */
static struct log_row_side *append_side(struct sqlite_log *log, struct preparing *at,
					const struct store_op *op)
{
	uint32_t number = log_id_month(op->entry->id);
	struct log_row *last = at->last_row;

	at->last_row = NULL;
	if (op->is_shared && last && last->month->number == number) {
		last->count = 2;
		return &last->sides[1];
	}
	at->last_row = row_new(log, at->job, ROW_ENTRIES);
	at->last_row->month = sqlite_log_month(log, number, op->entry->retention);
	return &at->last_row->sides[0];
}

static bool takes_record(const struct log_row_side *side, const struct log_conversation *record)
{
	return side && side->entry->n == record->last_n &&
	       bytes_equal(side->entry->conversation, record->name);
}

static int prepare_append(struct sqlite_log *log, struct preparing *at,
			  const struct store_op *op)
{
	struct log_row_side *side = append_side(log, at, op);
	int status = check_size(op->entry);

	fill_side(log, side, at->job->batch, op);
	at->last_side = side;
	return status < 0 ? status : check_n(log, side);
}

static void prepare_record(struct sqlite_log *log, struct preparing *at,
			   const struct store_op *op)
{
	struct log_row *row;

	if (takes_record(at->last_side, op->conversation)) {
		at->last_side->record = op->conversation;
		at->last_side = NULL;
		return;
	}
	row = row_new(log, at->job, ROW_RECORD);
	fill_side(log, &row->sides[0], at->job->batch, op);
}

static int prepare_change(struct sqlite_log *log, struct preparing *at,
			  const struct store_op *op, enum log_row_kind kind)
{
	struct log_row *row = row_new(log, at->job, kind);

	fill_side(log, &row->sides[0], at->job->batch, op);
	row->month = month_of_entry(log, &row->sides[0]);
	/* An import that finds its entry elsewhere leaves it there. */
	if (kind == ROW_IMPORT && !row->month)
		row->month = sqlite_log_month(log, log_id_month(op->entry->id),
					      op->entry->retention);
	row->is_void = row->month == NULL;
	return check_size(op->entry);
}

/* ---- markers ---- */

struct log_gone *log_gone_new(struct bytes owner, struct bytes conversation)
{
	struct log_gone *gone = calloc(1, sizeof(*gone) + owner.len + conversation.len);
	char *copy = (char *)(gone + 1);

	check(gone != NULL);
	memcpy(copy, owner.ptr, owner.len);
	gone->owner = bytes_make(copy, owner.len);
	if (conversation.ptr) {
		memcpy(copy + owner.len, conversation.ptr, conversation.len);
		gone->conversation = bytes_make(copy + owner.len, conversation.len);
	}
	return gone;
}

/* Appends of this group that follow a deletion begin with n = 1. */
static void stage_deletion(struct sqlite_log *log, const struct log_gone *gone)
{
	if (gone->before_id > 0)
		return;
	log_records_stage(log->records, gone->store_id, gone->owner, gone->is_domain,
			  log->group);
	log_records_stage(log->frozen_records, gone->store_id, gone->owner, gone->is_domain,
			  log->group);
}

static void prepare_gone(struct sqlite_log *log, struct log_job *job, const struct store_op *op)
{
	struct log_gone *gone;

	if (!log->months && !log->records && !log->frozen_records)
		return;
	if (op->kind == OP_DELETE_DOMAIN) {
		struct buf *buf = &log->buf;

		buf_reset(buf);
		buf_append(buf, op->key);
		buf_append_byte(buf, '\0');
		gone = log_gone_new(buf_bytes(buf), BYTES_NONE);
		gone->is_domain = true;
	} else {
		gone = log_gone_new(sqlite_owner_key(&log->buf, store_op_owner(job->batch, op)),
				    op->kind == OP_TRIM ? op->key : BYTES_NONE);
	}
	gone->store_id = op->decl ? store_id_of(log, op) : 0;
	gone->before_id = op->kind == OP_TRIM ? op->number : 0;
	gone->seq = UINT64_MAX; /* until it gets its number, it holds for all */
	gone->next = job->gone;
	job->gone = gone;
	stage_deletion(log, gone);
}

/* ---- a batch ---- */

static int prepare_op(struct sqlite_log *log, struct preparing *at, const struct store_op *op)
{
	switch (op->kind) {
	case OP_APPEND:
		return prepare_append(log, at, op);
	case OP_CONVERSATION:
		prepare_record(log, at, op);
		return 0;
	case OP_AMEND:
		return prepare_change(log, at, op, ROW_AMEND);
	case OP_IMPORT:
		return prepare_change(log, at, op, ROW_IMPORT);
	case OP_DEL_ALL:
		if (op->decl->shape == STORE_LOG)
			prepare_gone(log, at->job, op);
		return 0;
	case OP_TRIM:
	case OP_DELETE_OWNER:
	case OP_DELETE_DOMAIN:
		prepare_gone(log, at->job, op);
		return 0;
	default:
		return 0;
	}
}

static bool is_row_op(const struct store_op *op)
{
	return op->kind == OP_APPEND || op->kind == OP_CONVERSATION || op->kind == OP_AMEND ||
	       op->kind == OP_IMPORT;
}

/* Records without an entry follow the batch's own month. */
static void choose_months(struct sqlite_log *log, struct log_job *job)
{
	struct month *month = NULL;

	for (struct log_row *row = job->first; row && !month; row = row->next)
		month = row->kind == ROW_RECORD ? NULL : row->month;
	for (struct log_row *row = job->first; row; row = row->next) {
		if (row->kind == ROW_RECORD)
			row->month = month ? month : month_of_record(log);
	}
}

static struct month *only_month(const struct log_job *job)
{
	struct month *month = NULL;

	for (const struct store_op *op = job->batch->first; op; op = op->next) {
		if (!is_row_op(op))
			return NULL;
	}
	for (const struct log_row *row = job->first; row; row = row->next) {
		if (row->month && month && row->month != month)
			return NULL;
		if (row->month)
			month = row->month;
	}
	return month;
}

static bool shares_owner(const struct store_batch *a, const struct store_batch *b)
{
	if (!a->line || !b->line)
		return false;
	return a->line == b->line || a->line == b->other_line ||
	       (a->other_line && (a->other_line == b->line || a->other_line == b->other_line));
}

static bool follows_another_way(const struct sqlite_log *log, const struct log_job *job)
{
	for (const struct log_job *earlier = log->jobs; earlier < job; earlier++) {
		if (shares_owner(earlier->batch, job->batch) &&
		    (!earlier->is_direct || earlier->month != job->month))
			return true;
	}
	return false;
}

static int prepare(struct sqlite_log *log, struct log_job *job)
{
	struct preparing at = { .job = job };
	int status = store_batch_doom(job->batch);

	for (const struct store_op *op = job->batch->first; op && status == 0; op = op->next) {
		if (log->is_stuck && is_row_op(op))
			status = -ENOSPC;
		else
			status = prepare_op(log, &at, op);
	}
	if (status < 0)
		return status;
	choose_months(log, job);
	job->month = only_month(job);
	job->is_direct = job->month && !follows_another_way(log, job);
	return 0;
}

/* ---- the group ---- */

static void number_rows(struct sqlite_log *log, bool is_direct)
{
	for (uint32_t i = 0; i < log->job_count; i++) {
		struct log_job *job = &log->jobs[i];

		if (job->is_direct != is_direct || job->batch->is_settled)
			continue;
		for (struct log_gone *gone = job->gone; gone; gone = gone->next)
			gone->seq = ++log->last_seq;
		for (struct log_row *row = job->first; row; row = row->next)
			row->seq = ++log->last_seq;
	}
}

static void settle(struct store_batch *batch, int status)
{
	batch->is_settled = true;
	store_batch_settle(batch, status);
}

static void log_failure(const struct month *month, int status)
{
	log_event(LOG_STORE, LOG_ERROR, "store.commit_failed", LOG_INT("status", status),
		  LOG_STR("file", month->path),
		  LOG_STR("reason",
			  month->conn.db ? sqlite3_errmsg(month->conn.db) : "cannot open it"));
}

static void commit_direct(struct sqlite_log *log, struct month *month)
{
	int status = sqlite_log_commit_month(log, month, true);

	if (status < 0)
		log_failure(month, status);
	for (uint32_t i = 0; i < log->job_count; i++) {
		struct log_job *job = &log->jobs[i];

		if (job->is_direct && job->month == month && !job->batch->is_settled)
			settle(job->batch, status);
	}
}

void sqlite_log_begin_group(struct sqlite_log *log, struct list *batches)
{
	struct list *pos;

	log->group++;
	log->job_count = 0;
	if (log->is_stuck)
		log->is_stuck = sqlite_log_move_pending(log, NULL) < 0;
	log->idle_ticks = 0;
	arena_reset(&log->arena);
	list_for_each (pos, batches) {
		struct log_job *job = &log->jobs[log->job_count++];
		int status;

		*job = (struct log_job){ .batch = list_entry(pos, struct store_batch,
							     reply.list) };
		job->tail = &job->first;
		status = prepare(log, job);
		if (status < 0)
			settle(job->batch, status);
	}
	number_rows(log, true);
	number_rows(log, false);
	for (uint32_t i = 0; i < log->job_count; i++) {
		struct log_job *job = &log->jobs[i];

		if (job->is_direct && !job->batch->is_settled)
			commit_direct(log, job->month);
	}
}

/* ---- by way of the engine's database ---- */

static struct log_job *job_of(struct sqlite_log *log, const struct store_batch *batch)
{
	for (uint32_t i = 0; i < log->job_count; i++) {
		if (log->jobs[i].batch == batch)
			return &log->jobs[i];
	}
	return NULL;
}

static int add_pending(struct sqlite_conn *conn, struct sqlite_log *log,
		       const struct log_row *row)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_PENDING_ADD);

	if (!statement)
		return sqlite_conn_status(conn);
	buf_reset(&log->buf);
	log_row_pack(&log->buf, row);
	sqlite3_bind_int64(statement, 1, (int64_t)row->seq);
	sqlite3_bind_int64(statement, 2, row->month->retention);
	sqlite3_bind_int64(statement, 3, row->month->number);
	sqlite_bind(statement, 4, buf_bytes(&log->buf));
	log->has_pending = true;
	return sqlite_run(conn, statement);
}

static int add_gone(struct sqlite_conn *conn, const struct log_gone *gone)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_GONE_ADD);

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite3_bind_int64(statement, 1, (int64_t)gone->seq);
	sqlite3_bind_int64(statement, 2, gone->store_id);
	sqlite3_bind_int64(statement, 3, gone->is_domain);
	sqlite_bind(statement, 4, gone->owner);
	if (gone->conversation.ptr)
		sqlite_bind(statement, 5, gone->conversation);
	else
		sqlite3_bind_null(statement, 5);
	sqlite3_bind_int64(statement, 6, (int64_t)gone->before_id);
	return sqlite_run(conn, statement);
}

static int add_expiry(struct sqlite_conn *conn, uint64_t what)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_LOG_EXPIRED_PUT);

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite3_bind_int64(statement, 1, (int64_t)(what >> 32));
	sqlite3_bind_int64(statement, 2, (int64_t)(uint32_t)what);
	return sqlite_run(conn, statement);
}

int sqlite_log_apply(struct sqlite_conn *conn, const struct store_batch *batch)
{
	struct sqlite_log *log = conn->engine->log;
	const struct log_job *job = job_of(log, batch);
	int status = 0;

	for (const struct log_gone *gone = job->gone; gone && status == 0; gone = gone->next)
		status = add_gone(conn, gone);
	for (const struct log_row *row = job->first; row && status == 0; row = row->next) {
		if (!row->is_void)
			status = add_pending(conn, log, row);
	}
	for (const struct store_op *op = batch->first; op && status == 0; op = op->next) {
		if (op->kind == OP_LOG_EXPIRE)
			status = add_expiry(conn, op->number);
	}
	return status;
}

/* ---- after its commit ---- */

static bool has_unmoved(const struct log_job *job, const struct month *month)
{
	for (const struct log_row *row = job->first; row; row = row->next) {
		if (row->month == month && !row->is_void && !row->is_applied)
			return true;
	}
	return false;
}

static void move_rows(struct sqlite_log *log)
{
	for (struct month *month = log->months; month; month = month->next) {
		bool is_needed = false;
		int status;

		for (uint32_t i = 0; i < log->job_count && !is_needed; i++)
			is_needed = !log->jobs[i].is_direct &&
				    !log->jobs[i].batch->is_settled &&
				    has_unmoved(&log->jobs[i], month);
		if (!is_needed)
			continue;
		status = sqlite_log_commit_month(log, month, false);
		if (status < 0) {
			log_failure(month, status);
			log->is_stuck = true;
		}
	}
}

static void publish_gone(struct sqlite_log *log, struct log_job *job)
{
	struct log_gone *gone;

	pthread_mutex_lock(&log->lock);
	while ((gone = job->gone)) {
		job->gone = gone->next;
		gone->next = log->gone;
		log->gone = gone;
		log->version++;
		if (gone->before_id > 0)
			continue;
		log_records_delete(log->records, gone->store_id, gone->owner, gone->is_domain);
		log_records_delete(log->frozen_records, gone->store_id, gone->owner,
				   gone->is_domain);
	}
	pthread_mutex_unlock(&log->lock);
}

static void publish_expiry(struct sqlite_log *log, const struct store_batch *batch)
{
	for (const struct store_op *op = batch->first; op; op = op->next) {
		if (op->kind == OP_LOG_EXPIRE)
			sqlite_log_expire(log, (uint32_t)(op->number >> 32),
					  (uint32_t)op->number);
	}
}

static void drop_gone(struct log_job *job)
{
	struct log_gone *gone;

	while ((gone = job->gone)) {
		job->gone = gone->next;
		free(gone);
	}
}

void sqlite_log_end_group(struct sqlite_log *log, int status)
{
	for (uint32_t i = 0; i < log->job_count; i++) {
		struct log_job *job = &log->jobs[i];

		if (status == 0 && !job->batch->is_settled)
			publish_gone(log, job);
		drop_gone(job);
	}
	if (status == 0)
		move_rows(log);
	for (uint32_t i = 0; i < log->job_count; i++) {
		if (status == 0 && !log->jobs[i].batch->is_settled)
			publish_expiry(log, log->jobs[i].batch);
	}
	log->job_count = 0;
	if (!log->is_stuck)
		log->pending_seq = log->last_seq;
}

int sqlite_log_forget_pending(struct sqlite_conn *conn)
{
	struct sqlite_log *log = conn->engine->log;
	sqlite3_stmt *statement;

	if (!log->has_pending || log->is_stuck)
		return 0;
	statement = sqlite_conn_get(conn, SQL_LOG_PENDING_DEL);
	if (statement)
		sqlite3_bind_int64(statement, 1, (int64_t)log->pending_seq);
	log->has_pending = false;
	return sqlite_run(conn, statement);
}
