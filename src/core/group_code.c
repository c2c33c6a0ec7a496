#include "core/group_code.h"

#include <errno.h>

#include "base/buf.h"

enum { FORMAT = 1 };

static void put(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_append_byte(out, (char)(value >> (8 * i)));
}

static void put_text(struct buf *out, struct bytes text)
{
	put(out, text.len, 2);
	buf_append(out, text);
}

static bool take(struct bytes *from, size_t bytes, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (from->len < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(uint8_t)from->ptr[i] << (8 * i);
	*from = bytes_skip(*from, bytes);
	*ret_value = value;
	return true;
}

static bool take_text(struct bytes *from, struct bytes *ret_text)
{
	uint64_t len;

	if (!take(from, 2, &len) || from->len < len)
		return false;
	*ret_text = bytes_first(*from, len);
	*from = bytes_skip(*from, len);
	return true;
}

struct bytes group_code_encode(struct arena *arena, const struct group *group)
{
	uint32_t stored = group->is_everybody ? 0 : group->count;
	struct bytes result;
	struct buf out;

	buf_init(&out, 0);
	put(&out, FORMAT, 1);
	put(&out, group->is_everybody, 1);
	put(&out, group->since, 8);
	put_text(&out, group->display);
	put(&out, stored, 4);
	for (uint32_t i = 0; i < stored; i++) {
		put(&out, group->members[i].since, 8);
		put(&out, group->members[i].is_removed, 1);
		put_text(&out, group->members[i].jid);
	}
	result = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return result;
}

/* False if the bytes end too early, or do not end. */
static bool take_members(struct group_domain *domain, struct group *group, struct bytes value,
			 uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t since, is_removed;
		struct bytes jid;
		if (!take(&value, 8, &since) || !take(&value, 1, &is_removed) ||
		    !take_text(&value, &jid))
			return false;
		group_set_member(domain, group, jid, since, is_removed != 0);
	}
	return value.len == 0;
}

int group_code_decode(struct bytes key, struct bytes value, struct group_domain *domain)
{
	uint64_t format, is_everybody, since, count;
	struct bytes display;
	struct group *group;

	if (!take(&value, 1, &format) || format != FORMAT || !take(&value, 1, &is_everybody) ||
	    !take(&value, 8, &since) || !take_text(&value, &display) ||
	    !take(&value, 4, &count) || count > value.len)
		return -EINVAL;
	group = group_domain_add(domain, key, display, (uint32_t)count);
	group->is_everybody = is_everybody != 0;
	group->since = since;
	if (take_members(domain, group, value, count))
		return 0;
	group_domain_drop(domain, group);
	return -EINVAL;
}

struct bytes group_head_encode(struct arena *arena, const struct group_domain *domain)
{
	struct bytes result;
	struct buf out;

	buf_init(&out, 0);
	put(&out, FORMAT, 1);
	put(&out, domain->version, 8);
	put(&out, domain->floor, 8);
	result = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return result;
}

int group_head_decode(struct bytes value, struct group_domain *domain)
{
	uint64_t format, version, floor;

	if (!take(&value, 1, &format) || format != FORMAT || !take(&value, 8, &version) ||
	    !take(&value, 8, &floor) || value.len != 0)
		return -EINVAL;
	domain->version = version;
	domain->floor = floor;
	return 0;
}
