#include "unit.h"

#include "base/secret.h"

static void copies_and_wipes(void **state)
{
	struct secret secret;
	char raw[] = "pass\0word", wiped[9] = { 0 };

	secret_init(&secret, bytes_make(raw, 9));
	secret_wipe(raw, sizeof(raw));
	assert_memory_equal(raw, wiped, 9);
	assert_bytes(secret_bytes(&secret), "pass\0word");
	secret_fini(&secret);
	assert_null(secret.ptr);
	secret_fini(&secret);
	secret_wipe(NULL, 0);
	secret_init(&secret, BYTES_NONE);
	assert_int_equal(secret_bytes(&secret).len, 0);
	secret_fini(&secret);
}

static void compares(void **state)
{
	assert_true(secret_equal(BYTES_LIT("abc"), BYTES_LIT("abc")));
	assert_false(secret_equal(BYTES_LIT("abc"), BYTES_LIT("abd")));
	assert_false(secret_equal(BYTES_LIT("abc"), BYTES_LIT("Abc")));
	assert_false(secret_equal(BYTES_LIT("abc"), BYTES_LIT("abcd")));
	assert_true(secret_equal(BYTES_NONE, BYTES_LIT("")));
}

/* Every byte of a filled range changes at last; the one behind it never does. */
static void random_fills_all(void **state)
{
	uint8_t seen[33] = { 0 };

	for (int round = 0; round < 20; round++) {
		uint8_t out[33] = { 0 };
		random_fill(out, 32);
		for (int i = 0; i < 33; i++)
			seen[i] |= out[i];
	}
	for (int i = 0; i < 32; i++)
		assert_true(seen[i] != 0);
	assert_int_equal(seen[32], 0);
	assert_true(random_u64() != random_u64());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_and_wipes),
		cmocka_unit_test(compares),
		cmocka_unit_test(random_fills_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
