/*
 * Bump arenas: memory that dies together. Lifespans are process, shard, user, session, stanza
 * and call; every object names its arena in its _new. An arena belongs to one thread.
 *
 * scratch() is the calling thread's arena for temporaries of one handler call; the shard loop
 * resets it between events, tests by hand. Nothing in scratch may be kept.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* newest first */
	char *next;
	char *end;
	uint32_t chunk_bytes;
	uint32_t chunks;
};

struct arena_mark {
	struct arena_chunk *chunk;
	char *next;
};

/* chunk_bytes: usual size of a chunk (larger requests get their own). Allocates nothing yet. */
void arena_init(struct arena *arena, size_t chunk_bytes);
/* Frees everything; the arena may be used again. */
void arena_fini(struct arena *arena);
/* Forgets everything but keeps the first chunk, unless one huge request made it. */
void arena_reset(struct arena *arena);

/* Zeroed, 16-byte aligned, never NULL: out of memory aborts, and limits keep peers from it. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same, not zeroed. */
void *arena_alloc_raw(struct arena *arena, size_t size);
/* A copy of b, followed by a NUL that is not counted. BYTES_NONE gives BYTES_NONE. */
struct bytes arena_copy(struct arena *arena, struct bytes b);
/* As printf; the result is followed by a NUL that is not counted. */
struct bytes arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* NUL-terminated copy of b. */
char *arena_cstr(struct arena *arena, struct bytes b);

struct arena_mark arena_mark(const struct arena *arena);
/* Frees what was allocated since the mark. */
void arena_release(struct arena *arena, struct arena_mark mark);
/* Bytes held in chunks. */
size_t arena_footprint(const struct arena *arena);

/* The calling thread's arena for temporaries. */
struct arena *scratch(void);
/* Gives the calling thread's scratch memory back to the system (thread exit, tests). */
void scratch_fini(void);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
