/*
 * The writer: one thread, one connection, all commits. What waits is committed as one group, at
 * most 32 batches; each batch is a savepoint, so that a bad one fails alone.
 *
 * A group closes when it has as many batches as the one before it had, or GROUP_MS after the
 * writer began to wait: under load that gathers what the shards have in flight without waiting
 * in vain, and after a group of one the next write is committed at once.
 */
#include <errno.h>
#include <time.h>

#include "base/block.h"
#include "base/log.h"
#include "store/sqlite_log.h"

enum {
	GROUP_MAX = LOG_GROUP_MAX,
	REMOVE_EVERY = 16, /* groups: then some of what is deleted is removed */
	GROUP_MS_PROCESS = 2,
	GROUP_MS_POWER = 5,
	STACK_BYTES = 256 << 10,
};

/* ---- one group ---- */

static int apply_single(struct sqlite_writer *writer, const struct store_batch *batch)
{
	return sqlite_apply(&writer->conn, batch, &writer->may_have_freed_blobs);
}

/* A statement that fails undoes itself, so only what takes several needs a savepoint. */
static bool is_simple(const struct store_batch *batch)
{
	return batch->count == 0 || (batch->count == 1 && batch->first->kind <= OP_DEL);
}

static int apply(struct sqlite_writer *writer, const struct store_batch *batch)
{
	struct sqlite_conn *conn = &writer->conn;
	int status;

	if (is_simple(batch))
		return apply_single(writer, batch);
	status = sqlite_conn_run(conn, SQL_SAVEPOINT);
	if (status < 0)
		return status;
	status = apply_single(writer, batch);
	if (status < 0 && !sqlite3_get_autocommit(conn->db))
		sqlite_conn_run(conn, SQL_ROLLBACK_TO);
	if (!sqlite3_get_autocommit(conn->db))
		sqlite_conn_run(conn, SQL_RELEASE);
	return status;
}

/* Full disks and I/O errors may end the whole transaction: then so does this. */
static int apply_all(struct sqlite_writer *writer, struct list *batches)
{
	struct list *pos;

	list_for_each (pos, batches) {
		struct store_batch *batch = list_entry(pos, struct store_batch, reply.list);
		int status;

		if (batch->is_settled)
			continue;
		status = store_batch_doom(batch);
		if (status == 0)
			status = apply(writer, batch);
		batch->is_settled = status < 0;
		if (status < 0)
			store_batch_settle(batch, status);
		if (sqlite3_get_autocommit(writer->conn.db))
			return status;
	}
	return 0;
}

static void settle_rest(struct list *batches, int status)
{
	struct list *pos;

	list_for_each (pos, batches) {
		struct store_batch *batch = list_entry(pos, struct store_batch, reply.list);

		if (!batch->is_settled)
			store_batch_settle(batch, status);
	}
}

static int run_transaction(struct sqlite_writer *writer, struct list *batches)
{
	struct sqlite_conn *conn = &writer->conn;
	int status = sqlite_conn_run(conn, SQL_BEGIN);

	if (status == 0)
		status = sqlite_log_forget_pending(conn);
	if (status == 0)
		status = apply_all(writer, batches);
	if (status == 0)
		status = sqlite_conn_run(conn, SQL_COMMIT);
	if (!sqlite3_get_autocommit(conn->db))
		sqlite_conn_run(conn, SQL_ROLLBACK);
	return status;
}

static void log_failure(const struct sqlite_writer *writer, int status)
{
	log_event(LOG_STORE, LOG_ERROR, "store.commit_failed", LOG_INT("status", status),
		  LOG_STR("reason", sqlite3_errmsg(writer->conn.db)));
}

/* Batches without a desk are the engine's own. */
static void free_own(struct list *batches)
{
	struct list *pos, *next;

	list_for_each_safe (pos, next, batches) {
		struct store_batch *batch = list_entry(pos, struct store_batch, reply.list);

		if (batch->reply.desk)
			continue;
		list_del(pos);
		store_batch_free(&batch);
	}
}

static bool is_any_left(struct list *batches)
{
	struct list *pos;

	list_for_each (pos, batches) {
		if (!list_entry(pos, struct store_batch, reply.list)->is_settled)
			return true;
	}
	return false;
}

/* It is a group of its own: nothing is on its way while it happens. */
static bool is_expiry(struct list *entry)
{
	const struct store_batch *batch = list_entry(entry, struct store_batch, reply.list);

	return batch->first && batch->first->kind == OP_LOG_EXPIRE;
}

/* Records in an expired month's journal must be in their table first. */
static int prepare_expiry(struct sqlite_log *log, struct list *batches)
{
	return is_expiry(batches->next) ? sqlite_log_flush_all_records(log) : 0;
}

static void commit_group(struct sqlite_writer *writer, struct list *batches)
{
	struct sqlite_log *log = writer->conn.engine->log;
	int status = 0;

	sqlite_log_begin_group(log, batches);
	if (is_any_left(batches)) {
		status = prepare_expiry(log, batches);
		if (status == 0)
			status = run_transaction(writer, batches);
	}
	if (status < 0)
		log_failure(writer, status);
	sqlite_log_end_group(log, status);
	metric_add(&store_groups, 1);
	settle_rest(batches, status);
	free_own(batches);
	store_replies_return(batches);
}

/* ---- after a group ---- */

static void look_after_blobs(struct sqlite_writer *writer)
{
	struct sqlite_conn *conn = &writer->conn;
	sqlite3_stmt *statement;

	if (!writer->may_have_freed_blobs)
		return;
	writer->may_have_freed_blobs = false;
	statement = sqlite_conn_get(conn, SQL_BLOB_IS_GONE);
	if (!statement)
		return;
	if (sqlite3_step(statement) == SQLITE_ROW)
		sqlite_readers_sweep(conn->engine);
	sqlite3_reset(statement);
}

/* ---- the queue ---- */

void sqlite_writer_add(struct sqlite_writer *writer, struct list *batches)
{
	struct list *pos;
	uint32_t count = 0;
	bool must_wake;

	list_for_each (pos, batches)
		count++;
	pthread_mutex_lock(&writer->lock);
	list_splice_tail(&writer->queue, batches);
	writer->queued += count;
	must_wake = writer->wanted > 0 && writer->queued >= writer->wanted;
	if (must_wake)
		writer->wanted = 0;
	pthread_mutex_unlock(&writer->lock);
	if (must_wake)
		pthread_cond_signal(&writer->cond);
}

/* How long the kernel lets this thread sleep is not the server's time, which tests move. */
static void wait_for(struct sqlite_writer *writer, uint32_t count, uint32_t timeout_ms)
{
	struct timespec until;
	int status = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (writer->queued < count && !writer->is_stopping && status == 0) {
		writer->wanted = count;
		if (timeout_ms > 0)
			status = pthread_cond_timedwait(&writer->cond, &writer->lock, &until);
		else
			status = pthread_cond_wait(&writer->cond, &writer->lock);
	}
	writer->wanted = 0;
}

/* Does what can be done when there is nothing to commit, until there is. */
static void wait_for_any(struct sqlite_writer *writer)
{
	struct sqlite_log *log = writer->conn.engine->log;

	while (writer->queued == 0 && !writer->is_stopping && sqlite_log_has_work(log)) {
		uint32_t timeout_ms;

		pthread_mutex_unlock(&writer->lock);
		timeout_ms = sqlite_log_idle(log);
		checkpoint_turn(writer->checkpoint);
		if (timeout_ms > 0)
			checkpoint_idle(writer->checkpoint);
		pthread_mutex_lock(&writer->lock);
		if (timeout_ms > 0)
			wait_for(writer, 1, timeout_ms);
	}
	wait_for(writer, 1, 0);
}

/* Returns false when there is nothing left and the thread shall end. */
static bool take_group(struct sqlite_writer *writer, struct list *ret_group)
{
	bool is_power = writer->conn.engine->store->config.durability == STORE_POWER;
	uint32_t taken = 0;

	pthread_mutex_lock(&writer->lock);
	if (writer->expected > 1)
		wait_for(writer, writer->expected,
			 is_power ? GROUP_MS_POWER : GROUP_MS_PROCESS);
	wait_for_any(writer);
	while (taken < GROUP_MAX && !list_is_empty(&writer->queue)) {
		struct list *entry = writer->queue.next;
		bool is_alone = is_expiry(entry);

		if (is_alone && taken > 0)
			break;
		list_del(entry);
		list_add_tail(ret_group, entry);
		taken++;
		if (is_alone)
			break;
	}
	writer->queued -= taken;
	pthread_mutex_unlock(&writer->lock);
	writer->expected = taken;
	return taken > 0;
}

static void look_after_log(struct sqlite_writer *writer)
{
	struct sqlite_log *log = writer->conn.engine->log;

	sqlite_log_flush_records(log, 4 * writer->expected + 8);
	if (log->gone && ++writer->groups % REMOVE_EVERY == 0)
		sqlite_log_remove(log);
	for (struct month *month = log->months; month; month = month->next) {
		if (month->checkpoint)
			checkpoint_turn(month->checkpoint);
	}
	checkpoint_turn(writer->checkpoint);
}

static void *writer_run(void *context)
{
	struct sqlite_writer *writer = context;
	struct list group;

	pthread_setname_np(pthread_self(), "store-writer");
	list_init(&group);
	while (take_group(writer, &group)) {
		commit_group(writer, &group);
		look_after_log(writer);
		look_after_blobs(writer);
		block_collect();
	}
	scratch_fini();
	block_trim();
	return NULL;
}

int sqlite_writer_start(struct sqlite_engine *engine, struct err *ret_err)
{
	struct sqlite_writer *writer = &engine->writer;
	pthread_attr_t attr;
	int error;

	writer->checkpoint =
		checkpoint_new(engine->checkpointer, writer->conn.db, engine->path);
	writer->may_have_freed_blobs = true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = pthread_create(&writer->thread, &attr, writer_run, writer);
	pthread_attr_destroy(&attr);
	if (error)
		return err_set(ret_err, -error, "cannot start the thread that writes");
	writer->has_thread = true;
	return 0;
}

void sqlite_writer_stop(struct sqlite_writer *writer)
{
	if (!writer->has_thread)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	pthread_mutex_unlock(&writer->lock);
	pthread_cond_signal(&writer->cond);
	pthread_join(writer->thread, NULL);
	writer->has_thread = false;
	checkpoint_free(&writer->checkpoint);
}
