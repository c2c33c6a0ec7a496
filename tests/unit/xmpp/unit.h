/* What every unit test of this room includes. */
#ifndef TESTS_XMPP_UNIT_H
#define TESTS_XMPP_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/check.h"

/* Compares with a NUL-terminated text and prints both when they differ. */
#define assert_text(got, wanted)                                          \
	do {                                                              \
		struct bytes got_ = (got);                                \
		struct arena arena_;                                      \
		arena_init(&arena_, 256);                                 \
		assert_string_equal(arena_cstr(&arena_, got_), (wanted)); \
		arena_fini(&arena_);                                      \
	} while (0)

#endif
