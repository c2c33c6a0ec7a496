#include "unit.h"

#include <errno.h>

#include "base/err.h"
#include "base/utf8.h"

static void says_code_and_text(void **state)
{
	struct err err;

	assert_int_equal(err_set(&err, -EIO, "cannot read %s", "x"), -EIO);
	assert_int_equal(err.code, -EIO);
	assert_string_equal(err.text, "cannot read x");
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
}

static void stays_one_line_of_whole_characters(void **state)
{
	struct err err;
	char big[1000];

	err_set(&err, -EIO, "%s", "a\r\nb\tc\x7f");
	assert_string_equal(err.text, "a  b c ");
	for (size_t shift = 0; shift < 4; shift++) {
		memset(big, 'a', shift);
		for (size_t i = shift; i + 3 < sizeof(big); i += 3)
			memcpy(big + i, "\xe4\xb8\xad", 4);
		err_set(&err, -EIO, "%s", big);
		assert_true(strlen(err.text) > 390);
		assert_true(utf8_is_valid(bytes_of(err.text)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_code_and_text),
		cmocka_unit_test(stays_one_line_of_whole_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
