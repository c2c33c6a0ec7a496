#include "store/memory_shelf.h"

#include <stdlib.h>

static void add(struct store_read *read, struct store_part *part, const struct shelf *shelf,
		const struct shelf_item *item)
{
	store_part_add_item(read, part, shelf->decl, item->key, item->value);
}

static void fill_get(struct store_read *read, struct store_part *part,
		     const struct shelf *shelf)
{
	const struct shelf_item *item = shelf_item_find(shelf, part->key);

	if (shelf && item)
		add(read, part, shelf, item);
}

static void fill_scan(struct store_read *read, struct store_part *part,
		      const struct shelf *shelf)
{
	uint32_t count = 0;
	size_t i;

	if (!shelf)
		return;
	i = shelf_lower_bound(shelf, part->key);
	for (; i < shelf->item_count; i++) {
		const struct shelf_item *item = shelf->items[i];

		if (part->key.ptr && !bytes_has_prefix(item->key, part->key))
			return;
		if (part->after.ptr && bytes_compare(item->key, part->after) <= 0)
			continue;
		if (part->limit > 0 && count++ == part->limit) {
			part->is_partial = true;
			return;
		}
		add(read, part, shelf, item);
	}
}

static void fill_each(struct store_read *read, struct store_part *part,
		      const struct memory_owner *owner)
{
	for (const struct shelf *shelf = owner ? owner->shelves : NULL; shelf;
	     shelf = shelf->next) {
		if (shelf->decl->shape != STORE_DOC && shelf->decl->shape != STORE_MAP)
			continue;
		for (size_t i = 0; i < shelf->item_count; i++)
			add(read, part, shelf, shelf->items[i]);
	}
}

static bool owner_is_empty(const struct memory_owner *owner)
{
	for (const struct shelf *shelf = owner->shelves; shelf; shelf = shelf->next) {
		if (shelf->item_count > 0 || shelf->entry_count > 0)
			return false;
	}
	return true;
}

/* Within a domain: the domain itself, then accounts by their localpart. */
static struct bytes local_of(struct bytes owner)
{
	ptrdiff_t at = bytes_find_byte(owner, '@');

	return bytes_first(owner, at < 0 ? 0 : (size_t)at);
}

static int compare_names(const void *a, const void *b)
{
	const struct bytes *left = a, *right = b;

	return bytes_compare(local_of(*left), local_of(*right));
}

static void fill_owners(const struct memory *memory, struct store_read *read,
			struct store_part *part)
{
	struct bytes *names =
		arena_alloc(&read->arena, (table_count(&memory->owners) + 1) * sizeof(*names));
	const struct memory_owner *owner;
	uint32_t cursor = 0, count = 0;

	while ((owner = table_next(&memory->owners, &cursor))) {
		if (bytes_equal(store_domain_of(owner->name), part->key) &&
		    !owner_is_empty(owner) &&
		    (!part->after.ptr || compare_names(&owner->name, &part->after) > 0))
			names[count++] = owner->name;
	}
	qsort(names, count, sizeof(*names), compare_names);
	part->is_partial = part->limit > 0 && count > part->limit;
	for (uint32_t i = 0; i < count && !(part->limit > 0 && i == part->limit); i++)
		store_part_add_item(read, part, NULL, names[i], BYTES_NONE);
}

static bool matches(const struct log_query *query, const struct log_entry *entry)
{
	if (query->conversation.ptr && !bytes_equal(query->conversation, entry->conversation))
		return false;
	if (query->peer.ptr && !bytes_equal(query->peer, entry->peer))
		return false;
	if (query->kinds && !(query->kinds & 1u << entry->kind))
		return false;
	if ((entry->flags & query->flags) != query->flags)
		return false;
	if (entry->id <= query->after_id || (query->before_id && entry->id >= query->before_id))
		return false;
	return entry->time_us >= query->start_us &&
	       (query->end_us == 0 || entry->time_us <= query->end_us);
}

/* How many match; and what of them comes first, counted from the oldest. */
static uint64_t page_skip(const struct shelf *shelf, struct store_part *part)
{
	uint64_t total = 0;

	for (size_t i = 0; i < shelf->entry_count; i++)
		total += matches(&part->query, shelf->entries[i]->entry);
	if (part->query.wants_count)
		part->total = total;
	part->is_partial = part->limit > 0 && total > part->limit;
	return part->is_partial && part->query.is_backward ? total - part->limit : 0;
}

static void fill_page(struct store_read *read, struct store_part *part,
		      const struct shelf *shelf)
{
	uint64_t skip, taken = 0;

	if (!shelf)
		return;
	skip = page_skip(shelf, part);
	for (size_t i = 0; i < shelf->entry_count; i++) {
		const struct log_entry *entry = shelf->entries[i]->entry;

		if (!matches(&part->query, entry))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		if (part->limit > 0 && taken++ == part->limit)
			return;
		store_part_add_entry(read, part, entry);
	}
}

static void fill_ids(struct store_read *read, struct store_part *part,
		     const struct shelf *shelf)
{
	for (size_t i = 0; shelf && i < part->id_count; i++) {
		size_t index = shelf_entry_bound(shelf, part->ids[i]);

		if (index < shelf->entry_count &&
		    shelf->entries[index]->entry->id == part->ids[i])
			store_part_add_entry(read, part, shelf->entries[index]->entry);
	}
}

static void fill_origin(struct store_read *read, struct store_part *part,
			const struct shelf *shelf)
{
	for (size_t i = shelf ? shelf->entry_count : 0; i-- > 0;) {
		const struct log_entry *entry = shelf->entries[i]->entry;

		if (bytes_equal(entry->origin_id, part->key) && matches(&part->query, entry)) {
			store_part_add_entry(read, part, entry);
			return;
		}
	}
}

static void fill_records(struct store_read *read, struct store_part *part,
			 const struct shelf *shelf)
{
	for (size_t i = 0; shelf && i < shelf->item_count; i++) {
		const struct shelf_item *item = shelf->items[i];
		struct log_conversation record;

		if (part->key.ptr && !bytes_equal(part->key, item->key))
			continue;
		memcpy(&record, item->value.ptr, sizeof(record));
		record.name = item->key;
		store_part_add_record(read, part, &record);
	}
}

static void fill_part(const struct memory *memory, struct store_read *read,
		      struct store_part *part)
{
	const struct memory_owner *owner = memory_owner_find(memory, read->owner);
	const struct shelf *shelf = part->decl ? shelf_find(owner, part->decl) : NULL;

	switch (part->kind) {
	case PART_GET:
		fill_get(read, part, shelf);
		break;
	case PART_SCAN:
		fill_scan(read, part, shelf);
		break;
	case PART_EACH:
		fill_each(read, part, owner);
		break;
	case PART_OWNERS:
		fill_owners(memory, read, part);
		break;
	case PART_BLOBS:
		if (part->key.ptr)
			fill_get(read, part, shelf);
		else
			fill_scan(read, part, shelf);
		break;
	case PART_PAGE:
		fill_page(read, part, shelf);
		break;
	case PART_IDS:
		fill_ids(read, part, shelf);
		break;
	case PART_ORIGIN:
		fill_origin(read, part, shelf);
		break;
	case PART_RECORDS:
		fill_records(read, part, shelf);
		break;
	}
}

void memory_fill(const struct memory *memory, struct store_read *read)
{
	for (struct store_part *part = read->parts; part; part = part->next)
		fill_part(memory, read, part);
}
