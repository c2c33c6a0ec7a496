#include "unit.h"

#include <errno.h>

static void compares_and_finds(void **state)
{
	assert_true(bytes_compare(BYTES_LIT("a"), BYTES_LIT("b")) < 0);
	assert_true(bytes_compare(BYTES_LIT("ab"), BYTES_LIT("a")) > 0);
	assert_int_equal(bytes_compare(BYTES_NONE, BYTES_LIT("")), 0);
	assert_true(bytes_compare(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
	assert_int_equal(bytes_find_byte(BYTES_LIT("abc"), 'c'), 2);
	assert_int_equal(bytes_find_byte(BYTES_LIT("abc"), 'd'), -1);
	assert_int_equal(bytes_find_byte(BYTES_NONE, 'd'), -1);
	assert_int_equal(bytes_find(BYTES_LIT("hello"), BYTES_LIT("lo")), 3);
	assert_int_equal(bytes_find(BYTES_LIT("hello"), BYTES_LIT("lol")), -1);
	assert_int_equal(bytes_find(BYTES_NONE, BYTES_LIT("x")), -1);
	assert_int_equal(bytes_find(BYTES_LIT("x"), BYTES_NONE), 0);
}

static void absent_and_empty_differ(void **state)
{
	assert_true(bytes_is_none(BYTES_NONE));
	assert_false(bytes_is_none(BYTES_LIT("")));
	assert_true(bytes_is_none(bytes_of(NULL)));
	assert_true(bytes_equal(BYTES_NONE, BYTES_LIT("")));
	assert_true(bytes_is_none(bytes_skip(BYTES_NONE, 3)));
	assert_bytes(bytes_skip(BYTES_LIT("abc"), 1), "bc");
	assert_bytes(bytes_skip(BYTES_LIT("abc"), 9), "");
	assert_bytes(bytes_first(BYTES_LIT("abc"), 2), "ab");
	assert_bytes(bytes_first(BYTES_LIT("abc"), 9), "abc");
	assert_true(bytes_has_prefix(BYTES_LIT("abc"), BYTES_LIT("ab")));
	assert_false(bytes_has_prefix(BYTES_LIT("a"), BYTES_LIT("ab")));
	assert_true(bytes_is(BYTES_LIT("ab"), "ab"));
	assert_false(bytes_is(BYTES_LIT("ab"), "abc"));
}

static void cuts_and_trims(void **state)
{
	struct bytes rest = BYTES_LIT("a,,b");

	assert_bytes(bytes_cut(&rest, ','), "a");
	assert_bytes(bytes_cut(&rest, ','), "");
	assert_bytes(bytes_cut(&rest, ','), "b");
	assert_true(bytes_is_none(rest));
	rest = BYTES_LIT("a,");
	bytes_cut(&rest, ',');
	assert_false(bytes_is_none(rest));
	assert_int_equal(rest.len, 0);
	assert_bytes(bytes_trim(BYTES_LIT(" \t\r\n a b \n")), "a b");
	assert_bytes(bytes_trim(BYTES_LIT("  ")), "");
	assert_true(bytes_is_none(bytes_trim(BYTES_NONE)));
}

static void ignores_ascii_case_only(void **state)
{
	assert_true(bytes_equal_nocase(BYTES_LIT("En-US"), BYTES_LIT("eN-us")));
	assert_false(bytes_equal_nocase(BYTES_LIT("[a"), BYTES_LIT("{a")));
	assert_false(bytes_equal_nocase(BYTES_LIT("\xc3\x84"), BYTES_LIT("\xc3\xa4")));
	assert_false(bytes_equal_nocase(BYTES_LIT("a"), BYTES_LIT("ab")));
}

static void reads_numbers(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;

	assert_int_equal(bytes_to_u64(BYTES_LIT("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	u = 7;
	assert_int_equal(bytes_to_u64(BYTES_LIT("18446744073709551616"), &u), -ERANGE);
	assert_int_equal(bytes_to_u64(BYTES_LIT("99999999999999999999999"), &u), -ERANGE);
	assert_int_equal(bytes_to_u64(BYTES_LIT("99999999999999999999999x"), &u), -EINVAL);
	assert_int_equal(bytes_to_u64(BYTES_LIT(""), &u), -EINVAL);
	assert_int_equal(bytes_to_u64(BYTES_LIT("+1"), &u), -EINVAL);
	assert_int_equal(bytes_to_u64(BYTES_LIT("1 "), &u), -EINVAL);
	assert_int_equal(u, 7);
	assert_int_equal(bytes_to_i64(BYTES_LIT("-9223372036854775808"), &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(bytes_to_i64(BYTES_LIT("9223372036854775807"), &i), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(bytes_to_i64(BYTES_LIT("9223372036854775808"), &i), -ERANGE);
	assert_int_equal(bytes_to_i64(BYTES_LIT("-9223372036854775809"), &i), -ERANGE);
	assert_int_equal(bytes_to_i64(BYTES_LIT("-"), &i), -EINVAL);
	assert_int_equal(bytes_to_i64(BYTES_LIT("--1"), &i), -EINVAL);
	assert_true(i == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_and_finds), cmocka_unit_test(absent_and_empty_differ),
		cmocka_unit_test(cuts_and_trims),     cmocka_unit_test(ignores_ascii_case_only),
		cmocka_unit_test(reads_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
