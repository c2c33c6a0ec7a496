#include "store/log_hot.h"

#include <stdlib.h>

#include "base/check.h"

enum { ARENA_CHUNK_BYTES = 200 << 10, FIRST_ROOM = 4, LAST_ROOM = 64 };

/* ---- places ---- */

struct log_hot *log_hot_new(void)
{
	struct log_hot *hot = calloc(1, sizeof(*hot));

	check(hot != NULL);
	arena_init(&hot->arena, ARENA_CHUNK_BYTES);
	table_init(&hot->owners);
	return hot;
}

void log_hot_free(struct log_hot **hot_at)
{
	struct log_hot *hot = *hot_at;

	*hot_at = NULL;
	if (!hot)
		return;
	table_fini(&hot->owners);
	arena_fini(&hot->arena);
	free(hot);
}

static struct bytes key_bytes(const uint64_t *key)
{
	return bytes_make(key, sizeof(*key));
}

const struct log_hot_owner *log_hot_find(const struct log_hot *hot, uint64_t key)
{
	return hot ? table_find(&hot->owners, key_bytes(&key)) : NULL;
}

static struct log_hot_owner *owner_get(struct log_hot *hot, uint64_t key)
{
	struct log_hot_owner *owner = table_find(&hot->owners, key_bytes(&key));

	if (owner)
		return owner;
	owner = arena_new(&hot->arena, struct log_hot_owner);
	owner->key = key;
	table_put(&hot->owners, key_bytes(&owner->key), owner);
	hot->size_bytes += sizeof(*owner) + 2 * sizeof(struct table_slot);
	return owner;
}

static void chunk_add(struct log_hot *hot, struct log_hot_owner *owner)
{
	struct log_hot_chunk *newest = owner->newest;
	uint32_t room = newest ? newest->room * 4 : FIRST_ROOM;
	struct log_hot_chunk *chunk;
	size_t size;

	if (room > LAST_ROOM)
		room = LAST_ROOM;
	size = sizeof(*chunk) + room * sizeof(struct log_place);
	chunk = arena_alloc_raw(&hot->arena, size);
	*chunk = (struct log_hot_chunk){ .older = newest, .room = room };
	if (newest)
		newest->newer = chunk;
	else
		owner->oldest = chunk;
	owner->newest = chunk;
	hot->size_bytes += size;
}

void log_hot_add(struct log_hot *hot, uint64_t key, const struct log_place *place,
		 bool is_replacing)
{
	struct log_hot_owner *owner = owner_get(hot, key);

	if (!owner->newest || owner->newest->count == owner->newest->room)
		chunk_add(hot, owner);
	owner->newest->places[owner->newest->count++] = *place;
	owner->replacing += is_replacing;
	hot->count++;
	if (place->seq > hot->last_seq)
		hot->last_seq = place->seq;
	if (place->seq < hot->first_seq || hot->first_seq == 0)
		hot->first_seq = place->seq;
}

const struct log_place *log_hot_locate(const struct log_hot *hot, uint64_t key, uint64_t id)
{
	const struct log_hot_owner *owner = log_hot_find(hot, key);

	for (const struct log_hot_chunk *chunk = owner ? owner->newest : NULL; chunk;
	     chunk = chunk->older) {
		for (uint32_t i = chunk->count; i-- > 0;) {
			if (chunk->places[i].id == id)
				return &chunk->places[i];
		}
	}
	return NULL;
}

static int compare_owners(const void *a, const void *b)
{
	uint64_t left = (*(struct log_hot_owner *const *)a)->key;
	uint64_t right = (*(struct log_hot_owner *const *)b)->key;

	return left < right ? -1 : left > right;
}

struct log_hot_owner **log_hot_sorted(struct log_hot *hot)
{
	size_t count = table_count(&hot->owners), filled = 0;
	struct log_hot_owner **sorted = arena_alloc_raw(&hot->arena, count * sizeof(*sorted));
	struct log_hot_owner *owner;
	uint32_t cursor = 0;

	while ((owner = table_next(&hot->owners, &cursor)))
		sorted[filled++] = owner;
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), compare_owners);
	return sorted;
}

/* ---- records ---- */

struct log_records *log_records_new(void)
{
	struct log_records *records = calloc(1, sizeof(*records));

	check(records != NULL);
	arena_init(&records->arena, ARENA_CHUNK_BYTES);
	table_init(&records->records);
	table_init(&records->owners);
	return records;
}

void log_records_free(struct log_records **records_at)
{
	struct log_records *records = *records_at;

	*records_at = NULL;
	if (!records)
		return;
	table_fini(&records->records);
	table_fini(&records->owners);
	arena_fini(&records->arena);
	free(records);
}

/* Store, length of the owner, owner, conversation; the first part is the key of an owner. */
static struct bytes make_key(uint32_t store_id, struct bytes owner, struct bytes conversation)
{
	uint32_t head[2] = { store_id, (uint32_t)owner.len };
	size_t len = sizeof(head) + owner.len + conversation.len;
	char *key = arena_alloc_raw(scratch(), len);

	memcpy(key, head, sizeof(head));
	memcpy(key + sizeof(head), owner.ptr, owner.len);
	if (conversation.len > 0)
		memcpy(key + sizeof(head) + owner.len, conversation.ptr, conversation.len);
	return bytes_make(key, len);
}

/* The keys are temporaries: they must not pile up in threads without a loop. */
static void *find_by_key(const struct table *table, uint32_t store_id, struct bytes owner,
			 struct bytes conversation)
{
	struct arena_mark mark = arena_mark(scratch());
	void *found = table_find(table, make_key(store_id, owner, conversation));

	arena_release(scratch(), mark);
	return found;
}

struct log_record *log_records_find(const struct log_records *records, uint32_t store_id,
				    struct bytes owner, struct bytes conversation)
{
	if (!records)
		return NULL;
	return find_by_key(&records->records, store_id, owner, conversation);
}

struct log_record *log_records_first(const struct log_records *records, uint32_t store_id,
				     struct bytes owner)
{
	struct log_record_owner *holder =
		records ? find_by_key(&records->owners, store_id, owner, BYTES_NONE) : NULL;

	return holder ? holder->first : NULL;
}

/* The localpart's first bytes: a domain's owners lie together anyway. */
static uint64_t order_of(struct bytes owner)
{
	ptrdiff_t at = bytes_find_byte(owner, '\0');
	struct bytes local = bytes_skip(owner, (size_t)(at + 1));
	uint64_t order = 0;

	for (size_t i = 0; i < 8; i++)
		order = order << 8 | (i < local.len ? (uint8_t)local.ptr[i] : 0);
	return order;
}

static void link_to_owner(struct log_records *records, struct log_record *record)
{
	struct log_record_owner *holder =
		find_by_key(&records->owners, record->store_id, record->owner, BYTES_NONE);

	if (!holder) {
		holder = arena_new(&records->arena, struct log_record_owner);
		holder->key = bytes_first(record->key, 8 + record->owner.len);
		table_put(&records->owners, holder->key, holder);
		records->size_bytes += sizeof(*holder) + 2 * sizeof(struct table_slot);
	}
	record->next = holder->first;
	holder->first = record;
}

struct log_record *log_records_get(struct log_records *records, uint32_t store_id,
				   struct bytes owner, struct bytes conversation)
{
	struct log_record *record = log_records_find(records, store_id, owner, conversation);
	struct arena_mark mark = arena_mark(scratch());

	if (record)
		return record;
	record = arena_new(&records->arena, struct log_record);
	record->key = arena_copy(&records->arena, make_key(store_id, owner, conversation));
	arena_release(scratch(), mark);
	record->owner = bytes_make(record->key.ptr + 8, owner.len);
	record->store_id = store_id;
	record->value.name = bytes_skip(record->key, 8 + owner.len);
	record->order = order_of(owner);
	table_put(&records->records, record->key, record);
	link_to_owner(records, record);
	records->size_bytes +=
		sizeof(*record) + record->key.len + 2 * sizeof(struct table_slot);
	return record;
}

static int compare_records(const void *a, const void *b)
{
	const struct log_record *left = *(struct log_record *const *)a;
	const struct log_record *right = *(struct log_record *const *)b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return left->owner.ptr < right->owner.ptr ? -1 : left->owner.ptr > right->owner.ptr;
}

struct log_record **log_records_sorted(struct log_records *records)
{
	size_t count = table_count(&records->records), filled = 0;
	struct log_record **sorted = arena_alloc_raw(&records->arena, count * sizeof(*sorted));
	struct log_record *record;
	uint32_t cursor = 0;

	while ((record = table_next(&records->records, &cursor)))
		sorted[filled++] = record;
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), compare_records);
	return sorted;
}

static bool is_deleted_with(const struct log_record *record, uint32_t store_id,
			    struct bytes owner, bool is_domain)
{
	if (store_id > 0 && record->store_id != store_id)
		return false;
	return is_domain ? log_owner_is_in(record->owner, owner)
			 : bytes_equal(record->owner, owner);
}

void log_records_stage(struct log_records *records, uint32_t store_id, struct bytes owner,
		       bool is_domain, uint64_t group)
{
	struct log_record *record;
	uint32_t cursor = 0;

	while (records && (record = table_next(&records->records, &cursor))) {
		if (!is_deleted_with(record, store_id, owner, is_domain))
			continue;
		record->staged_group = group;
		record->staged_n = 0;
	}
}

void log_records_delete(struct log_records *records, uint32_t store_id, struct bytes owner,
			bool is_domain)
{
	struct log_record *record;
	uint32_t cursor = 0;

	while (records && (record = table_next(&records->records, &cursor))) {
		if (!is_deleted_with(record, store_id, owner, is_domain))
			continue;
		record->is_known = false;
		record->is_deleted = true;
		record->value = (struct log_conversation){ .name = record->value.name };
	}
}
