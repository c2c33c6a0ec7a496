/*
 * The memory engine: the reference for what the store means, and a bench for tests. A mutex
 * guards it, because any shard may ask; a shard waits for nothing but that.
 */
#include "store/memory.h"

#include <errno.h>
#include <stdlib.h>

#include "store/memory_shelf.h"

static int memory_open(struct store *store, struct err *ret_err)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	check(memory != NULL);
	(void)ret_err;
	pthread_mutex_init(&memory->lock, NULL);
	table_init(&memory->owners);
	list_init(&memory->held);
	list_init(&memory->blobs);
	store->engine = memory;
	return 0;
}

static struct memory *lock(struct store *store)
{
	struct memory *memory = store->engine;

	check(store->class == &engine_memory);
	pthread_mutex_lock(&memory->lock);
	return memory;
}

static void unlock(struct memory *memory)
{
	pthread_mutex_unlock(&memory->lock);
}

/* ---- commits ---- */

static int try_commit(struct memory *memory, struct store_batch *batch)
{
	int status = store_batch_doom(batch);

	if (status == 0 && memory->commits_to_fail > 0) {
		memory->commits_to_fail--;
		status = memory->commit_status;
	}
	if (status == 0)
		status = memory_check(memory, batch);
	if (status == 0)
		memory_apply(memory, batch);
	return status;
}

static void commit(struct memory *memory, struct store_batch *batch, struct list *done)
{
	store_batch_settle(batch, try_commit(memory, batch));
	list_del(&batch->reply.list);
	list_add_tail(done, &batch->reply.list);
}

static void memory_write(struct store *store, struct list *batches)
{
	struct memory *memory = lock(store);
	struct store_batch *batch;
	struct list done;

	list_init(&done);
	if (memory->is_holding)
		list_splice_tail(&memory->held, batches);
	while ((batch = list_first(batches, struct store_batch, reply.list)))
		commit(memory, batch, &done);
	if (!list_is_empty(&done))
		metric_add(&store_groups, 1);
	unlock(memory);
	store_replies_return(&done);
}

/* The oldest held batch of the owner, or of anybody. */
static struct store_batch *held_first(struct memory *memory, const struct bytes *owner)
{
	struct list *pos;

	list_for_each (pos, &memory->held) {
		struct store_batch *batch = list_entry(pos, struct store_batch, reply.list);

		if (!owner || bytes_equal(batch->owner, *owner) ||
		    (batch->other.ptr && bytes_equal(batch->other, *owner)))
			return batch;
	}
	return NULL;
}

static size_t count_held(const struct memory *memory)
{
	const struct list *pos;
	size_t count = 0;

	list_for_each (pos, &memory->held)
		count++;
	return count;
}

void store_memory_hold(struct store *store)
{
	struct memory *memory = lock(store);

	memory->is_holding = true;
	unlock(memory);
}

size_t store_memory_held(struct store *store)
{
	struct memory *memory = lock(store);
	size_t count = count_held(memory);

	unlock(memory);
	return count;
}

static size_t release(struct store *store, size_t count, const struct bytes *owner)
{
	struct memory *memory = lock(store);
	struct store_batch *batch;
	struct list done;
	size_t released = 0;

	list_init(&done);
	while (released < count && (batch = held_first(memory, owner))) {
		commit(memory, batch, &done);
		released++;
	}
	unlock(memory);
	store_replies_return(&done);
	return released;
}

size_t store_memory_release(struct store *store, size_t count)
{
	return release(store, count, NULL);
}

bool store_memory_release_owner(struct store *store, struct bytes owner)
{
	return release(store, 1, &owner) == 1;
}

/* A cheap mixer (splitmix64): the order has to be repeatable, not unpredictable. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static struct store_batch *held_at(struct memory *memory, size_t index)
{
	struct list *pos = memory->held.next;

	while (index-- > 0)
		pos = pos->next;
	return list_entry(pos, struct store_batch, reply.list);
}

void store_memory_release_shuffled(struct store *store, uint64_t seed)
{
	struct memory *memory = lock(store);
	struct list done;
	size_t count = count_held(memory);

	list_init(&done);
	for (; count > 0; count--) {
		struct bytes owner = held_at(memory, next_random(&seed) % count)->owner;

		commit(memory, held_first(memory, &owner), &done);
	}
	unlock(memory);
	store_replies_return(&done);
}

void store_memory_resume(struct store *store)
{
	struct memory *memory = lock(store);

	memory->is_holding = false;
	unlock(memory);
	store_memory_release(store, SIZE_MAX);
}

void store_memory_fail_commits(struct store *store, uint32_t count, int status)
{
	struct memory *memory = lock(store);

	check(status < 0);
	memory->commits_to_fail = count;
	memory->commit_status = status;
	unlock(memory);
}

void store_memory_set_bucket_key(struct store *store, const uint8_t key[16])
{
	memcpy(store->bucket_key, key, sizeof(store->bucket_key));
}

void store_memory_fail_reads(struct store *store, uint32_t count, int status)
{
	struct memory *memory = lock(store);

	check(status < 0);
	memory->reads_to_fail = count;
	memory->read_status = status;
	unlock(memory);
}

/* ---- reads ---- */

static void answer(struct memory *memory, struct store_read *read)
{
	if (memory->reads_to_fail > 0) {
		memory->reads_to_fail--;
		read->status = memory->read_status;
		return;
	}
	memory_fill(memory, read);
}

static void memory_read(struct store *store, struct list *reads)
{
	struct memory *memory = lock(store);
	struct list *pos;

	list_for_each (pos, reads)
		answer(memory, list_entry(pos, struct store_read, reply.list));
	unlock(memory);
	store_replies_return(reads);
}

/* ---- blobs ---- */

struct memory_blob *memory_blob_new(struct memory *memory)
{
	struct memory_blob *blob = calloc(1, sizeof(*blob));

	check(blob != NULL);
	blob->memory = memory;
	blob->base.number = ++memory->last_file;
	blob->refs = 1;
	buf_init(&blob->data, 0);
	list_add_tail(&memory->blobs, &blob->link);
	return blob;
}

void memory_blob_unref(struct memory_blob *blob)
{
	if (--blob->refs > 0)
		return;
	list_del(&blob->link);
	buf_fini(&blob->data);
	free(blob);
}

static struct memory_blob *blob_of(struct blob_file *file)
{
	return container_of(file, struct memory_blob, base);
}

static int memory_blob_create(struct store *store, struct blob_file **ret_file)
{
	struct memory *memory = lock(store);

	*ret_file = &memory_blob_new(memory)->base;
	unlock(memory);
	return 0;
}

static int memory_blob_append(struct blob_file *file, struct bytes chunk)
{
	return buf_append(&blob_of(file)->data, chunk);
}

static int memory_blob_seal(struct blob_file *file)
{
	return blob_of(file)->data.failed ? -ENOSPC : 0;
}

static struct memory_blob *find_blob(struct memory *memory, uint64_t number)
{
	struct list *pos;

	list_for_each (pos, &memory->blobs) {
		struct memory_blob *blob = list_entry(pos, struct memory_blob, link);

		if (blob->base.number == number)
			return blob;
	}
	return NULL;
}

static int memory_blob_open(struct store *store, const struct store_item *item,
			    struct blob_file **ret_file)
{
	struct memory *memory = lock(store);
	struct memory_blob *blob;
	struct blob_head head;

	memcpy(&head, item->value.ptr, sizeof(head));
	blob = find_blob(memory, head.file);
	if (blob) {
		blob->refs++;
		*ret_file = &blob->base;
	}
	unlock(memory);
	return blob ? 0 : -ENOENT;
}

static ptrdiff_t memory_blob_pread(struct blob_file *file, char *buffer, size_t size,
				   uint64_t offset)
{
	struct bytes all = buf_bytes(&blob_of(file)->data);
	struct bytes some = bytes_first(bytes_skip(all, offset), size);

	if (some.ptr && some.len > 0)
		memcpy(buffer, some.ptr, some.len);
	return (ptrdiff_t)some.len;
}

static void memory_blob_close(struct blob_file **file_at)
{
	struct memory_blob *blob = blob_of(*file_at);
	struct memory *memory = blob->memory;

	*file_at = NULL;
	pthread_mutex_lock(&memory->lock);
	memory_blob_unref(blob);
	unlock(memory);
}

static void memory_close(struct store *store)
{
	struct memory *memory = store->engine;

	if (!memory)
		return;
	store_memory_resume(store);
	memory_drop_all(memory);
	check(list_is_empty(&memory->blobs));
	pthread_mutex_destroy(&memory->lock);
	free(memory);
	store->engine = NULL;
}

const struct engine_class engine_memory = {
	.name = "memory",
	.shapes = 1u << STORE_DOC | 1u << STORE_MAP | 1u << STORE_LOG | 1u << STORE_BLOB,
	.open = memory_open,
	.close = memory_close,
	.write = memory_write,
	.read = memory_read,
	.blob_create = memory_blob_create,
	.blob_append = memory_blob_append,
	.blob_seal = memory_blob_seal,
	.blob_open = memory_blob_open,
	.blob_pread = memory_blob_pread,
	.blob_close = memory_blob_close,
};
