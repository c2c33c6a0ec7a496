#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "xmpp/hash.h"

/* Ours against OpenSSL's: every length around a block, several blocks of output, empty inputs. */
static void agrees_with_openssl(void **state)
{
	static const size_t lens[] = { 0, 1, 19, 63, 64, 65, 127, 128, 129, 300 };
	const EVP_MD *mds[HASH_COUNT] = { EVP_sha1(), EVP_sha256(), EVP_sha512() };
	char password[300], salt[300];
	uint8_t ours[200], theirs[200];

	(void)state;
	for (size_t i = 0; i < sizeof(password); i++) {
		password[i] = (char)(i * 7 + 1);
		salt[i] = (char)(i * 13 + 5);
	}
	for (unsigned round = 0; round < 1200; round++) {
		enum hash hash = (enum hash)(round % HASH_COUNT);
		size_t password_len = lens[round / 3 % 10], salt_len = lens[round / 30 % 10];
		uint32_t iterations = 1 + round % 4;
		size_t len = 1 + round * 31 % sizeof(ours);
		hash_pbkdf2(hash, bytes_make(password, password_len),
			    bytes_make(salt, salt_len), iterations, ours, len);
		assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)password_len,
						   (const unsigned char *)salt, (int)salt_len,
						   (int)iterations, mds[hash], (int)len,
						   theirs),
				 1);
		assert_memory_equal(ours, theirs, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
