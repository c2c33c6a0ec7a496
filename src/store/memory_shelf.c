#include "store/memory_shelf.h"

#include <stdlib.h>

/* ---- owners and shelves ---- */

struct memory_owner *memory_owner_find(const struct memory *memory, struct bytes name)
{
	return table_find(&memory->owners, name);
}

static struct memory_owner *owner_get(struct memory *memory, struct bytes name)
{
	struct memory_owner *owner = memory_owner_find(memory, name);

	if (owner)
		return owner;
	owner = calloc(1, sizeof(*owner) + name.len + 1);
	check(owner != NULL);
	memcpy(owner + 1, name.ptr, name.len);
	owner->name = bytes_make(owner + 1, name.len);
	table_put(&memory->owners, owner->name, owner);
	return owner;
}

struct shelf *shelf_find(const struct memory_owner *owner, const struct store_decl *decl)
{
	for (struct shelf *shelf = owner ? owner->shelves : NULL; shelf; shelf = shelf->next) {
		if (shelf->decl == decl)
			return shelf;
	}
	return NULL;
}

static struct shelf *shelf_get(struct memory *memory, struct bytes name,
			       const struct store_decl *decl)
{
	struct memory_owner *owner = owner_get(memory, name);
	struct shelf **place = &owner->shelves;
	struct shelf *shelf = shelf_find(owner, decl);

	if (shelf)
		return shelf;
	shelf = calloc(1, sizeof(*shelf));
	check(shelf != NULL);
	shelf->decl = decl;
	while (*place && (*place)->decl->index < decl->index)
		place = &(*place)->next;
	shelf->next = *place;
	*place = shelf;
	return shelf;
}

/* Makes room for one more pointer in a sorted array, at index. */
static void **array_open(void ***array, size_t *count, size_t *room, size_t index)
{
	if (*count == *room) {
		*room = *room ? *room * 2 : 4;
		*array = realloc(*array, *room * sizeof(void *));
		check(*array != NULL);
	}
	memmove(*array + index + 1, *array + index, (*count - index) * sizeof(void *));
	++*count;
	return *array + index;
}

static void array_close(void **array, size_t *count, size_t index)
{
	--*count;
	memmove(array + index, array + index + 1, (*count - index) * sizeof(void *));
}

/* ---- items ---- */

size_t shelf_lower_bound(const struct shelf *shelf, struct bytes key)
{
	size_t low = 0, high = shelf->item_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (bytes_compare(shelf->items[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct shelf_item *shelf_item_find(const struct shelf *shelf, struct bytes key)
{
	size_t index;

	if (!shelf)
		return NULL;
	index = shelf_lower_bound(shelf, key);
	if (index < shelf->item_count && bytes_equal(shelf->items[index]->key, key))
		return shelf->items[index];
	return NULL;
}

static struct shelf_item *item_new(struct bytes key, struct bytes value)
{
	struct shelf_item *item = calloc(1, sizeof(*item) + key.len + value.len + 1);
	char *copy = (char *)(item + 1);

	check(item != NULL);
	memcpy(copy, key.ptr, key.len);
	if (value.len > 0)
		memcpy(copy + key.len, value.ptr, value.len);
	item->key = bytes_make(copy, key.len);
	item->value = bytes_make(copy + key.len, value.len);
	return item;
}

static void item_free(struct shelf_item *item)
{
	if (item->blob)
		memory_blob_unref(item->blob);
	free(item);
}

static struct shelf_item *shelf_put(struct shelf *shelf, struct bytes key, struct bytes value)
{
	struct shelf_item *item = item_new(key, value);
	size_t index = shelf_lower_bound(shelf, key);

	if (index < shelf->item_count && bytes_equal(shelf->items[index]->key, key)) {
		item_free(shelf->items[index]);
		shelf->items[index] = item;
		return item;
	}
	*array_open((void ***)&shelf->items, &shelf->item_count, &shelf->item_room, index) =
		item;
	return item;
}

static void shelf_del_at(struct shelf *shelf, size_t index)
{
	item_free(shelf->items[index]);
	array_close((void **)shelf->items, &shelf->item_count, index);
}

static void shelf_del(struct shelf *shelf, struct bytes key)
{
	size_t index;

	if (!shelf)
		return;
	index = shelf_lower_bound(shelf, key);
	if (index < shelf->item_count && bytes_equal(shelf->items[index]->key, key))
		shelf_del_at(shelf, index);
}

/* ---- entries ---- */

size_t shelf_entry_bound(const struct shelf *shelf, uint64_t id)
{
	size_t low = 0, high = shelf->entry_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (shelf->entries[middle]->entry->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct memory_entry *entry_new(const struct log_entry *entry)
{
	struct memory_entry *kept = calloc(1, sizeof(*kept));

	check(kept != NULL);
	arena_init(&kept->arena, 512);
	kept->entry = log_entry_copy(&kept->arena, entry);
	return kept;
}

static void entry_free(struct memory_entry *kept)
{
	arena_fini(&kept->arena);
	free(kept);
}

static void shelf_append(struct shelf *shelf, const struct log_entry *entry)
{
	size_t index = shelf_entry_bound(shelf, entry->id);

	*array_open((void ***)&shelf->entries, &shelf->entry_count, &shelf->entry_room, index) =
		entry_new(entry);
}

static void shelf_import(struct shelf *shelf, const struct log_entry *entry)
{
	size_t index = shelf_entry_bound(shelf, entry->id);

	if (index == shelf->entry_count || shelf->entries[index]->entry->id != entry->id)
		shelf_append(shelf, entry);
}

static void shelf_amend(struct shelf *shelf, const struct log_entry *change)
{
	size_t index = shelf ? shelf_entry_bound(shelf, change->id) : 0;
	struct memory_entry *old;
	struct log_entry amended;

	if (!shelf || index == shelf->entry_count ||
	    shelf->entries[index]->entry->id != change->id)
		return;
	old = shelf->entries[index];
	amended = *old->entry;
	amended.kind = change->kind;
	amended.flags = change->flags;
	amended.refers_to = change->refers_to;
	amended.audience = change->audience;
	amended.bytes = change->bytes;
	shelf->entries[index] = entry_new(&amended);
	entry_free(old);
}

static void shelf_trim(struct shelf *shelf, struct bytes conversation, uint64_t before_id)
{
	size_t kept = 0;

	for (size_t i = 0; shelf && i < shelf->entry_count; i++) {
		struct memory_entry *entry = shelf->entries[i];

		if (entry->entry->id < before_id &&
		    (bytes_is_none(conversation) ||
		     bytes_equal(entry->entry->conversation, conversation)))
			entry_free(entry);
		else
			shelf->entries[kept++] = entry;
	}
	if (shelf)
		shelf->entry_count = kept;
}

/* ---- whole shelves and owners ---- */

static void shelf_clear(struct shelf *shelf)
{
	if (!shelf)
		return;
	for (size_t i = 0; i < shelf->item_count; i++)
		item_free(shelf->items[i]);
	for (size_t i = 0; i < shelf->entry_count; i++)
		entry_free(shelf->entries[i]);
	shelf->item_count = shelf->entry_count = 0;
}

static void owner_drop(struct memory *memory, struct memory_owner *owner)
{
	struct shelf *shelf;

	if (!owner)
		return;
	while ((shelf = owner->shelves)) {
		owner->shelves = shelf->next;
		shelf_clear(shelf);
		free(shelf->items);
		free(shelf->entries);
		free(shelf);
	}
	table_del(&memory->owners, owner->name);
	free(owner);
}

static void domain_drop(struct memory *memory, struct bytes domain)
{
	struct memory_owner *owner;
	uint32_t cursor = 0;

	while ((owner = table_next(&memory->owners, &cursor))) {
		if (bytes_equal(store_domain_of(owner->name), domain))
			owner_drop(memory, owner);
	}
}

void memory_drop_all(struct memory *memory)
{
	struct memory_owner *owner;
	uint32_t cursor = 0;

	while ((owner = table_next(&memory->owners, &cursor)))
		owner_drop(memory, owner);
	table_fini(&memory->owners);
}

static void shelf_expire(struct shelf *shelf, uint64_t now_ms)
{
	for (size_t i = shelf->item_count; i-- > 0;) {
		struct blob_head head;

		memcpy(&head, shelf->items[i]->value.ptr, sizeof(head));
		if (head.expires_ms > 0 && head.expires_ms < now_ms)
			shelf_del_at(shelf, i);
	}
}

static void expire(struct memory *memory, uint64_t now_ms)
{
	struct memory_owner *owner;
	uint32_t cursor = 0;

	while ((owner = table_next(&memory->owners, &cursor))) {
		for (struct shelf *shelf = owner->shelves; shelf; shelf = shelf->next) {
			if (shelf->decl->shape == STORE_BLOB)
				shelf_expire(shelf, now_ms);
		}
	}
}

static void shelf_expire_entries(struct shelf *shelf, uint32_t retention, uint32_t before_month)
{
	size_t kept = 0;

	for (size_t i = 0; i < shelf->entry_count; i++) {
		const struct log_entry *entry = shelf->entries[i]->entry;

		if (entry->retention == retention && log_id_month(entry->id) < before_month)
			entry_free(shelf->entries[i]);
		else
			shelf->entries[kept++] = shelf->entries[i];
	}
	shelf->entry_count = kept;
}

static void expire_logs(struct memory *memory, uint64_t what)
{
	struct memory_owner *owner;
	uint32_t cursor = 0;

	while ((owner = table_next(&memory->owners, &cursor))) {
		for (struct shelf *shelf = owner->shelves; shelf; shelf = shelf->next)
			shelf_expire_entries(shelf, (uint32_t)(what >> 32), (uint32_t)what);
	}
}

/* ---- batches ---- */

static void put_conversation(struct memory *memory, struct bytes owner,
			     const struct store_op *op)
{
	struct log_conversation record = *op->conversation;

	record.next = NULL;
	record.name = BYTES_NONE;
	shelf_put(shelf_get(memory, owner, op->decl), op->conversation->name,
		  bytes_make(&record, sizeof(record)));
}

static void put_blob(struct memory *memory, struct bytes owner, const struct store_op *op)
{
	struct shelf_item *item =
		shelf_put(shelf_get(memory, owner, op->decl), op->key, op->value);
	struct blob_head head;

	memcpy(&head, op->value.ptr, sizeof(head));
	head.file = op->file->number;
	memcpy((char *)(item + 1) + op->key.len, &head, sizeof(head));
	item->blob = container_of(op->file, struct memory_blob, base);
	item->blob->refs++;
}

static void apply_op(struct memory *memory, struct bytes owner, const struct store_op *op)
{
	struct memory_owner *kept = memory_owner_find(memory, owner);

	switch (op->kind) {
	case OP_PUT:
	case OP_PUT_NEW:
		shelf_put(shelf_get(memory, owner, op->decl), op->key, op->value);
		break;
	case OP_DEL:
		shelf_del(shelf_find(kept, op->decl), op->key);
		break;
	case OP_DEL_ALL:
		shelf_clear(shelf_find(kept, op->decl));
		break;
	case OP_DELETE_OWNER:
		owner_drop(memory, kept);
		break;
	case OP_DELETE_DOMAIN:
		domain_drop(memory, op->key);
		break;
	case OP_APPEND:
		shelf_append(shelf_get(memory, owner, op->decl), op->entry);
		break;
	case OP_CONVERSATION:
		put_conversation(memory, owner, op);
		break;
	case OP_AMEND:
		shelf_amend(shelf_find(kept, op->decl), op->entry);
		break;
	case OP_TRIM:
		shelf_trim(shelf_find(kept, op->decl), op->key, op->number);
		break;
	case OP_IMPORT:
		shelf_import(shelf_get(memory, owner, op->decl), op->entry);
		break;
	case OP_LOG_EXPIRE:
		expire_logs(memory, op->number);
		break;
	case OP_BLOB_PUT:
		put_blob(memory, owner, op);
		break;
	case OP_BLOB_EXPIRE:
		expire(memory, op->number);
		break;
	case OP_BLOB_SWEPT:
		break;
	}
}

void memory_apply(struct memory *memory, const struct store_batch *batch)
{
	for (const struct store_op *op = batch->first; op; op = op->next)
		apply_op(memory, store_op_owner(batch, op), op);
}
