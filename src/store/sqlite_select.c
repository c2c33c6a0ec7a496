#include "store/sqlite_log.h"

#include <errno.h>

/* ---- items ---- */

static int64_t limit_of(const struct store_part *part)
{
	/* One more than asked for tells whether something was cut off. */
	return part->limit > 0 ? (int64_t)part->limit + 1 : -1;
}

static const struct store_decl *decl_of(const struct sqlite_conn *conn, int64_t id)
{
	if (id <= 0 || id >= (int64_t)array_len(conn->engine->decls))
		return NULL;
	return conn->engine->decls[id];
}

/* Steps through rows of (key, value, …); the third column is a store if the part names none. */
static int take_items(struct sqlite_conn *conn, struct store_read *read,
		      struct store_part *part, sqlite3_stmt *statement)
{
	uint32_t count = 0;
	int result, status = 0;

	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct store_decl *decl = part->decl;

		if (part->limit > 0 && count++ == part->limit) {
			part->is_partial = true;
			break;
		}
		if (!decl)
			decl = decl_of(conn, sqlite3_column_int64(statement, 2));
		store_part_add_item(read, part, decl, sqlite_column(statement, 0),
				    sqlite_column(statement, 1));
	}
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		status = sqlite_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

static sqlite3_stmt *bind_store(struct sqlite_conn *conn, enum sql which, struct bytes owner,
				const struct store_part *part)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, which);

	if (!statement)
		return NULL;
	sqlite_bind(statement, 1, owner);
	if (part->decl)
		sqlite3_bind_int64(statement, 2, conn->engine->store_ids[part->decl->index]);
	return statement;
}

static int select_get(struct sqlite_conn *conn, struct store_read *read,
		      struct store_part *part, struct bytes owner)
{
	sqlite3_stmt *statement = bind_store(conn, SQL_GET, owner, part);

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite_bind(statement, 3, part->key);
	return take_items(conn, read, part, statement);
}

/* The smallest string above all that have this prefix; BYTES_NONE if there is none. */
static struct bytes prefix_end(struct buf *buf, struct bytes prefix)
{
	while (prefix.len > 0 && (uint8_t)prefix.ptr[prefix.len - 1] == 0xff)
		prefix.len--;
	if (prefix.len == 0)
		return BYTES_NONE;
	buf_reset(buf);
	buf_append(buf, prefix);
	buf->ptr[prefix.len - 1]++;
	return buf_bytes(buf);
}

/* The smallest string that is not below the prefix and above `after`. */
static struct bytes scan_start(struct buf *buf, const struct store_part *part)
{
	if (!part->after.ptr || bytes_compare(part->after, part->key) < 0)
		return part->key;
	buf_reset(buf);
	buf_append(buf, part->after);
	buf_append_byte(buf, '\0');
	return buf_bytes(buf);
}

static int select_scan(struct sqlite_conn *conn, struct store_read *read,
		       struct store_part *part, struct bytes owner)
{
	struct bytes start = scan_start(&conn->low, part);
	struct bytes end = prefix_end(&conn->high, part->key);
	sqlite3_stmt *statement =
		bind_store(conn, end.ptr ? SQL_SCAN : SQL_SCAN_OPEN, owner, part);

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite_bind(statement, 3, start);
	if (end.ptr)
		sqlite_bind(statement, 4, end);
	sqlite3_bind_int64(statement, 5, limit_of(part));
	return take_items(conn, read, part, statement);
}

static int select_each(struct sqlite_conn *conn, struct store_read *read,
		       struct store_part *part, struct bytes owner)
{
	sqlite3_stmt *statement = bind_store(conn, SQL_EACH, owner, part);

	return statement ? take_items(conn, read, part, statement) : sqlite_conn_status(conn);
}

/* ---- owners ---- */

/* The first owner above `low` in one table; *ret_owner is untouched if there is none. */
static int next_owner(struct sqlite_conn *conn, enum sql which, struct arena *arena,
		      struct bytes *ret_owner)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, which);
	int result, status = 0;

	if (!statement)
		return sqlite_conn_status(conn);
	sqlite_bind(statement, 1, buf_bytes(&conn->low));
	sqlite_bind(statement, 2, buf_bytes(&conn->high));
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		struct bytes owner = sqlite_column(statement, 0);

		if (!ret_owner->ptr || bytes_compare(owner, *ret_owner) < 0)
			*ret_owner = arena_copy(arena, owner);
	} else if (result != SQLITE_DONE) {
		status = sqlite_conn_status(conn);
	}
	sqlite3_reset(statement);
	return status;
}

/* From its stored form (domain, NUL, localpart). */
static struct bytes owner_decode(struct arena *arena, struct bytes stored)
{
	struct bytes domain = bytes_cut(&stored, '\0');

	if (stored.len == 0)
		return domain;
	return arena_printf(arena, "%.*s@%.*s", BYTES_ARG(stored), BYTES_ARG(domain));
}

/* Those whose logs are still in memory only. */
struct log_owners {
	struct bytes *sorted;
	size_t count, next;
};

static void next_log_owner(struct log_owners *owners, struct bytes low, struct bytes *ret_owner)
{
	while (owners->next < owners->count &&
	       bytes_compare(owners->sorted[owners->next], low) <= 0)
		owners->next++;
	if (owners->next < owners->count &&
	    (!ret_owner->ptr || bytes_compare(owners->sorted[owners->next], *ret_owner) < 0))
		*ret_owner = owners->sorted[owners->next];
}

/* Hops from owner to owner by the index, however much each has. */
static int select_owners(struct sqlite_conn *conn, struct store_read *read,
			 struct store_part *part)
{
	struct log_owners logs = { 0 };
	uint32_t count = 0;

	sqlite_domain_range(conn, part->key);
	logs.sorted = sqlite_log_owners(conn->engine->log, buf_bytes(&conn->low), &read->arena,
					&logs.count);
	/* "Above" is exclusive: the domain's own key is reached from just below it. */
	if (part->after.ptr)
		sqlite_owner_key(&conn->low, part->after);
	else
		conn->low.len--;
	for (;;) {
		struct bytes owner = BYTES_NONE;
		int status = next_owner(conn, SQL_NEXT_OWNER, &read->arena, &owner);

		if (status == 0)
			status = next_owner(conn, SQL_NEXT_BLOB_OWNER, &read->arena, &owner);
		if (status == 0)
			next_log_owner(&logs, buf_bytes(&conn->low), &owner);
		if (status < 0 || !owner.ptr)
			return status;
		if (part->limit > 0 && count++ == part->limit) {
			part->is_partial = true;
			return 0;
		}
		store_part_add_item(read, part, NULL, owner_decode(&read->arena, owner),
				    BYTES_NONE);
		buf_reset(&conn->low);
		buf_append(&conn->low, owner);
	}
}

/* ---- blobs ---- */

static struct bytes blob_value(struct arena *arena, sqlite3_stmt *row)
{
	struct bytes kind = sqlite_column(row, 4);
	struct blob_head head = {
		.file = (uint64_t)sqlite3_column_int64(row, 1),
		.size_bytes = (uint64_t)sqlite3_column_int64(row, 2),
		.expires_ms = (uint64_t)sqlite3_column_int64(row, 3),
	};
	char *value = arena_alloc(arena, sizeof(head) + kind.len);

	memcpy(value, &head, sizeof(head));
	memcpy(value + sizeof(head), kind.ptr, kind.len);
	return bytes_make(value, sizeof(head) + kind.len);
}

static int select_blobs(struct sqlite_conn *conn, struct store_read *read,
			struct store_part *part, struct bytes owner)
{
	sqlite3_stmt *statement =
		bind_store(conn, part->key.ptr ? SQL_BLOB_GET : SQL_BLOB_LIST, owner, part);
	int result, status = 0;

	if (!statement)
		return sqlite_conn_status(conn);
	if (part->key.ptr)
		sqlite_bind(statement, 3, part->key);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		store_part_add_item(read, part, part->decl, sqlite_column(statement, 0),
				    blob_value(&read->arena, statement));
	if (result != SQLITE_DONE)
		status = sqlite_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

/* ---- a read ---- */

static int select_part(struct sqlite_reader *reader, struct store_read *read,
		       struct store_part *part, struct bytes owner)
{
	struct sqlite_conn *conn = &reader->conn;

	switch (part->kind) {
	case PART_GET:
		return select_get(conn, read, part, owner);
	case PART_SCAN:
		return select_scan(conn, read, part, owner);
	case PART_EACH:
		return select_each(conn, read, part, owner);
	case PART_OWNERS:
		return select_owners(conn, read, part);
	case PART_BLOBS:
		return select_blobs(conn, read, part, owner);
	case PART_PAGE:
	case PART_IDS:
	case PART_ORIGIN:
		return log_reader_fill(reader->log_reader, read, part, owner);
	case PART_RECORDS:
		return sqlite_log_fill_records(conn, read, part, owner);
	}
	return -EINVAL;
}

void sqlite_select(struct sqlite_reader *reader, struct store_read *read)
{
	struct bytes owner = sqlite_owner_key(&reader->conn.owner, read->owner);

	for (struct store_part *part = read->parts; part && read->status == 0;
	     part = part->next)
		read->status = select_part(reader, read, part, owner);
}
