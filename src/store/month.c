#include "store/month.h"

#include <errno.h>
#include <stdio.h>

#include "store/sqlite.h"

enum { APPLICATION_ID = 0x4872746c /* "Hrtl", for file(1) */, VERSION = 1 };

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS name(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS msg(id INTEGER PRIMARY KEY, a BLOB, b BLOB, body BLOB);"
	"CREATE TABLE IF NOT EXISTS log(owner INTEGER, id INTEGER, time INTEGER, "
	"conversation INTEGER, bits INTEGER, origin INTEGER, msg INTEGER, "
	"PRIMARY KEY(owner, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS state(id INTEGER PRIMARY KEY CHECK(id = 1), "
	"indexed INTEGER NOT NULL, last_id INTEGER NOT NULL, moved INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO state VALUES(1, 0, 0, 0);"
	"PRAGMA application_id = 1215460460; PRAGMA user_version = 1;"
	"COMMIT";
_Static_assert(APPLICATION_ID == 1215460460, "as in the schema");

static const char *const texts[MONTH_SQL_COUNT] = {
	[MONTH_BEGIN] = "BEGIN IMMEDIATE",
	[MONTH_BEGIN_READ] = "BEGIN",
	[MONTH_COMMIT] = "COMMIT",
	[MONTH_ROLLBACK] = "ROLLBACK",
	[MONTH_NAME_ADD] = "INSERT INTO name(name) VALUES(?1)",
	[MONTH_NAME_FIND] = "SELECT id FROM name WHERE name = ?1",
	[MONTH_NAME_GET] = "SELECT name FROM name WHERE id = ?1",
	[MONTH_MSG_ADD] = "INSERT INTO msg(id, a, b, body) VALUES(?1, ?2, ?3, ?4)",
	[MONTH_MSG_GET] = "SELECT a, b, body FROM msg WHERE id = ?1",
	[MONTH_MSG_SIDES] = "SELECT a, b FROM msg WHERE id = ?1",
	[MONTH_MSG_SET_SIDES] = "UPDATE msg SET a = ?2, b = ?3, "
				"body = CASE WHEN ?4 THEN body END WHERE id = ?1",
	[MONTH_MSG_DEL] = "DELETE FROM msg WHERE id = ?1",
	[MONTH_MSG_SINCE] = "SELECT id, a, b FROM msg WHERE id > ?1 ORDER BY id",
	[MONTH_INDEX_PUT] = "INSERT OR REPLACE INTO log(owner, id, time, conversation, bits, "
			    "origin, msg) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[MONTH_INDEX_GET] = "SELECT id, time, conversation, bits, origin, msg FROM log "
			    "WHERE owner = ?1 AND id = ?2",
	[MONTH_INDEX_DEL] = "DELETE FROM log WHERE owner = ?1 AND id = ?2",
	[MONTH_INDEX_FORWARD] = "SELECT id, time, conversation, bits, origin, msg FROM log "
				"WHERE owner = ?1 AND id > ?2 AND id < ?3 ORDER BY id",
	[MONTH_INDEX_BACKWARD] = "SELECT id, time, conversation, bits, origin, msg FROM log "
				 "WHERE owner = ?1 AND id > ?2 AND id < ?3 ORDER BY id DESC",
	[MONTH_INDEX_GONE] =
		"SELECT l.owner, l.id, l.msg FROM name n CROSS JOIN log l "
		"ON l.owner >= n.id << 10 AND l.owner < (n.id + 1) << 10 "
		"WHERE n.name >= ?1 AND n.name < ?2 AND l.msg <= ?3 AND l.id < ?4 "
		"AND (?5 = 0 OR l.conversation = ?5) AND (?6 = 0 OR (l.owner & 1023) = ?6) "
		"AND (l.owner > ?7 OR (l.owner = ?7 AND l.id > ?8)) "
		"ORDER BY n.id, l.owner, l.id LIMIT 64",
	[MONTH_STATE_GET] = "SELECT indexed, last_id, moved FROM state",
	[MONTH_STATE_MOVED] = "UPDATE state SET moved = ?1",
	[MONTH_STATE_PUT] = "UPDATE state SET indexed = ?1, last_id = ?2",
};

static int db_status(sqlite3 *db)
{
	struct sqlite_conn conn = { .db = db };

	return sqlite_conn_status(&conn);
}

int month_conn_status(const struct month_conn *conn)
{
	return db_status(conn->db);
}

static int exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_status(db);
}

static int set_up(sqlite3 *db, enum month_mode mode, const struct store_config *config)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "PRAGMA cache_size = -%u; PRAGMA temp_store = MEMORY; "
		 "PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0; "
		 "PRAGMA synchronous = %s",
		 mode == MONTH_READ ? (config->log_cache_kib + 3) / 4 : config->log_cache_kib,
		 config->durability == STORE_POWER ? "FULL" : "NORMAL");
	sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 60);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(db, 100);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STORE_VALUE_BYTES_MAX + 65536);
	if (exec(db, sql) < 0)
		return -1;
	if (mode == MONTH_READ)
		return 0;
	return exec(db, "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864");
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* A crash may have left the file empty: then it is made again. */
static int check_version(sqlite3 *db, const char *path, struct err *ret_err)
{
	int64_t version = pragma(db, "PRAGMA user_version");

	if (version == 0 && exec(db, schema) == 0)
		return 0;
	if (version <= 0)
		return err_set(ret_err, db_status(db), "cannot use %s: %s", path,
			       sqlite3_errmsg(db));
	if (pragma(db, "PRAGMA application_id") != APPLICATION_ID)
		return err_set(ret_err, -EINVAL, "%s is not a log of this server", path);
	if (version > VERSION)
		return err_set(ret_err, -EPROTONOSUPPORT,
			       "%s has version %lld, this server knows up to %d: it was "
			       "written by a newer one",
			       path, (long long)version, VERSION);
	return 0;
}

int month_conn_open(struct month_conn *conn, const char *path, enum month_mode mode,
		    const struct store_config *config, struct err *ret_err)
{
	int flags = mode == MONTH_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int status = 0;

	if (mode == MONTH_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	*conn = (struct month_conn){ 0 };
	if (sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    set_up(conn->db, mode, config) < 0)
		status = err_set(ret_err, db_status(conn->db), "cannot open %s: %s", path,
				 sqlite3_errmsg(conn->db));
	else if (mode != MONTH_READ)
		status = check_version(conn->db, path, ret_err);
	if (status < 0)
		month_conn_close(conn);
	return status;
}

void month_conn_close(struct month_conn *conn)
{
	if (!conn->db)
		return;
	for (size_t i = 0; i < MONTH_SQL_COUNT; i++)
		sqlite3_finalize(conn->statements[i]);
	check(sqlite3_close(conn->db) == SQLITE_OK);
	*conn = (struct month_conn){ 0 };
}

sqlite3_stmt *month_conn_get(struct month_conn *conn, enum month_sql which)
{
	sqlite3_stmt **place = &conn->statements[which];

	if (!*place)
		sqlite3_prepare_v3(conn->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, place,
				   NULL);
	return *place;
}

int month_run(struct month_conn *conn, sqlite3_stmt *statement)
{
	int status = 0;

	if (!statement)
		return month_conn_status(conn);
	if (sqlite3_step(statement) != SQLITE_DONE)
		status = month_conn_status(conn);
	sqlite3_reset(statement);
	return status;
}

int month_conn_run(struct month_conn *conn, enum month_sql which)
{
	return month_run(conn, month_conn_get(conn, which));
}

void month_bind_bytes(sqlite3_stmt *statement, int index, struct bytes b)
{
	sqlite3_bind_blob64(statement, index, b.ptr ? b.ptr : "", b.len, SQLITE_STATIC);
}

struct bytes month_column(sqlite3_stmt *statement, int column)
{
	const void *ptr = sqlite3_column_blob(statement, column);

	return bytes_make(ptr, (size_t)sqlite3_column_bytes(statement, column));
}

int64_t month_conn_find_name(struct month_conn *conn, struct bytes name)
{
	sqlite3_stmt *statement = month_conn_get(conn, MONTH_NAME_FIND);
	int64_t number = 0;
	int result;

	if (!statement)
		return month_conn_status(conn);
	month_bind_bytes(statement, 1, name);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	else if (result != SQLITE_DONE)
		number = month_conn_status(conn);
	sqlite3_reset(statement);
	return number;
}

struct log_place month_place(sqlite3_stmt *row)
{
	struct log_place place = {
		.id = (uint64_t)sqlite3_column_int64(row, 0),
		.conversation = (uint64_t)sqlite3_column_int64(row, 2),
		.bits = (uint32_t)sqlite3_column_int64(row, 3),
		.origin = (uint32_t)sqlite3_column_int64(row, 4),
		.seq = (uint64_t)sqlite3_column_int64(row, 5),
	};

	/* Stored as the distance from the id's millisecond, which is small. */
	place.time_us = log_id_ms(place.id) * 1000 + (uint64_t)sqlite3_column_int64(row, 1);
	return place;
}
