/*
 * Size classes step by an eighth of a power of two, so at most 12.5 % of a block above 128
 * bytes is lost. All classes are carved from the same chunks, in the order of first use: memory
 * that was never asked for is never touched.
 *
 * A heap is owned by one thread at a time and never goes away: a block may be freed after its
 * thread has ended. The heap of an ended thread waits in the global list and is adopted by the
 * next thread that needs one.
 */
#include "base/block.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_IS_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(BLOCK_IS_MALLOC)
#define BLOCK_IS_MALLOC
#endif

static void *or_die(void *ptr)
{
	check(ptr != NULL);
	return ptr;
}

#ifdef BLOCK_IS_MALLOC

/* The sanitizer must see every block by itself, to know a use after free when it meets one. */
void *block_alloc(size_t size)
{
	return or_die(malloc(size > 0 ? size : 1));
}

void *block_alloc_zeroed(size_t size)
{
	return or_die(calloc(1, size > 0 ? size : 1));
}

void block_free(void *block)
{
	free(block);
}

size_t block_capacity(const void *block)
{
	return malloc_usable_size((void *)(uintptr_t)block);
}

void block_collect(void)
{
}

void block_trim(void)
{
}

uint64_t block_misses(void)
{
	return 0;
}

#else

enum {
	CHUNK_BYTES = 256 * 1024,
	CLASSES = 80,
	CLASS_LARGE = 0xffff, /* straight from malloc */
	LARGEST_CLASS_BYTES = 64 * 1024,
	BATCH_BLOCKS = 32,
	BATCH_BYTES = 64 * 1024,
	MAGIC_LIVE = 0x6c697665,
	MAGIC_FREE = 0x66726565,
};

struct heap;

/* Stands before every block. */
struct header {
	union {
		struct heap *heap; /* where it goes home */
		size_t large_bytes;
	};
	uint32_t class;
	uint32_t magic;
};
_Static_assert(sizeof(struct header) == 16, "blocks are 16-byte aligned");

/* What a free block holds after its header; 16 bytes is the smallest class. */
struct spare {
	struct spare *next;
};

/* Chunks lie at multiples of CHUNK_BYTES, so a block finds its chunk. */
struct chunk {
	struct chunk *next;
	size_t free_bytes; /* only used by block_trim */
};

struct heap {
	struct spare *spares[CLASSES];
	char *bump, *bump_end; /* what is not yet carved of the newest chunk */
	struct chunk *chunks;  /* newest first */
	uint64_t misses;

	/* Blocks of another heap, freed here and not yet sent home. */
	struct heap *batch_heap;
	struct spare *batch_first, *batch_last;
	uint32_t batch_blocks;
	size_t batch_bytes;

	struct heap *next;			       /* in all_heaps; never changes */
	_Alignas(64) _Atomic(struct spare *) returned; /* freed by other threads */
	atomic_bool is_owned;
};

static _Atomic(struct heap *) all_heaps;
static _Thread_local struct heap *my_heap;
static pthread_key_t heap_key;
static pthread_once_t heap_key_once = PTHREAD_ONCE_INIT;

static struct header *header_of(const void *block)
{
	return (struct header *)(uintptr_t)block - 1;
}

static uint32_t class_of(size_t size)
{
	int log2;

	if (size <= 128)
		return size > 0 ? (uint32_t)((size - 1) / 16) : 0;
	log2 = 63 - __builtin_clzl(size - 1);
	return (uint32_t)((size_t)(log2 - 7) * 8 + ((size - 1) >> (log2 - 3)));
}

static size_t class_bytes(uint32_t class)
{
	check(class < CLASSES);
	if (class < 8)
		return (class + 1) * 16;
	return (size_t)(class % 8 + 9) << (class / 8 + 3);
}

static void send_batch(struct heap *heap)
{
	struct heap *home = heap->batch_heap;
	struct spare *head;

	if (heap->batch_blocks == 0)
		return;
	head = atomic_load_explicit(&home->returned, memory_order_relaxed);
	do {
		heap->batch_last->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&home->returned, &head,
							heap->batch_first, memory_order_release,
							memory_order_relaxed));
	heap->batch_blocks = 0;
	heap->batch_bytes = 0;
}

static void leave_heap(void *arg)
{
	struct heap *heap = arg;

	send_batch(heap);
	my_heap = NULL;
	atomic_store_explicit(&heap->is_owned, false, memory_order_release);
}

static void make_heap_key(void)
{
	check(pthread_key_create(&heap_key, leave_heap) == 0);
}

static struct heap *adopt_heap(void)
{
	struct heap *heap = atomic_load_explicit(&all_heaps, memory_order_acquire);

	while (heap) {
		bool expected = false;
		if (atomic_compare_exchange_strong_explicit(&heap->is_owned, &expected, true,
							    memory_order_acquire,
							    memory_order_relaxed))
			break;
		heap = heap->next;
	}
	return heap;
}

static struct heap *new_heap(void)
{
	struct heap *heap = or_die(aligned_alloc(64, sizeof(*heap)));

	memset(heap, 0, sizeof(*heap));
	atomic_init(&heap->is_owned, true);
	heap->next = atomic_load_explicit(&all_heaps, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&all_heaps, &heap->next, heap, memory_order_release, memory_order_relaxed))
		;
	return heap;
}

static __attribute__((noinline)) struct heap *enter_heap(void)
{
	struct heap *heap = adopt_heap();

	if (!heap)
		heap = new_heap();
	pthread_once(&heap_key_once, make_heap_key);
	check(pthread_setspecific(heap_key, heap) == 0);
	my_heap = heap;
	return heap;
}

static inline struct heap *heap_self(void)
{
	struct heap *heap = my_heap;

	return __builtin_expect(heap != NULL, 1) ? heap : enter_heap();
}

static void *carve(struct heap *heap, uint32_t class)
{
	struct header *header = (struct header *)(void *)heap->bump;

	heap->bump += sizeof(*header) + class_bytes(class);
	header->heap = heap;
	header->class = class;
	header->magic = MAGIC_LIVE;
	return header + 1;
}

static void put_spare(struct heap *heap, struct spare *spare)
{
	struct header *header = header_of(spare);

	spare->next = heap->spares[header->class];
	heap->spares[header->class] = spare;
}

/* What remains of the old chunk becomes spare blocks of the largest classes that fit. */
static void carve_rest(struct heap *heap)
{
	while ((size_t)(heap->bump_end - heap->bump) >= sizeof(struct header) + 16) {
		size_t room = (size_t)(heap->bump_end - heap->bump) - sizeof(struct header);
		uint32_t class = room >= LARGEST_CLASS_BYTES ? CLASSES - 1 : class_of(room);
		if (class_bytes(class) > room)
			class --;
		struct spare *spare = carve(heap, class);
		header_of(spare)->magic = MAGIC_FREE;
		put_spare(heap, spare);
	}
}

/* An aligned mapping: asks for twice the size and gives back what sticks out. */
static struct chunk *map_chunk(void)
{
	char *raw = mmap(NULL, 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	check(raw != MAP_FAILED);
	before = (CHUNK_BYTES - (uintptr_t)raw % CHUNK_BYTES) % CHUNK_BYTES;
	if (before > 0)
		munmap(raw, before);
	munmap(raw + before + CHUNK_BYTES, CHUNK_BYTES - before);
	return (struct chunk *)(void *)(raw + before);
}

static struct chunk *chunk_of(const void *block)
{
	return (struct chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK_BYTES - 1));
}

static void add_chunk(struct heap *heap)
{
	struct chunk *chunk = map_chunk();

	heap->misses++;
	chunk->next = heap->chunks;
	heap->chunks = chunk;
	heap->bump = (char *)chunk + sizeof(*chunk);
	heap->bump_end = (char *)chunk + CHUNK_BYTES;
}

static void collect_into(struct heap *heap)
{
	struct spare *spare, *next;

	if (!atomic_load_explicit(&heap->returned, memory_order_relaxed))
		return;
	spare = atomic_exchange_explicit(&heap->returned, NULL, memory_order_acquire);
	for (; spare; spare = next) {
		next = spare->next;
		put_spare(heap, spare);
	}
}

static void *take_spare(struct heap *heap, uint32_t class)
{
	struct spare *spare = heap->spares[class];

	heap->spares[class] = spare->next;
	header_of(spare)->magic = MAGIC_LIVE;
	return spare;
}

static __attribute__((noinline)) void *alloc_slow(struct heap *heap, uint32_t class)
{
	size_t need = sizeof(struct header) + class_bytes(class);

	collect_into(heap);
	if (heap->spares[class])
		return take_spare(heap, class);
	if ((size_t)(heap->bump_end - heap->bump) < need) {
		carve_rest(heap);
		add_chunk(heap);
	}
	return carve(heap, class);
}

static struct header *init_large(void *memory, size_t size)
{
	struct header *header = or_die(memory);

	heap_self()->misses++;
	header->large_bytes = size;
	header->class = CLASS_LARGE;
	header->magic = MAGIC_LIVE;
	return header;
}

void *block_alloc(size_t size)
{
	struct heap *heap = heap_self();
	uint32_t class;

	if (__builtin_expect(size > LARGEST_CLASS_BYTES, 0)) {
		check(size < SIZE_MAX - sizeof(struct header));
		return init_large(malloc(sizeof(struct header) + size), size) + 1;
	}
	class = class_of(size);
	return heap->spares[class] ? take_spare(heap, class) : alloc_slow(heap, class);
}

void *block_alloc_zeroed(size_t size)
{
	if (size > LARGEST_CLASS_BYTES) {
		check(size < SIZE_MAX - sizeof(struct header));
		return init_large(calloc(1, sizeof(struct header) + size), size) + 1;
	}
	return memset(block_alloc(size), 0, size);
}

static __attribute__((noinline)) void free_elsewhere(struct heap *heap, struct header *header,
						     struct spare *spare)
{
	if (heap->batch_heap != header->heap)
		send_batch(heap);
	heap->batch_heap = header->heap;
	spare->next = heap->batch_first;
	if (heap->batch_blocks++ == 0)
		heap->batch_last = spare;
	heap->batch_first = spare;
	heap->batch_bytes += class_bytes(header->class);
	if (heap->batch_blocks >= BATCH_BLOCKS || heap->batch_bytes >= BATCH_BYTES)
		send_batch(heap);
}

void block_free(void *block)
{
	struct heap *heap = heap_self();
	struct header *header;

	if (!block)
		return;
	header = header_of(block);
	check(header->magic == MAGIC_LIVE);
	header->magic = MAGIC_FREE;
	if (__builtin_expect(header->class == CLASS_LARGE, 0))
		free(header);
	else if (__builtin_expect(header->heap == heap, 1))
		put_spare(heap, block);
	else
		free_elsewhere(heap, header, block);
}

size_t block_capacity(const void *block)
{
	const struct header *header = header_of(block);

	check(header->magic == MAGIC_LIVE);
	return header->class == CLASS_LARGE ? header->large_bytes : class_bytes(header->class);
}

void block_collect(void)
{
	struct heap *heap = heap_self();

	send_batch(heap);
	collect_into(heap);
}

/* Counts, for every chunk, the bytes that are spare or not yet carved. */
static void count_free_bytes(struct heap *heap)
{
	for (struct chunk *chunk = heap->chunks; chunk; chunk = chunk->next)
		chunk->free_bytes = 0;
	if (heap->chunks)
		heap->chunks->free_bytes = (size_t)(heap->bump_end - heap->bump);
	for (uint32_t class = 0; class < CLASSES; class ++) {
		size_t whole = sizeof(struct header) + class_bytes(class);
		for (struct spare *spare = heap->spares[class]; spare; spare = spare->next)
			chunk_of(spare)->free_bytes += whole;
	}
}

/* The last bytes of a chunk may be too few for any block. */
static bool is_chunk_free(const struct chunk *chunk)
{
	return chunk->free_bytes + sizeof(*chunk) + sizeof(struct header) + 16 > CHUNK_BYTES;
}

static void forget_spares_of_free_chunks(struct heap *heap)
{
	for (uint32_t class = 0; class < CLASSES; class ++) {
		struct spare **link = &heap->spares[class];
		while (*link) {
			if (is_chunk_free(chunk_of(*link)))
				*link = (*link)->next;
			else
				link = &(*link)->next;
		}
	}
}

void block_trim(void)
{
	struct heap *heap = heap_self();
	struct chunk **link = &heap->chunks;

	block_collect();
	count_free_bytes(heap);
	forget_spares_of_free_chunks(heap);
	if (heap->chunks && is_chunk_free(heap->chunks))
		heap->bump = heap->bump_end = NULL;
	while (*link) {
		struct chunk *chunk = *link;
		if (is_chunk_free(chunk)) {
			*link = chunk->next;
			munmap(chunk, CHUNK_BYTES);
		} else {
			link = &chunk->next;
		}
	}
}

uint64_t block_misses(void)
{
	return heap_self()->misses;
}

#endif
