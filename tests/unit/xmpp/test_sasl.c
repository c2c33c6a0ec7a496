#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "client.h"
#include "xmpp/plain.h"
#include "xmpp/sasl.h"

static struct arena arena = { .chunk_bytes = 4096 };
static const struct verifier_cost cost = { { 100, 200, 300 } };
static const uint8_t secret[SASL_SECRET_BYTES] = "a secret of thirty-two bytes....";
static struct verifier_list pencil, nobody;

static int begin(void **state)
{
	return verifier_list_make(&arena, BYTES_LIT("pencil"), &cost, &pencil);
}

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* A carrier that can bind to both types. */
static int bind_data(void *owner, enum sasl_binding binding, struct arena *into,
		     struct bytes *ret_data)
{
	*ret_data = arena_printf(into, "data of %s", sasl_binding_name(binding));
	return owner ? -ENOENT : 0;
}

static struct sasl_context context(void)
{
	return (struct sasl_context){
		.domain = BYTES_LIT("example.com"),
		.mechs = SASL_BIT(SASL_MECHS) - 1,
		.bindings = SASL_BIT(SASL_BINDINGS) - 1,
		.secret = secret,
		.cost = cost,
		.channel_binding = bind_data,
	};
}

static struct sasl_step start(struct sasl_exchange **ret, const struct sasl_context *context_,
			      enum sasl_mech mech, struct bytes initial)
{
	*ret = sasl_exchange_new(context_, mech);
	return sasl_start(*ret, initial);
}

/* What an exchange comes to that fails at its first message. */
static enum sasl_failure refused(const struct sasl_context *context_, enum sasl_mech mech,
				 struct bytes initial)
{
	struct sasl_exchange *exchange;
	struct sasl_step step = start(&exchange, context_, mech, initial);
	enum sasl_failure failure = step.failure;

	if (step.outcome != SASL_FAILED)
		fail_msg("accepted: %.*s", BYTES_ARG(initial));
	sasl_exchange_free(&exchange);
	assert_null(exchange);
	return failure;
}

/* --- vocabulary ------------------------------------------------------------------------------
 */

static void names(void **state)
{
	enum sasl_mech mech;
	enum sasl_binding binding;

	for (int i = 0; i < SASL_MECHS; i++) {
		assert_int_equal(
			sasl_mech_find(bytes_of(sasl_mech_name((enum sasl_mech)i)), &mech), 0);
		assert_int_equal(mech, i);
	}
	assert_int_equal(sasl_mech_find(BYTES_LIT("scram-sha-1"), &mech), -ENOENT);
	assert_int_equal(sasl_mech_find(BYTES_LIT("SCRAM-SHA-1-PLU"), &mech), -ENOENT);
	assert_int_equal(sasl_binding_find(BYTES_LIT("tls-exporter"), &binding), 0);
	assert_int_equal(binding, SASL_BINDING_TLS_EXPORTER);
	assert_int_equal(sasl_binding_find(BYTES_LIT("tls-unknown"), &binding), -ENOENT);
	assert_true(sasl_mech_is_plus(SASL_SCRAM_SHA_1_PLUS));
	assert_false(sasl_mech_is_plus(SASL_SCRAM_SHA_1));
	assert_string_equal(sasl_failure_name(SASL_FAILURE_TEMPORARY_AUTH_FAILURE),
			    "temporary-auth-failure");
}

static void offers_follow_from_the_terms(void **state)
{
	struct sasl_terms terms = { .has_plain = true, .has_scram = { true, true, true } };
	uint32_t plus = SASL_BIT(SASL_SCRAM_SHA_1_PLUS) | SASL_BIT(SASL_SCRAM_SHA_256_PLUS) |
			SASL_BIT(SASL_SCRAM_SHA_512_PLUS);

	assert_int_equal(sasl_offer(&terms), 0);
	terms.bindings = SASL_BIT(SASL_BINDING_TLS_EXPORTER);
	assert_int_equal(sasl_offer(&terms), 0);
	terms.is_insecure_allowed = true;
	assert_int_equal(sasl_offer(&terms), (SASL_BIT(SASL_MECHS) - 1) & ~plus);
	terms.is_secure = true;
	assert_int_equal(sasl_offer(&terms), SASL_BIT(SASL_MECHS) - 1);
	terms.bindings = 0;
	assert_int_equal(sasl_offer(&terms), (SASL_BIT(SASL_MECHS) - 1) & ~plus);
	terms.has_scram[HASH_SHA512] = terms.has_scram[HASH_SHA256] = terms.has_plain = false;
	assert_int_equal(sasl_offer(&terms), SASL_BIT(SASL_SCRAM_SHA_1));
}

static void elements(void **state)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(
		sasl_write_offer(&out, SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_SCRAM_SHA_1), 0),
		0);
	assert_text(buf_bytes(&out),
		    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		    "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>"
		    "</mechanisms>");
	buf_reset(&out);
	assert_int_equal(sasl_write_offer(&out, SASL_BIT(SASL_SCRAM_SHA_1_PLUS),
					  SASL_BIT(SASL_BINDINGS) - 1),
			 0);
	assert_text(buf_bytes(&out),
		    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
		    "<channel-binding type='tls-exporter'/>"
		    "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>"
		    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		    "<mechanism>SCRAM-SHA-1-PLUS</mechanism></mechanisms>");
	buf_reset(&out);
	assert_int_equal(
		sasl_write_failure(&out, SASL_FAILURE_ABORTED, TEXT_NONE, TEXT_LANG_EN), 0);
	assert_text(buf_bytes(&out),
		    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>");
	buf_reset(&out);
	sasl_write_failure(&out, SASL_FAILURE_NOT_AUTHORIZED, TEXT_AUTH_WRONG, TEXT_LANG_ZH);
	assert_text(buf_bytes(&out),
		    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		    "<not-authorized/><text xml:lang='zh'>用户名或密码错误。</text>"
		    "</failure>");
	buf_fini(&out);
	buf_init(&out, 10);
	assert_int_equal(sasl_write_offer(&out, SASL_BIT(SASL_PLAIN), 0), -ENOBUFS);
	buf_fini(&out);
}

/* --- PLAIN -----------------------------------------------------------------------------------
 */

static void plain_messages(void **state)
{
	struct plain_message plain;
	static const struct bytes bad[] = {
		BYTES_LIT(""),	      BYTES_LIT("tim"),		BYTES_LIT("\0tim"),
		BYTES_LIT("\0tim\0"), BYTES_LIT("\0\0tan"),	BYTES_LIT("a\0b\0c\0d"),
		BYTES_LIT("\0\0"),    BYTES_LIT("\0tim\0\xFF"), BYTES_LIT("\xC0\0tim\0x"),
	};

	/* RFC 4616 section 4 */
	assert_int_equal(plain_parse(BYTES_LIT("\0tim\0tanstaaftanstaaf"), &plain), 0);
	assert_true(bytes_is_none(plain.authzid));
	assert_text(plain.authcid, "tim");
	assert_text(plain.password, "tanstaaftanstaaf");
	assert_int_equal(plain_parse(BYTES_LIT("Ursel\0Kurt\0xipj3plmq"), &plain), 0);
	assert_text(plain.authzid, "Ursel");
	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(plain_parse(bad[i], &plain), -EINVAL);
}

static struct sasl_step plain_until_verdict(struct bytes message,
					    const struct verifier_list *list)
{
	struct sasl_context with = context();
	struct sasl_exchange *exchange;
	struct sasl_step step = start(&exchange, &with, SASL_PLAIN, message);

	assert_int_equal(step.outcome, SASL_CREDENTIALS);
	assert_text(sasl_user(exchange).full, "juliet@example.com");
	step = sasl_credentials(exchange, list);
	assert_int_equal(step.outcome, SASL_VERIFY);
	step = sasl_verified(exchange,
			     verifier_list_check(list, &cost, sasl_password(exchange)));
	assert_int_equal(sasl_password(exchange).len, 0);
	sasl_exchange_free(&exchange);
	return step;
}

static void plain_exchanges(void **state)
{
	struct sasl_step step = plain_until_verdict(BYTES_LIT("\0Juliet\0pencil"), &pencil);

	assert_int_equal(step.outcome, SASL_SUCCESS);
	assert_true(bytes_is_none(step.data));
	step = plain_until_verdict(BYTES_LIT("JULIET@Example.com\0juliet\0pencil"), &pencil);
	assert_int_equal(step.outcome, SASL_SUCCESS);
	step = plain_until_verdict(BYTES_LIT("\0juliet\0pen"), &pencil);
	assert_int_equal(step.outcome, SASL_FAILED);
	assert_int_equal(step.failure, SASL_FAILURE_NOT_AUTHORIZED);
	/* Nobody is answered alike. */
	struct sasl_step other = plain_until_verdict(BYTES_LIT("\0juliet\0pencil"), &nobody);
	assert_int_equal(other.failure, step.failure);
	assert_int_equal(other.text, step.text);
}

static void plain_refusals(void **state)
{
	struct sasl_context with = context();

	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("\0juliet")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("romeo@example.com\0juliet\0x")),
			 SASL_FAILURE_INVALID_AUTHZID);
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("juliet@example.net\0juliet\0x")),
			 SASL_FAILURE_INVALID_AUTHZID);
	assert_int_equal(
		refused(&with, SASL_PLAIN, BYTES_LIT("juliet@example.com/r\0juliet\0x")),
		SASL_FAILURE_INVALID_AUTHZID);
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("juliet\0juliet\0x")),
			 SASL_FAILURE_INVALID_AUTHZID);
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("@\0juliet\0x")),
			 SASL_FAILURE_INVALID_AUTHZID);
	/* A name that no account can have. */
	assert_int_equal(refused(&with, SASL_PLAIN, BYTES_LIT("\0a b\0x")),
			 SASL_FAILURE_NOT_AUTHORIZED);
	struct bytes large = arena_printf(&arena, "%*s", SASL_MESSAGE_MAX_BYTES + 1, "");
	assert_int_equal(refused(&with, SASL_PLAIN, large), SASL_FAILURE_MALFORMED_REQUEST);
}

/* --- SCRAM -----------------------------------------------------------------------------------
 */

static const struct {
	enum sasl_mech mech;
	const char *md, *gs2, *binding;
} scrams[] = {
	{ SASL_SCRAM_SHA_1, "SHA1", "n,,", "" },
	{ SASL_SCRAM_SHA_256, "SHA256", "n,,", "" },
	{ SASL_SCRAM_SHA_512, "SHA512", "n,a=juliet@example.com,", "" },
	{ SASL_SCRAM_SHA_1_PLUS, "SHA1", "p=tls-exporter,,", "data of tls-exporter" },
	{ SASL_SCRAM_SHA_256_PLUS, "SHA256", "p=tls-server-end-point,,",
	  "data of tls-server-end-point" },
	{ SASL_SCRAM_SHA_512_PLUS, "SHA512", "p=tls-exporter,,", "data of tls-exporter" },
};

static struct client client_of(size_t i, const char *user, const char *password)
{
	return (struct client){
		.arena = &arena,
		.md = EVP_get_digestbyname(scrams[i].md),
		.gs2_header = scrams[i].gs2,
		.user = user,
		.password = password,
		.binding_data = bytes_of(scrams[i].binding),
	};
}

/* A whole exchange; data of the last step is copied into the arena. */
static struct sasl_step scram_exchange(const struct sasl_context *with, enum sasl_mech mech,
				       struct client *client, const struct verifier_list *list)
{
	struct sasl_exchange *exchange;
	struct sasl_step step = start(&exchange, with, mech, client_first(client));

	assert_int_equal(step.outcome, SASL_CREDENTIALS);
	step = sasl_credentials(exchange, list);
	assert_int_equal(step.outcome, SASL_CHALLENGE);
	step = sasl_response(exchange, client_final(client, step.data));
	step.data = arena_copy(&arena, step.data);
	sasl_exchange_free(&exchange);
	return step;
}

static void scram_exchanges(void **state)
{
	struct sasl_context with = context();

	for (size_t i = 0; i < array_len(scrams); i++) {
		struct client client = client_of(i, "juliet", "pencil");
		struct sasl_step step = scram_exchange(&with, scrams[i].mech, &client, &pencil);
		assert_int_equal(step.outcome, SASL_SUCCESS);
		assert_true(bytes_equal(step.data, client.expected_final));
		client = client_of(i, "juliet", "pen");
		step = scram_exchange(&with, scrams[i].mech, &client, &pencil);
		assert_int_equal(step.outcome, SASL_FAILED);
		assert_int_equal(step.failure, SASL_FAILURE_NOT_AUTHORIZED);
	}
}

/* The salt of somebody unknown is stable, looks like others, and the verdict is the same. */
static void unknown_users_look_like_wrong_passwords(void **state)
{
	struct sasl_context with = context();
	struct bytes salts[2];

	for (int i = 0; i < 2; i++) {
		struct sasl_exchange *exchange;
		struct client client = client_of(1, "nobody", "pencil");
		struct sasl_step step =
			start(&exchange, &with, SASL_SCRAM_SHA_256, client_first(&client));
		step = sasl_credentials(exchange, &nobody);
		assert_int_equal(step.outcome, SASL_CHALLENGE);
		salts[i] = arena_copy(&arena, client_attribute(step.data, 's'));
		assert_text(client_attribute(step.data, 'i'), "200");
		step = sasl_response(exchange, client_final(&client, step.data));
		assert_int_equal(step.outcome, SASL_FAILED);
		assert_int_equal(step.failure, SASL_FAILURE_NOT_AUTHORIZED);
		assert_int_equal(step.text, TEXT_AUTH_WRONG);
		sasl_exchange_free(&exchange);
	}
	assert_true(bytes_equal(salts[0], salts[1]));
	assert_int_equal(salts[0].len, 24);
}

/* An account without a key of this hash (imported, say) is answered like nobody. */
static void accounts_without_scram_look_unknown(void **state)
{
	struct verifier_list foreign;
	struct sasl_context with = context();
	struct client client = client_of(0, "juliet", "U*U");

	assert_int_equal(verifier_list_import(&arena,
					      BYTES_LIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC."
							"E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
					      &foreign),
			 0);
	struct sasl_step step = scram_exchange(&with, SASL_SCRAM_SHA_1, &client, &foreign);
	assert_int_equal(step.failure, SASL_FAILURE_NOT_AUTHORIZED);
}

static void scram_refusals(void **state)
{
	struct sasl_context with = context(), unbound = context();

	unbound.bindings = 0;
	unbound.mechs = SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_PLAIN);
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1, BYTES_LIT("")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	/* y although -PLUS was offered */
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1, BYTES_LIT("y,,n=juliet,r=x")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	/* p= with a mechanism that is not -PLUS, and -PLUS without p= */
	assert_int_equal(
		refused(&with, SASL_SCRAM_SHA_1, BYTES_LIT("p=tls-exporter,,n=juliet,r=x")),
		SASL_FAILURE_MALFORMED_REQUEST);
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1_PLUS, BYTES_LIT("n,,n=juliet,r=x")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	/* a binding that was not offered */
	assert_int_equal(
		refused(&with, SASL_SCRAM_SHA_1_PLUS, BYTES_LIT("p=tls-unknown,,n=juliet,r=x")),
		SASL_FAILURE_MALFORMED_REQUEST);
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1,
				 BYTES_LIT("n,a=romeo@example.com,n=juliet,r=x")),
			 SASL_FAILURE_INVALID_AUTHZID);
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1, BYTES_LIT("n,,n=a@b,r=x")),
			 SASL_FAILURE_NOT_AUTHORIZED);
	assert_int_equal(refused(&with, SASL_SCRAM_SHA_1, BYTES_LIT("n,,m=x,n=juliet,r=x")),
			 SASL_FAILURE_MALFORMED_REQUEST);
	/* y is fine where nothing was offered */
	struct sasl_exchange *exchange;
	struct sasl_step step =
		start(&exchange, &unbound, SASL_SCRAM_SHA_1, BYTES_LIT("y,,n=juliet,r=x"));
	assert_int_equal(step.outcome, SASL_CREDENTIALS);
	sasl_exchange_free(&exchange);
}

/* Somebody between client and server: two TLS connections, two exporter values. */
static void a_wrong_binding_is_refused(void **state)
{
	struct sasl_context with = context(), without = context();
	struct client client = client_of(3, "juliet", "pencil");

	client.binding_data = BYTES_LIT("data of another connection");
	struct sasl_step step = scram_exchange(&with, SASL_SCRAM_SHA_1_PLUS, &client, &pencil);
	assert_int_equal(step.outcome, SASL_FAILED);
	assert_int_equal(step.text, TEXT_AUTH_BINDING_MISMATCH);
	without.owner = &without; /* the carrier has none after all */
	client = client_of(3, "juliet", "pencil");
	step = scram_exchange(&without, SASL_SCRAM_SHA_1_PLUS, &client, &pencil);
	assert_int_equal(step.outcome, SASL_FAILED);
	client = client_of(3, "juliet", "pencil");
	client.binding_data = BYTES_NONE;
	step = scram_exchange(&without, SASL_SCRAM_SHA_1_PLUS, &client, &pencil);
	assert_int_equal(step.outcome, SASL_FAILED);
}

/* XEP-0474: the h= of server-first is of what this stream was offered. */
static void challenges_carry_the_downgrade_hash(void **state)
{
	struct sasl_context with = context();
	struct sasl_exchange *exchange;

	with.mechs = SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
	with.test_nonce = BYTES_LIT("serverNONCE");
	struct sasl_step step =
		start(&exchange, &with, SASL_SCRAM_SHA_1, BYTES_LIT("n,,n=juliet,r=x"));
	step = sasl_credentials(exchange, &pencil);
	assert_text(client_attribute(step.data, 'h'), "G6k/rBLDqgOhRRaCuuatSDFkJ08=");
	assert_text(client_attribute(step.data, 'r'), "xserverNONCE");
	sasl_exchange_free(&exchange);
}

/* --- steps out of order ----------------------------------------------------------------------
 */

static void without_an_initial_response(void **state)
{
	struct sasl_context with = context();
	struct sasl_exchange *exchange;
	struct sasl_step step = start(&exchange, &with, SASL_PLAIN, BYTES_NONE);

	assert_int_equal(step.outcome, SASL_CHALLENGE);
	assert_int_equal(step.data.len, 0);
	step = sasl_response(exchange, BYTES_LIT("\0juliet\0pencil"));
	assert_int_equal(step.outcome, SASL_CREDENTIALS);
	/* Speaking out of turn ends it. */
	step = sasl_response(exchange, BYTES_LIT("more"));
	assert_int_equal(step.outcome, SASL_FAILED);
	assert_int_equal(step.failure, SASL_FAILURE_MALFORMED_REQUEST);
	sasl_exchange_free(&exchange);
	sasl_exchange_free(&exchange);
}

static void a_lookup_that_fails_is_temporary(void **state)
{
	struct sasl_context with = context();
	struct sasl_exchange *exchange;
	struct sasl_step step =
		start(&exchange, &with, SASL_SCRAM_SHA_256, BYTES_LIT("n,,n=juliet,r=x"));

	assert_int_equal(step.outcome, SASL_CREDENTIALS);
	assert_int_equal(sasl_mech_of(exchange), SASL_SCRAM_SHA_256);
	step = sasl_credentials_failed(exchange);
	assert_int_equal(step.failure, SASL_FAILURE_TEMPORARY_AUTH_FAILURE);
	sasl_exchange_free(&exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(offers_follow_from_the_terms),
		cmocka_unit_test(elements),
		cmocka_unit_test(plain_messages),
		cmocka_unit_test(plain_exchanges),
		cmocka_unit_test(plain_refusals),
		cmocka_unit_test(scram_exchanges),
		cmocka_unit_test(unknown_users_look_like_wrong_passwords),
		cmocka_unit_test(accounts_without_scram_look_unknown),
		cmocka_unit_test(scram_refusals),
		cmocka_unit_test(a_wrong_binding_is_refused),
		cmocka_unit_test(challenges_carry_the_downgrade_hash),
		cmocka_unit_test(without_an_initial_response),
		cmocka_unit_test(a_lookup_that_fails_is_temporary),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
