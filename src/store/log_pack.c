#include "store/log_pack.h"

/* ---- numbers and strings ---- */

static void put_number(struct buf *buf, uint64_t value)
{
	while (value >= 0x80) {
		buf_append_byte(buf, (char)(value | 0x80));
		value >>= 7;
	}
	buf_append_byte(buf, (char)value);
}

static void put_signed(struct buf *buf, int64_t value)
{
	put_number(buf, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_bytes(struct buf *buf, struct bytes b)
{
	put_number(buf, b.len);
	buf_append(buf, b);
}

struct source {
	struct bytes rest;
	bool is_bad;
};

static uint64_t get_number(struct source *source)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && source->rest.len > 0; shift += 7) {
		uint8_t byte = (uint8_t)*source->rest.ptr;

		source->rest = bytes_skip(source->rest, 1);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	source->is_bad = true;
	return 0;
}

static int64_t get_signed(struct source *source)
{
	uint64_t value = get_number(source);

	return (int64_t)(value >> 1 ^ -(value & 1));
}

static struct bytes get_bytes(struct source *source)
{
	uint64_t len = get_number(source);
	struct bytes b = bytes_first(source->rest, len);

	if (len > source->rest.len)
		source->is_bad = true;
	source->rest = bytes_skip(source->rest, b.len);
	return b;
}

/* ---- records ---- */

static void put_record(struct buf *buf, const struct log_conversation *record)
{
	put_number(buf, record->last_n);
	put_number(buf, record->last_id);
	put_number(buf, record->displayed_id);
	put_number(buf, record->mute_until_us);
	put_number(buf, record->unread);
}

static void get_record(struct source *source, struct log_conversation *ret_record)
{
	ret_record->last_n = get_number(source);
	ret_record->last_id = get_number(source);
	ret_record->displayed_id = get_number(source);
	ret_record->mute_until_us = get_number(source);
	ret_record->unread = (uint32_t)get_number(source);
}

void log_record_pack(struct buf *buf, const struct log_conversation *record)
{
	put_record(buf, record);
}

bool log_record_unpack(struct log_conversation *record, struct bytes packed)
{
	struct source source = { packed, false };

	get_record(&source, record);
	return !source.is_bad;
}

/* ---- sides ---- */

/* FNV-1a: it must be the same in every run, and nobody gains from a collision. */
uint32_t log_origin_hash(struct bytes origin_id)
{
	uint32_t hash = 2166136261u;

	if (origin_id.len == 0)
		return 0;
	for (size_t i = 0; i < origin_id.len; i++)
		hash = (hash ^ (uint8_t)origin_id.ptr[i]) * 16777619u;
	return hash ? hash : 1;
}

void log_side_set_peer(struct log_side *side, const struct log_entry *entry)
{
	size_t len = entry->conversation.len;

	side->peer = BYTES_LIT("");
	if (bytes_equal(entry->peer, entry->conversation)) {
		side->peer_kind = PEER_IS_CONVERSATION;
	} else if (entry->peer.len > len && entry->peer.ptr[len] == '/' &&
		   bytes_has_prefix(entry->peer, entry->conversation)) {
		side->peer_kind = PEER_IS_RESOURCE;
		side->peer = bytes_skip(entry->peer, len + 1);
	} else {
		side->peer_kind = PEER_IS_OTHER;
		side->peer = entry->peer;
	}
}

struct bytes log_side_peer(const struct log_side *side, struct bytes conversation,
			   struct arena *arena)
{
	char *peer;

	if (side->peer_kind == PEER_IS_CONVERSATION)
		return conversation;
	if (side->peer_kind == PEER_IS_OTHER)
		return side->peer;
	peer = arena_alloc_raw(arena, conversation.len + 1 + side->peer.len);
	memcpy(peer, conversation.ptr, conversation.len);
	peer[conversation.len] = '/';
	memcpy(peer + conversation.len + 1, side->peer.ptr, side->peer.len);
	return bytes_make(peer, conversation.len + 1 + side->peer.len);
}

static bool has_record(const struct log_side *side)
{
	return side->kind == SIDE_ENTRY || side->kind == SIDE_RECORD;
}

void log_side_pack(struct buf *buf, const struct log_side *side)
{
	put_number(buf, side->kind);
	put_number(buf, side->owner);
	put_number(buf, side->conversation);
	if (side->kind != SIDE_RECORD) {
		buf_append(buf, bytes_make(&side->id, sizeof(side->id)));
		put_number(buf, side->n);
		put_signed(buf, (int64_t)(side->time_us - log_id_ms(side->id) * 1000));
		put_number(buf, side->bits);
		put_number(buf, side->origin);
		put_number(buf, side->peer_kind);
		put_bytes(buf, side->peer);
	}
	if (has_record(side))
		put_record(buf, &side->record);
}

static uint64_t get_id(struct source *source)
{
	uint64_t id = 0;

	if (source->rest.len < sizeof(id))
		source->is_bad = true;
	else
		memcpy(&id, source->rest.ptr, sizeof(id));
	source->rest = bytes_skip(source->rest, sizeof(id));
	return id;
}

bool log_side_unpack(struct log_side *ret_side, struct bytes packed)
{
	struct source source = { packed, false };
	struct log_side side = { .kind = (enum log_side_kind)get_number(&source) };

	side.owner = get_number(&source);
	side.conversation = get_number(&source);
	if (side.kind != SIDE_RECORD) {
		side.id = get_id(&source);
		side.n = get_number(&source);
		side.time_us = log_id_ms(side.id) * 1000 + (uint64_t)get_signed(&source);
		side.bits = (uint32_t)get_number(&source);
		side.origin = (uint32_t)get_number(&source);
		side.peer_kind = (uint32_t)get_number(&source);
		side.peer = get_bytes(&source);
	}
	if (has_record(&side))
		get_record(&source, &side.record);
	if (source.is_bad || side.kind < SIDE_ENTRY || side.kind > SIDE_IMPORTED)
		return false;
	*ret_side = side;
	return true;
}

/* ---- content ---- */

void log_content_pack(struct buf *buf, const struct log_entry *entry)
{
	put_bytes(buf, entry->origin_id);
	put_bytes(buf, entry->refers_to);
	put_bytes(buf, entry->audience);
	buf_append(buf, entry->bytes);
}

bool log_content_unpack(struct log_entry *entry, struct bytes packed)
{
	struct source source = { packed, false };

	entry->origin_id = get_bytes(&source);
	entry->refers_to = get_bytes(&source);
	entry->audience = get_bytes(&source);
	entry->bytes = source.rest;
	return !source.is_bad;
}

/* ---- rows ---- */

static void put_entry(struct buf *buf, const struct log_entry *entry)
{
	put_number(buf, entry->id);
	put_number(buf, entry->n);
	put_number(buf, entry->time_us);
	put_number(buf, entry->kind);
	put_number(buf, entry->flags);
	put_number(buf, entry->retention);
	put_bytes(buf, entry->peer);
	put_bytes(buf, entry->conversation);
	put_bytes(buf, entry->origin_id);
	put_bytes(buf, entry->refers_to);
	put_bytes(buf, entry->audience);
	put_bytes(buf, entry->bytes);
}

static struct log_entry *get_entry(struct source *source, struct arena *arena)
{
	struct log_entry *entry = arena_new(arena, struct log_entry);

	entry->id = get_number(source);
	entry->n = get_number(source);
	entry->time_us = get_number(source);
	entry->kind = (uint32_t)get_number(source);
	entry->flags = (uint32_t)get_number(source);
	entry->retention = (uint32_t)get_number(source);
	entry->peer = get_bytes(source);
	entry->conversation = get_bytes(source);
	entry->origin_id = get_bytes(source);
	entry->refers_to = get_bytes(source);
	entry->audience = get_bytes(source);
	entry->bytes = get_bytes(source);
	return entry;
}

void log_row_pack(struct buf *buf, const struct log_row *row)
{
	put_number(buf, row->kind);
	put_number(buf, row->count);
	for (uint32_t i = 0; i < row->count; i++) {
		const struct log_row_side *side = &row->sides[i];

		put_number(buf, side->store_id);
		put_bytes(buf, side->owner);
		put_number(buf, side->entry != NULL);
		if (side->entry)
			put_entry(buf, side->entry);
		put_number(buf, side->record != NULL);
		if (!side->record)
			continue;
		put_bytes(buf, side->record->name);
		put_record(buf, side->record);
	}
}

static void get_row_side(struct source *source, struct arena *arena, struct log_row_side *side)
{
	struct log_conversation *record;

	side->store_id = (uint32_t)get_number(source);
	side->owner = get_bytes(source);
	if (get_number(source))
		side->entry = get_entry(source, arena);
	if (!get_number(source))
		return;
	record = arena_new(arena, struct log_conversation);
	record->name = get_bytes(source);
	get_record(source, record);
	side->record = record;
}

struct log_row *log_row_unpack(struct arena *arena, struct bytes packed)
{
	struct source source = { packed, false };
	struct log_row *row = arena_new(arena, struct log_row);

	row->kind = (enum log_row_kind)get_number(&source);
	row->count = (uint32_t)get_number(&source);
	if (row->count < 1 || row->count > 2)
		return NULL;
	for (uint32_t i = 0; i < row->count; i++)
		get_row_side(&source, arena, &row->sides[i]);
	return source.is_bad ? NULL : row;
}
