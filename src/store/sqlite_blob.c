/*
 * Blobs of the embedded engine: files under data_dir/blobs, named by a rising number. A put
 * writes blobs/tmp/N; when the row that names it is committed, it moves to blobs/xx/N. A crash
 * in between is mended at the next start, and readers look in both places. Deletion removes the
 * row; a trigger notes the file in blob_gone, and a reader thread unlinks it when it is idle.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

struct sqlite_blob {
	struct blob_file base;
	const struct sqlite_engine *engine;
	int fd;
	bool is_unnamed; /* in tmp, and to be removed unless its row is committed */
};

static char *tmp_path(const struct sqlite_engine *engine, uint64_t number)
{
	char *path = NULL;

	check(asprintf(&path, "%s/tmp/%016" PRIx64, engine->blob_dir, number) >= 0);
	return path;
}

static char *final_path(const struct sqlite_engine *engine, uint64_t number)
{
	char *path = NULL;

	check(asprintf(&path, "%s/%02x/%016" PRIx64, engine->blob_dir,
		       (unsigned)(number & 0xff), number) >= 0);
	return path;
}

static struct sqlite_blob *blob_of(struct blob_file *file)
{
	return container_of(file, struct sqlite_blob, base);
}

static struct sqlite_blob *blob_new(const struct sqlite_engine *engine, uint64_t number, int fd)
{
	struct sqlite_blob *blob = calloc(1, sizeof(*blob));

	check(blob != NULL);
	blob->engine = engine;
	blob->base.number = number;
	blob->fd = fd;
	return blob;
}

/* ---- put ---- */

int sqlite_blob_create(struct store *store, struct blob_file **ret_file)
{
	struct sqlite_engine *engine = store->engine;
	uint64_t number = atomic_fetch_add(&engine->last_file, 1) + 1;
	char *path = tmp_path(engine, number);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status = fd < 0 ? -errno : 0;

	free(path);
	if (status < 0)
		return status;
	*ret_file = &blob_new(engine, number, fd)->base;
	blob_of(*ret_file)->is_unnamed = true;
	return 0;
}

int sqlite_blob_append(struct blob_file *file, struct bytes chunk)
{
	while (chunk.len > 0) {
		ssize_t n = write(blob_of(file)->fd, chunk.ptr, chunk.len);

		if (n < 0 && errno != EINTR)
			return errno == EDQUOT ? -ENOSPC : -errno;
		if (n > 0)
			chunk = bytes_skip(chunk, (size_t)n);
	}
	return 0;
}

static int sync_dir(const struct sqlite_engine *engine)
{
	char *path = NULL;
	int fd, status = 0;

	check(asprintf(&path, "%s/tmp", engine->blob_dir) >= 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		status = -errno;
	if (fd >= 0)
		close(fd);
	free(path);
	return status;
}

int sqlite_blob_seal(struct blob_file *file)
{
	struct sqlite_blob *blob = blob_of(file);

	if (blob->engine->store->config.durability != STORE_POWER)
		return 0;
	if (fsync(blob->fd) < 0)
		return -errno;
	return sync_dir(blob->engine);
}

static void make_final_dir(const struct sqlite_engine *engine, uint64_t number)
{
	char *path = NULL;

	check(asprintf(&path, "%s/%02x", engine->blob_dir, (unsigned)(number & 0xff)) >= 0);
	mkdir(path, 0700);
	free(path);
}

/* A failure is no loss: readers look in tmp too, and the next start moves it. */
static void move_to_final(const struct sqlite_engine *engine, uint64_t number)
{
	char *from = tmp_path(engine, number);
	char *to = final_path(engine, number);

	if (rename(from, to) < 0 && errno == ENOENT) {
		make_final_dir(engine, number);
		rename(from, to);
	}
	free(from);
	free(to);
}

void sqlite_blob_publish(struct blob_file *file)
{
	struct sqlite_blob *blob = blob_of(file);

	blob->is_unnamed = false;
	move_to_final(blob->engine, file->number);
}

void sqlite_blob_close(struct blob_file **file_at)
{
	struct sqlite_blob *blob = blob_of(*file_at);

	*file_at = NULL;
	close(blob->fd);
	if (blob->is_unnamed) {
		char *path = tmp_path(blob->engine, blob->base.number);

		unlink(path);
		free(path);
	}
	free(blob);
}

/* ---- get ---- */

static int open_at(char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status = fd < 0 ? -errno : fd;

	free(path);
	return status;
}

int sqlite_blob_open(struct store *store, const struct store_item *item,
		     struct blob_file **ret_file)
{
	struct sqlite_engine *engine = store->engine;
	struct blob_head head;
	int fd;

	memcpy(&head, item->value.ptr, sizeof(head));
	fd = open_at(final_path(engine, head.file));
	if (fd == -ENOENT)
		fd = open_at(tmp_path(engine, head.file));
	/* It may have moved between the two looks. */
	if (fd == -ENOENT)
		fd = open_at(final_path(engine, head.file));
	if (fd < 0)
		return fd;
	*ret_file = &blob_new(engine, head.file, fd)->base;
	return 0;
}

ptrdiff_t sqlite_blob_pread(struct blob_file *file, char *buffer, size_t size, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(blob_of(file)->fd, buffer, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* ---- deletion ---- */

static void unlink_file(const struct sqlite_engine *engine, uint64_t number)
{
	char *final = final_path(engine, number);
	char *tmp = tmp_path(engine, number);

	/* In this order it cannot slip through while it is being moved to its place. */
	unlink(tmp);
	unlink(final);
	free(final);
	free(tmp);
}

void sqlite_blobs_sweep(struct sqlite_conn *conn)
{
	struct sqlite_engine *engine = conn->engine;
	struct store_batch *batch = store_batch_new(engine->store, BYTES_LIT(""));
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_BLOB_GONE);
	struct list one;

	while (statement && sqlite3_step(statement) == SQLITE_ROW) {
		uint64_t number = (uint64_t)sqlite3_column_int64(statement, 0);

		unlink_file(engine, number);
		store_batch_add(batch, OP_BLOB_SWEPT, NULL, BYTES_NONE, BYTES_NONE)->number =
			number;
	}
	if (statement)
		sqlite3_reset(statement);
	if (batch->count == 0) {
		store_batch_free(&batch);
		return;
	}
	list_init(&one);
	list_add_tail(&one, &batch->reply.list);
	sqlite_writer_add(&engine->writer, &one);
}

/* ---- start ---- */

static bool is_known(struct sqlite_conn *conn, uint64_t number)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, SQL_BLOB_IS_KNOWN);
	bool known;

	/* When in doubt the file stays. */
	if (!statement)
		return true;
	sqlite3_bind_int64(statement, 1, (int64_t)number);
	known = sqlite3_step(statement) != SQLITE_DONE;
	sqlite3_reset(statement);
	return known;
}

/* What a crash left in tmp: committed, then it moves to its place; or not, then it goes. */
static void mend(struct sqlite_engine *engine, DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char *end;
		uint64_t number = strtoull(entry->d_name, &end, 16);

		if (end != entry->d_name + 16 || *end != '\0')
			continue;
		if (is_known(&engine->writer.conn, number))
			move_to_final(engine, number);
		else
			unlink_file(engine, number);
	}
}

int sqlite_blobs_open(struct sqlite_engine *engine, struct err *ret_err)
{
	char *path = NULL;
	DIR *dir;
	int status = 0;

	mkdir(engine->blob_dir, 0700);
	check(asprintf(&path, "%s/tmp", engine->blob_dir) >= 0);
	mkdir(path, 0700);
	dir = opendir(path);
	if (!dir) {
		status = err_set(ret_err, -errno, "cannot open %s: %s", path, strerror(errno));
	} else {
		mend(engine, dir);
		closedir(dir);
	}
	free(path);
	engine->last_file = (uint64_t)sqlite_conn_integer(
		&engine->writer.conn,
		"SELECT max((SELECT ifnull(max(file), 0) FROM blob), "
		"(SELECT ifnull(max(file), 0) FROM blob_gone))",
		0);
	return status;
}
