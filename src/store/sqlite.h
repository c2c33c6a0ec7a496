/*
 * The embedded engine: one SQLite database in WAL mode, one writer thread that commits in
 * groups, a few reader threads with connections of their own. Private to the engine's files.
 *
 * An owner is stored as domain, NUL, localpart, so that a domain is one range of each table.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "base/buf.h"
#include "store/engine.h"

enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_RELEASE,
	SQL_ROLLBACK_TO,
	SQL_PUT,
	SQL_PUT_NEW,
	SQL_DEL,
	SQL_DEL_ALL,
	SQL_DELETE_RANGE,
	SQL_BLOB_PUT,
	SQL_BLOB_DEL,
	SQL_BLOB_DEL_ALL,
	SQL_BLOB_DELETE_RANGE,
	SQL_BLOB_EXPIRE,
	SQL_BLOB_SWEPT,
	SQL_BLOB_IS_GONE,
	SQL_BEGIN_READ,
	SQL_GET,
	SQL_SCAN,
	SQL_SCAN_OPEN,
	SQL_EACH,
	SQL_NEXT_OWNER,
	SQL_NEXT_BLOB_OWNER,
	SQL_BLOB_GET,
	SQL_BLOB_LIST,
	SQL_BLOB_GONE,
	SQL_BLOB_IS_KNOWN,
	SQL_LOG_PENDING_ADD,
	SQL_LOG_PENDING_DEL,
	SQL_LOG_PENDING_LIST,
	SQL_LOG_GONE_ADD,
	SQL_LOG_GONE_DEL,
	SQL_LOG_GONE_LIST,
	SQL_LOG_EXPIRED_PUT,
	SQL_LOG_EXPIRED_DEL,
	SQL_LOG_EXPIRED_LIST,
	SQL_LOG_STATE_PUT,
	SQL_COUNT,
};

struct sqlite_engine;
struct sqlite_log;
struct log_reader;
struct checkpoint;
struct checkpointer;

/* One connection, one thread. Statements are prepared at their first use and then kept. */
struct sqlite_conn {
	struct sqlite_engine *engine;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	struct buf owner, low, high; /* stored owners while they are bound */
};

struct sqlite_writer {
	struct sqlite_conn conn;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t cond; /* on CLOCK_MONOTONIC */
	struct list queue;
	uint32_t queued;
	uint32_t wanted; /* wake when so many are queued; 0: not asleep */
	bool is_stopping;
	/* The thread's own. */
	uint32_t expected; /* how many the next group probably has */
	uint64_t groups;
	struct checkpoint *checkpoint;
	bool may_have_freed_blobs;
};

struct sqlite_reader {
	struct sqlite_conn conn;
	struct log_reader *log_reader;
	pthread_t thread;
	bool has_thread;
};

struct sqlite_engine {
	struct store *store;
	char *path;
	char *blob_dir;
	struct sqlite_log *log;
	struct checkpointer *checkpointer;
	struct sqlite_writer writer;
	struct sqlite_reader *readers;
	/* The readers' queue. */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct list queue;
	uint32_t idle_readers;
	bool is_stopping;
	bool wants_sweep; /* files of deleted blobs are to be unlinked */
	_Atomic uint64_t last_file;
	uint32_t store_ids[STORE_MAX + 1];	       /* of the database, by decl->index */
	const struct store_decl *decls[STORE_MAX * 4]; /* by the database's id */
};

/* 0 or negative. is_writer: may create the file. */
int sqlite_conn_open(struct sqlite_conn *conn, struct sqlite_engine *engine, bool is_writer,
		     struct err *ret_err);
void sqlite_conn_close(struct sqlite_conn *conn);
/* Runs statements without parameters and results. */
int sqlite_conn_exec(struct sqlite_conn *conn, const char *sql);
/* The statement, reset and ready for binding; NULL if it cannot be prepared. */
sqlite3_stmt *sqlite_conn_get(struct sqlite_conn *conn, enum sql which);
/* One step of a statement without rows, and its reset. 0 or negative. */
int sqlite_run(struct sqlite_conn *conn, sqlite3_stmt *statement);
/* The same for one without parameters. */
int sqlite_conn_run(struct sqlite_conn *conn, enum sql which);
/* The first column of the first row, or fallback. */
int64_t sqlite_conn_integer(struct sqlite_conn *conn, const char *sql, int64_t fallback);
/* What SQLite's last error on this connection is in our numbers; negative. */
int sqlite_conn_status(const struct sqlite_conn *conn);
int sqlite_conn_err(const struct sqlite_conn *conn, const char *doing, struct err *ret_err);
/* Borrows b until the statement is bound again. */
void sqlite_bind(sqlite3_stmt *statement, int index, struct bytes b);
/* Borrowed until the next step; never BYTES_NONE. */
struct bytes sqlite_column(sqlite3_stmt *statement, int column);

/* The stored form of an owner, in buf. */
struct bytes sqlite_owner_key(struct buf *buf, struct bytes owner);
/* Bounds (low inclusive, high exclusive) of a domain's owners, or of one owner. */
void sqlite_domain_range(struct sqlite_conn *conn, struct bytes domain);
void sqlite_owner_range(struct sqlite_conn *conn, struct bytes owner);

/* store/schema.c: creates or migrates the tables; learns the numbers of the stores. */
int sqlite_schema_open(struct sqlite_engine *engine, struct err *ret_err);

/* store/sqlite_apply.c: applies a batch inside the transaction; 0, or negative. */
int sqlite_apply(struct sqlite_conn *conn, const struct store_batch *batch,
		 bool *ret_may_free_blobs);

int sqlite_writer_start(struct sqlite_engine *engine, struct err *ret_err);
/* Takes the batches. Any thread. */
void sqlite_writer_add(struct sqlite_writer *writer, struct list *batches);
/* Commits what is queued and ends the thread. */
void sqlite_writer_stop(struct sqlite_writer *writer);

int sqlite_readers_start(struct sqlite_engine *engine, struct err *ret_err);
void sqlite_readers_add(struct sqlite_engine *engine, struct list *reads);
void sqlite_readers_stop(struct sqlite_engine *engine);
/* Any thread: lets a reader unlink files of deleted blobs when it has nothing to read. */
void sqlite_readers_sweep(struct sqlite_engine *engine);
/* store/sqlite_select.c: fills the parts, sets read->status; in a transaction. */
void sqlite_select(struct sqlite_reader *reader, struct store_read *read);

/* store/sqlite_blob.c. */
int sqlite_blobs_open(struct sqlite_engine *engine, struct err *ret_err);
/* Unlinks some files of deleted blobs and tells the writer to forget them. */
void sqlite_blobs_sweep(struct sqlite_conn *conn);
int sqlite_blob_create(struct store *store, struct blob_file **ret_file);
int sqlite_blob_append(struct blob_file *file, struct bytes chunk);
int sqlite_blob_seal(struct blob_file *file);
void sqlite_blob_publish(struct blob_file *file);
int sqlite_blob_open(struct store *store, const struct store_item *item,
		     struct blob_file **ret_file);
ptrdiff_t sqlite_blob_pread(struct blob_file *file, char *buffer, size_t size, uint64_t offset);
void sqlite_blob_close(struct blob_file **file);

#endif
