#include "store/sqlite_log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* Months other than the newest that the writer keeps open. */
enum { OPEN_MONTHS_MAX = 3, STACK_BYTES = 64 << 10 };

/* ---- the list ---- */

static bool comes_before(const struct month *month, uint32_t number, uint32_t retention)
{
	if (month->number != number)
		return month->number > number;
	return month->retention < retention;
}

struct month *sqlite_log_find_month(const struct sqlite_log *log, uint32_t number,
				    uint32_t retention)
{
	for (struct month *month = log->months; month; month = month->next) {
		if (month->number == number && month->retention == retention)
			return month;
	}
	return NULL;
}

static char *month_path(const struct sqlite_log *log, uint32_t number, uint32_t retention)
{
	char *path = NULL;

	check(asprintf(&path, "%s/%u-%04u-%02u.db", log->dir, retention, number / 12,
		       number % 12 + 1) >= 0);
	return path;
}

struct month *sqlite_log_month(struct sqlite_log *log, uint32_t number, uint32_t retention)
{
	struct month *month = sqlite_log_find_month(log, number, retention);
	struct month **place = &log->months;

	if (month)
		return month;
	month = calloc(1, sizeof(*month));
	check(month != NULL);
	month->number = number;
	month->retention = retention;
	month->path = month_path(log, number, retention);
	month->refs = 1;
	table_init(&month->names);
	arena_init(&month->name_arena, 32 << 10);
	pthread_mutex_lock(&log->lock);
	while (*place && comes_before(*place, number, retention))
		place = &(*place)->next;
	month->next = *place;
	*place = month;
	pthread_mutex_unlock(&log->lock);
	return month;
}

void sqlite_log_unref(struct sqlite_log *log, struct month *month)
{
	uint32_t refs;

	pthread_mutex_lock(&log->lock);
	refs = --month->refs;
	pthread_mutex_unlock(&log->lock);
	if (refs > 0)
		return;
	log_hot_free(&month->active);
	log_hot_free(&month->frozen);
	table_fini(&month->names);
	arena_fini(&month->name_arena);
	free(month->path);
	free(month);
}

/* ---- the writer's connections ---- */

/* As long as log_expired names a month, a start would take a new file for the old one. */
static int forget_expired(struct sqlite_log *log)
{
	int status = 0;

	if (log->has_expired)
		status = sqlite_conn_run(&log->engine->writer.conn, SQL_LOG_EXPIRED_DEL);
	if (status == 0)
		log->has_expired = false;
	return status;
}

static void close_month(struct month *month)
{
	checkpoint_free(&month->checkpoint);
	month_conn_close(&month->conn);
	table_fini(&month->names);
	table_init(&month->names);
	arena_fini(&month->name_arena);
}

/* The last one to write folds its log, so that the file is whole when nobody has it open. */
static void fold_month(struct month *month)
{
	if (month->conn.db) {
		sqlite3_wal_checkpoint_v2(month->conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
					  NULL, NULL);
		sqlite3_db_config(month->conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	}
	close_month(month);
}

/* What is in use in this group is newer than what is closed here. */
static void close_oldest(struct sqlite_log *log)
{
	struct month *oldest = NULL;
	uint32_t open = 0;

	for (struct month *month = log->months; month; month = month->next) {
		if (!month->conn.db)
			continue;
		open++;
		if (!oldest || month->last_use < oldest->last_use)
			oldest = month;
	}
	if (open > OPEN_MONTHS_MAX + 1 && !oldest->sorted)
		fold_month(oldest);
}

int sqlite_log_use(struct sqlite_log *log, struct month *month, struct err *ret_err)
{
	int status;

	month->last_use = ++log->use;
	if (month->conn.db)
		return 0;
	if (mkdir(log->dir, 0700) < 0 && errno != EEXIST)
		return err_set(ret_err, -errno, "cannot make %s: %s", log->dir,
			       strerror(errno));
	close_oldest(log);
	status = forget_expired(log);
	if (status < 0)
		return sqlite_conn_err(&log->engine->writer.conn, "write", ret_err);
	status = month_conn_open(&month->conn, month->path, MONTH_CREATE,
				 &log->engine->store->config, ret_err);
	if (status < 0)
		return status;
	month->checkpoint =
		checkpoint_new(log->engine->checkpointer, month->conn.db, month->path);
	pthread_mutex_lock(&log->lock);
	month->is_made = true;
	pthread_mutex_unlock(&log->lock);
	return 0;
}

/* ---- removing files ---- */

struct log_unlinker {
	struct log_unlinker *next;
	pthread_t thread;
	char *path;
};

/* A file of gigabytes takes the kernel a second: nobody shall wait for that. */
static void *unlink_run(void *context)
{
	struct log_unlinker *unlinker = context;
	static const char *const tails[] = { "-wal", "-shm", "" };

	pthread_setname_np(pthread_self(), "store-unlinker");
	for (size_t i = 0; i < array_len(tails); i++) {
		char *path = NULL;

		check(asprintf(&path, "%s%s", unlinker->path, tails[i]) >= 0);
		unlink(path);
		free(path);
	}
	return NULL;
}

void log_unlink_wait(struct sqlite_log *log)
{
	struct log_unlinker *unlinker;

	while ((unlinker = log->unlinker)) {
		log->unlinker = unlinker->next;
		pthread_join(unlinker->thread, NULL);
		free(unlinker->path);
		free(unlinker);
	}
}

void log_unlink(struct sqlite_log *log, const char *path)
{
	struct log_unlinker *unlinker = calloc(1, sizeof(*unlinker));
	pthread_attr_t attr;
	int error;

	check(unlinker != NULL);
	unlinker->path = strdup(path);
	check(unlinker->path != NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = pthread_create(&unlinker->thread, &attr, unlink_run, unlinker);
	pthread_attr_destroy(&attr);
	if (error) {
		unlink_run(unlinker);
		free(unlinker->path);
		free(unlinker);
		return;
	}
	unlinker->next = log->unlinker;
	log->unlinker = unlinker;
}

/* The log first: without its database it is nobody's, but not the other way round. */
static void set_aside(struct sqlite_log *log, const char *path)
{
	static const char *const tails[] = { "-wal", "-shm", "" };
	char *base = NULL;

	check(asprintf(&base, "%s/gone-%" PRIx64 "-%u", log->dir, clock_real_us(),
		       ++log->unlinked) >= 0);
	for (size_t i = 0; i < array_len(tails); i++) {
		char *from = NULL, *to = NULL;

		check(asprintf(&from, "%s%s", path, tails[i]) >= 0);
		check(asprintf(&to, "%s%s", base, tails[i]) >= 0);
		rename(from, to);
		free(from);
		free(to);
	}
	log_unlink(log, base);
	free(base);
}

static struct month *take_expired(struct sqlite_log *log, uint32_t retention,
				  uint32_t before_month)
{
	struct month **place = &log->months;
	struct month *month;

	for (; (month = *place); place = &month->next) {
		if (month->retention != retention || month->number >= before_month)
			continue;
		pthread_mutex_lock(&log->lock);
		*place = month->next;
		month->is_gone = true;
		log->version++;
		pthread_mutex_unlock(&log->lock);
		return month;
	}
	return NULL;
}

void sqlite_log_set_aside(struct sqlite_log *log, uint32_t retention, uint32_t before_month)
{
	struct month *month;

	while ((month = take_expired(log, retention, before_month))) {
		if (log->record_month == month)
			log->record_month = NULL;
		close_month(month);
		set_aside(log, month->path);
		sqlite_log_unref(log, month);
	}
}

void sqlite_log_expire(struct sqlite_log *log, uint32_t retention, uint32_t before_month)
{
	sqlite_log_set_aside(log, retention, before_month);
	log->has_expired = true;
	forget_expired(log);
}

/* ---- opening and closing ---- */

/* CLASS-YYYY-MM.db */
static bool parse_name(const char *name, uint32_t *ret_number, uint32_t *ret_retention)
{
	unsigned retention, year, month;
	int end = 0;

	if (sscanf(name, "%u-%4u-%2u.db%n", &retention, &year, &month, &end) != 3 || end == 0 ||
	    name[end] != '\0' || month < 1 || month > 12 || retention >= LOG_RETENTIONS)
		return false;
	*ret_number = year * 12 + month - 1;
	*ret_retention = retention;
	return true;
}

static int list_months(struct sqlite_log *log, struct err *ret_err)
{
	DIR *dir = opendir(log->dir);
	struct dirent *entry;
	uint32_t number, retention;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_set(ret_err, -errno, "cannot read %s: %s", log->dir,
			       strerror(errno));
	while ((entry = readdir(dir))) {
		if (parse_name(entry->d_name, &number, &retention))
			sqlite_log_month(log, number, retention);
		else if (strncmp(entry->d_name, "gone-", 5) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return 0;
}

int sqlite_log_open(struct sqlite_engine *engine, struct err *ret_err)
{
	struct sqlite_log *log = calloc(1, sizeof(*log));
	int status;

	check(log != NULL);
	engine->log = log;
	log->engine = engine;
	check(asprintf(&log->dir, "%s/log", engine->store->data_dir) >= 0);
	pthread_mutex_init(&log->lock, NULL);
	arena_init(&log->arena, 8 << 10);
	buf_init(&log->buf, 0);
	buf_init(&log->content, 0);
	status = list_months(log, ret_err);
	return status == 0 ? sqlite_log_load(log, ret_err) : status;
}

/* Ids that were given and not stored must not be given again, if the clock goes back. */
static void keep_last_id(struct sqlite_log *log)
{
	struct sqlite_conn *conn = &log->engine->writer.conn;
	const struct store *store = log->engine->store;
	uint64_t last = 0;
	char sql[100];

	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		const struct store_desk *desk = atomic_load(&store->desks[i]);

		if (desk && desk->last_log_id > last)
			last = desk->last_log_id;
	}
	if (last == 0 || last == store->last_log_id)
		return;
	snprintf(sql, sizeof(sql), "UPDATE log_state SET last_id = max(last_id, %" PRId64 ")",
		 (int64_t)last);
	sqlite_conn_exec(conn, sql);
}

void sqlite_log_close(struct sqlite_engine *engine)
{
	struct sqlite_log *log = engine->log;
	struct month *month;
	struct log_gone *gone;

	if (!log)
		return;
	keep_last_id(log);
	engine->log = NULL;
	while ((month = log->months)) {
		log->months = month->next;
		fold_month(month);
		sqlite_log_unref(log, month);
	}
	while ((gone = log->gone)) {
		log->gone = gone->next;
		free(gone);
	}
	log_unlink_wait(log);
	log_records_free(&log->records);
	log_records_free(&log->frozen_records);
	buf_fini(&log->buf);
	buf_fini(&log->content);
	arena_fini(&log->arena);
	pthread_mutex_destroy(&log->lock);
	free(log->dir);
	free(log);
}
