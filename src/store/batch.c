#include "store/engine.h"

enum { BATCH_CHUNK_BYTES = 1008, KEY_BYTES_MAX = 1023 };

struct store_batch *store_batch_new(struct store *store, struct bytes owner)
{
	struct arena arena;
	struct store_batch *batch;

	check_magic(store, STORE_MAGIC);
	arena_init(&arena, BATCH_CHUNK_BYTES);
	batch = arena_new(&arena, struct store_batch);
	batch->magic = STORE_BATCH_MAGIC;
	batch->store = store;
	batch->tail = &batch->first;
	batch->owner = arena_copy(&arena, owner.ptr ? owner : BYTES_LIT(""));
	batch->arena = arena;
	return batch;
}

void store_batch_free(struct store_batch **batch_at)
{
	struct arena arena;

	if (!*batch_at)
		return;
	check_magic(*batch_at, STORE_BATCH_MAGIC);
	(*batch_at)->magic = 0;
	arena = (*batch_at)->arena;
	*batch_at = NULL;
	arena_fini(&arena);
}

void store_batch_turn_to(struct store_batch *batch, struct bytes owner)
{
	check_magic(batch, STORE_BATCH_MAGIC);
	batch->is_at_other = !bytes_equal(owner, batch->owner);
	if (!batch->is_at_other)
		return;
	check(!batch->other.ptr || bytes_equal(owner, batch->other));
	if (!batch->other.ptr)
		batch->other = arena_copy(&batch->arena, owner);
}

uint32_t store_batch_count(const struct store_batch *batch)
{
	return batch->count;
}

struct store_op *store_batch_add(struct store_batch *batch, enum op_kind kind,
				 const struct store_decl *decl, struct bytes key,
				 struct bytes value)
{
	struct store_op *op;

	check_magic(batch, STORE_BATCH_MAGIC);
	check(!decl || decl->index > 0);
	check(key.len <= KEY_BYTES_MAX);
	op = arena_new(&batch->arena, struct store_op);
	op->kind = kind;
	op->decl = decl;
	op->is_others = batch->is_at_other;
	op->key = arena_copy(&batch->arena, key);
	op->value = arena_copy(&batch->arena, value);
	batch->size_bytes += sizeof(*op) + key.len + value.len;
	batch->count++;
	*batch->tail = op;
	batch->tail = &op->next;
	return op;
}

static bool has_items(const struct store_decl *decl)
{
	return decl->shape == STORE_DOC || decl->shape == STORE_MAP;
}

static void add_put(struct store_batch *batch, enum op_kind kind, const struct store_decl *decl,
		    struct bytes key, struct bytes value)
{
	check(has_items(decl));
	check(decl->shape == STORE_MAP || key.len == 0);
	store_batch_add(batch, kind, decl, key.ptr ? key : BYTES_LIT(""),
			value.ptr ? value : BYTES_LIT(""));
}

void store_put(struct store_batch *batch, const struct store_decl *decl, struct bytes key,
	       struct bytes value)
{
	add_put(batch, OP_PUT, decl, key, value);
}

void store_put_new(struct store_batch *batch, const struct store_decl *decl, struct bytes key,
		   struct bytes value)
{
	add_put(batch, OP_PUT_NEW, decl, key, value);
}

void store_del(struct store_batch *batch, const struct store_decl *decl, struct bytes key)
{
	check(has_items(decl) || decl->shape == STORE_BLOB);
	store_batch_add(batch, OP_DEL, decl, key.ptr ? key : BYTES_LIT(""), BYTES_NONE);
}

void store_put_server(struct store_batch *batch, const struct store_decl *decl,
		      struct bytes key, struct bytes value)
{
	check(decl->shape == STORE_MAP);
	store_batch_add(batch, OP_PUT, decl, key, value)->is_servers = true;
}

void store_del_server(struct store_batch *batch, const struct store_decl *decl,
		      struct bytes key)
{
	check(decl->shape == STORE_MAP);
	store_batch_add(batch, OP_DEL, decl, key, BYTES_NONE)->is_servers = true;
}

void store_del_all(struct store_batch *batch, const struct store_decl *decl)
{
	store_batch_add(batch, OP_DEL_ALL, decl, BYTES_NONE, BYTES_NONE);
}

void store_delete_owner(struct store_batch *batch)
{
	store_batch_add(batch, OP_DELETE_OWNER, NULL, BYTES_NONE, BYTES_NONE);
}

void store_delete_domain(struct store_batch *batch, struct bytes domain)
{
	store_batch_add(batch, OP_DELETE_DOMAIN, NULL, domain, BYTES_NONE);
}
