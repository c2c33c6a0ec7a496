#include "unit.h"

#include <errno.h>

#include "base/codec.h"
#include "xmpp/verifier.h"

static struct arena arena = { .chunk_bytes = 4096 };
static const struct verifier_cost cost = { { 100, 200, 300 } };

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct verifier_list make(const char *password)
{
	struct verifier_list list;
	assert_int_equal(verifier_list_make(&arena, bytes_of(password), &cost, &list), 0);
	return list;
}

static bool check_password(const struct verifier_list *list, const char *password)
{
	return verifier_list_check(list, &cost, bytes_of(password));
}

static void made_of_a_password(void **state)
{
	struct verifier_list list = make("pencil"), other = make("pencil");

	assert_int_equal(list.count, 3);
	for (int hash = 0; hash < HASH_COUNT; hash++) {
		const struct verifier *v = verifier_list_scram(&list, (enum hash)hash);
		assert_non_null(v);
		assert_int_equal(v->iterations, cost.iterations[hash]);
		assert_int_equal(v->salt.len, VERIFIER_SALT_BYTES);
		assert_int_equal(v->value.len, hash_bytes((enum hash)hash));
		assert_false(bytes_equal(v->salt, other.items[0].salt));
	}
	assert_true(check_password(&list, "pencil"));
	assert_false(check_password(&list, "pencil "));
	assert_false(check_password(&list, ""));
	assert_false(verifier_list_wants_upgrade(&list, &cost));
	struct verifier_cost only_sha256 = { { 0, 200, 0 } }, more = { { 100, 201, 300 } };
	assert_false(verifier_list_wants_upgrade(&list, &only_sha256));
	assert_true(verifier_list_wants_upgrade(&list, &more));
	assert_int_equal(verifier_list_make(&arena, BYTES_LIT("x"), &only_sha256, &list), 0);
	assert_int_equal(list.count, 1);
	assert_null(verifier_list_scram(&list, HASH_SHA1));
}

/* Each of the three proves the password by itself. */
static void each_scheme_checks(void **state)
{
	for (int hash = 0; hash < HASH_COUNT; hash++) {
		struct verifier one = verifier_make_scram(
			&arena, BYTES_LIT("pencil"), (enum hash)hash, BYTES_LIT("salty"), 77);
		struct verifier_list list = { &one, 1 };
		assert_true(check_password(&list, "pencil"));
		assert_false(check_password(&list, "Pencil"));
	}
}

/* RFC 5802 and RFC 7677: the keys behind their vectors, computed by another implementation. */
static void keys_of_the_vectors(void **state)
{
	struct bytes salt;
	struct verifier v;

	assert_int_equal(base64_decode(&arena, BYTES_LIT("QSXCR+Q6sek8bf92"), &salt), 0);
	v = verifier_make_scram(&arena, BYTES_LIT("pencil"), HASH_SHA1, salt, 4096);
	assert_text(base64_encode(&arena, v.value), "6dlGYMOdZcOPutkcNY8U2g7vK9Y=");
	assert_text(base64_encode(&arena, v.server_key), "D+CSWLOshSulAsxiupA+qs2/fTE=");
}

/* RFC 8265 section 4.2: NFC and spaces, but neither case nor width. */
static void passwords_are_prepared(void **state)
{
	struct verifier_list list = make("caf\u00E9\u00A0x");
	struct bytes prepared;

	assert_true(check_password(&list, "cafe\u0301 x"));
	assert_true(check_password(&list, "caf\u00E9\u3000x"));
	assert_false(check_password(&list, "CAF\u00C9 x"));
	assert_int_equal(verifier_prepare_password(&arena, BYTES_LIT("a\tb"), &prepared),
			 -EINVAL);
	assert_int_equal(verifier_prepare_password(&arena, BYTES_LIT(""), &prepared), -EINVAL);
	assert_int_equal(verifier_prepare_password(&arena, BYTES_LIT("\xFF"), &prepared),
			 -EINVAL);
	assert_int_equal(verifier_list_make(&arena, BYTES_LIT("a\x01"), &cost, &list), -EINVAL);
	char *large = arena_alloc(&arena, VERIFIER_PASSWORD_MAX_BYTES + 2);
	memset(large, 'x', VERIFIER_PASSWORD_MAX_BYTES + 1);
	assert_int_equal(verifier_list_make(&arena, bytes_of(large), &cost, &list), -EINVAL);
	assert_false(check_password(&list, large));
}

static void nobody_has_a_password(void **state)
{
	struct verifier_list nobody = { NULL, 0 };
	struct verifier_cost nothing = { { 0, 0, 0 } };

	assert_false(check_password(&nobody, "pencil"));
	assert_false(verifier_list_check(&nobody, &nothing, BYTES_LIT("pencil")));
	assert_null(verifier_list_scram(&nobody, HASH_SHA1));
	assert_true(verifier_list_wants_upgrade(&nobody, &cost));
}

static void stored_and_read_back(void **state)
{
	struct verifier_list list = make("pencil"), back, copy;
	struct bytes text = verifier_list_format(&arena, &list);

	assert_true(
		bytes_has_prefix(text, BYTES_LIT("hearth-verifiers 1\nscram-sha-256 200 ")));
	assert_int_equal(verifier_list_parse(&arena, text, &back), 0);
	assert_true(bytes_equal(verifier_list_format(&arena, &back), text));
	assert_true(check_password(&back, "pencil"));
	copy = verifier_list_copy(&arena, &back);
	assert_true(bytes_equal(verifier_list_format(&arena, &copy), text));
	assert_ptr_not_equal(copy.items[0].salt.ptr, back.items[0].salt.ptr);
	struct verifier_list empty = { NULL, 0 };
	text = verifier_list_format(&arena, &empty);
	assert_text(text, "hearth-verifiers 1\n");
	assert_int_equal(verifier_list_parse(&arena, text, &back), 0);
	assert_int_equal(back.count, 0);
}

#define V1 "hearth-verifiers 1\n"
#define S20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void bad_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"hearth-verifiers 1",
		"hearth-verifiers 2\n",
		V1 "\n",
		V1 "scram-sha-1\n",
		V1 "scram-sha-1 4096 c2FsdA== " S20 " " S20, /* no newline: cut off */
		V1 "scram-sha-1 4096 c2FsdA== " S20 "\n",
		V1 "scram-sha-1 4096 c2FsdA== " S20 " " S20 " \n",
		V1 "scram-sha-1 4096 c2FsdA== " S20 " " S20 " x\n",
		V1 "scram-sha-1 0 c2FsdA== " S20 " " S20 "\n",
		V1 "scram-sha-1 10000001 c2FsdA== " S20 " " S20 "\n",
		V1 "scram-sha-1 -1 c2FsdA== " S20 " " S20 "\n",
		V1 "scram-sha-1 4096  " S20 " " S20 "\n",
		V1 "scram-sha-1 4096 c2FsdA= " S20 " " S20 "\n",
		V1 "scram-sha-256 4096 c2FsdA== " S20 " " S20 "\n",
		V1 "scram-md5 4096 c2FsdA== " S20 " " S20 "\n",
		V1 "pbkdf2-sha-1 4096 c2FsdA== AAAA\n",
		V1 "crypt plaintext\n",
		V1 "crypt $9$x$y\n",
		V1 "crypt $6$x y\n",
	};
	struct verifier_list list;
	struct bytes good = BYTES_LIT(V1 "scram-sha-1 4096 c2FsdA== " S20 " " S20 "\n");
	char *many = arena_alloc(&arena, 4096), *p = stpcpy(many, V1);

	for (size_t i = 0; i < array_len(bad); i++) {
		if (verifier_list_parse(&arena, bytes_of(bad[i]), &list) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(verifier_list_parse(&arena, good, &list), 0);
	for (int i = 0; i <= VERIFIER_LIST_MAX; i++)
		p = stpcpy(p, "crypt $6$x$y\n");
	assert_int_equal(verifier_list_parse(&arena, bytes_of(many), &list), -EINVAL);
}

/* Hashes made by other programs (libxcrypt, Python's hashlib, examples of specifications). */
static const struct {
	const char *password, *hash;
} foreign[] = {
	{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "e\u0301t\u00e9", "$2y$04$CCCCCCCCCCCCCCCCCCCCC.2aN6nhr4mwdI5M1WiMtpKCB8BN2qPxy" },
	{ "correct horse",
	  "$y$j75$0123456789abcdef$dq4lTMAeddRayYHb1T4lzPO3txf7tkD23llVJ1r9OX3" },
	{ "correct horse",
	  "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=" },
	{ "correct horse", "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ" },
	{ "correct horse",
	  "$pbkdf2-sha512$1000$....MDEyMzQ1Njc4OQ$C1mCeCBDkpjyEFrWlwEHepj0KU4Y7TW4"
	  "oB2.mMBxZ6xYdD/M.VJqmrGdXqKqz1YsAwydVxyU79gPmVLeKjSRXg" },
	{ "pencil", "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:"
		    "D+CSWLOshSulAsxiupA+qs2/fTE=" },
};

static void foreign_hashes_check_and_become_scram(void **state)
{
	for (size_t i = 0; i < array_len(foreign); i++) {
		struct verifier_list list, stored, own;
		struct bytes text;
		if (verifier_list_import(&arena, bytes_of(foreign[i].hash), &list) < 0)
			fail_msg("refused: %s", foreign[i].hash);
		text = verifier_list_format(&arena, &list);
		assert_int_equal(verifier_list_parse(&arena, text, &stored), 0);
		if (!check_password(&stored, foreign[i].password))
			fail_msg("wrong: %s", foreign[i].hash);
		assert_false(check_password(&stored, "correct hors"));
		assert_true(verifier_list_wants_upgrade(&stored, &cost));
		own = make(foreign[i].password);
		assert_true(check_password(&own, foreign[i].password));
		assert_false(verifier_list_wants_upgrade(&own, &cost));
	}
}

/* Made by `openssl passwd`. */
static void crypt_of_older_methods(void **state)
{
	static const char *const hashes[] = {
		"$1$dXc3I7Rw$94JPyQc/eAgQ3MFMCoMF.0",
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
		"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
		"O817G3uBnIFNjnQJuesI68u4OTLiBF"
		"dcbYEdFCoEOfaS35inz1",
	};
	static const char *const passwords[] = { "U*U***U", "Hello world!", "Hello world!" };
	struct verifier_list list;

	for (size_t i = 0; i < array_len(hashes); i++) {
		assert_int_equal(verifier_list_import(&arena, bytes_of(hashes[i]), &list), 0);
		if (!check_password(&list, passwords[i]))
			fail_msg("wrong: %s", hashes[i]);
		assert_false(check_password(&list, "hello world!"));
	}
}

static void strange_imports_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"password",
		"$",
		"$2x$05$abc",
		"{SSHA}abcdef",
		"SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92",
		"SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
		"SCRAM-SHA-256$4096:QSXCR+Q6sek8bf92$" S20 ":" S20,
		"SCRAM-SHA-1$99999999999:c2FsdA==$" S20 ":" S20,
		"pbkdf2_sha256$1000$seasalt",
		"pbkdf2_sha256$1000$$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
		"$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$aUfE",
		"$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg==$aUfE2vx5Q7zgbb0jx49AaNpXUQQ",
	};
	struct verifier_list list;

	for (size_t i = 0; i < array_len(bad); i++) {
		if (verifier_list_import(&arena, bytes_of(bad[i]), &list) == 0)
			fail_msg("accepted: %s", bad[i]);
	}
}

/* A crypt string that the library refuses must not match what the library answers then. */
static void a_broken_crypt_string_matches_nothing(void **state)
{
	struct verifier_list list;

	assert_int_equal(verifier_list_import(&arena, BYTES_LIT("$2b$99$tooshort"), &list), 0);
	assert_false(check_password(&list, "*0"));
	assert_false(check_password(&list, "x"));
}

/* RFC 6070 and its SHA-2 kin. */
static void pbkdf2_vectors(void **state)
{
	uint8_t out[64];

	hash_pbkdf2(HASH_SHA1, BYTES_LIT("password"), BYTES_LIT("salt"), 4096, out, 20);
	assert_text(hex_encode(&arena, bytes_make(out, 20)),
		    "4b007901b765489abead49d926f721d065a429c1");
	hash_pbkdf2(HASH_SHA256, BYTES_LIT("password"), BYTES_LIT("salt"), 4096, out, 32);
	assert_text(hex_encode(&arena, bytes_make(out, 32)),
		    "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
	hash_pbkdf2(HASH_SHA512, BYTES_LIT("pencil"), BYTES_LIT("0123456789abcdef"), 4096, out,
		    64);
	assert_text(
		base64_encode(&arena, bytes_make(out, 64)),
		"lx09IjZlvpg0vqHcE9KeRLHSz0dHYbOW8f+aDDbJnylpnGAu4U+E75nBhoM3aBtuyhbHISvlcdjp"
		"Hw3BMWXspw==");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_of_a_password),
		cmocka_unit_test(each_scheme_checks),
		cmocka_unit_test(keys_of_the_vectors),
		cmocka_unit_test(passwords_are_prepared),
		cmocka_unit_test(nobody_has_a_password),
		cmocka_unit_test(stored_and_read_back),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(foreign_hashes_check_and_become_scram),
		cmocka_unit_test(crypt_of_older_methods),
		cmocka_unit_test(strange_imports_are_refused),
		cmocka_unit_test(a_broken_crypt_string_matches_nothing),
		cmocka_unit_test(pbkdf2_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
