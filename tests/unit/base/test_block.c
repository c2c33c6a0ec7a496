#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/block.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCKS_ARE_MALLOC
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define BLOCKS_ARE_MALLOC
#endif

static void every_size_is_usable(void **state)
{
	for (size_t size = 0; size <= 70000; size += size < 2100 ? 1 : 61) {
		char *p = block_alloc(size);
		size_t capacity = block_capacity(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(capacity >= size);
#ifndef BLOCKS_ARE_MALLOC
		if (size > 128)
			assert_true((capacity - size) * 8 <= size);
#endif
		memset(p, 0x5a, capacity);
		block_free(p);
	}
	block_free(NULL);
}

static void zeroed_is_zero_after_use(void **state)
{
	for (size_t size = 1; size <= 200000; size *= 3) {
		char *p = block_alloc(size);
		memset(p, 0x5a, size);
		block_free(p);
		p = block_alloc_zeroed(size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		block_free(p);
	}
}

/* Blocks do not overlap: each keeps its own pattern. */
static void blocks_are_apart(void **state)
{
	enum { BLOCKS = 3000 };
	static uint8_t *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	uint32_t random = 1;

	for (int i = 0; i < BLOCKS; i++) {
		random = random * 1664525 + 1013904223;
		sizes[i] = random >> 22;
		blocks[i] = block_alloc(sizes[i]);
		memset(blocks[i], i & 0xff, sizes[i]);
	}
	for (int i = 0; i < BLOCKS; i++) {
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(blocks[i][j], i & 0xff);
		block_free(blocks[i]);
	}
}

static void steady_use_never_misses(void **state)
{
	void *blocks[64];
	uint64_t before;

	for (int round = 0; round < 3; round++) {
		if (round == 1)
			before = block_misses();
		for (size_t i = 0; i < 64; i++)
			blocks[i] = block_alloc(i * 50);
		for (size_t i = 0; i < 64; i++)
			block_free(blocks[i]);
	}
	assert_true(block_misses() == before);
}

#ifndef BLOCKS_ARE_MALLOC
static void *page_of(void *block)
{
	return (void *)((uintptr_t)block & ~(uintptr_t)4095);
}
#endif

static void trim_gives_back_and_goes_on(void **state)
{
	enum { BLOCKS = 400 };
	static void *blocks[BLOCKS];
	char *kept = block_alloc(1000);
	uint64_t before;

	memset(kept, 'k', 1000);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = block_alloc(2000);
	for (int i = 0; i < BLOCKS; i++)
		block_free(blocks[i]);
	block_trim();
	before = block_misses();
#ifndef BLOCKS_ARE_MALLOC
	assert_int_equal(mincore(page_of(blocks[BLOCKS / 2]), 1, &(unsigned char){ 0 }), -1);
	assert_int_equal(mincore(page_of(kept), 1, &(unsigned char){ 0 }), 0);
#endif
	for (int i = 0; i < BLOCKS; i++)
		memset(blocks[i] = block_alloc(2000), i, 2000);
#ifndef BLOCKS_ARE_MALLOC
	assert_true(block_misses() > before); /* the chunks had really gone */
#endif
	for (int i = 0; i < 1000; i++)
		assert_int_equal(kept[i], 'k');
	for (int i = 0; i < BLOCKS; i++)
		block_free(blocks[i]);
	block_free(kept);
	block_trim();
	(void)before;
}

enum { PASSED = 20000, RING = 256 };

struct ring {
	_Atomic(uint64_t *) slots[RING];
};

/* Takes blocks out of the ring and frees them on this thread. */
static void *free_all(void *arg)
{
	struct ring *ring = arg;

	for (uint64_t i = 0; i < PASSED; i++) {
		_Atomic(uint64_t *) *slot = &ring->slots[i % RING];
		uint64_t *block;
		while (!(block = atomic_exchange(slot, NULL)))
			sched_yield();
		if (*block != i)
			return block;
		block_free(block);
	}
	return NULL;
}

static void blocks_come_home(void **state)
{
	static struct ring ring;
	pthread_t thread;
	void *wrong;
	uint64_t before = block_misses();

	pthread_create(&thread, NULL, free_all, &ring);
	for (uint64_t i = 0; i < PASSED; i++) {
		_Atomic(uint64_t *) *slot = &ring.slots[i % RING];
		uint64_t *block = block_alloc(300);
		*block = i;
		while (atomic_load(slot))
			sched_yield();
		atomic_store(slot, block);
		if (i % 16 == 0)
			block_collect();
	}
	pthread_join(thread, &wrong);
	assert_null(wrong);
	/* 20,000 blocks of 300 bytes would be 25 chunks; those in flight fit into one or two.
	 */
	assert_true(block_misses() - before <= 2);
}

#ifndef BLOCKS_ARE_MALLOC
struct helper {
	pthread_barrier_t freed, seen;
	void *blocks[6];
};

/* Frees three blocks and sends them home by collecting, three more by ending. */
static void *free_in_two_steps(void *arg)
{
	struct helper *helper = arg;

	for (int i = 0; i < 3; i++)
		block_free(helper->blocks[i]);
	block_collect();
	pthread_barrier_wait(&helper->freed);
	pthread_barrier_wait(&helper->seen);
	for (int i = 3; i < 6; i++)
		block_free(helper->blocks[i]);
	return NULL;
}

/* The three blocks that are given out next are those from `first` on. */
static void assert_back_home(struct helper *helper, int first)
{
	block_collect();
	for (int i = 0; i < 3; i++) {
		void *block = block_alloc(333);
		assert_true(block == helper->blocks[first] ||
			    block == helper->blocks[first + 1] ||
			    block == helper->blocks[first + 2]);
	}
}

static void few_blocks_come_home_too(void **state)
{
	struct helper helper;
	pthread_t thread;

	pthread_barrier_init(&helper.freed, NULL, 2);
	pthread_barrier_init(&helper.seen, NULL, 2);
	for (int i = 0; i < 6; i++)
		helper.blocks[i] = block_alloc(333);
	pthread_create(&thread, NULL, free_in_two_steps, &helper);
	pthread_barrier_wait(&helper.freed);
	assert_back_home(&helper, 0);
	pthread_barrier_wait(&helper.seen);
	pthread_join(thread, NULL);
	assert_back_home(&helper, 3);
	for (int i = 0; i < 6; i++)
		block_free(helper.blocks[i]);
	pthread_barrier_destroy(&helper.freed);
	pthread_barrier_destroy(&helper.seen);
}
#endif

static void *leave_a_block(void *arg)
{
	*(char **)arg = block_alloc(500);
	memset(*(char **)arg, 'x', 500);
	return NULL;
}

static void *use_a_heap(void *arg)
{
	uint64_t before = block_misses();

	block_free(block_alloc(500));
	*(bool *)arg = block_misses() == before;
	return NULL;
}

static void heaps_outlive_threads(void **state)
{
	pthread_t thread;
	char *left = NULL;
	bool is_adopted = false;

	pthread_create(&thread, NULL, leave_a_block, &left);
	pthread_join(thread, NULL);
	assert_int_equal(left[499], 'x');
	block_free(left);
	block_collect();
	pthread_create(&thread, NULL, use_a_heap, &is_adopted);
	pthread_join(thread, NULL);
	assert_true(is_adopted);
}

#ifndef BLOCKS_ARE_MALLOC
static void free_twice(void *arg)
{
	void *block = block_alloc(100);

	block_free(block);
	block_free(block);
}

static void second_free_aborts(void **state)
{
	assert_true(unit_aborts(free_twice, NULL));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_usable),
		cmocka_unit_test(zeroed_is_zero_after_use),
		cmocka_unit_test(blocks_are_apart),
		cmocka_unit_test(steady_use_never_misses),
		cmocka_unit_test(trim_gives_back_and_goes_on),
		cmocka_unit_test(blocks_come_home),
		cmocka_unit_test(heaps_outlive_threads),
#ifndef BLOCKS_ARE_MALLOC
		cmocka_unit_test(few_blocks_come_home_too),
		cmocka_unit_test(second_free_aborts),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
