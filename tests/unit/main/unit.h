/* What the unit tests of room main share. */
#ifndef TESTS_MAIN_UNIT_H
#define TESTS_MAIN_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
