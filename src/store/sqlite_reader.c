/* The readers: threads that take what waits and answer it in one read transaction. */
#include <errno.h>
#include <sched.h>

#include "base/block.h"
#include "base/log.h"
#include "store/sqlite_log.h"

enum { READS_MAX = 32, TRIES = 1000, STACK_BYTES = 256 << 10 };

static void answer(struct sqlite_reader *reader, struct store_read *read)
{
	sqlite_select(reader, read);
	if (read->status < 0)
		log_event(LOG_STORE, LOG_ERROR, "store.read_failed",
			  LOG_INT("status", read->status),
			  LOG_STR("reason", sqlite3_errmsg(reader->conn.db)));
}

static void reset_parts(struct store_read *read)
{
	read->status = 0;
	for (struct store_part *part = read->parts; part; part = part->next) {
		part->items = NULL;
		part->items_tail = &part->items;
		part->entries = NULL;
		part->entries_tail = &part->entries;
		part->records = NULL;
		part->records_tail = &part->records;
		part->total = 0;
		part->is_partial = false;
	}
}

/*
 * With parts of a log: memory, its files and the database are looked at one after the other,
 * and again if something has moved between them. Moves are rare and short; one that does not
 * end is a row that is missing.
 */
static void answer_with_log(struct sqlite_reader *reader, struct store_read *read)
{
	struct sqlite_conn *conn = &reader->conn;

	for (int tries = 0; tries < TRIES; tries++) {
		uint64_t version = log_reader_begin(reader->log_reader);
		bool is_whole;

		reset_parts(read);
		sqlite_conn_run(conn, SQL_COMMIT);
		sqlite_conn_run(conn, SQL_BEGIN_READ);
		sqlite_select(reader, read);
		is_whole = log_reader_end(reader->log_reader, version);
		if (is_whole && read->status != -EAGAIN)
			break;
		sched_yield();
	}
	if (read->status == -EAGAIN)
		read->status = -EIO;
	if (read->status < 0)
		log_event(LOG_STORE, LOG_ERROR, "store.read_failed",
			  LOG_INT("status", read->status));
}

/* A group shares a transaction, and so the price of its locks; results are one snapshot. */
static void answer_all(struct sqlite_reader *reader, struct list *reads)
{
	struct list *pos;

	sqlite_conn_run(&reader->conn, SQL_BEGIN_READ);
	list_for_each (pos, reads) {
		struct store_read *read = list_entry(pos, struct store_read, reply.list);

		if (log_read_is_needed(read))
			answer_with_log(reader, read);
		else
			answer(reader, read);
	}
	sqlite_conn_run(&reader->conn, SQL_COMMIT);
}

/* Fills the group, or returns false when the thread shall end; both may be empty: sweep. */
static bool take_reads(struct sqlite_engine *engine, struct list *ret_group, bool *ret_sweeps)
{
	uint32_t taken = 0;

	*ret_sweeps = false;
	pthread_mutex_lock(&engine->lock);
	while (list_is_empty(&engine->queue) && !engine->wants_sweep && !engine->is_stopping) {
		engine->idle_readers++;
		pthread_cond_wait(&engine->cond, &engine->lock);
		engine->idle_readers--;
	}
	while (taken < READS_MAX && !list_is_empty(&engine->queue)) {
		struct list *entry = engine->queue.next;

		list_del(entry);
		list_add_tail(ret_group, entry);
		taken++;
	}
	if (taken == 0 && engine->wants_sweep && !engine->is_stopping) {
		engine->wants_sweep = false;
		*ret_sweeps = true;
	}
	pthread_mutex_unlock(&engine->lock);
	return taken > 0 || *ret_sweeps;
}

static void *reader_run(void *context)
{
	struct sqlite_reader *reader = context;
	struct list group;
	bool sweeps;

	pthread_setname_np(pthread_self(), "store-reader");
	list_init(&group);
	while (take_reads(reader->conn.engine, &group, &sweeps)) {
		if (sweeps)
			sqlite_blobs_sweep(&reader->conn);
		else
			answer_all(reader, &group);
		store_replies_return(&group);
		block_collect();
	}
	scratch_fini();
	block_trim();
	return NULL;
}

void sqlite_readers_add(struct sqlite_engine *engine, struct list *reads)
{
	bool must_wake;

	pthread_mutex_lock(&engine->lock);
	list_splice_tail(&engine->queue, reads);
	must_wake = engine->idle_readers > 0;
	pthread_mutex_unlock(&engine->lock);
	if (must_wake)
		pthread_cond_signal(&engine->cond);
}

void sqlite_readers_sweep(struct sqlite_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->wants_sweep = true;
	pthread_mutex_unlock(&engine->lock);
	pthread_cond_signal(&engine->cond);
}

static int reader_start(struct sqlite_engine *engine, struct sqlite_reader *reader,
			struct err *ret_err)
{
	pthread_attr_t attr;
	int status = sqlite_conn_open(&reader->conn, engine, false, ret_err);

	if (status < 0)
		return status;
	reader->log_reader = log_reader_new(engine->log);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	status = -pthread_create(&reader->thread, &attr, reader_run, reader);
	pthread_attr_destroy(&attr);
	if (status < 0)
		return err_set(ret_err, status, "cannot start a thread that reads");
	reader->has_thread = true;
	return 0;
}

int sqlite_readers_start(struct sqlite_engine *engine, struct err *ret_err)
{
	for (uint32_t i = 0; i < engine->store->config.readers; i++) {
		int status = reader_start(engine, &engine->readers[i], ret_err);

		if (status < 0)
			return status;
	}
	return 0;
}

void sqlite_readers_stop(struct sqlite_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->is_stopping = true;
	pthread_mutex_unlock(&engine->lock);
	pthread_cond_broadcast(&engine->cond);
	for (uint32_t i = 0; i < engine->store->config.readers; i++) {
		if (engine->readers[i].has_thread)
			pthread_join(engine->readers[i].thread, NULL);
		sqlite_conn_close(&engine->readers[i].conn);
		log_reader_free(&engine->readers[i].log_reader);
	}
}
