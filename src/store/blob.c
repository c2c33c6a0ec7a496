#include "store/blob.h"

#include <errno.h>

#include "base/block.h"
#include "store/engine.h"

enum { STREAM_MAGIC = 0x53626c62, STREAM_CHUNK_BYTES = 1008, KIND_BYTES_MAX = 255 };

/*
 * One operation at a time: a step that may block runs on a worker (or at once, if the engine
 * keeps blobs in memory), then `arrived` runs on the shard.
 *
 * 	put: append* -> seal -> commit -> publish -> close
 * 	get: read of the item -> open -> pread* -> close
 */
struct blob_stream {
	uint32_t magic;
	bool is_busy;
	bool is_orphan;	    /* freed by its owner while busy */
	struct arena arena; /* holds the stream itself */
	struct store *store;
	const struct store_decl *decl;
	struct bytes owner;
	struct bytes key;
	struct blob_info info;
	struct blob_file *file;
	uint64_t written_bytes;
	struct store_item item; /* of a get: what was found */
	/* The operation in flight. */
	int (*step)(struct blob_stream *);
	void (*arrived)(struct blob_stream *);
	int status;
	char *chunk; /* a block */
	size_t chunk_bytes;
	uint64_t offset;
	blob_fn *done;
	store_done_fn *stored;
	void *context;
	struct work work;
	struct store_reply reply;
};

static void stream_drop(struct blob_stream *stream)
{
	struct arena arena = stream->arena;

	block_free(stream->chunk);
	if (stream->file)
		stream->store->class->blob_close(&stream->file);
	stream->magic = 0;
	arena_fini(&arena);
}

/* ---- steps: on a worker ---- */

static int step_create(struct blob_stream *stream)
{
	if (stream->file)
		return 0;
	return stream->store->class->blob_create(stream->store, &stream->file);
}

static int step_append(struct blob_stream *stream)
{
	int status = step_create(stream);

	if (status < 0)
		return status;
	return stream->store->class->blob_append(
		stream->file, bytes_make(stream->chunk, stream->chunk_bytes));
}

static int step_seal(struct blob_stream *stream)
{
	int status = step_create(stream);

	return status < 0 ? status : stream->store->class->blob_seal(stream->file);
}

static int step_publish(struct blob_stream *stream)
{
	if (stream->store->class->blob_publish)
		stream->store->class->blob_publish(stream->file);
	return 0;
}

static int step_open(struct blob_stream *stream)
{
	return stream->store->class->blob_open(stream->store, &stream->item, &stream->file);
}

static int step_pread(struct blob_stream *stream)
{
	ptrdiff_t got = stream->store->class->blob_pread(stream->file, stream->chunk,
							 stream->chunk_bytes, stream->offset);

	if (got < 0)
		return (int)got;
	stream->chunk_bytes = (size_t)got;
	return 0;
}

static int step_close(struct blob_stream *stream)
{
	if (stream->file)
		stream->store->class->blob_close(&stream->file);
	return 0;
}

/* ---- running a step ---- */

static void stream_end(struct blob_stream *stream);

static void stream_arrived(struct blob_stream *stream)
{
	stream->is_busy = false;
	if (stream->is_orphan)
		stream_end(stream);
	else
		stream->arrived(stream);
}

static void work_run(struct work *work)
{
	struct blob_stream *stream = container_of(work, struct blob_stream, work);

	stream->status = stream->step(stream);
}

static void work_done(struct work *work)
{
	stream_arrived(container_of(work, struct blob_stream, work));
}

static void reply_arrive(struct store_reply *reply)
{
	stream_arrived(container_of(reply, struct blob_stream, reply));
}

static void reply_drop(struct store_reply *reply)
{
	stream_drop(container_of(reply, struct blob_stream, reply));
}

/* Answers with what is in stream->status, later. */
static void stream_reply(struct blob_stream *stream, void (*arrived)(struct blob_stream *))
{
	stream->is_busy = true;
	stream->arrived = arrived;
	store_reply_return(&stream->reply);
}

static void stream_start(struct blob_stream *stream, int (*step)(struct blob_stream *),
			 void (*arrived)(struct blob_stream *))
{
	check(!stream->is_busy);
	stream->step = step;
	if (!stream->store->class->is_blob_blocking) {
		stream->status = step(stream);
		stream_reply(stream, arrived);
		return;
	}
	check(stream->store->config.workers != NULL);
	stream->status = worker_post(stream->store->config.workers, &stream->work);
	if (stream->status < 0) {
		stream_reply(stream, arrived);
		return;
	}
	stream->is_busy = true;
	stream->arrived = arrived;
}

static struct blob_stream *stream_new(struct store *store, const struct store_decl *decl,
				      struct bytes owner, struct bytes key)
{
	struct arena arena;
	struct blob_stream *stream;

	check(decl->shape == STORE_BLOB && decl->index > 0);
	arena_init(&arena, STREAM_CHUNK_BYTES);
	stream = arena_new(&arena, struct blob_stream);
	stream->magic = STREAM_MAGIC;
	stream->store = store;
	stream->decl = decl;
	stream->owner = arena_copy(&arena, owner);
	stream->key = arena_copy(&arena, key);
	work_init(&stream->work, "store.blob", work_run, work_done);
	stream->reply.desk = store_desk_self(store);
	stream->reply.arrive = reply_arrive;
	stream->reply.drop = reply_drop;
	stream->arena = arena;
	return stream;
}

/* ---- the end ---- */

static void closed(struct blob_stream *stream)
{
	/* If the workers refused, the descriptor is closed here: rare, and short. */
	stream_drop(stream);
}

static void stream_end(struct blob_stream *stream)
{
	stream->is_orphan = false;
	if (stream->file)
		stream_start(stream, step_close, closed);
	else
		stream_drop(stream);
}

void blob_free(struct blob_stream **stream_at)
{
	struct blob_stream *stream = *stream_at;

	if (!stream)
		return;
	check_magic(stream, STREAM_MAGIC);
	*stream_at = NULL;
	if (stream->is_busy)
		stream->is_orphan = true;
	else
		stream_end(stream);
}

/* ---- put ---- */

struct blob_stream *blob_put_new(struct store *store, const struct store_decl *decl,
				 struct bytes owner, struct bytes key,
				 const struct blob_info *info)
{
	struct blob_stream *stream = stream_new(store, decl, owner, key);

	check(info->kind.len <= KIND_BYTES_MAX);
	stream->info = *info;
	stream->info.kind = arena_copy(&stream->arena, info->kind);
	return stream;
}

static void wrote(struct blob_stream *stream)
{
	block_free(stream->chunk);
	stream->chunk = NULL;
	if (stream->status == 0)
		stream->written_bytes += stream->chunk_bytes;
	stream->done(stream->status, BYTES_NONE, stream->context);
}

void blob_write(struct blob_stream *stream, struct bytes chunk, blob_fn *done, void *context)
{
	check_magic(stream, STREAM_MAGIC);
	check(!stream->is_busy && chunk.len > 0 && chunk.len <= BLOB_CHUNK_BYTES_MAX);
	stream->done = done;
	stream->context = context;
	if (chunk.len > stream->info.size_bytes - stream->written_bytes) {
		stream->status = -EMSGSIZE;
		stream_reply(stream, wrote);
		return;
	}
	stream->chunk = block_alloc(chunk.len);
	memcpy(stream->chunk, chunk.ptr, chunk.len);
	stream->chunk_bytes = chunk.len;
	stream_start(stream, step_append, wrote);
}

static void published(struct blob_stream *stream)
{
	/* The workers refused: a rename is short, and closing must not remove what is stored.
	 */
	if (stream->status < 0)
		step_publish(stream);
	stream_end(stream);
}

static void committed(int status, uint64_t seq, void *context)
{
	struct blob_stream *stream = context;

	stream->stored(status, seq, stream->context);
	if (status < 0) {
		stream_end(stream);
		return;
	}
	stream_start(stream, step_publish, published);
}

static struct bytes info_encode(struct arena *arena, const struct blob_info *info)
{
	struct blob_head head = {
		.size_bytes = info->size_bytes,
		.expires_ms = info->expires_ms,
	};
	char *value = arena_alloc(arena, sizeof(head) + info->kind.len);

	memcpy(value, &head, sizeof(head));
	if (info->kind.len > 0)
		memcpy(value + sizeof(head), info->kind.ptr, info->kind.len);
	return bytes_make(value, sizeof(head) + info->kind.len);
}

static void sealed(struct blob_stream *stream)
{
	struct store_batch *batch;
	struct store_op *op;

	if (stream->status < 0) {
		stream->stored(stream->status, 0, stream->context);
		stream_end(stream);
		return;
	}
	batch = store_batch_new(stream->store, stream->owner);
	op = store_batch_add(batch, OP_BLOB_PUT, stream->decl, stream->key,
			     info_encode(&stream->arena, &stream->info));
	op->file = stream->file;
	store_commit(stream->store, &batch, committed, stream);
}

void blob_commit(struct blob_stream **stream_at, store_done_fn *done, void *context)
{
	struct blob_stream *stream = *stream_at;

	check_magic(stream, STREAM_MAGIC);
	check(!stream->is_busy);
	*stream_at = NULL;
	stream->stored = done;
	stream->context = context;
	if (stream->written_bytes == stream->info.size_bytes) {
		stream_start(stream, step_seal, sealed);
		return;
	}
	stream->status = -EINVAL;
	stream_reply(stream, sealed);
}

/* ---- get ---- */

struct blob_info blob_item_info(const struct store_item *item)
{
	struct blob_head head;

	check(item->value.len >= sizeof(head));
	memcpy(&head, item->value.ptr, sizeof(head));
	return (struct blob_info){
		.size_bytes = head.size_bytes,
		.expires_ms = head.expires_ms,
		.kind = bytes_skip(item->value, sizeof(head)),
	};
}

static void opened(struct blob_stream *stream)
{
	stream->done(stream->status, BYTES_NONE, stream->context);
}

static void found(struct store_read *read, int status, void *context)
{
	struct blob_stream *stream = context;
	const struct store_item *item = status < 0 ? NULL : store_read_items(read, 0);

	stream->is_busy = false;
	stream->status = status;
	if (stream->is_orphan) {
		stream_end(stream);
		return;
	}
	if (!item) {
		stream->done(status < 0 ? status : -ENOENT, BYTES_NONE, stream->context);
		return;
	}
	stream->item.value = arena_copy(&stream->arena, item->value);
	stream->info = blob_item_info(&stream->item);
	stream_start(stream, step_open, opened);
}

struct blob_stream *blob_get_new(struct store *store, const struct store_decl *decl,
				 struct bytes owner, struct bytes key, blob_fn *done,
				 void *context)
{
	struct blob_stream *stream = stream_new(store, decl, owner, key);
	struct store_read *read = store_read_new(store, owner);
	struct store_part *part = store_read_add(read, PART_BLOBS, decl);

	part->key = arena_copy(&read->arena, key);
	stream->is_busy = true;
	stream->done = done;
	stream->context = context;
	store_read_submit(&read, found, stream);
	return stream;
}

const struct blob_info *blob_stream_info(const struct blob_stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return &stream->info;
}

static void got(struct blob_stream *stream)
{
	char *chunk = stream->chunk;

	stream->chunk = NULL;
	stream->done(stream->status,
		     stream->status < 0 ? BYTES_NONE : bytes_make(chunk, stream->chunk_bytes),
		     stream->context);
	block_free(chunk);
}

void blob_read(struct blob_stream *stream, uint64_t offset, size_t max_bytes, blob_fn *done,
	       void *context)
{
	check_magic(stream, STREAM_MAGIC);
	check(!stream->is_busy && stream->file);
	stream->done = done;
	stream->context = context;
	stream->offset = offset;
	stream->chunk_bytes =
		max_bytes < BLOB_CHUNK_BYTES_MAX ? max_bytes : BLOB_CHUNK_BYTES_MAX;
	stream->chunk = block_alloc(stream->chunk_bytes);
	stream_start(stream, step_pread, got);
}

uint32_t blob_read_list(struct store_read *read, const struct store_decl *decl)
{
	check(decl->shape == STORE_BLOB);
	store_read_add(read, PART_BLOBS, decl);
	return read->count - 1;
}

uint64_t blob_expire(struct store *store, uint64_t now_ms, store_done_fn *done, void *context)
{
	struct store_batch *batch = store_batch_new(store, BYTES_LIT(""));

	store_batch_add(batch, OP_BLOB_EXPIRE, NULL, BYTES_NONE, BYTES_NONE)->number = now_ms;
	return store_commit(store, &batch, done, context);
}
