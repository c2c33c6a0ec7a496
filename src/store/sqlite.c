#include "store/sqlite_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void engine_init(struct sqlite_engine *engine, struct store *store)
{
	pthread_condattr_t attr;

	engine->store = store;
	check(asprintf(&engine->path, "%s/hearth.db", store->data_dir) >= 0);
	check(asprintf(&engine->blob_dir, "%s/blobs", store->data_dir) >= 0);
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->cond, NULL);
	list_init(&engine->queue);
	pthread_mutex_init(&engine->writer.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engine->writer.cond, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&engine->writer.queue);
	engine->readers = calloc(store->config.readers, sizeof(*engine->readers));
	check(engine->readers != NULL);
}

static int sqlite_open(struct store *store, struct err *ret_err)
{
	struct sqlite_engine *engine = calloc(1, sizeof(*engine));
	int status;

	check(engine != NULL);
	/* Statistics that nobody reads would cost every allocation a global lock. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	engine_init(engine, store);
	store->engine = engine;
	status = sqlite_conn_open(&engine->writer.conn, engine, true, ret_err);
	if (status == 0)
		status = sqlite_schema_open(engine, ret_err);
	if (status == 0)
		status = sqlite_blobs_open(engine, ret_err);
	if (status == 0)
		status = checkpointer_new(&engine->checkpointer, ret_err);
	if (status == 0)
		status = sqlite_log_open(engine, ret_err);
	if (status == 0)
		status = sqlite_readers_start(engine, ret_err);
	if (status == 0)
		status = sqlite_writer_start(engine, ret_err);
	return status;
}

/* Readers first: what they sweep is told to the writer. The last connection folds the WAL. */
static void sqlite_close(struct store *store)
{
	struct sqlite_engine *engine = store->engine;

	if (!engine)
		return;
	sqlite_readers_stop(engine);
	sqlite_writer_stop(&engine->writer);
	sqlite_log_close(engine);
	checkpointer_free(&engine->checkpointer);
	sqlite_conn_close(&engine->writer.conn);
	pthread_mutex_destroy(&engine->lock);
	pthread_cond_destroy(&engine->cond);
	pthread_mutex_destroy(&engine->writer.lock);
	pthread_cond_destroy(&engine->writer.cond);
	free(engine->readers);
	free(engine->path);
	free(engine->blob_dir);
	free(engine);
	store->engine = NULL;
}

static void sqlite_write(struct store *store, struct list *batches)
{
	struct sqlite_engine *engine = store->engine;

	sqlite_writer_add(&engine->writer, batches);
}

static void sqlite_read(struct store *store, struct list *reads)
{
	sqlite_readers_add(store->engine, reads);
}

const struct engine_class engine_sqlite = {
	.name = "sqlite",
	.shapes = 1u << STORE_DOC | 1u << STORE_MAP | 1u << STORE_LOG | 1u << STORE_BLOB,
	.is_blob_blocking = true,
	.open = sqlite_open,
	.close = sqlite_close,
	.write = sqlite_write,
	.read = sqlite_read,
	.blob_create = sqlite_blob_create,
	.blob_append = sqlite_blob_append,
	.blob_seal = sqlite_blob_seal,
	.blob_publish = sqlite_blob_publish,
	.blob_open = sqlite_blob_open,
	.blob_pread = sqlite_blob_pread,
	.blob_close = sqlite_blob_close,
};
