/*
 * The tables of the embedded engine, and how an older database becomes a newer one. A step is
 * never changed once it was released: append.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>

enum { APPLICATION_ID = 0x48727468 }; /* "Hrth", for file(1) */

static const char *const steps[] = {
	/*
	 * 1. Docs and maps share a table: a doc is a map's item with an empty key, and what one
	 * login reads lies together. blob_gone lists files that are to be unlinked.
	 */
	"CREATE TABLE store(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
	"shape INTEGER NOT NULL, version INTEGER NOT NULL);"
	"CREATE TABLE item(owner BLOB NOT NULL, store INTEGER NOT NULL, key BLOB NOT NULL, "
	"value BLOB NOT NULL, PRIMARY KEY(owner, store, key)) WITHOUT ROWID;"
	"CREATE TABLE blob(owner BLOB NOT NULL, store INTEGER NOT NULL, key BLOB NOT NULL, "
	"file INTEGER NOT NULL, size INTEGER NOT NULL, expires INTEGER NOT NULL, "
	"kind BLOB NOT NULL, PRIMARY KEY(owner, store, key)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX blob_by_file ON blob(file);"
	"CREATE INDEX blob_by_expiry ON blob(expires) WHERE expires > 0;"
	"CREATE TABLE blob_gone(file INTEGER PRIMARY KEY);"
	"CREATE TRIGGER blob_deleted AFTER DELETE ON blob BEGIN "
	"INSERT OR IGNORE INTO blob_gone VALUES(old.file); END;"
	"CREATE TRIGGER blob_replaced AFTER UPDATE OF file ON blob "
	"WHEN old.file <> new.file BEGIN "
	"INSERT OR IGNORE INTO blob_gone VALUES(old.file); END;",
	/*
	 * 2. Logs, whose entries are in files of their own: rows on their way there, markers of
	 * what is deleted or expired, and up to which row of the journal records are items.
	 */
	"CREATE TABLE log_pending(id INTEGER PRIMARY KEY, retention INTEGER NOT NULL, "
	"month INTEGER NOT NULL, row BLOB NOT NULL);"
	"CREATE TABLE log_gone(id INTEGER PRIMARY KEY, store INTEGER NOT NULL, "
	"is_domain INTEGER NOT NULL, owner BLOB NOT NULL, conversation BLOB, "
	"before_id INTEGER NOT NULL);"
	"CREATE TABLE log_expired(retention INTEGER PRIMARY KEY, before_month INTEGER NOT "
	"NULL);"
	"CREATE TABLE log_state(id INTEGER PRIMARY KEY CHECK(id = 1), records INTEGER NOT "
	"NULL, "
	"last_id INTEGER NOT NULL);"
	"INSERT INTO log_state VALUES(1, 0, 0);",
};

static int check_version(struct sqlite_conn *conn, int64_t version, struct err *ret_err)
{
	const char *path = conn->engine->path;

	if (version < 0)
		return sqlite_conn_err(conn, "read", ret_err);
	if (version > 0 &&
	    sqlite_conn_integer(conn, "PRAGMA application_id", 0) != APPLICATION_ID)
		return err_set(ret_err, -EINVAL, "%s is not a database of this server", path);
	if (version > (int64_t)array_len(steps))
		return err_set(ret_err, -EPROTONOSUPPORT,
			       "%s has version %lld, this server knows up to %zu: it was "
			       "written by a newer one",
			       path, (long long)version, array_len(steps));
	return 0;
}

static int migrate(struct sqlite_conn *conn, int64_t version)
{
	char sql[100];
	int status = sqlite_conn_exec(conn, "BEGIN IMMEDIATE");

	for (; status == 0 && version < (int64_t)array_len(steps); version++)
		status = sqlite_conn_exec(conn, steps[version]);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		 APPLICATION_ID, array_len(steps));
	if (status == 0)
		status = sqlite_conn_exec(conn, sql);
	return status == 0 ? sqlite_conn_exec(conn, "COMMIT") : status;
}

/* ---- the declared stores ---- */

static int compare_store(struct sqlite_engine *engine, sqlite3_stmt *row,
			 const struct store_decl *decl, struct err *ret_err)
{
	int64_t id = sqlite3_column_int64(row, 0);
	int64_t shape = sqlite3_column_int64(row, 1);
	int64_t version = sqlite3_column_int64(row, 2);

	if (shape != (int64_t)decl->shape)
		return err_set(ret_err, -EINVAL, "store %s has another shape in %s", decl->name,
			       engine->path);
	if (version > decl->version)
		return err_set(ret_err, -EPROTONOSUPPORT,
			       "store %s has version %lld in %s, this server knows up to %u",
			       decl->name, (long long)version, engine->path, decl->version);
	if (id <= 0 || id >= (int64_t)array_len(engine->decls))
		return err_set(ret_err, -EIO, "store %s has a bad number in %s", decl->name,
			       engine->path);
	engine->store_ids[decl->index] = (uint32_t)id;
	engine->decls[id] = decl;
	return 0;
}

static int find_store(struct sqlite_engine *engine, const struct store_decl *decl,
		      struct err *ret_err)
{
	struct sqlite_conn *conn = &engine->writer.conn;
	sqlite3_stmt *statement = NULL;
	int status = -EIO;

	if (sqlite3_prepare_v2(conn->db, "SELECT id, shape, version FROM store WHERE name = ?1",
			       -1, &statement, NULL) != SQLITE_OK)
		return sqlite_conn_err(conn, "read", ret_err);
	sqlite3_bind_text(statement, 1, decl->name, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		status = compare_store(engine, statement, decl, ret_err);
	else
		err_set(ret_err, status, "store %s cannot be added to %s", decl->name,
			engine->path);
	sqlite3_finalize(statement);
	return status;
}

/* Adds a store that is new, and raises the version of one whose encoding has changed. */
static int add_store(struct sqlite_conn *conn, const struct store_decl *decl,
		     struct err *ret_err)
{
	sqlite3_stmt *statement = NULL;
	int status;

	if (sqlite3_prepare_v2(conn->db,
			       "INSERT INTO store(name, shape, version) VALUES(?1, ?2, ?3) "
			       "ON CONFLICT(name) DO UPDATE SET version = excluded.version "
			       "WHERE version < excluded.version",
			       -1, &statement, NULL) != SQLITE_OK)
		return sqlite_conn_err(conn, "write", ret_err);
	sqlite3_bind_text(statement, 1, decl->name, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, (int)decl->shape);
	sqlite3_bind_int64(statement, 3, decl->version);
	status = sqlite_run(conn, statement);
	sqlite3_finalize(statement);
	return status < 0 ? sqlite_conn_err(conn, "write", ret_err) : 0;
}

static int open_stores(struct sqlite_engine *engine, struct err *ret_err)
{
	const struct store_decl *decl;
	uint32_t cursor = 0;
	int status = 0;

	while (status == 0 && (decl = store_next(&cursor))) {
		status = add_store(&engine->writer.conn, decl, ret_err);
		if (status == 0)
			status = find_store(engine, decl, ret_err);
	}
	return status;
}

int sqlite_schema_open(struct sqlite_engine *engine, struct err *ret_err)
{
	struct sqlite_conn *conn = &engine->writer.conn;
	int64_t version = sqlite_conn_integer(conn, "PRAGMA user_version", -1);
	int status = check_version(conn, version, ret_err);

	if (status < 0)
		return status;
	if (version < (int64_t)array_len(steps) && migrate(conn, version) < 0)
		return sqlite_conn_err(conn, "migrate", ret_err);
	if (sqlite_conn_exec(conn, "BEGIN IMMEDIATE") < 0)
		return sqlite_conn_err(conn, "write", ret_err);
	status = open_stores(engine, ret_err);
	if (status < 0)
		return status;
	if (sqlite_conn_exec(conn, "COMMIT") < 0)
		return sqlite_conn_err(conn, "write", ret_err);
	return 0;
}
