#include "stream/admission.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/secret.h"
#include "base/table.h"

enum { CELLS = 16384, CELL_BITS = 14, IS_ADDRESS = 1 << 30, IS_ADMITTED = 1 << 29 };
_Static_assert(CELLS == 1 << CELL_BITS, "an index is CELL_BITS wide");

/* The only state of this room that shards share; see the header. */
static _Atomic uint32_t total_count;
static _Atomic uint32_t cells[CELLS];
static _Atomic uint64_t key_halves[2];

/* Drawn at the first use, so that nobody can choose addresses that collide. */
static uint64_t key_half(int i)
{
	uint64_t half = atomic_load_explicit(&key_halves[i], memory_order_relaxed);
	uint64_t fresh;

	if (half != 0)
		return half;
	fresh = random_u64() | 1;
	return atomic_compare_exchange_strong(&key_halves[i], &half, fresh) ? fresh : half;
}

static uint64_t admission_of(struct bytes network)
{
	uint64_t halves[2] = { key_half(0), key_half(1) };
	uint8_t key[16];
	uint64_t hash;

	if (network.len == 0)
		return IS_ADMITTED;
	memcpy(key, halves, sizeof(key));
	hash = siphash(key, network);
	return (hash & (CELLS - 1)) | (hash >> 50 & (CELLS - 1)) << CELL_BITS | IS_ADMITTED |
	       IS_ADDRESS;
}

static _Atomic uint32_t *cell(uint64_t ticket, int which)
{
	return &cells[ticket >> (which * CELL_BITS) & (CELLS - 1)];
}

uint64_t admission_enter(struct bytes network, uint32_t per_address, uint32_t total)
{
	uint64_t ticket = admission_of(network);
	uint32_t a = 0;
	uint32_t b = 0;

	if (atomic_fetch_add(&total_count, 1) >= total) {
		atomic_fetch_sub(&total_count, 1);
		return 0;
	}
	if (ticket & IS_ADDRESS) {
		a = atomic_fetch_add(cell(ticket, 0), 1);
		b = atomic_fetch_add(cell(ticket, 1), 1);
	}
	if ((a < b ? a : b) < per_address)
		return ticket;
	admission_leave(&ticket);
	return 0;
}

void admission_leave(uint64_t *ticket)
{
	if (*ticket == 0)
		return;
	check(atomic_fetch_sub(&total_count, 1) > 0);
	if (*ticket & IS_ADDRESS) {
		atomic_fetch_sub(cell(*ticket, 0), 1);
		atomic_fetch_sub(cell(*ticket, 1), 1);
	}
	*ticket = 0;
}

uint32_t admission_count(void)
{
	return atomic_load(&total_count);
}
