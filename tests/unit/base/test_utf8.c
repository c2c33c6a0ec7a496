#include "unit.h"

#include "base/utf8.h"

static void every_scalar_round_trips(void **state)
{
	char out[4];
	uint32_t back;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c == 0xd800)
			c = 0xe000;
		size_t len = utf8_encode(c, out);
		if (utf8_decode(bytes_make(out, len), &back) != len || back != c ||
		    !utf8_is_valid(bytes_make(out, len)))
			fail_msg("U+%04X", c);
		if (utf8_decode(bytes_make(out, len - 1), &back) == len)
			fail_msg("U+%04X cut off", c);
	}
}

/* Ill-formed at any place of a text, before, in and after a block of 16 ASCII bytes. */
static void refuses_ill_formed(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xe4\xb8",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xfe",
		"\xf0\x9f\x98",
		"\xc3\x28",
		"\xe4\xb8\x28",
		"\xf8\x88\x80\x80\x80",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t at = 0; at <= 40; at++) {
			char text[64];
			memset(text, 'a', sizeof(text));
			assert_true(utf8_is_valid(bytes_make(text, 40)));
			memcpy(text + at, bad[i], strlen(bad[i]));
			assert_false(utf8_is_valid(bytes_make(text, at + strlen(bad[i]))));
			if (at + strlen(bad[i]) < 40)
				assert_false(utf8_is_valid(bytes_make(text, 40)));
		}
	}
	assert_true(utf8_is_valid(BYTES_NONE));
	assert_true(utf8_is_valid(BYTES_LIT("\xf0\x9f\x98\x80 0123456789abcdef \xe4\xb8\xad")));
}

static void encode_surrogate(void *arg)
{
	char out[4];

	utf8_encode(0xd800, out);
}

static void counts_and_truncates(void **state)
{
	struct bytes text = BYTES_LIT("a\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80");
	static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	assert_int_equal(utf8_count(text), 4);
	for (size_t max = 0; max < sizeof(expected) / sizeof(expected[0]); max++)
		assert_int_equal(utf8_truncate(text, max).len, expected[max]);
	assert_true(unit_aborts(encode_surrogate, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scalar_round_trips),
		cmocka_unit_test(refuses_ill_formed),
		cmocka_unit_test(counts_and_truncates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
