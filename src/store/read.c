#include "store/engine.h"

enum { READ_CHUNK_BYTES = 2032 };

struct store_read *store_read_new(struct store *store, struct bytes owner)
{
	struct arena arena;
	struct store_read *read;

	check_magic(store, STORE_MAGIC);
	arena_init(&arena, READ_CHUNK_BYTES);
	read = arena_new(&arena, struct store_read);
	read->magic = STORE_READ_MAGIC;
	read->store = store;
	read->tail = &read->parts;
	read->owner = arena_copy(&arena, owner.ptr ? owner : BYTES_LIT(""));
	read->arena = arena;
	return read;
}

void store_read_free(struct store_read **read_at)
{
	struct arena arena;

	if (!*read_at)
		return;
	check_magic(*read_at, STORE_READ_MAGIC);
	(*read_at)->magic = 0;
	arena = (*read_at)->arena;
	*read_at = NULL;
	arena_fini(&arena);
}

struct store_part *store_read_add(struct store_read *read, enum part_kind kind,
				  const struct store_decl *decl)
{
	struct store_part *part;

	check_magic(read, STORE_READ_MAGIC);
	check(!decl || decl->index > 0);
	part = arena_new(&read->arena, struct store_part);
	part->kind = kind;
	part->decl = decl;
	part->items_tail = &part->items;
	part->entries_tail = &part->entries;
	part->records_tail = &part->records;
	*read->tail = part;
	read->tail = &part->next;
	read->count++;
	return part;
}

uint32_t store_read_get(struct store_read *read, const struct store_decl *decl,
			struct bytes key)
{
	struct store_part *part = store_read_add(read, PART_GET, decl);

	check(decl->shape == STORE_DOC || decl->shape == STORE_MAP);
	part->key = arena_copy(&read->arena, key.ptr ? key : BYTES_LIT(""));
	return read->count - 1;
}

uint32_t store_read_scan(struct store_read *read, const struct store_decl *decl,
			 struct bytes prefix, struct bytes after, uint32_t limit)
{
	struct store_part *part = store_read_add(read, PART_SCAN, decl);

	check(decl->shape == STORE_DOC || decl->shape == STORE_MAP);
	part->key = arena_copy(&read->arena, prefix.ptr ? prefix : BYTES_LIT(""));
	part->after = arena_copy(&read->arena, after);
	part->limit = limit;
	return read->count - 1;
}

uint32_t store_read_each(struct store_read *read)
{
	store_read_add(read, PART_EACH, NULL);
	return read->count - 1;
}

uint32_t store_read_owners(struct store_read *read, struct bytes domain, struct bytes after,
			   uint32_t limit)
{
	struct store_part *part = store_read_add(read, PART_OWNERS, NULL);

	part->key = arena_copy(&read->arena, domain.ptr ? domain : BYTES_LIT(""));
	part->after = arena_copy(&read->arena, after);
	part->limit = limit;
	return read->count - 1;
}

struct store_part *store_read_part(const struct store_read *read, uint32_t number)
{
	struct store_part *part = read->parts;

	check_magic(read, STORE_READ_MAGIC);
	check(number < read->count);
	while (number-- > 0)
		part = part->next;
	return part;
}

struct bytes store_read_value(const struct store_read *read, uint32_t part)
{
	const struct store_item *item = store_read_part(read, part)->items;

	return item ? item->value : BYTES_NONE;
}

const struct store_item *store_read_items(const struct store_read *read, uint32_t part)
{
	return store_read_part(read, part)->items;
}

bool store_read_is_partial(const struct store_read *read, uint32_t part)
{
	return store_read_part(read, part)->is_partial;
}

struct store_read *store_read_take(struct store_read *read)
{
	check_magic(read, STORE_READ_MAGIC);
	read->is_taken = true;
	return read;
}

struct arena *store_read_arena(struct store_read *read)
{
	return &read->arena;
}

void store_get(struct store *store, struct bytes owner, const struct store_decl *decl,
	       struct bytes key, store_read_fn *done, void *context)
{
	struct store_read *read = store_read_new(store, owner);

	store_read_get(read, decl, key);
	store_read_submit(&read, done, context);
}

void store_scan(struct store *store, struct bytes owner, const struct store_decl *decl,
		struct bytes prefix, store_read_fn *done, void *context)
{
	struct store_read *read = store_read_new(store, owner);

	store_read_scan(read, decl, prefix, BYTES_NONE, 0);
	store_read_submit(&read, done, context);
}

void store_part_add_item(struct store_read *read, struct store_part *part,
			 const struct store_decl *decl, struct bytes key, struct bytes value)
{
	struct store_item *item = arena_new(&read->arena, struct store_item);

	item->decl = decl;
	item->key = arena_copy(&read->arena, key.ptr ? key : BYTES_LIT(""));
	item->value = arena_copy(&read->arena, value.ptr ? value : BYTES_LIT(""));
	*part->items_tail = item;
	part->items_tail = &item->next;
}

void store_part_add_entry(struct store_read *read, struct store_part *part,
			  const struct log_entry *entry)
{
	*part->entries_tail = log_entry_copy(&read->arena, entry);
	part->entries_tail = &(*part->entries_tail)->next;
}

void store_part_add_record(struct store_read *read, struct store_part *part,
			   const struct log_conversation *record)
{
	*part->records_tail = log_conversation_copy(&read->arena, record);
	part->records_tail = &(*part->records_tail)->next;
}
