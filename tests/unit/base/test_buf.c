#include "unit.h"

#include <errno.h>

#include "base/buf.h"

static void grows_and_consumes(void **state)
{
	struct buf buf;

	buf_init(&buf, 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_append_byte(&buf, (char)('a' + i % 26)), 0);
	assert_int_equal(buf.len, 5000);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf.ptr[i], 'a' + i % 26);
	buf_consume(&buf, 4998);
	assert_int_equal(buf.len, 2);
	assert_int_equal(buf.ptr[0], 'a' + 4998 % 26);
	buf_consume(&buf, 2);
	assert_int_equal(buf_bytes(&buf).len, 0);
	buf_fini(&buf);
	assert_null(buf.ptr);
	buf_fini(&buf);
}

static void prints_at_every_length(void **state)
{
	struct buf buf;

	buf_init(&buf, 0);
	for (int i = 0; i < 300; i++) {
		buf_reset(&buf);
		assert_int_equal(buf_printf(&buf, "%*d", i, 1), 0);
		assert_int_equal(buf.len, i > 0 ? i : 1);
		assert_int_equal(buf.ptr[buf.len - 1], '1');
		assert_int_equal(buf_append_cstr(&buf, "!"), 0);
	}
	buf_fini(&buf);
}

static void limit_marks_failed_and_sticks(void **state)
{
	struct buf buf;

	buf_init(&buf, 10);
	assert_int_equal(buf_append(&buf, BYTES_LIT("0123456789")), 0);
	assert_int_equal(buf_append(&buf, BYTES_NONE), 0);
	assert_false(buf.failed);
	assert_int_equal(buf_append_byte(&buf, 'x'), -ENOBUFS);
	assert_true(buf.failed);
	buf_consume(&buf, 5);
	assert_int_equal(buf_append_byte(&buf, 'x'), -ENOBUFS);
	assert_int_equal(buf_printf(&buf, "x"), -ENOBUFS);
	assert_bytes(buf_bytes(&buf), "56789");
	buf_reset(&buf);
	assert_int_equal(buf_printf(&buf, "%s", "abcdefghij"), 0);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -ENOBUFS);
	buf_fini(&buf);
	assert_int_equal(buf.limit, 10);
}

static void consume_more(void *arg)
{
	buf_consume(arg, 1);
}

static void consuming_too_much_aborts(void **state)
{
	struct buf buf;

	buf_init(&buf, 0);
	assert_true(unit_aborts(consume_more, &buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_consumes),
		cmocka_unit_test(prints_at_every_length),
		cmocka_unit_test(limit_marks_failed_and_sticks),
		cmocka_unit_test(consuming_too_much_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
