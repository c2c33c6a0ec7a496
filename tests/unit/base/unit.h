/* What every unit test of this room includes: cmocka, and tests of calls that must abort. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/bytes.h"

/* True if call(arg), in a process of its own, ends by SIGABRT. */
static inline bool unit_aborts(void (*call)(void *), void *arg)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		call(arg);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

#define assert_bytes(b, literal)                                             \
	do {                                                                 \
		struct bytes got_ = (b);                                     \
		assert_int_equal(got_.len, sizeof(literal) - 1);             \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1); \
	} while (0)

#endif
