/* Reading conversation records: what memory has stands before what the table has. */
#include <stdlib.h>

#include "store/sqlite_log.h"

static const struct log_record *prefer(const struct log_record *newer,
				       const struct log_record *older)
{
	return newer && (newer->is_known || newer->is_deleted) ? newer : older;
}

/* ---- one ---- */

static int fill_from_table(struct sqlite_conn *conn, struct store_read *read,
			   struct store_part *part, struct bytes owner)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_GET);
	struct log_conversation record = { .name = part->key };
	int result, status = 0;

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite_bind(statement, 1, owner);
	sqlite3_bind_int64(statement, 2, conn->engine->store_ids[part->decl->index]);
	sqlite_bind(statement, 3, part->key);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW && log_record_unpack(&record, sqlite_column(statement, 1)))
		store_part_add_record(read, part, &record);
	else if (result != SQLITE_DONE)
		status = sqlite_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

static int fill_one(struct sqlite_log *log, struct sqlite_conn *conn, struct store_read *read,
		    struct store_part *part, struct bytes owner)
{
	uint32_t store_id = log->engine->store_ids[part->decl->index];
	const struct log_record *record;
	bool is_found;

	pthread_mutex_lock(&log->lock);
	record = prefer(log_records_find(log->records, store_id, owner, part->key),
			log_records_find(log->frozen_records, store_id, owner, part->key));
	is_found = record && (record->is_known || record->is_deleted);
	if (is_found && record->is_known)
		store_part_add_record(read, part, &record->value);
	pthread_mutex_unlock(&log->lock);
	return is_found ? 0 : fill_from_table(conn, read, part, owner);
}

/* ---- all ---- */

struct listed {
	struct log_conversation value;
	bool is_deleted;
	uint32_t rank; /* of the same name, the lowest counts */
};

struct listing {
	struct arena *arena;
	struct listed *all;
	size_t count, room;
};

static void list_add(struct listing *listing, const struct log_conversation *value,
		     bool is_deleted, uint32_t rank)
{
	if (listing->count == listing->room) {
		size_t room = listing->room ? listing->room * 2 : 32;
		struct listed *all = arena_alloc_raw(listing->arena, room * sizeof(*all));

		if (listing->count > 0)
			memcpy(all, listing->all, listing->count * sizeof(*all));
		listing->all = all;
		listing->room = room;
	}
	listing->all[listing->count] =
		(struct listed){ .value = *value, .is_deleted = is_deleted, .rank = rank };
	listing->all[listing->count++].value.name = arena_copy(listing->arena, value->name);
}

static void list_memory(struct listing *listing, const struct log_record *record, uint32_t rank)
{
	for (; record; record = record->next) {
		if (record->is_known || record->is_deleted)
			list_add(listing, &record->value, record->is_deleted, rank);
	}
}

static int list_table(struct listing *listing, struct sqlite_conn *conn,
		      const struct store_part *part, struct bytes owner)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_SCAN_OPEN);
	int result;

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite_bind(statement, 1, owner);
	sqlite3_bind_int64(statement, 2, conn->engine->store_ids[part->decl->index]);
	sqlite_bind(statement, 3, BYTES_LIT(""));
	sqlite3_bind_int64(statement, 5, -1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct log_conversation value = { .name = sqlite_column(statement, 0) };

		if (log_record_unpack(&value, sqlite_column(statement, 1)))
			list_add(listing, &value, false, 2);
	}
	sqlite3_reset(statement);
	return result == SQLITE_DONE ? 0 : sqlite_conn_status(conn);
}

static int compare_listed(const void *a, const void *b)
{
	const struct listed *left = a, *right = b;
	int order = bytes_compare(left->value.name, right->value.name);

	return order ? order : (int)left->rank - (int)right->rank;
}

static int fill_all(struct sqlite_log *log, struct sqlite_conn *conn, struct store_read *read,
		    struct store_part *part, struct bytes owner)
{
	uint32_t store_id = log->engine->store_ids[part->decl->index];
	struct listing listing = { .arena = &read->arena };
	int status;

	pthread_mutex_lock(&log->lock);
	list_memory(&listing, log_records_first(log->records, store_id, owner), 0);
	list_memory(&listing, log_records_first(log->frozen_records, store_id, owner), 1);
	pthread_mutex_unlock(&log->lock);
	status = list_table(&listing, conn, part, owner);
	if (status < 0 || listing.count == 0)
		return status;
	qsort(listing.all, listing.count, sizeof(*listing.all), compare_listed);
	for (size_t i = 0; i < listing.count; i++) {
		const struct listed *one = &listing.all[i];

		if (!one->is_deleted &&
		    (i == 0 || !bytes_equal(one->value.name, one[-1].value.name)))
			store_part_add_record(read, part, &one->value);
	}
	return 0;
}

int sqlite_log_fill_records(struct sqlite_conn *conn, struct store_read *read,
			    struct store_part *part, struct bytes owner)
{
	struct sqlite_log *log = conn->engine->log;

	return part->key.ptr ? fill_one(log, conn, read, part, owner)
			     : fill_all(log, conn, read, part, owner);
}

/* ---- owners ---- */

static int compare_names(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static size_t list_owners(const struct log_records *records, struct bytes domain,
			  struct arena *arena, struct bytes *ret_owners)
{
	const struct log_record *record;
	uint32_t cursor = 0;
	size_t count = 0;

	while (records && (record = table_next(&records->records, &cursor))) {
		if (record->is_known && log_owner_is_in(record->owner, domain))
			ret_owners[count++] = arena_copy(arena, record->owner);
	}
	return count;
}

static size_t count_records(const struct log_records *records)
{
	return records ? table_count(&records->records) : 0;
}

struct bytes *sqlite_log_owners(struct sqlite_log *log, struct bytes domain,
				struct arena *arena, size_t *ret_count)
{
	struct bytes *owners;
	size_t count;

	pthread_mutex_lock(&log->lock);
	count = count_records(log->records) + count_records(log->frozen_records);
	owners = arena_alloc_raw(arena, (count + 1) * sizeof(*owners));
	count = list_owners(log->records, domain, arena, owners);
	count += list_owners(log->frozen_records, domain, arena, owners + count);
	pthread_mutex_unlock(&log->lock);
	qsort(owners, count, sizeof(*owners), compare_names);
	*ret_count = count;
	return owners;
}
