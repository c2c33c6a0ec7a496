/* See blackbox.h. The mapping is written by shards (one slot each) and by the supervisor
 * (poison). */
#include "base/blackbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/secret.h"

struct slot {
	uint64_t hash;
	uint64_t len;
	_Atomic uint32_t is_busy;
	char kept[BLACKBOX_KEPT_BYTES];
} __attribute__((aligned(64)));

struct mapping {
	uint64_t seed[2]; /* so that nobody can compute a harmless stanza with a poisonous hash
			   */
	_Atomic uint32_t poison_count;
	uint32_t poison_next;
	_Atomic uint64_t poison[BLACKBOX_POISON_MAX];
	struct slot slots[BLACKBOX_SHARDS];
};

static struct mapping private_mapping;
static struct mapping *mapping = &private_mapping;

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load_u64(const char *p, size_t n)
{
	uint64_t word = 0;
	memcpy(&word, p, n);
	return word;
}

/* Multiply and fold, 16 bytes a step: a keyed checksum, not a cryptographic hash. */
static uint64_t hash_of(struct bytes b)
{
	/* The constants keep a process without a seed from multiplying by nothing. */
	uint64_t h = fold(mapping->seed[0] ^ b.len, 0xa0761d6478bd642fu);
	uint64_t key = mapping->seed[1] ^ 0xe7037ed1a0b428dbu;
	const char *p = b.ptr;
	size_t n = b.len;
	for (; n >= 16; p += 16, n -= 16)
		h = fold(load_u64(p, 8) ^ key, load_u64(p + 8, 8) ^ h);
	size_t low = n < 8 ? n : 8;
	return fold(load_u64(p, low) ^ key, load_u64(p + low, n - low) ^ h);
}

static bool is_poison(uint64_t hash)
{
	uint32_t count = blackbox_poison_count();
	for (uint32_t i = 0; i < count; i++)
		if (atomic_load_explicit(&mapping->poison[i], memory_order_relaxed) == hash)
			return true;
	return false;
}

bool blackbox_begin(uint32_t shard, struct bytes stanza)
{
	if (shard >= BLACKBOX_SHARDS)
		return true;
	struct slot *slot = &mapping->slots[shard];
	uint64_t hash = hash_of(stanza);
	if (is_poison(hash))
		return false;
	slot->hash = hash;
	slot->len = stanza.len;
	struct bytes kept = bytes_first(stanza, BLACKBOX_KEPT_BYTES);
	if (kept.len > 0)
		memcpy(slot->kept, kept.ptr, kept.len);
	/* The compiler may not move the copy after the flag; a crash keeps program order. */
	atomic_store_explicit(&slot->is_busy, 1, memory_order_release);
	return true;
}

void blackbox_end(uint32_t shard)
{
	if (shard < BLACKBOX_SHARDS)
		atomic_store_explicit(&mapping->slots[shard].is_busy, 0, memory_order_release);
}

static int map(int fd)
{
	void *ptr =
		mmap(NULL, sizeof(struct mapping), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ptr == MAP_FAILED)
		return -errno;
	mapping = ptr;
	return 0;
}

int blackbox_create(int *ret_fd)
{
	check(mapping == &private_mapping);
	int fd = memfd_create("hearth-blackbox", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int status = ftruncate(fd, sizeof(struct mapping)) < 0 ? -errno : map(fd);
	if (status < 0) {
		close(fd);
		return status;
	}
	random_fill(mapping->seed, sizeof(mapping->seed));
	*ret_fd = fd;
	return 0;
}

int blackbox_attach(int fd)
{
	return map(fd);
}

void blackbox_collect(void (*each)(const struct blackbox_record *, void *context),
		      void *context)
{
	for (uint32_t i = 0; i < BLACKBOX_SHARDS; i++) {
		struct slot *slot = &mapping->slots[i];
		if (!atomic_exchange_explicit(&slot->is_busy, 0, memory_order_acquire))
			continue;
		size_t kept = slot->len < BLACKBOX_KEPT_BYTES ? slot->len : BLACKBOX_KEPT_BYTES;
		each(&(struct blackbox_record){ slot->hash, i, bytes_make(slot->kept, kept),
						slot->len },
		     context);
	}
}

void blackbox_set_aside(uint64_t hash)
{
	if (is_poison(hash))
		return;
	uint32_t at = mapping->poison_next++ % BLACKBOX_POISON_MAX;
	atomic_store_explicit(&mapping->poison[at], hash, memory_order_relaxed);
	uint32_t count = atomic_load_explicit(&mapping->poison_count, memory_order_relaxed);
	if (count < BLACKBOX_POISON_MAX)
		atomic_store_explicit(&mapping->poison_count, count + 1, memory_order_release);
}

uint32_t blackbox_poison_count(void)
{
	/* Bounded: the supervisor does not trust what a broken worker may have written here. */
	uint32_t count = atomic_load_explicit(&mapping->poison_count, memory_order_acquire);
	return count < BLACKBOX_POISON_MAX ? count : BLACKBOX_POISON_MAX;
}
