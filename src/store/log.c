#include "store/log.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/engine.h"

/*
 * An id: 42 bits of milliseconds, 13 of a counter, 8 of the shard. A shard that gives more than
 * 8,192 in a millisecond borrows from the next ones.
 */
enum { ID_SHARD_BITS = 8, ID_MS_SHIFT = 21 };

uint64_t log_id_ms(uint64_t id)
{
	return id >> ID_MS_SHIFT;
}

uint64_t log_id_at(uint64_t ms)
{
	return ms << ID_MS_SHIFT;
}

/* Days to a civil date: Howard Hinnant's algorithm; years start in March. */
uint32_t log_id_month(uint64_t id)
{
	uint32_t day = (uint32_t)(log_id_ms(id) / 86400000) + 719468;
	uint32_t era = day / 146097;
	uint32_t day_of_era = day - era * 146097;
	uint32_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
		365;
	uint32_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t march_month = (5 * day_of_year + 2) / 153;
	uint32_t year = era * 400 + year_of_era + (march_month >= 10);

	return year * 12 + (march_month < 10 ? march_month + 2 : march_month - 10);
}

uint64_t log_id_next(struct store *store)
{
	struct store_desk *desk = store_desk_self(store);
	uint64_t now = log_id_at(clock_real_us() / 1000) >> ID_SHARD_BITS;
	uint64_t last = desk->last_log_id >> ID_SHARD_BITS;

	desk->last_log_id = (now > last ? now : last + 1) << ID_SHARD_BITS | desk->shard->id;
	return desk->last_log_id;
}

struct log_conversation *log_conversation_copy(struct arena *arena,
					       const struct log_conversation *record)
{
	struct log_conversation *copy = arena_new(arena, struct log_conversation);

	*copy = *record;
	copy->next = NULL;
	copy->name = arena_copy(arena, record->name);
	return copy;
}

static struct bytes copy_or_empty(struct arena *arena, struct bytes b)
{
	return b.ptr ? arena_copy(arena, b) : BYTES_LIT("");
}

struct log_entry *log_entry_copy(struct arena *arena, const struct log_entry *entry)
{
	struct log_entry *copy = arena_new(arena, struct log_entry);

	*copy = *entry;
	copy->next = NULL;
	copy->peer = copy_or_empty(arena, entry->peer);
	copy->conversation = copy_or_empty(arena, entry->conversation);
	copy->origin_id = copy_or_empty(arena, entry->origin_id);
	copy->refers_to = copy_or_empty(arena, entry->refers_to);
	copy->audience = copy_or_empty(arena, entry->audience);
	copy->bytes = copy_or_empty(arena, entry->bytes);
	return copy;
}

static struct store_op *add_op(struct store_batch *batch, enum op_kind kind,
			       const struct store_decl *decl)
{
	check(decl->shape == STORE_LOG);
	return store_batch_add(batch, kind, decl, BYTES_NONE, BYTES_NONE);
}

static bool is_same_content(const struct log_entry *a, const struct log_entry *b)
{
	return a->retention == b->retention && bytes_equal(a->bytes, b->bytes) &&
	       bytes_equal(a->origin_id, b->origin_id) &&
	       bytes_equal(a->refers_to, b->refers_to) && bytes_equal(a->audience, b->audience);
}

/* The second entry of a message borrows the first one's content, and engines may keep it once. */
static struct log_entry *entry_share(struct arena *arena, const struct log_entry *entry,
				     const struct log_entry *first)
{
	struct log_entry *copy = arena_new(arena, struct log_entry);

	*copy = *first;
	copy->id = entry->id;
	copy->n = entry->n;
	copy->time_us = entry->time_us;
	copy->kind = entry->kind;
	copy->flags = entry->flags;
	copy->peer = copy_or_empty(arena, entry->peer);
	copy->conversation = copy_or_empty(arena, entry->conversation);
	return copy;
}

static void add_append(struct store_batch *batch, const struct store_decl *decl,
		       const struct log_entry *entry)
{
	const struct store_op *last = batch->last_append;
	struct store_op *op = add_op(batch, OP_APPEND, decl);

	op->is_shared = last && last->is_others != op->is_others && !last->is_shared &&
			is_same_content(last->entry, entry);
	if (op->is_shared) {
		op->entry = entry_share(&batch->arena, entry, last->entry);
	} else {
		op->entry = log_entry_copy(&batch->arena, entry);
		batch->size_bytes += entry->bytes.len;
	}
	batch->size_bytes += sizeof(*entry);
	batch->last_append = op;
}

void log_append(struct store_batch *batch, const struct store_decl *decl,
		struct log_conversation *conversation, struct log_entry *entry)
{
	check(bytes_equal(conversation->name, entry->conversation));
	check(entry->kind > 0 && entry->kind < 32);
	check(entry->retention < LOG_RETENTIONS);
	entry->id = log_id_next(batch->store);
	entry->n = conversation->last_n + 1;
	if (entry->time_us == 0)
		entry->time_us = clock_real_us();
	conversation->last_n = entry->n;
	conversation->last_id = entry->id;
	if (entry->flags & ENTRY_COUNTS_UNREAD)
		conversation->unread++;
	add_append(batch, decl, entry);
	log_put_conversation(batch, decl, conversation);
}

void log_import(struct store_batch *batch, const struct store_decl *decl,
		const struct log_entry *entry)
{
	struct store_desk *desk = store_desk_self(batch->store);
	struct store_op *op = add_op(batch, OP_IMPORT, decl);

	check(entry->id > 0 && entry->kind > 0 && entry->kind < 32);
	check(entry->retention < LOG_RETENTIONS);
	op->entry = log_entry_copy(&batch->arena, entry);
	batch->size_bytes += sizeof(*entry) + entry->bytes.len;
	if (entry->id > desk->last_log_id)
		desk->last_log_id = entry->id;
}

void log_put_conversation(struct store_batch *batch, const struct store_decl *decl,
			  const struct log_conversation *conversation)
{
	struct store_op *op = add_op(batch, OP_CONVERSATION, decl);

	check(conversation->name.ptr != NULL);
	op->conversation = log_conversation_copy(&batch->arena, conversation);
}

void log_amend(struct store_batch *batch, const struct store_decl *decl,
	       const struct log_entry *entry)
{
	struct store_op *op = add_op(batch, OP_AMEND, decl);

	check(entry->id > 0);
	op->entry = log_entry_copy(&batch->arena, entry);
	batch->size_bytes += sizeof(*entry) + entry->bytes.len;
}

void log_trim(struct store_batch *batch, const struct store_decl *decl,
	      struct bytes conversation, uint64_t before_id)
{
	struct store_op *op = add_op(batch, OP_TRIM, decl);

	op->key = arena_copy(&batch->arena, conversation);
	op->number = before_id;
}

uint64_t log_expire(struct store *store, uint32_t retention, uint32_t before_month,
		    store_done_fn *done, void *context)
{
	struct store_batch *batch = store_batch_new(store, BYTES_LIT(""));

	check(retention < LOG_RETENTIONS);
	store_batch_add(batch, OP_LOG_EXPIRE, NULL, BYTES_NONE, BYTES_NONE)->number =
		(uint64_t)retention << 32 | before_month;
	return store_commit(store, &batch, done, context);
}

uint32_t log_read_page(struct store_read *read, const struct store_decl *decl,
		       const struct log_query *query)
{
	struct store_part *part = store_read_add(read, PART_PAGE, decl);

	check(decl->shape == STORE_LOG);
	part->query = *query;
	part->query.conversation = arena_copy(&read->arena, query->conversation);
	part->query.peer = arena_copy(&read->arena, query->peer);
	part->limit = query->limit;
	return read->count - 1;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

uint32_t log_read_ids(struct store_read *read, const struct store_decl *decl,
		      const uint64_t *ids, size_t count)
{
	struct store_part *part = store_read_add(read, PART_IDS, decl);
	uint64_t *copy = arena_alloc(&read->arena, count * sizeof(*ids));

	check(decl->shape == STORE_LOG);
	if (count > 0) {
		memcpy(copy, ids, count * sizeof(*ids));
		qsort(copy, count, sizeof(*copy), compare_ids);
	}
	part->ids = copy;
	part->id_count = count;
	return read->count - 1;
}

uint32_t log_read_origin(struct store_read *read, const struct store_decl *decl,
			 struct bytes origin_id, struct bytes peer, uint64_t after_id)
{
	struct store_part *part = store_read_add(read, PART_ORIGIN, decl);

	check(decl->shape == STORE_LOG);
	part->key = arena_copy(&read->arena, origin_id);
	part->query.peer = arena_copy(&read->arena, peer);
	part->query.after_id = after_id;
	return read->count - 1;
}

static uint32_t add_records(struct store_read *read, const struct store_decl *decl,
			    struct bytes name)
{
	struct store_part *part = store_read_add(read, PART_RECORDS, decl);

	check(decl->shape == STORE_LOG);
	part->key = arena_copy(&read->arena, name);
	return read->count - 1;
}

uint32_t log_read_conversation(struct store_read *read, const struct store_decl *decl,
			       struct bytes name)
{
	check(name.ptr != NULL);
	return add_records(read, decl, name);
}

uint32_t log_read_conversations(struct store_read *read, const struct store_decl *decl)
{
	return add_records(read, decl, BYTES_NONE);
}

const struct log_entry *log_read_entries(const struct store_read *read, uint32_t part)
{
	return store_read_part(read, part)->entries;
}

uint64_t log_read_count(const struct store_read *read, uint32_t part)
{
	return store_read_part(read, part)->total;
}

const struct log_conversation *log_read_records(const struct store_read *read, uint32_t part)
{
	return store_read_part(read, part)->records;
}
