/* What the unit tests of room admin share. */
#ifndef TESTS_ADMIN_UNIT_H
#define TESTS_ADMIN_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
