/*
 * Assertions that stay on in production. check() is for our own bugs only: a peer's mistake is
 * a verdict or a stream error, the world's (disk, net) a negative return. A failed check
 * aborts; the supervisor restarts the worker.
 *
 * Use:	check(session->state == SESSION_BOUND);
 * 	check_magic(user, USER_MAGIC);
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#define check(expr)                                                        \
	do {                                                               \
		if (__builtin_expect(!(expr), 0))                          \
			check_failed(#expr, __FILE__, __LINE__, __func__); \
	} while (0)

/* Every heap object starts with `uint32_t magic`; NULL and a wrong or freed object abort. */
#define check_magic(obj, expected) check((obj) != NULL && (obj)->magic == (expected))

/* Prints the failed expression to stderr and aborts. Never returns. */
_Noreturn void check_failed(const char *expr, const char *file, int line, const char *func);

#define array_len(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
