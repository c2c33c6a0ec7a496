/*
 * Reading logs. A read looks first into memory, under the lock, and then into the months' files:
 * what has moved from the one to the other in between is in both, never in neither, because the
 * index counts only up to what memory had let go of when it was looked at. What else may happen
 * between the two looks raises the log's version: then the part is read again.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/sqlite_log.h"

enum { SLOTS = 6, MEMO = 8 };

/* A reader's connection to a month's file. */
struct slot {
	struct month *month;
	struct month_conn conn;
	uint64_t last_use;
	bool is_in_read; /* has a transaction */
};

struct log_reader {
	struct sqlite_log *log;
	struct slot slots[SLOTS];
	uint64_t use;
};

/* An entry that belongs to the page, or covers one that does (is_mask). */
struct candidate {
	struct log_place place;
	struct month *month;
	bool is_mask;
};

/* One part of a read. */
struct reading {
	struct log_reader *reader;
	struct sqlite_log *log;
	struct store_read *read;
	struct store_part *part;
	struct bytes owner; /* as stored */
	uint32_t store_id;
	struct log_query query;
	uint32_t origin;       /* only entries with this hash; 0: all */
	uint64_t wanted;       /* how many are enough; UINT64_MAX: all */
	struct log_gone *gone; /* copies of those that concern the owner */
	struct arena arena;    /* of one try */
	struct candidate *found;
	size_t count, room;
	uint64_t total;
	/* In one month. */
	const struct month *named; /* the two below are its */
	uint64_t owner_key, conversation;
	struct {
		uint64_t number;
		struct bytes text;
		const struct month *month;
	} memo[MEMO];
};

/* ---- connections ---- */

struct log_reader *log_reader_new(struct sqlite_log *log)
{
	struct log_reader *reader = calloc(1, sizeof(*reader));

	check(reader != NULL);
	reader->log = log;
	return reader;
}

static void slot_end(struct slot *slot)
{
	if (slot->is_in_read)
		month_conn_run(&slot->conn, MONTH_COMMIT);
	slot->is_in_read = false;
}

static void slot_close(struct log_reader *reader, struct slot *slot)
{
	if (!slot->month)
		return;
	slot_end(slot);
	month_conn_close(&slot->conn);
	sqlite_log_unref(reader->log, slot->month);
	slot->month = NULL;
}

void log_reader_free(struct log_reader **reader_at)
{
	struct log_reader *reader = *reader_at;

	*reader_at = NULL;
	if (!reader)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		slot_close(reader, &reader->slots[i]);
	free(reader);
}

/* Also lets go of months that have expired. */
static void end_transactions(struct log_reader *reader)
{
	bool is_gone[SLOTS];

	pthread_mutex_lock(&reader->log->lock);
	for (size_t i = 0; i < SLOTS; i++)
		is_gone[i] = reader->slots[i].month && reader->slots[i].month->is_gone;
	pthread_mutex_unlock(&reader->log->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		slot_end(&reader->slots[i]);
		if (is_gone[i])
			slot_close(reader, &reader->slots[i]);
	}
}

static struct slot *slot_for(struct log_reader *reader, struct month *month)
{
	struct slot *oldest = &reader->slots[0];

	for (size_t i = 0; i < SLOTS; i++) {
		if (reader->slots[i].month == month)
			return &reader->slots[i];
		if (reader->slots[i].last_use < oldest->last_use)
			oldest = &reader->slots[i];
	}
	slot_close(reader, oldest);
	return oldest;
}

/* The month's connection; the caller holds a reference. 0 or negative. */
static int open_month(struct log_reader *reader, struct month *month, struct slot **ret_slot)
{
	struct slot *slot = slot_for(reader, month);
	int status;

	check(month != NULL);
	slot->last_use = ++reader->use;
	*ret_slot = slot;
	if (slot->month)
		return 0;
	status = month_conn_open(&slot->conn, month->path, MONTH_READ,
				 &reader->log->engine->store->config, NULL);
	if (status < 0)
		return status;
	slot->month = month;
	pthread_mutex_lock(&reader->log->lock);
	month->refs++;
	pthread_mutex_unlock(&reader->log->lock);
	return 0;
}

static int slot_begin(struct slot *slot)
{
	int status = 0;

	if (!slot->is_in_read)
		status = month_conn_run(&slot->conn, MONTH_BEGIN_READ);
	slot->is_in_read = status == 0;
	return status;
}

/* ---- what matches ---- */

static bool matches(const struct reading *r, const struct log_place *place)
{
	const struct log_query *query = &r->query;
	uint32_t kind = place->bits & ((1u << LOG_KIND_BITS) - 1);
	uint32_t flags = place->bits >> LOG_KIND_BITS;

	if (query->conversation.ptr && place->conversation != r->conversation)
		return false;
	if (query->kinds && !(query->kinds & 1u << kind))
		return false;
	if ((flags & query->flags) != query->flags)
		return false;
	if (r->origin && place->origin != r->origin)
		return false;
	return place->time_us >= query->start_us &&
	       (query->end_us == 0 || place->time_us <= query->end_us);
}

static bool is_between(const struct log_query *query, uint64_t id)
{
	return id > query->after_id && (query->before_id == 0 || id < query->before_id);
}

static void add(struct reading *r, struct month *month, const struct log_place *place,
		bool is_mask)
{
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct candidate *found = arena_alloc_raw(&r->arena, room * sizeof(*found));

		if (r->count > 0)
			memcpy(found, r->found, r->count * sizeof(*found));
		r->found = found;
		r->room = room;
	}
	r->found[r->count++] =
		(struct candidate){ .place = *place, .month = month, .is_mask = is_mask };
}

/* ---- memory ---- */

/*
 * Newer places of one id stand for older ones. Without any such a place is taken if it matches;
 * with them all are, and masks are sorted out later.
 */
static void look_at_hot(struct reading *r, struct month *month, const struct log_hot *hot)
{
	const struct log_hot_owner *owner = log_hot_find(hot, r->owner_key);
	const struct log_hot_chunk *chunk = owner ? owner->oldest : NULL;

	for (; chunk; chunk = chunk->newer) {
		for (uint32_t i = 0; i < chunk->count; i++) {
			const struct log_place *place = &chunk->places[i];
			bool is_match = matches(r, place);

			if (is_between(&r->query, place->id) &&
			    (is_match || owner->replacing > 0))
				add(r, month, place, !is_match);
		}
	}
}

/* Returns up to where the index counts. */
static uint64_t look_at_memory(struct reading *r, struct month *month)
{
	uint64_t indexed;

	pthread_mutex_lock(&r->log->lock);
	look_at_hot(r, month, month->frozen);
	look_at_hot(r, month, month->active);
	indexed = month->indexed;
	pthread_mutex_unlock(&r->log->lock);
	return indexed;
}

/* By id; of one id the newest first. */
static int compare_candidates(const void *a, const void *b)
{
	const struct log_place *left = &((const struct candidate *)a)->place;
	const struct log_place *right = &((const struct candidate *)b)->place;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->seq > right->seq ? -1 : left->seq < right->seq;
}

/* From index `from`: one per id, in order. */
static void sort_candidates(struct reading *r, size_t from)
{
	size_t kept = from;

	if (r->count == from)
		return;
	qsort(r->found + from, r->count - from, sizeof(*r->found), compare_candidates);
	for (size_t i = from; i < r->count; i++) {
		if (kept > from && r->found[kept - 1].place.id == r->found[i].place.id)
			continue;
		r->found[kept++] = r->found[i];
	}
	r->count = kept;
}

static bool is_in_memory(const struct reading *r, size_t from, size_t to, uint64_t id)
{
	while (from < to) {
		size_t middle = (from + to) / 2;

		if (r->found[middle].place.id == id)
			return true;
		if (r->found[middle].place.id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

/* ---- names, content ---- */

/* 1, 0 if the month knows nothing of them, or negative. */
static int find_names(struct reading *r, const struct month *month, struct month_conn *conn)
{
	int64_t owner, conversation = 1;

	if (r->named == month)
		return 1;
	owner = month_conn_find_name(conn, r->owner);
	if (owner > 0 && r->query.conversation.ptr)
		conversation = month_conn_find_name(conn, r->query.conversation);
	if (owner <= 0 || conversation <= 0)
		return (int)(owner <= 0 ? owner : conversation);
	r->owner_key = log_owner_key((uint64_t)owner, r->store_id);
	r->conversation = (uint64_t)conversation;
	r->named = month;
	return 1;
}

static struct bytes name_text(struct reading *r, struct month *month, struct month_conn *conn,
			      uint64_t number)
{
	size_t at = number % MEMO;
	sqlite3_stmt *statement;

	if (r->memo[at].month == month && r->memo[at].number == number)
		return r->memo[at].text;
	statement = month_conn_get(conn, MONTH_NAME_GET);
	if (!statement)
		return BYTES_NONE;
	sqlite3_bind_int64(statement, 1, (int64_t)number);
	r->memo[at].month = NULL;
	r->memo[at].text = BYTES_NONE;
	if (sqlite3_step(statement) == SQLITE_ROW) {
		r->memo[at].text = arena_copy(&r->arena, sqlite_column(statement, 0));
		r->memo[at].number = number;
		r->memo[at].month = month;
	}
	sqlite3_reset(statement);
	return r->memo[at].text;
}

static bool unpack_own(struct reading *r, sqlite3_stmt *row, const struct log_place *place,
		       struct log_side *ret_side)
{
	for (int column = 0; column < 2; column++) {
		struct bytes packed = month_column(row, column);

		if (packed.len > 0 && log_side_unpack(ret_side, packed) &&
		    ret_side->owner == r->owner_key && ret_side->id == place->id)
			return true;
	}
	return false;
}

static void fill_entry(struct reading *r, struct month *month, const struct log_side *side,
		       struct bytes conversation, struct log_entry *entry)
{
	entry->id = side->id;
	entry->n = side->n;
	entry->time_us = side->time_us;
	entry->kind = side->bits & ((1u << LOG_KIND_BITS) - 1);
	entry->flags = side->bits >> LOG_KIND_BITS;
	entry->retention = month->retention;
	entry->conversation = conversation;
	entry->peer = log_side_peer(side, conversation, &r->arena);
}

static bool is_asked_for(const struct reading *r, const struct log_entry *entry)
{
	if (r->query.peer.ptr && !bytes_equal(r->query.peer, entry->peer))
		return false;
	return r->part->kind != PART_ORIGIN || bytes_equal(r->part->key, entry->origin_id);
}

/* Adds the entry to the part if it is asked for. 1, 0, or negative; -EAGAIN: it has moved. */
static int take_entry(struct reading *r, const struct candidate *candidate)
{
	struct slot *slot;
	struct month_conn *conn;
	struct log_entry entry = { 0 };
	struct log_side side;
	struct bytes conversation;
	sqlite3_stmt *statement;
	int status = open_month(r->reader, candidate->month, &slot);

	if (status == 0)
		status = slot_begin(slot);
	if (status < 0)
		return status;
	conn = &slot->conn;
	statement = month_conn_get(conn, MONTH_MSG_GET);
	if (!statement || find_names(r, candidate->month, conn) < 0)
		return month_conn_status(conn);
	sqlite3_bind_int64(statement, 1, (int64_t)candidate->place.seq);
	status = -EAGAIN;
	if (sqlite3_step(statement) == SQLITE_ROW &&
	    unpack_own(r, statement, &candidate->place, &side)) {
		conversation = name_text(r, candidate->month, conn, side.conversation);
		fill_entry(r, candidate->month, &side, conversation, &entry);
		status = log_content_unpack(&entry, month_column(statement, 2)) ? 0 : -EIO;
		if (status == 0 && is_asked_for(r, &entry)) {
			store_part_add_entry(r->read, r->part, &entry);
			status = 1;
		}
	}
	sqlite3_reset(statement);
	return status;
}

/* ---- one month ---- */

static bool is_gone(struct reading *r, struct month *month, struct month_conn *conn,
		    const struct log_place *place)
{
	if (!r->gone)
		return false;
	return sqlite_log_is_gone(r->gone, r->store_id, r->owner,
				  name_text(r, month, conn, place->conversation), place->id,
				  place->seq);
}

/* What memory had and does not belong to the page after all. */
static void drop_masks(struct reading *r, struct month *month, struct month_conn *conn,
		       size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < r->count; i++) {
		if (!r->found[i].is_mask && !is_gone(r, month, conn, &r->found[i].place))
			r->found[kept++] = r->found[i];
	}
	r->count = kept;
}

static sqlite3_stmt *bind_index(const struct reading *r, struct month_conn *conn)
{
	sqlite3_stmt *statement = month_conn_get(
		conn, r->query.is_backward ? MONTH_INDEX_BACKWARD : MONTH_INDEX_FORWARD);

	if (!statement)
		return NULL;
	sqlite3_bind_int64(statement, 1, (int64_t)r->owner_key);
	sqlite3_bind_int64(statement, 2, (int64_t)r->query.after_id);
	sqlite3_bind_int64(statement, 3,
			   r->query.before_id && r->query.before_id < INT64_MAX
				   ? (int64_t)r->query.before_id
				   : INT64_MAX);
	return statement;
}

static int look_at_index(struct reading *r, struct month *month, struct month_conn *conn,
			 size_t from, uint64_t indexed)
{
	sqlite3_stmt *statement = bind_index(r, conn);
	size_t in_memory = r->count;
	uint64_t taken = 0;
	int result = SQLITE_DONE, status = 0;

	if (!statement)
		return month_conn_status(conn);
	while ((taken < r->wanted || r->query.wants_count) &&
	       (result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct log_place place = month_place(statement);

		if (place.seq > indexed || !matches(r, &place) ||
		    is_in_memory(r, from, in_memory, place.id) ||
		    is_gone(r, month, conn, &place))
			continue;
		r->total++;
		if (taken++ < r->wanted)
			add(r, month, &place, false);
	}
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		status = month_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

/* The masks must stand until the index has been looked at, for they hide what it has. */
static int look_at_month(struct reading *r, struct month *month)
{
	size_t from = r->count, in_memory, in_index;
	struct slot *slot;
	uint64_t indexed;
	int status = open_month(r->reader, month, &slot);

	if (status < 0)
		return status;
	/* The snapshot must not be older than the look into memory. */
	slot_end(slot);
	status = find_names(r, month, &slot->conn);
	if (status <= 0)
		return status;
	indexed = look_at_memory(r, month);
	sort_candidates(r, from);
	in_memory = r->count;
	status = slot_begin(slot);
	if (status == 0)
		status = look_at_index(r, month, &slot->conn, from, indexed);
	in_index = r->count - in_memory;
	drop_masks(r, month, &slot->conn, from);
	r->total += r->count - from - in_index;
	return status;
}

/* ---- months ---- */

/* Those that the query may touch, newest first, each with a reference. */
static struct month **list_months(struct reading *r, size_t *ret_count)
{
	uint32_t first = log_id_month(r->query.after_id);
	uint32_t last = r->query.before_id ? log_id_month(r->query.before_id) : UINT32_MAX;
	struct month **months;
	size_t count = 0, room = 0;

	pthread_mutex_lock(&r->log->lock);
	for (struct month *month = r->log->months; month; month = month->next)
		room++;
	months = arena_alloc(&r->arena, (room + 1) * sizeof(struct month *));
	for (struct month *month = r->log->months; month; month = month->next) {
		if (month->number < first || month->number > last || !month->is_made)
			continue;
		month->refs++;
		months[count++] = month;
	}
	pthread_mutex_unlock(&r->log->lock);
	*ret_count = count;
	return months;
}

static void reverse_months(struct month **months, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct month *other = months[count - 1 - i];

		months[count - 1 - i] = months[i];
		months[i] = other;
	}
}

/* Classes of retention share a month: it is complete when all its files have been looked at. */
static int look_at_months(struct reading *r, struct month **months, size_t count)
{
	int status = 0;

	if (!r->query.is_backward)
		reverse_months(months, count);
	for (size_t i = 0; i < count && status == 0; i++) {
		bool is_new = i > 0 && months[i]->number != months[i - 1]->number;

		if (is_new && r->count >= r->wanted && !r->query.wants_count)
			break;
		status = look_at_month(r, months[i]);
	}
	if (status == 0)
		sort_candidates(r, 0);
	return status;
}

/* ---- parts ---- */

/* From the end that the query names, as long as they are wanted; then put in order. */
static int take_candidates(struct reading *r)
{
	struct store_part *part = r->part;
	struct log_entry *entry, *next, *turned = NULL;
	uint64_t taken = 0, total = 0;
	int status = 0;

	for (size_t i = 0; i < r->count && status >= 0; i++) {
		struct log_entry **end = part->entries_tail;

		if (taken > part->limit && part->limit > 0 && !part->query.wants_count)
			break;
		status = take_entry(r, &r->found[r->query.is_backward ? r->count - 1 - i : i]);
		total += status > 0;
		if (status > 0 && ++taken > part->limit && part->limit > 0) {
			*end = NULL;
			part->entries_tail = end;
			part->is_partial = true;
		}
	}
	if (r->query.peer.ptr)
		r->total = total;
	for (entry = r->query.is_backward ? part->entries : NULL; entry; entry = next) {
		next = entry->next;
		entry->next = turned;
		turned = entry;
	}
	if (r->query.is_backward)
		part->entries = turned;
	return status < 0 ? status : 0;
}

/* What need not be fetched to be counted is not. */
static void cut_candidates(struct reading *r)
{
	uint32_t limit = r->part->limit;

	if (r->query.peer.ptr || limit == 0 || r->count <= limit)
		return;
	r->part->is_partial = true;
	if (r->query.is_backward)
		memmove(r->found, r->found + r->count - limit, limit * sizeof(*r->found));
	r->count = limit;
}

static int fill_page(struct reading *r, struct month **months, size_t count)
{
	int status;

	r->wanted = UINT64_MAX;
	if (r->part->limit > 0 && !r->query.peer.ptr)
		r->wanted = (uint64_t)r->part->limit + 1;
	status = look_at_months(r, months, count);
	cut_candidates(r);
	if (status == 0)
		status = take_candidates(r);
	if (r->part->query.wants_count)
		r->part->total = r->total;
	return status;
}

static int fill_ids(struct reading *r, struct month **months, size_t count)
{
	int status = 0;

	r->wanted = UINT64_MAX;
	for (size_t i = 0; i < r->part->id_count && status >= 0; i++) {
		uint64_t id = r->part->ids[i];

		r->query.after_id = id - 1;
		r->query.before_id = id + 1;
		r->count = 0;
		for (size_t j = 0; j < count && status == 0 && id > 0; j++) {
			if (months[j]->number == log_id_month(id))
				status = look_at_month(r, months[j]);
		}
		if (status == 0)
			sort_candidates(r, 0);
		if (status == 0 && r->count > 0)
			status = take_entry(r, &r->found[0]);
		status = status > 0 ? 0 : status;
	}
	return status;
}

static int fill_origin(struct reading *r, struct month **months, size_t count)
{
	int status;

	r->origin = log_origin_hash(r->part->key);
	r->query.is_backward = true;
	r->wanted = UINT64_MAX;
	status = look_at_months(r, months, count);
	for (size_t i = r->count; i-- > 0 && status == 0;)
		status = take_entry(r, &r->found[i]);
	return status < 0 ? status : 0;
}

static void copy_gone(struct reading *r)
{
	for (const struct log_gone *gone = r->log->gone; gone; gone = gone->next) {
		struct log_gone *copy;

		if (gone->is_domain ? !log_owner_is_in(r->owner, gone->owner)
				    : !bytes_equal(r->owner, gone->owner))
			continue;
		copy = arena_new(&r->arena, struct log_gone);
		copy->seq = gone->seq;
		copy->store_id = gone->store_id;
		copy->is_domain = gone->is_domain;
		copy->before_id = gone->before_id;
		copy->owner = arena_copy(&r->arena, gone->owner);
		copy->conversation = arena_copy(&r->arena, gone->conversation);
		copy->next = r->gone;
		r->gone = copy;
	}
}

static int fill_entries(struct reading *r)
{
	struct month **months;
	size_t count;
	int status;

	pthread_mutex_lock(&r->log->lock);
	copy_gone(r);
	pthread_mutex_unlock(&r->log->lock);
	months = list_months(r, &count);
	if (r->part->kind == PART_PAGE)
		status = fill_page(r, months, count);
	else if (r->part->kind == PART_IDS)
		status = fill_ids(r, months, count);
	else
		status = fill_origin(r, months, count);
	for (size_t i = 0; i < count; i++)
		sqlite_log_unref(r->log, months[i]);
	return status;
}

int log_reader_fill(struct log_reader *reader, struct store_read *read, struct store_part *part,
		    struct bytes owner)
{
	struct sqlite_log *log = reader->log;
	struct reading r = {
		.reader = reader,
		.log = log,
		.read = read,
		.part = part,
		.owner = owner,
		.store_id = log->engine->store_ids[part->decl->index],
		.query = part->query,
	};
	int status;

	arena_init(&r.arena, 4 << 10);
	status = fill_entries(&r);
	arena_fini(&r.arena);
	return status;
}

/* ---- a read ---- */

bool log_read_is_needed(const struct store_read *read)
{
	for (const struct store_part *part = read->parts; part; part = part->next) {
		if (part->kind >= PART_PAGE || part->kind == PART_OWNERS)
			return true;
	}
	return false;
}

uint64_t log_reader_begin(struct log_reader *reader)
{
	uint64_t version;

	pthread_mutex_lock(&reader->log->lock);
	version = reader->log->version;
	pthread_mutex_unlock(&reader->log->lock);
	return version;
}

bool log_reader_end(struct log_reader *reader, uint64_t version)
{
	end_transactions(reader);
	return log_reader_begin(reader) == version;
}
