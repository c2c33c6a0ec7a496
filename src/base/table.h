/*
 * struct table: an open-addressing hash from bytes to pointers, seeded per process (SipHash) so
 * that peers cannot choose collisions. Keys are borrowed and must live in the value. One
 * thread.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/bytes.h"

struct table_slot {
	struct bytes key;
	void *value; /* NULL: free, TABLE_GONE: deleted */
	uint64_t hash;
};

struct table {
	struct table_slot *slots;
	uint32_t mask; /* slots - 1, or 0 when slots is NULL */
	uint32_t used;
	uint32_t gone;
};

/* Allocates nothing yet. */
void table_init(struct table *table);
/* Frees the slots, not the values. */
void table_fini(struct table *table);
/* The value, or NULL. */
void *table_find(const struct table *table, struct bytes key);
/* Stores value (not NULL) and returns what it replaced, or NULL. Key must live in value. */
void *table_put(struct table *table, struct bytes key, void *value);
/* Removes and returns the value, or NULL. */
void *table_del(struct table *table, struct bytes key);
/*
 * Iterates: start with *cursor = 0; returns the next value or NULL at the end. Deleting the
 * value just returned is allowed, putting is not.
 */
void *table_next(const struct table *table, uint32_t *cursor);
static inline uint32_t table_count(const struct table *table)
{
	return table->used;
}

/* SipHash-2-4 of b under a 16-byte key. */
uint64_t siphash(const uint8_t key[16], struct bytes b);

#endif
