#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT batch",
	[SQL_RELEASE] = "RELEASE batch",
	[SQL_ROLLBACK_TO] = "ROLLBACK TO batch",
	[SQL_PUT] = "INSERT OR REPLACE INTO item(owner, store, key, value) "
		    "VALUES(?1, ?2, ?3, ?4)",
	[SQL_PUT_NEW] = "INSERT INTO item(owner, store, key, value) VALUES(?1, ?2, ?3, ?4)",
	[SQL_DEL] = "DELETE FROM item WHERE owner = ?1 AND store = ?2 AND key = ?3",
	[SQL_DEL_ALL] = "DELETE FROM item WHERE owner = ?1 AND store = ?2",
	[SQL_DELETE_RANGE] = "DELETE FROM item WHERE owner >= ?1 AND owner < ?2",
	[SQL_BLOB_PUT] = "INSERT INTO blob(owner, store, key, file, size, expires, kind) "
			 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) "
			 "ON CONFLICT(owner, store, key) DO UPDATE SET file = excluded.file, "
			 "size = excluded.size, expires = excluded.expires, "
			 "kind = excluded.kind",
	[SQL_BLOB_DEL] = "DELETE FROM blob WHERE owner = ?1 AND store = ?2 AND key = ?3",
	[SQL_BLOB_DEL_ALL] = "DELETE FROM blob WHERE owner = ?1 AND store = ?2",
	[SQL_BLOB_DELETE_RANGE] = "DELETE FROM blob WHERE owner >= ?1 AND owner < ?2",
	[SQL_BLOB_EXPIRE] = "DELETE FROM blob WHERE expires > 0 AND expires < ?1",
	[SQL_BLOB_SWEPT] = "DELETE FROM blob_gone WHERE file = ?1",
	[SQL_BLOB_IS_GONE] = "SELECT 1 FROM blob_gone LIMIT 1",
	[SQL_BEGIN_READ] = "BEGIN",
	[SQL_GET] = "SELECT key, value FROM item WHERE owner = ?1 AND store = ?2 AND key = ?3",
	[SQL_SCAN] = "SELECT key, value FROM item WHERE owner = ?1 AND store = ?2 "
		     "AND key >= ?3 AND key < ?4 ORDER BY key LIMIT ?5",
	[SQL_SCAN_OPEN] = "SELECT key, value FROM item WHERE owner = ?1 AND store = ?2 "
			  "AND key >= ?3 ORDER BY key LIMIT ?5",
	/* What a log has there are its conversation records. */
	[SQL_EACH] = "SELECT key, value, store FROM item WHERE owner = ?1 AND store NOT IN "
		     "(SELECT id FROM store WHERE shape = 2) ORDER BY store, key",
	[SQL_NEXT_OWNER] = "SELECT owner FROM item WHERE owner > ?1 AND owner < ?2 "
			   "ORDER BY owner LIMIT 1",
	[SQL_NEXT_BLOB_OWNER] = "SELECT owner FROM blob WHERE owner > ?1 AND owner < ?2 "
				"ORDER BY owner LIMIT 1",
	[SQL_BLOB_GET] = "SELECT key, file, size, expires, kind FROM blob "
			 "WHERE owner = ?1 AND store = ?2 AND key = ?3",
	[SQL_BLOB_LIST] = "SELECT key, file, size, expires, kind FROM blob "
			  "WHERE owner = ?1 AND store = ?2 ORDER BY key",
	[SQL_BLOB_GONE] = "SELECT file FROM blob_gone ORDER BY file LIMIT 16",
	[SQL_LOG_PENDING_ADD] = "INSERT INTO log_pending VALUES(?1, ?2, ?3, ?4)",
	[SQL_LOG_PENDING_DEL] = "DELETE FROM log_pending WHERE id <= ?1",
	[SQL_LOG_PENDING_LIST] =
		"SELECT id, retention, month, row FROM log_pending ORDER BY id",
	[SQL_LOG_GONE_ADD] = "INSERT INTO log_gone VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_LOG_GONE_DEL] = "DELETE FROM log_gone WHERE id = ?1",
	[SQL_LOG_GONE_LIST] = "SELECT id, store, is_domain, owner, conversation, before_id "
			      "FROM log_gone ORDER BY id",
	[SQL_LOG_EXPIRED_PUT] = "INSERT INTO log_expired VALUES(?1, ?2) ON CONFLICT(retention) "
				"DO UPDATE SET before_month = excluded.before_month "
				"WHERE before_month < excluded.before_month",
	[SQL_LOG_EXPIRED_DEL] = "DELETE FROM log_expired",
	[SQL_LOG_EXPIRED_LIST] = "SELECT retention, before_month FROM log_expired",
	[SQL_LOG_STATE_PUT] = "UPDATE log_state SET records = ?1",
	[SQL_BLOB_IS_KNOWN] = "SELECT 1 FROM blob WHERE file = ?1",
};

int sqlite_conn_status(const struct sqlite_conn *conn)
{
	int error = sqlite3_system_errno(conn->db);

	switch (sqlite3_errcode(conn->db)) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return error == ENOSPC || error == EDQUOT ? -ENOSPC : -EIO;
	default:
		return -EIO;
	}
}

int sqlite_conn_err(const struct sqlite_conn *conn, const char *doing, struct err *ret_err)
{
	return err_set(ret_err, sqlite_conn_status(conn), "cannot %s %s: %s", doing,
		       conn->engine->path, sqlite3_errmsg(conn->db));
}

int sqlite_conn_exec(struct sqlite_conn *conn, const char *sql)
{
	if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_conn_status(conn);
}

static int conn_set_up(struct sqlite_conn *conn, bool is_writer)
{
	const struct store_config *config = &conn->engine->store->config;
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "PRAGMA cache_size = -%u; PRAGMA temp_store = MEMORY; "
		 "PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0; "
		 "PRAGMA synchronous = %s",
		 config->cache_kib, config->durability == STORE_POWER ? "FULL" : "NORMAL");
	/* Small objects of SQLite's own; its default keeps 120 KiB per connection. */
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 100);
	sqlite3_busy_timeout(conn->db, 100);
	sqlite3_limit(conn->db, SQLITE_LIMIT_LENGTH, STORE_VALUE_BYTES_MAX + 8192);
	if (sqlite_conn_exec(conn, sql) < 0)
		return -1;
	if (!is_writer)
		return 0;
	return sqlite_conn_exec(conn, "PRAGMA journal_mode = WAL; "
				      "PRAGMA journal_size_limit = 67108864");
}

int sqlite_conn_open(struct sqlite_conn *conn, struct sqlite_engine *engine, bool is_writer,
		     struct err *ret_err)
{
	int flags =
		is_writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;

	conn->engine = engine;
	buf_init(&conn->owner, 0);
	buf_init(&conn->low, 0);
	buf_init(&conn->high, 0);
	if (sqlite3_open_v2(engine->path, &conn->db, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return sqlite_conn_err(conn, "open", ret_err);
	sqlite3_extended_result_codes(conn->db, 0);
	if (conn_set_up(conn, is_writer) < 0)
		return sqlite_conn_err(conn, "use", ret_err);
	return 0;
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
	if (!conn->db)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(conn->statements[i]);
	check(sqlite3_close(conn->db) == SQLITE_OK);
	conn->db = NULL;
	buf_fini(&conn->owner);
	buf_fini(&conn->low);
	buf_fini(&conn->high);
}

sqlite3_stmt *sqlite_conn_get(struct sqlite_conn *conn, enum sql which)
{
	sqlite3_stmt **place = &conn->statements[which];

	if (!*place)
		sqlite3_prepare_v3(conn->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, place,
				   NULL);
	return *place;
}

int sqlite_run(struct sqlite_conn *conn, sqlite3_stmt *statement)
{
	int status = 0;

	if (!statement)
		return sqlite_conn_status(conn);
	if (sqlite3_step(statement) != SQLITE_DONE)
		status = sqlite_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

int sqlite_conn_run(struct sqlite_conn *conn, enum sql which)
{
	return sqlite_run(conn, sqlite_conn_get(conn, which));
}

int64_t sqlite_conn_integer(struct sqlite_conn *conn, const char *sql, int64_t fallback)
{
	sqlite3_stmt *statement = NULL;
	int64_t value = fallback;

	if (sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

void sqlite_bind(sqlite3_stmt *statement, int index, struct bytes b)
{
	sqlite3_bind_blob64(statement, index, b.ptr ? b.ptr : "", b.len, SQLITE_STATIC);
}

struct bytes sqlite_column(sqlite3_stmt *statement, int column)
{
	const void *ptr = sqlite3_column_blob(statement, column);

	return bytes_make(ptr ? ptr : "", (size_t)sqlite3_column_bytes(statement, column));
}

/* ---- owners ---- */

struct bytes sqlite_owner_key(struct buf *buf, struct bytes owner)
{
	struct bytes domain = store_domain_of(owner);

	buf_reset(buf);
	buf_append(buf, domain);
	buf_append_byte(buf, '\0');
	if (domain.len < owner.len)
		buf_append(buf, bytes_first(owner, owner.len - domain.len - 1));
	return buf_bytes(buf);
}

void sqlite_domain_range(struct sqlite_conn *conn, struct bytes domain)
{
	buf_reset(&conn->low);
	buf_append(&conn->low, domain);
	buf_append_byte(&conn->low, '\0');
	buf_reset(&conn->high);
	buf_append(&conn->high, domain);
	buf_append_byte(&conn->high, '\1');
}

void sqlite_owner_range(struct sqlite_conn *conn, struct bytes owner)
{
	sqlite_owner_key(&conn->low, owner);
	sqlite_owner_key(&conn->high, owner);
	buf_append_byte(&conn->high, '\0');
}
