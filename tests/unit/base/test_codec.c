#include "unit.h"

#include <errno.h>

#include "base/codec.h"

static struct arena arena = { .chunk_bytes = 1024 };

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* RFC 4648 section 10. */
static void base64_vectors(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	struct bytes raw;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct bytes text = base64_encode(&arena, bytes_of(pairs[i][0]));
		assert_true(bytes_is(text, pairs[i][1]));
		assert_int_equal(base64_decode(&arena, text, &raw), 0);
		assert_true(bytes_is(raw, pairs[i][0]));
		assert_false(bytes_is_none(raw));
	}
}

static void refuses_what_is_not_strict(void **state)
{
	static const char *const bad[] = {
		"Zg",	"Zg=",	"Zg===",    "Zh==",	    "Zm9=",  "Z===",
		"====", "=",	"Zm9v=",    "Zm9vZg==Zg==", "Zm 9v", "Zm9v\n",
		"Z=g=", "Zm-_", "Zm9v====", "\xc3\xa4==",
	};
	static const char *const bad_url[] = { "Z", "Zh", "Zm9", "Zg==", "+/aa", "Zm9vA" };
	struct bytes raw = BYTES_LIT("untouched");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(&arena, bytes_of(bad[i]), &raw), -EINVAL);
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		assert_int_equal(base64url_decode(&arena, bytes_of(bad_url[i]), &raw), -EINVAL);
	assert_bytes(raw, "untouched");
}

static void all_bytes_round_trip(void **state)
{
	uint8_t all[256];
	struct bytes raw;

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)(255 - i);
	for (size_t len = 0; len <= 256; len++) {
		struct bytes in = bytes_make(all, len);
		struct bytes url = base64url_encode(&arena, in);
		assert_int_equal(base64_decode(&arena, base64_encode(&arena, in), &raw), 0);
		assert_true(bytes_equal(raw, in));
		assert_int_equal(bytes_find_byte(url, '='), -1);
		assert_int_equal(base64url_decode(&arena, url, &raw), 0);
		assert_true(bytes_equal(raw, in));
		assert_int_equal(hex_decode(&arena, hex_encode(&arena, in), &raw), 0);
		assert_true(bytes_equal(raw, in));
	}
	assert_bytes(base64_encode(&arena, BYTES_LIT("\xff\xef\xbe")), "/+++");
	assert_bytes(base64url_encode(&arena, BYTES_LIT("\xff\xef\xbe")), "_---");
}

static void hex_is_lower_case(void **state)
{
	struct bytes raw;

	assert_bytes(hex_encode(&arena, BYTES_LIT("\x00\xab\xff")), "00abff");
	assert_int_equal(hex_decode(&arena, BYTES_LIT("00AbfF"), &raw), 0);
	assert_bytes(raw, "\x00\xab\xff");
	assert_int_equal(hex_decode(&arena, BYTES_LIT("abc"), &raw), -EINVAL);
	assert_int_equal(hex_decode(&arena, BYTES_LIT("0g"), &raw), -EINVAL);
	assert_int_equal(hex_decode(&arena, BYTES_LIT("0x"), &raw), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(refuses_what_is_not_strict),
		cmocka_unit_test(all_bytes_round_trip),
		cmocka_unit_test(hex_is_lower_case),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
