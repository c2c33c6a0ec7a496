#include "core/throttle.h"

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "core/shard_state.h"

struct throttle_entry {
	struct list by_age; /* oldest failure first */
	uint64_t failed_at_ms;
	uint32_t failures;
	uint16_t key_len;
	char key[];
};

static struct throttle_entry *throttle_find(struct bytes key)
{
	struct throttle_entry *entry = table_find(&core_shard()->throttle, key);

	if (entry == NULL || clock_ms() - entry->failed_at_ms > THROTTLE_FORGET_S * 1000ull)
		return NULL;
	return entry;
}

static uint32_t throttle_delay_of(struct bytes key)
{
	const struct throttle_entry *entry = throttle_find(key);
	uint32_t doublings;

	if (entry == NULL || entry->failures < THROTTLE_FREE)
		return 0;
	doublings = entry->failures - THROTTLE_FREE;
	return doublings >= 5 ? THROTTLE_MAX_MS : 250u << doublings;
}

static void throttle_forget(struct throttle_entry *entry)
{
	check(entry != NULL);
	table_del(&core_shard()->throttle, bytes_make(entry->key, entry->key_len));
	list_del(&entry->by_age);
	block_free(entry);
}

static struct throttle_entry *throttle_make(struct bytes key)
{
	struct core_shard *core = core_shard();
	struct throttle_entry *entry = table_find(&core->throttle, key);

	if (entry != NULL && throttle_find(key) == NULL)
		entry->failures = 0;
	if (entry != NULL)
		return entry;
	if (table_count(&core->throttle) >= THROTTLE_ENTRIES)
		throttle_forget(
			list_first(&core->throttle_by_age, struct throttle_entry, by_age));
	entry = block_alloc_zeroed(sizeof(*entry) + key.len);
	entry->key_len = (uint16_t)key.len;
	memcpy(entry->key, key.ptr, key.len);
	list_init(&entry->by_age);
	table_put(&core->throttle, bytes_make(entry->key, key.len), entry);
	return entry;
}

static void throttle_fail(struct bytes key)
{
	struct throttle_entry *entry = throttle_make(key);

	entry->failures++;
	entry->failed_at_ms = clock_ms();
	list_del(&entry->by_age);
	list_add_tail(&core_shard()->throttle_by_age, &entry->by_age);
}

/* A binary address cannot be mistaken for an account: it gets a byte that no JID has. */
static struct bytes throttle_address_key(struct bytes address)
{
	return arena_printf(scratch(), "\x01%.*s", BYTES_ARG(hex_encode(scratch(), address)));
}

uint32_t throttle_delay_ms(struct jid account, struct bytes address)
{
	uint32_t by_account = throttle_delay_of(jid_bare(account));
	uint32_t by_address =
		address.len == 0 ? 0 : throttle_delay_of(throttle_address_key(address));

	return by_account > by_address ? by_account : by_address;
}

void throttle_result(struct jid account, struct bytes address, bool is_ok)
{
	struct throttle_entry *entry;

	if (!is_ok) {
		throttle_fail(jid_bare(account));
		if (address.len > 0)
			throttle_fail(throttle_address_key(address));
		return;
	}
	entry = table_find(&core_shard()->throttle, jid_bare(account));
	if (entry != NULL)
		throttle_forget(entry);
}

void throttle_fini(void)
{
	struct throttle_entry *entry;

	while ((entry = list_first(&core_shard()->throttle_by_age, struct throttle_entry,
				   by_age)) != NULL)
		throttle_forget(entry);
	table_fini(&core_shard()->throttle);
}
