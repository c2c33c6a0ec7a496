#include "unit.h"

#include "base/codec.h"
#include "xmpp/scram.h"
#include "xmpp/verifier.h"

static struct arena arena = { .chunk_bytes = 4096 };

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct bytes decode(const char *base64)
{
	struct bytes raw;
	assert_int_equal(base64_decode(&arena, bytes_of(base64), &raw), 0);
	return raw;
}

static struct scram_keys keys_of(enum hash hash, const char *password, const char *salt,
				 uint32_t iterations)
{
	struct verifier v =
		verifier_make_scram(&arena, bytes_of(password), hash, decode(salt), iterations);

	return (struct scram_keys){ v.salt, v.iterations, v.value, v.server_key, false };
}

/* One exchange of a specification, letter by letter. */
struct vector {
	enum hash hash;
	bool is_plus;
	const char *client_first, *server_nonce, *salt, *server_first, *client_final,
		*server_final;
	const char *downgrade_hash, *binding;
};

static const struct vector vectors[] = {
	/* RFC 5802 section 5 */
	{ .hash = HASH_SHA1,
	  .client_first = "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	  .server_nonce = "3rfcNHYJY1ZVvWVs7j",
	  .salt = "QSXCR+Q6sek8bf92",
	  .server_first =
		  "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	  .client_final = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
			  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	  .server_final = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	/* RFC 7677 section 3 */
	{ .hash = HASH_SHA256,
	  .client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  .server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  .salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
	  .server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	  .client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
			  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  .server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	/* XEP-0474, "Full Example" */
	{ .hash = HASH_SHA1,
	  .is_plus = true,
	  .client_first = "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
	  .server_nonce = "a09117a6-ac50-4f2f-93f1-93799c2bddf6",
	  .salt = "QSXCR+Q6sek8bf92",
	  .server_first =
		  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-"
		  "93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	  .client_final = "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
			  "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-"
			  "93799c2bddf6,x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,"
			  "p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
	  .server_final = "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=",
	  .downgrade_hash = "G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	  .binding = "THIS IS FAKE CB DATA" },
};

/* A machine that has sent server-first. */
static struct scram begin(const struct vector *vector)
{
	struct scram scram;
	struct scram_keys keys = keys_of(vector->hash, "pencil", vector->salt, 4096);

	scram_init(&scram, &arena, vector->hash, vector->is_plus, vector->is_plus);
	assert_int_equal(scram_client_first(&scram, bytes_of(vector->client_first)),
			 SCRAM_FAULT_NONE);
	assert_text(scram.username, "user");
	assert_text(scram_server_first(&scram, &keys, bytes_of(vector->server_nonce),
				       bytes_of(vector->downgrade_hash)),
		    vector->server_first);
	return scram;
}

static void vectors_of_the_specifications(void **state)
{
	for (size_t i = 0; i < array_len(vectors); i++) {
		struct scram scram = begin(&vectors[i]);
		struct bytes last = BYTES_NONE;
		assert_int_equal(scram_client_final(&scram, bytes_of(vectors[i].client_final),
						    bytes_of(vectors[i].binding), &last),
				 SCRAM_FAULT_NONE);
		assert_text(last, vectors[i].server_final);
	}
}

/* Every single letter of client-final matters. */
static void a_changed_letter_is_refused(void **state)
{
	for (size_t i = 0; i < array_len(vectors); i++) {
		struct scram scram = begin(&vectors[i]);
		struct bytes message = arena_copy(&arena, bytes_of(vectors[i].client_final)),
			     last;
		for (size_t at = 0; at < message.len; at++) {
			char *c = (char *)(uintptr_t)&message.ptr[at], was = *c;
			*c = (char)(was == 'A' ? 'B' : 'A');
			assert_int_not_equal(scram_client_final(&scram, message,
								bytes_of(vectors[i].binding),
								&last),
					     SCRAM_FAULT_NONE);
			*c = was;
		}
		assert_int_equal(scram_client_final(&scram, message,
						    bytes_of(vectors[i].binding), &last),
				 SCRAM_FAULT_NONE);
	}
}

static enum scram_fault first(bool is_plus, bool is_plus_offered, const char *message)
{
	struct scram scram;

	scram_init(&scram, &arena, HASH_SHA1, is_plus, is_plus_offered);
	return scram_client_first(&scram, bytes_of(message));
}

static void binding_flags(void **state)
{
	assert_int_equal(first(false, true, "n,,n=u,r=x"), SCRAM_FAULT_NONE);
	assert_int_equal(first(false, false, "y,,n=u,r=x"), SCRAM_FAULT_NONE);
	assert_int_equal(first(false, true, "y,,n=u,r=x"), SCRAM_FAULT_BINDING_DOWNGRADE);
	assert_int_equal(first(false, true, "p=tls-exporter,,n=u,r=x"),
			 SCRAM_FAULT_BINDING_MISSING);
	assert_int_equal(first(false, false, "p=tls-exporter,,n=u,r=x"),
			 SCRAM_FAULT_BINDING_MISSING);
	assert_int_equal(first(true, true, "p=tls-exporter,,n=u,r=x"), SCRAM_FAULT_NONE);
	assert_int_equal(first(true, true, "n,,n=u,r=x"), SCRAM_FAULT_BINDING_MISSING);
	assert_int_equal(first(true, true, "y,,n=u,r=x"), SCRAM_FAULT_BINDING_MISSING);
	assert_int_equal(first(true, true, "p=,,n=u,r=x"), SCRAM_FAULT_MALFORMED);
	assert_int_equal(first(false, false, "x,,n=u,r=x"), SCRAM_FAULT_MALFORMED);
	assert_int_equal(first(false, false, "F,n,,n=u,r=x"), SCRAM_FAULT_MALFORMED);
}

static void client_first_syntax(void **state)
{
	static const char *const malformed[] = {
		"",
		"n",
		"n,",
		"n,,",
		"n,,n=u",
		"n,,r=x",
		"n,,r=x,n=u",
		"n,,n=u,r=",
		"n,,n=u,x=r",
		"n,,n=u,r=a b",
		"n,,n=u,r=\u00FC",
		"n,b=u,n=u,r=x",
		"n,u,n=u,r=x",
		"n,,n=u,r=x,",
		"n,,n=u,r=x,1=a",
		"n,,n=u,r=x,ab",
		"n,,n=u,r=x,a=",
		"n,,n=\xFF,r=x",
	};
	static const char *const names[] = { "n,,n=,r=x",    "n,,n==2c,r=x", "n,,n=a=b,r=x",
					     "n,,n=a=2,r=x", "n,,n=a=,r=x",  "n,a=,n=u,r=x",
					     "n,a==,n=u,r=x" };

	for (size_t i = 0; i < array_len(malformed); i++)
		assert_int_equal(first(false, false, malformed[i]), SCRAM_FAULT_MALFORMED);
	for (size_t i = 0; i < array_len(names); i++)
		assert_int_equal(first(false, false, names[i]), SCRAM_FAULT_USERNAME);
	assert_int_equal(first(false, false, "n,,m=future,n=u,r=x"), SCRAM_FAULT_EXTENSION);
	assert_int_equal(first(false, false, "n,,n=u,r=x,t=ignored"), SCRAM_FAULT_NONE);
	assert_int_equal(first(false, false, "n,,n=u,r=!~"), SCRAM_FAULT_NONE);
	struct scram scram;
	scram_init(&scram, &arena, HASH_SHA1, false, false);
	assert_int_equal(scram_client_first(&scram, BYTES_LIT("n,,n=a\0b,r=x")),
			 SCRAM_FAULT_MALFORMED);
	char *large = arena_alloc(&arena, SCRAM_MESSAGE_MAX_BYTES + 2);
	memset(large, 'x', SCRAM_MESSAGE_MAX_BYTES + 1);
	memcpy(large, "n,,n=u,r=", 9);
	assert_int_equal(scram_client_first(&scram, bytes_of(large)), SCRAM_FAULT_MALFORMED);
}

static void names_are_unescaped(void **state)
{
	struct scram scram;

	scram_init(&scram, &arena, HASH_SHA1, false, false);
	assert_int_equal(
		scram_client_first(&scram, BYTES_LIT("n,a=a=3Db,n==2C=3D=2Cx,r=y,z=1")),
		SCRAM_FAULT_NONE);
	assert_text(scram.username, ",=,x");
	assert_text(scram.authzid, "a=b");
	assert_text(scram.gs2_header, "n,a=a=3Db,");
	assert_text(scram.client_first_bare, "n==2C=3D=2Cx,r=y,z=1");
	scram_init(&scram, &arena, HASH_SHA1, false, false);
	assert_int_equal(scram_client_first(&scram, BYTES_LIT("n,,n=u,r=y")), SCRAM_FAULT_NONE);
	assert_true(bytes_is_none(scram.authzid));
	assert_true(bytes_is_none(scram.binding_name));
}

static void client_final_syntax(void **state)
{
	struct scram scram = begin(&vectors[0]);
	struct bytes last = BYTES_NONE;
#define NONCE "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
	static const struct {
		const char *message;
		enum scram_fault fault;
	} rows[] = {
		{ "", SCRAM_FAULT_MALFORMED },
		{ "c=biws," NONCE, SCRAM_FAULT_MALFORMED },
		{ NONCE ",c=biws,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SCRAM_FAULT_MALFORMED },
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  SCRAM_FAULT_MALFORMED },
		{ "c=biws," NONCE "x,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SCRAM_FAULT_MALFORMED },
		{ "c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Q==", SCRAM_FAULT_MALFORMED },
		{ "c=biws," NONCE ",p=", SCRAM_FAULT_MALFORMED },
		{ "c=biws," NONCE ",p=????", SCRAM_FAULT_MALFORMED },
		{ "c=eSws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  SCRAM_FAULT_BINDING_MISMATCH },
		{ "c=biwsAA==," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		  SCRAM_FAULT_BINDING_MISMATCH },
		{ "c=," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SCRAM_FAULT_BINDING_MISMATCH },
		{ "c=biws," NONCE ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", SCRAM_FAULT_PROOF },
		{ "c=biws," NONCE ",x=y,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SCRAM_FAULT_PROOF },
	};

	for (size_t i = 0; i < array_len(rows); i++)
		assert_int_equal(scram_client_final(&scram, bytes_of(rows[i].message),
						    BYTES_NONE, &last),
				 rows[i].fault);
	assert_true(bytes_is_none(last));
}

static void another_binding_is_refused(void **state)
{
	struct scram scram = begin(&vectors[2]);
	struct bytes last, message = bytes_of(vectors[2].client_final);

	assert_int_equal(
		scram_client_final(&scram, message, BYTES_LIT("THIS IS FAKE CB DATB"), &last),
		SCRAM_FAULT_BINDING_MISMATCH);
	assert_int_equal(
		scram_client_final(&scram, message, BYTES_LIT("THIS IS FAKE CB DAT"), &last),
		SCRAM_FAULT_BINDING_MISMATCH);
	assert_int_equal(scram_client_final(&scram, message, BYTES_NONE, &last),
			 SCRAM_FAULT_BINDING_MISMATCH);
}

/* XEP-0474 section 6.1: sorted by octets, whatever the order of the offer. */
static void downgrade_hash(void **state)
{
	struct bytes mechs[] = { BYTES_LIT("SCRAM-SHA-1-PLUS"), BYTES_LIT("SCRAM-SHA-1") };
	struct bytes bindings[] = { BYTES_LIT("tls-server-end-point"),
				    BYTES_LIT("tls-exporter") };

	assert_text(scram_downgrade_hash(&arena, HASH_SHA1, mechs, 2, bindings, 2),
		    "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
	struct bytes only_mechs = scram_downgrade_hash(&arena, HASH_SHA1, mechs, 2, NULL, 0);
	uint8_t expected[HASH_MAX_BYTES];
	hash_digest(HASH_SHA1, BYTES_LIT("SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS"), expected);
	assert_true(bytes_equal(only_mechs, base64_encode(&arena, bytes_make(expected, 20))));
}

static void simulated_users_stay_the_same(void **state)
{
	struct bytes secret = BYTES_LIT("0123456789abcdef0123456789abcdef");
	struct scram_keys a =
		scram_simulate(&arena, HASH_SHA256, secret, BYTES_LIT("a@x"), 4096);
	struct scram_keys again =
		scram_simulate(&arena, HASH_SHA256, secret, BYTES_LIT("a@x"), 4096);
	struct scram_keys b =
		scram_simulate(&arena, HASH_SHA256, secret, BYTES_LIT("b@x"), 4096);
	struct scram_keys sha1 =
		scram_simulate(&arena, HASH_SHA1, secret, BYTES_LIT("a@x"), 4096);

	assert_true(bytes_equal(a.salt, again.salt));
	assert_false(bytes_equal(a.salt, b.salt));
	assert_false(bytes_equal(a.salt, sha1.salt));
	assert_int_equal(a.salt.len, VERIFIER_SALT_BYTES);
	assert_int_equal(sha1.stored_key.len, 20);
	assert_true(a.is_simulated);
}

/* Even the proof that fits the simulated keys is refused. */
static void nobody_gets_in(void **state)
{
	const struct vector *vector = &vectors[0];
	struct scram scram;
	struct scram_keys keys = keys_of(HASH_SHA1, "pencil", vector->salt, 4096);
	struct bytes last;

	keys.is_simulated = true;
	scram_init(&scram, &arena, HASH_SHA1, false, false);
	assert_int_equal(scram_client_first(&scram, bytes_of(vector->client_first)), 0);
	scram_server_first(&scram, &keys, bytes_of(vector->server_nonce), BYTES_NONE);
	assert_int_equal(
		scram_client_final(&scram, bytes_of(vector->client_final), BYTES_NONE, &last),
		SCRAM_FAULT_PROOF);
}

static void nonces_are_fresh_and_printable(void **state)
{
	struct bytes a = scram_nonce(&arena), b = scram_nonce(&arena);

	assert_int_equal(a.len, 24);
	assert_false(bytes_equal(a, b));
	assert_int_equal(bytes_find_byte(a, ','), -1);
}

/* RFC 2202 case 6 (a key longer than the block), RFC 4231 cases 2 and 6. */
static void hmac_vectors(void **state)
{
	static const struct {
		enum hash hash;
		int key_len;
		const char *text, *hex;
	} rows[] = {
		{ HASH_SHA1, 80, "Test Using Larger Than Block-Size Key - Hash Key First",
		  "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
		{ HASH_SHA256, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	};
	uint8_t key[131], out[HASH_MAX_BYTES];

	memset(key, 0xaa, sizeof(key));
	for (size_t i = 0; i < array_len(rows); i++) {
		hash_hmac(rows[i].hash, bytes_make(key, (size_t)rows[i].key_len),
			  bytes_of(rows[i].text), out);
		assert_text(hex_encode(&arena, bytes_make(out, hash_bytes(rows[i].hash))),
			    rows[i].hex);
	}
	hash_hmac(HASH_SHA512, BYTES_LIT("Jefe"), BYTES_LIT("what do ya want for nothing?"),
		  out);
	assert_text(hex_encode(&arena, bytes_make(out, 64)),
		    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_specifications),
		cmocka_unit_test(a_changed_letter_is_refused),
		cmocka_unit_test(binding_flags),
		cmocka_unit_test(client_first_syntax),
		cmocka_unit_test(names_are_unescaped),
		cmocka_unit_test(client_final_syntax),
		cmocka_unit_test(another_binding_is_refused),
		cmocka_unit_test(downgrade_hash),
		cmocka_unit_test(simulated_users_stay_the_same),
		cmocka_unit_test(nobody_gets_in),
		cmocka_unit_test(nonces_are_fresh_and_printable),
		cmocka_unit_test(hmac_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
