#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"

void secret_init(struct secret *secret, struct bytes raw)
{
	secret->ptr = malloc(raw.len + 1);
	check(secret->ptr != NULL);
	if (raw.len > 0)
		memcpy(secret->ptr, raw.ptr, raw.len);
	secret->ptr[raw.len] = '\0';
	secret->len = raw.len;
}

void secret_fini(struct secret *secret)
{
	if (secret->ptr)
		secret_wipe(secret->ptr, secret->len);
	free(secret->ptr);
	*secret = (struct secret){ 0 };
}

struct bytes secret_bytes(const struct secret *secret)
{
	return bytes_make(secret->ptr, secret->len);
}

bool secret_equal(struct bytes a, struct bytes b)
{
	volatile uint8_t difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= (uint8_t)a.ptr[i] ^ (uint8_t)b.ptr[i];
	return difference == 0;
}

void secret_wipe(void *ptr, size_t len)
{
	if (len > 0)
		explicit_bzero(ptr, len);
}

void random_fill(void *ptr, size_t len)
{
	char *out = ptr;

	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);
		check(n > 0 || (n < 0 && errno == EINTR));
		if (n > 0) {
			out += n;
			len -= (size_t)n;
		}
	}
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_fill(&value, sizeof(value));
	return value;
}
