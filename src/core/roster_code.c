#include "core/roster_code.h"

#include <errno.h>

#include "base/check.h"

enum { FORMAT = 1, ITEM_HEAD_BYTES = 1 + 1 + 1 + 8 + 2 + 2 + 4, HEAD_BYTES = 1 + 3 * 8 };

static char *put(char *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*at++ = (char)(value >> (8 * i));
	return at;
}

static uint64_t take(struct bytes *from, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(uint8_t)from->ptr[i] << (8 * i);
	*from = bytes_skip(*from, bytes);
	return value;
}

static struct bytes take_text(struct bytes *from, size_t len)
{
	struct bytes text = bytes_first(*from, len);

	*from = bytes_skip(*from, len);
	return text;
}

struct bytes roster_code_encode(struct arena *arena, const struct roster_change *change,
				uint64_t version)
{
	const struct bytes texts[] = { change->name, change->groups, change->request };
	size_t len = ITEM_HEAD_BYTES + texts[0].len + texts[1].len + texts[2].len;
	char *out = arena_alloc_raw(arena, len), *at = out;

	at = put(at, FORMAT, 1);
	at = put(at, (uint64_t)change->state, 1);
	at = put(at, change->flags, 1);
	at = put(at, version, 8);
	at = put(at, texts[0].len, 2);
	at = put(at, texts[1].len, 2);
	at = put(at, texts[2].len, 4);
	for (size_t i = 0; i < array_len(texts); i++) {
		if (texts[i].len > 0)
			memcpy(at, texts[i].ptr, texts[i].len);
		at += texts[i].len;
	}
	return bytes_make(out, len);
}

int roster_code_decode(struct bytes key, struct bytes value, struct roster_change *ret_change,
		       uint64_t *ret_version)
{
	struct roster_change change = { .jid = key };
	uint64_t version;
	size_t name, groups, request;

	if (value.len < ITEM_HEAD_BYTES || take(&value, 1) != FORMAT)
		return -EINVAL;
	change.state = (enum subscription)take(&value, 1);
	change.flags = (unsigned)take(&value, 1);
	version = take(&value, 8);
	name = take(&value, 2);
	groups = take(&value, 2);
	request = take(&value, 4);
	if (change.state >= SUBSCRIPTIONS || value.len != name + groups + request)
		return -EINVAL;
	change.name = take_text(&value, name);
	change.groups = take_text(&value, groups);
	change.request = take_text(&value, request);
	*ret_change = change;
	*ret_version = version;
	return 0;
}

struct bytes roster_head_encode(struct arena *arena, const struct roster *roster)
{
	char *out = arena_alloc_raw(arena, HEAD_BYTES), *at = out;

	at = put(at, FORMAT, 1);
	at = put(at, roster->id, 8);
	at = put(at, roster->version, 8);
	put(at, roster->floor, 8);
	return bytes_make(out, HEAD_BYTES);
}

int roster_head_decode(struct bytes value, struct roster *ret_roster)
{
	if (value.len != HEAD_BYTES || take(&value, 1) != FORMAT)
		return -EINVAL;
	ret_roster->id = take(&value, 8);
	ret_roster->version = take(&value, 8);
	ret_roster->floor = take(&value, 8);
	return 0;
}
