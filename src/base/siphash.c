/* SipHash-2-4 (Aumasson and Bernstein, 2012), little-endian input. */
#include "base/table.h"

#include <endian.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t load64(const void *ptr)
{
	uint64_t word;

	memcpy(&word, ptr, sizeof(word));
	return le64toh(word);
}

/* The bytes after the last whole word, and the length in the highest byte. */
static inline uint64_t last_word(struct bytes b)
{
	size_t rest = b.len % 8;
	uint64_t word = (uint64_t)b.len << 56;

	if (rest == 0)
		return word;
	if (b.len >= 8) /* read backwards over bytes already hashed, and shift them out */
		return word | load64(b.ptr + b.len - 8) >> (8 * (8 - rest));
	for (size_t i = 0; i < rest; i++)
		word |= (uint64_t)(uint8_t)b.ptr[i] << (8 * i);
	return word;
}

uint64_t siphash(const uint8_t key[16], struct bytes b)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	struct sip s = {
		.v0 = k0 ^ 0x736f6d6570736575,
		.v1 = k1 ^ 0x646f72616e646f6d,
		.v2 = k0 ^ 0x6c7967656e657261,
		.v3 = k1 ^ 0x7465646279746573,
	};

	for (size_t i = 0; i + 8 <= b.len; i += 8)
		sip_word(&s, load64(b.ptr + i));
	sip_word(&s, last_word(b));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
