/*
 * Blocks: sized heap memory for objects that cross threads or live long, without a malloc on
 * the steady path. Each thread keeps free lists by size class; a block freed on another thread
 * than the one that allocated it goes home in a batch (32 blocks, 64 KiB, or block_collect).
 *
 * Use it for stanzas, mail, buffers in flight, sessions. The size is not needed to free.
 */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* 16-byte aligned, not zeroed, at least `size` bytes. Never NULL: out of memory aborts. */
void *block_alloc(size_t size);
/* The same, zeroed. */
void *block_alloc_zeroed(size_t size);
/* NULL is accepted. Any thread. */
void block_free(void *block);
/* Bytes that can be used: the size class, >= what was asked for. */
size_t block_capacity(const void *block);
/* Takes back what other threads freed; the shard loop calls it once per turn. */
void block_collect(void);
/* Returns chunks without a live block to the system (idle shard, thread exit). */
void block_trim(void);
/*
 * How many times this thread asked the system for memory (chunks, and blocks above 64 KiB):
 * pinned by tests. Always 0 under the address sanitizer, where every block is a malloc.
 */
uint64_t block_misses(void);

#endif
