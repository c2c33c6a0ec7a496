#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/block.h"
#include "base/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_IS_POISONED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ARENA_IS_POISONED)
#define ARENA_IS_POISONED
#endif

/* Under the address sanitizer, memory of a chunk that was not handed out may not be touched. */
#ifdef ARENA_IS_POISONED
#include <sanitizer/asan_interface.h>
#define poison(ptr, size) ASAN_POISON_MEMORY_REGION((ptr), (size))
#define unpoison(ptr, size) ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
#define poison(ptr, size) ((void)(ptr), (void)(size))
#define unpoison(ptr, size) ((void)(ptr), (void)(size))
#endif

enum {
	SCRATCH_CHUNK_BYTES = 16 * 1024,
	SMALLEST_CHUNK_BYTES = 64,
};

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* with this head */
};
_Static_assert(sizeof(struct arena_chunk) == 16, "what follows is 16-byte aligned");

static char *chunk_data(struct arena_chunk *chunk)
{
	return (char *)(chunk + 1);
}

void arena_init(struct arena *arena, size_t chunk_bytes)
{
	check(chunk_bytes <= UINT32_MAX);
	*arena = (struct arena){
		.chunk_bytes = chunk_bytes < SMALLEST_CHUNK_BYTES ? SMALLEST_CHUNK_BYTES
								  : (uint32_t)chunk_bytes,
	};
}

static void drop_newest(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunk;

	arena->chunk = chunk->older;
	arena->chunks--;
	unpoison(chunk, chunk->size);
	block_free(chunk);
}

/* Continues in the newest chunk, at `next`. */
static void rewind_to(struct arena *arena, char *next)
{
	arena->next = next;
	arena->end = (char *)arena->chunk + arena->chunk->size;
	poison(next, (size_t)(arena->end - next));
}

void arena_fini(struct arena *arena)
{
	while (arena->chunk)
		drop_newest(arena);
	arena->next = arena->end = NULL;
}

void arena_reset(struct arena *arena)
{
	while (arena->chunk && arena->chunk->older)
		drop_newest(arena);
	/* A chunk made for one huge request is not worth keeping. */
	if (arena->chunk && arena->chunk->size > 2 * (size_t)arena->chunk_bytes)
		drop_newest(arena);
	if (arena->chunk)
		rewind_to(arena, chunk_data(arena->chunk));
	else
		arena->next = arena->end = NULL;
}

static void add_chunk(struct arena *arena, size_t size)
{
	size_t need = sizeof(struct arena_chunk) + size;
	struct arena_chunk *chunk =
		block_alloc(need > arena->chunk_bytes ? need : arena->chunk_bytes);

	chunk->older = arena->chunk;
	chunk->size = block_capacity(chunk);
	arena->chunk = chunk;
	arena->chunks++;
	rewind_to(arena, chunk_data(chunk));
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
	size_t room = (size + 15) & ~(size_t)15;
	void *ptr;

	check(size <= SIZE_MAX / 2);
	if (room == 0)
		room = 16;
	if (__builtin_expect((size_t)(arena->end - arena->next) < room, 0))
		add_chunk(arena, room);
	ptr = arena->next;
	arena->next += room;
	unpoison(ptr, size);
	return ptr;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc_raw(arena, size), 0, size);
}

char *arena_cstr(struct arena *arena, struct bytes b)
{
	char *copy = arena_alloc_raw(arena, b.len + 1);

	if (b.len > 0)
		memcpy(copy, b.ptr, b.len);
	copy[b.len] = '\0';
	return copy;
}

struct bytes arena_copy(struct arena *arena, struct bytes b)
{
	if (bytes_is_none(b))
		return BYTES_NONE;
	return bytes_make(arena_cstr(arena, b), b.len);
}

struct bytes arena_printf(struct arena *arena, const char *format, ...)
{
	char small[256];
	char *text;
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	check(len >= 0);
	text = arena_alloc_raw(arena, (size_t)len + 1);
	if ((size_t)len < sizeof(small))
		memcpy(text, small, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	va_end(args);
	return bytes_make(text, (size_t)len);
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ .chunk = arena->chunk, .next = arena->next };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	if (!mark.chunk) {
		arena_reset(arena);
		return;
	}
	while (arena->chunk != mark.chunk) {
		check(arena->chunk != NULL);
		drop_newest(arena);
	}
	rewind_to(arena, mark.next);
}

size_t arena_footprint(const struct arena *arena)
{
	size_t sum = 0;

	for (const struct arena_chunk *chunk = arena->chunk; chunk; chunk = chunk->older)
		sum += chunk->size;
	return sum;
}

static _Thread_local struct arena my_scratch = { .chunk_bytes = SCRATCH_CHUNK_BYTES };

struct arena *scratch(void)
{
	return &my_scratch;
}

void scratch_fini(void)
{
	arena_fini(&my_scratch);
}
