/* Rows of one month's file: written in one transaction, and known to readers after it. */
#include <errno.h>

#include "store/sqlite_log.h"

enum { NAMES_MAX = 32768 };

/* ---- names ---- */

struct name {
	struct bytes text;
	uint64_t number;
};

static void forget_names(struct month *month)
{
	table_fini(&month->names);
	table_init(&month->names);
	arena_fini(&month->name_arena);
}

static void keep_name(struct month *month, struct bytes text, uint64_t number)
{
	struct name *name;

	if (table_count(&month->names) >= NAMES_MAX)
		forget_names(month);
	name = arena_new(&month->name_arena, struct name);
	name->text = arena_copy(&month->name_arena, text);
	name->number = number;
	table_put(&month->names, name->text, name);
}

/* The number of a name in this file, which is made if need be. */
static int name_get(struct month *month, struct bytes text, uint64_t *ret_number)
{
	struct name *known = table_find(&month->names, text);
	sqlite3_stmt *statement;
	int64_t number;
	int status;

	if (known) {
		*ret_number = known->number;
		return 0;
	}
	number = month_conn_find_name(&month->conn, text);
	if (number == 0) {
		statement = month_conn_get(&month->conn, MONTH_NAME_ADD);
		if (statement)
			month_bind_bytes(statement, 1, text);
		status = month_run(&month->conn, statement);
		number = status < 0 ? status : sqlite3_last_insert_rowid(month->conn.db);
	}
	if (number < 0)
		return (int)number;
	keep_name(month, text, (uint64_t)number);
	*ret_number = (uint64_t)number;
	return 0;
}

/* ---- finding ---- */

static int index_find(struct month *month, uint64_t owner, uint64_t id,
		      struct log_place *ret_place)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_INDEX_GET);
	int result, status = 0;

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)owner);
	sqlite3_bind_int64(statement, 2, (int64_t)id);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		*ret_place = month_place(statement);
		status = ret_place->seq <= month->indexed;
	} else if (result != SQLITE_DONE) {
		status = month_conn_status(&month->conn);
	}
	sqlite3_reset(statement);
	return status;
}

static void look_at_row(const struct log_row *row, uint64_t owner, uint64_t id,
			struct log_place *ret_place, bool *ret_found)
{
	for (uint32_t i = 0; i < row->count; i++) {
		const struct log_side *side = &row->written[i];

		if (side->owner != owner || side->id != id || side->kind == SIDE_RECORD)
			continue;
		*ret_place = (struct log_place){ .id = id,
						 .seq = row->seq,
						 .time_us = side->time_us,
						 .conversation = side->conversation,
						 .bits = side->bits,
						 .origin = side->origin };
		*ret_found = true;
	}
}

/* Of the rows that this transaction has written, the newest. */
static bool applied_find(const struct sqlite_log *log, const struct month *month,
			 uint64_t owner, uint64_t id, struct log_place *ret_place)
{
	bool found = false;

	for (uint32_t i = 0; i < log->job_count; i++) {
		const struct log_row *row = log->jobs[i].first;

		for (; row; row = row->next) {
			if (row->month == month && row->is_applied)
				look_at_row(row, owner, id, ret_place, &found);
		}
	}
	return found;
}

int sqlite_log_locate(struct sqlite_log *log, struct month *month, uint64_t owner, uint64_t id,
		      struct log_place *ret_place)
{
	const struct log_place *place;

	if (applied_find(log, month, owner, id, ret_place))
		return 1;
	place = log_hot_locate(month->active, owner, id);
	if (!place)
		place = log_hot_locate(month->frozen, owner, id);
	if (!place)
		return index_find(month, owner, id, ret_place);
	*ret_place = *place;
	return 1;
}

bool sqlite_log_is_gone(const struct log_gone *gone, uint32_t store_id, struct bytes owner,
			struct bytes conversation, uint64_t id, uint64_t seq)
{
	for (; gone; gone = gone->next) {
		if (seq > gone->seq || (gone->store_id > 0 && gone->store_id != store_id))
			continue;
		if (gone->before_id > 0 && id >= gone->before_id)
			continue;
		if (gone->is_domain ? !log_owner_is_in(owner, gone->owner)
				    : !bytes_equal(owner, gone->owner))
			continue;
		if (!gone->conversation.ptr || bytes_equal(gone->conversation, conversation))
			return true;
	}
	return false;
}

/* ---- writing ---- */

static void bind_side(sqlite3_stmt *statement, int index, struct bytes packed)
{
	if (packed.len > 0)
		month_bind_bytes(statement, index, packed);
	else
		sqlite3_bind_null(statement, index);
}

/* Both sides are packed one after the other. */
static int insert_row(struct sqlite_log *log, struct month *month, const struct log_row *row,
		      const struct log_entry *content)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_MSG_ADD);
	size_t first;

	if (!statement)
		return month_conn_status(&month->conn);
	buf_reset(&log->buf);
	log_side_pack(&log->buf, &row->written[0]);
	first = log->buf.len;
	if (row->count > 1)
		log_side_pack(&log->buf, &row->written[1]);
	buf_reset(&log->content);
	if (content)
		log_content_pack(&log->content, content);
	sqlite3_bind_int64(statement, 1, (int64_t)row->seq);
	bind_side(statement, 2, bytes_first(buf_bytes(&log->buf), first));
	bind_side(statement, 3, bytes_skip(buf_bytes(&log->buf), first));
	bind_side(statement, 4, buf_bytes(&log->content));
	return month_run(&month->conn, statement);
}

static int place_side(struct month *month, const struct log_row_side *row_side,
		      struct log_side *side)
{
	const struct log_entry *entry = row_side->entry;
	uint64_t owner = 0;
	int status = name_get(month, row_side->owner, &owner);

	side->owner = log_owner_key(owner, row_side->store_id);
	if (status == 0)
		status = name_get(month, entry ? entry->conversation : row_side->record->name,
				  &side->conversation);
	if (row_side->record)
		side->record = *row_side->record;
	if (!entry || status < 0)
		return status;
	side->id = entry->id;
	side->n = entry->n;
	side->time_us = entry->time_us;
	side->bits = entry->kind | entry->flags << LOG_KIND_BITS;
	side->origin = log_origin_hash(entry->origin_id);
	log_side_set_peer(side, entry);
	return 0;
}

static int apply_entries(struct sqlite_log *log, struct month *month, struct log_row *row)
{
	static const enum log_side_kind kinds[] = {
		[ROW_ENTRIES] = SIDE_ENTRY,
		[ROW_RECORD] = SIDE_RECORD,
		[ROW_IMPORT] = SIDE_IMPORTED,
	};

	for (uint32_t i = 0; i < row->count; i++) {
		int status = place_side(month, &row->sides[i], &row->written[i]);

		if (status < 0)
			return status;
		row->written[i].kind = kinds[row->kind];
	}
	return insert_row(log, month, row, row->sides[0].entry);
}

static bool is_gone_as(const struct sqlite_log *log, const struct log_row_side *side,
		       struct bytes conversation, const struct log_place *place)
{
	if (sqlite_log_is_gone(log->gone, side->store_id, side->owner, conversation, place->id,
			       place->seq))
		return true;
	for (uint32_t i = 0; i < log->job_count; i++) {
		if (sqlite_log_is_gone(log->jobs[i].gone, side->store_id, side->owner,
				       conversation, place->id, place->seq))
			return true;
	}
	return false;
}

static bool has_markers(const struct sqlite_log *log)
{
	bool has = log->gone != NULL;

	for (uint32_t i = 0; i < log->job_count && !has; i++)
		has = log->jobs[i].gone != NULL;
	return has;
}

/* When in doubt it is. */
bool sqlite_log_is_removed(struct sqlite_log *log, struct month *month,
			   const struct log_row_side *side, const struct log_place *place)
{
	sqlite3_stmt *statement;
	bool is_gone = true;

	if (!has_markers(log))
		return false;
	statement = month_conn_get(&month->conn, MONTH_NAME_GET);
	if (!statement)
		return true;
	sqlite3_bind_int64(statement, 1, (int64_t)place->conversation);
	if (sqlite3_step(statement) == SQLITE_ROW)
		is_gone = is_gone_as(log, side, month_column(statement, 0), place);
	sqlite3_reset(statement);
	return is_gone;
}

/* Is there an entry of this id that its owner still has? 1, 0 or negative. */
static int find_own(struct sqlite_log *log, struct month *month,
		    const struct log_row_side *side, struct log_side *written,
		    struct log_place *ret_place)
{
	int64_t name = month_conn_find_name(&month->conn, side->owner);
	int status;

	if (name <= 0)
		return (int)name;
	written->owner = log_owner_key((uint64_t)name, side->store_id);
	status = sqlite_log_locate(log, month, written->owner, side->entry->id, ret_place);
	if (status == 1 && sqlite_log_is_removed(log, month, side, ret_place))
		return 0;
	return status;
}

static int apply_import(struct sqlite_log *log, struct month *month, struct log_row *row)
{
	struct log_place place;
	int status = find_own(log, month, &row->sides[0], &row->written[0], &place);

	if (status < 0)
		return status;
	row->is_void = status == 1;
	return row->is_void ? 0 : apply_entries(log, month, row);
}

/* ---- taking a side away ---- */

static bool has_entry(struct bytes packed)
{
	struct log_side side;

	return packed.len > 0 && log_side_unpack(&side, packed) && side.kind != SIDE_RECORD;
}

static int set_sides(struct month *month, uint64_t seq, struct bytes a, struct bytes b)
{
	bool is_last = a.len == 0 && b.len == 0;
	sqlite3_stmt *statement =
		month_conn_get(&month->conn, is_last ? MONTH_MSG_DEL : MONTH_MSG_SET_SIDES);

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)seq);
	if (!is_last) {
		bind_side(statement, 2, a);
		bind_side(statement, 3, b);
		sqlite3_bind_int(statement, 4, has_entry(a) || has_entry(b));
	}
	return month_run(&month->conn, statement);
}

/*
 * What is left of a side when its entry goes: its record, as long as that is nowhere else; a start
 * would find an older one.
 */
static struct bytes rest_of(struct sqlite_log *log, const struct log_side *side, uint64_t seq)
{
	struct log_side rest = *side;

	if (side->kind != SIDE_ENTRY || seq <= log->records_seq)
		return BYTES_NONE;
	rest.kind = SIDE_RECORD;
	buf_reset(&log->buf);
	log_side_pack(&log->buf, &rest);
	return buf_bytes(&log->buf);
}

static bool is_side_of(struct bytes packed, uint64_t owner, uint64_t id,
		       struct log_side *ret_side)
{
	return packed.len > 0 && log_side_unpack(ret_side, packed) &&
	       ret_side->owner == owner && ret_side->id == id;
}

int sqlite_log_take_side(struct sqlite_log *log, struct month *month, uint64_t seq,
			 uint64_t owner, uint64_t id)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_MSG_SIDES);
	struct log_side side;
	int result, status = 0;

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)seq);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		struct bytes a = month_column(statement, 0);
		struct bytes b = month_column(statement, 1);

		if (is_side_of(a, owner, id, &side))
			status = set_sides(month, seq, rest_of(log, &side, seq), b);
		else if (is_side_of(b, owner, id, &side))
			status = set_sides(month, seq, a, rest_of(log, &side, seq));
	} else if (result != SQLITE_DONE) {
		status = month_conn_status(&month->conn);
	}
	sqlite3_reset(statement);
	return status;
}

/* ---- amending ---- */

/* What stays: the side as it is, and the origin id of the content; in the group's memory. */
static int load_old(struct sqlite_log *log, struct month *month, uint64_t seq,
		    struct log_side *side, struct log_entry *content)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_MSG_GET);
	struct log_side old;
	int status = 0;

	if (!statement)
		return month_conn_status(&month->conn);
	sqlite3_bind_int64(statement, 1, (int64_t)seq);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		for (int column = 0; column < 2; column++) {
			struct bytes packed = month_column(statement, column);

			if (!is_side_of(packed, side->owner, content->id, &old))
				continue;
			old.peer = arena_copy(&log->arena, old.peer);
			*side = old;
			status = 1;
		}
	}
	if (status == 1 && log_content_unpack(content, month_column(statement, 2)))
		content->origin_id = arena_copy(&log->arena, content->origin_id);
	sqlite3_reset(statement);
	return status;
}

/* A new row, and the old one loses this side: another owner's keeps its content. */
static int apply_amend(struct sqlite_log *log, struct month *month, struct log_row *row)
{
	const struct log_entry *change = row->sides[0].entry;
	struct log_side *side = &row->written[0];
	struct log_entry content = { .id = change->id };
	struct log_place place;
	int status = find_own(log, month, &row->sides[0], side, &place);

	if (status == 1)
		status = load_old(log, month, place.seq, side, &content);
	row->is_void = status != 1;
	if (status != 1)
		return status;
	side->kind = SIDE_AMENDED;
	side->bits = change->kind | change->flags << LOG_KIND_BITS;
	content.refers_to = change->refers_to;
	content.audience = change->audience;
	content.bytes = change->bytes;
	status = insert_row(log, month, row, &content);
	if (status == 0)
		status = sqlite_log_take_side(log, month, place.seq, side->owner, side->id);
	return status;
}

int sqlite_log_apply_row(struct sqlite_log *log, struct month *month, struct log_row *row)
{
	switch (row->kind) {
	case ROW_ENTRIES:
	case ROW_RECORD:
		return apply_entries(log, month, row);
	case ROW_AMEND:
		return apply_amend(log, month, row);
	case ROW_IMPORT:
		return apply_import(log, month, row);
	}
	return -EIO;
}

/* ---- a transaction ---- */

static bool is_wanted(const struct log_job *job, const struct month *month, bool is_direct)
{
	if (job->batch && job->batch->is_settled)
		return false;
	return job->is_direct == is_direct && (!is_direct || job->month == month);
}

static int apply_jobs(struct sqlite_log *log, struct month *month, bool is_direct,
		      uint32_t *ret_rows)
{
	for (uint32_t i = 0; i < log->job_count; i++) {
		struct log_row *row = log->jobs[i].first;

		if (!is_wanted(&log->jobs[i], month, is_direct))
			continue;
		for (; row; row = row->next) {
			int status = 0;

			if (row->month == month && !row->is_void)
				status = sqlite_log_apply_row(log, month, row);
			if (status < 0)
				return status;
			row->is_applied |= row->month == month && !row->is_void;
			*ret_rows += row->is_applied;
		}
	}
	return 0;
}

static uint64_t moved_seq(const struct sqlite_log *log, const struct month *month)
{
	uint64_t moved = month->moved;

	for (uint32_t i = 0; i < log->job_count; i++) {
		const struct log_row *row = log->jobs[i].first;

		for (; row && is_wanted(&log->jobs[i], month, false); row = row->next) {
			if (row->month == month && row->seq > moved)
				moved = row->seq;
		}
	}
	return moved;
}

/* In the transaction that brings them: none comes twice, whatever becomes of it here. */
static int put_moved(struct sqlite_log *log, struct month *month)
{
	sqlite3_stmt *statement = month_conn_get(&month->conn, MONTH_STATE_MOVED);

	if (statement)
		sqlite3_bind_int64(statement, 1, (int64_t)moved_seq(log, month));
	return month_run(&month->conn, statement);
}

static void publish_jobs(struct sqlite_log *log, struct month *month, bool is_direct)
{
	pthread_mutex_lock(&log->lock);
	for (uint32_t i = 0; i < log->job_count; i++) {
		if (!is_wanted(&log->jobs[i], month, is_direct))
			continue;
		for (struct log_row *row = log->jobs[i].first; row; row = row->next) {
			if (row->month == month && !row->is_void)
				sqlite_log_publish(log, row);
		}
	}
	pthread_mutex_unlock(&log->lock);
}

int sqlite_log_commit_month(struct sqlite_log *log, struct month *month, bool is_direct)
{
	struct err err = { 0 };
	uint32_t rows = 0;
	int status = sqlite_log_use(log, month, &err);

	if (status < 0)
		return status;
	status = month_conn_run(&month->conn, MONTH_BEGIN);
	if (status == 0)
		status = apply_jobs(log, month, is_direct, &rows);
	if (status == 0 && !is_direct)
		status = put_moved(log, month);
	if (status == 0)
		status = sqlite_log_flush_places(log, month, 4 * rows + 8);
	if (status == 0)
		status = month_conn_run(&month->conn, MONTH_COMMIT);
	if (!sqlite3_get_autocommit(month->conn.db))
		month_conn_run(&month->conn, MONTH_ROLLBACK);
	sqlite_log_flushed(log, month, status);
	if (status < 0) {
		forget_names(month);
		return status;
	}
	if (!is_direct)
		month->moved = moved_seq(log, month);
	publish_jobs(log, month, is_direct);
	return 0;
}

/* ---- publishing ---- */

void sqlite_log_place_add(struct sqlite_log *log, struct month *month, uint64_t seq,
			  const struct log_side *side)
{
	const struct log_place place = { .id = side->id,
					 .seq = seq,
					 .time_us = side->time_us,
					 .conversation = side->conversation,
					 .bits = side->bits,
					 .origin = side->origin };
	bool is_replacing = side->kind == SIDE_AMENDED;

	if (!month->active)
		month->active = log_hot_new();
	log_hot_add(month->active, side->owner, &place, is_replacing);
	log->version += is_replacing;
	if (side->id > month->last_id)
		month->last_id = side->id;
	if (side->id > log->last_id)
		log->last_id = side->id;
}

void sqlite_log_record_put(struct sqlite_log *log, uint32_t store_id, struct bytes owner,
			   const struct log_conversation *value, uint64_t seq)
{
	struct log_record *record;
	struct bytes name;

	/* Deleted after it was written, in the same group or before a crash. */
	for (const struct log_gone *gone = log->gone; gone; gone = gone->next) {
		if (gone->before_id == 0 && seq <= gone->seq &&
		    (gone->store_id == 0 || gone->store_id == store_id) &&
		    (gone->is_domain ? log_owner_is_in(owner, gone->owner)
				     : bytes_equal(owner, gone->owner)))
			return;
	}
	if (!log->records)
		log->records = log_records_new();
	record = log_records_get(log->records, store_id, owner, value->name);
	if (record->seq > seq)
		return;
	name = record->value.name;
	record->value = *value;
	record->value.name = name;
	record->value.next = NULL;
	record->seq = seq;
	record->is_known = true;
	record->is_deleted = false;
}

void sqlite_log_publish(struct sqlite_log *log, struct log_row *row)
{
	for (uint32_t i = 0; i < row->count; i++) {
		const struct log_row_side *side = &row->sides[i];

		if (row->written[i].kind != SIDE_RECORD)
			sqlite_log_place_add(log, row->month, row->seq, &row->written[i]);
		if (side->record)
			sqlite_log_record_put(log, side->store_id, side->owner, side->record,
					      row->seq);
	}
	if (row->kind != ROW_AMEND)
		log->record_month = row->month;
}
