/*
 * Linear probing over a power of two of slots, at most three quarters of them taken or gone. A
 * table rebuilds itself in table_put only, to the size that what it holds needs.
 */
#include "base/table.h"

#include <pthread.h>

#include "base/block.h"
#include "base/check.h"
#include "base/secret.h"

enum { SMALLEST_SLOTS = 4 };

static char gone_marker;
#define TABLE_GONE ((void *)&gone_marker)

static uint8_t seed[16];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	random_fill(seed, sizeof(seed));
}

void table_init(struct table *table)
{
	*table = (struct table){ 0 };
}

void table_fini(struct table *table)
{
	block_free(table->slots);
	table_init(table);
}

static struct table_slot *find_slot(const struct table *table, struct bytes key, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & table->mask;

	for (;; i = (i + 1) & table->mask) {
		struct table_slot *slot = &table->slots[i];
		if (!slot->value)
			return NULL;
		if (slot->hash == hash && slot->value != TABLE_GONE &&
		    bytes_equal(slot->key, key))
			return slot;
	}
}

void *table_find(const struct table *table, struct bytes key)
{
	struct table_slot *slot;

	if (table->used == 0)
		return NULL;
	slot = find_slot(table, key, siphash(seed, key));
	return slot ? slot->value : NULL;
}

/* The first slot on the key's way that is free or gone. */
static struct table_slot *open_slot(const struct table *table, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & table->mask;

	while (table->slots[i].value && table->slots[i].value != TABLE_GONE)
		i = (i + 1) & table->mask;
	return &table->slots[i];
}

static bool has_room(const struct table *table)
{
	uint64_t slots = table->slots ? (uint64_t)table->mask + 1 : 0;

	return ((uint64_t)table->used + table->gone + 1) * 4 <= slots * 3;
}

static void rebuild(struct table *table)
{
	struct table old = *table;
	uint64_t slots = SMALLEST_SLOTS;

	pthread_once(&seed_once, make_seed);
	while (((uint64_t)old.used + 1) * 3 > slots * 2)
		slots *= 2;
	check(slots <= (uint64_t)UINT32_MAX / 2);
	table->slots = block_alloc_zeroed(slots * sizeof(*table->slots));
	table->mask = (uint32_t)slots - 1;
	table->gone = 0;
	for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
		struct table_slot *slot = &old.slots[i];
		if (slot->value && slot->value != TABLE_GONE)
			*open_slot(table, slot->hash) = *slot;
	}
	block_free(old.slots);
}

void *table_put(struct table *table, struct bytes key, void *value)
{
	struct table_slot *slot = NULL;
	uint64_t hash;

	check(value != NULL);
	if (!has_room(table))
		rebuild(table);
	hash = siphash(seed, key);
	slot = find_slot(table, key, hash);
	if (slot) {
		void *old = slot->value;
		slot->key = key;
		slot->value = value;
		return old;
	}
	slot = open_slot(table, hash);
	if (slot->value == TABLE_GONE)
		table->gone--;
	*slot = (struct table_slot){ .key = key, .value = value, .hash = hash };
	table->used++;
	return NULL;
}

/* Frees a slot; when nothing follows it, the gone slots before it are free as well. */
static void close_slot(struct table *table, struct table_slot *slot)
{
	uint32_t i = (uint32_t)(slot - table->slots);

	slot->value = TABLE_GONE;
	slot->key = BYTES_NONE;
	table->gone++;
	if (table->slots[(i + 1) & table->mask].value)
		return;
	while (table->slots[i].value == TABLE_GONE) {
		table->slots[i].value = NULL;
		table->gone--;
		i = (i - 1) & table->mask;
	}
}

void *table_del(struct table *table, struct bytes key)
{
	struct table_slot *slot;
	void *value;

	if (table->used == 0)
		return NULL;
	slot = find_slot(table, key, siphash(seed, key));
	if (!slot)
		return NULL;
	value = slot->value;
	table->used--;
	close_slot(table, slot);
	return value;
}

void *table_next(const struct table *table, uint32_t *cursor)
{
	while (table->slots && *cursor <= table->mask) {
		void *value = table->slots[(*cursor)++].value;
		if (value && value != TABLE_GONE)
			return value;
	}
	return NULL;
}
