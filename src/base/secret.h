/*
 * Secrets: passwords, keys, tokens. A struct secret prints as *** in every log (its bytes are
 * only reachable by secret_bytes), is compared in constant time, and is wiped when dropped.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"

struct secret {
	char *ptr; /* malloc'd, owned */
	size_t len;
};

/* Copies raw. */
void secret_init(struct secret *secret, struct bytes raw);
/* Wipes and frees; may be called twice. */
void secret_fini(struct secret *secret);
/* Borrowed. */
struct bytes secret_bytes(const struct secret *secret);
/* Time depends on the lengths only. */
bool secret_equal(struct bytes a, struct bytes b);
/* Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *ptr, size_t len);

/* Fills ptr with cryptographically random bytes; never fails (aborts without entropy). */
void random_fill(void *ptr, size_t len);
uint64_t random_u64(void);

#endif
