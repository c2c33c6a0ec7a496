/* GNU SASL as the client: another implementation of PLAIN, SCRAM-SHA-1 and -256, also -PLUS. */
#include "unit.h"

#include <errno.h>
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/sasl.h"

static struct arena arena = { .chunk_bytes = 4096 };
static const struct verifier_cost cost = { { 4096, 4096, 4096 } };
static const uint8_t secret[SASL_SECRET_BYTES] = "a secret of thirty-two bytes....";
static struct verifier_list pencil;
static Gsasl *gsasl;

static int begin(void **state)
{
	return gsasl_init(&gsasl) != GSASL_OK ||
	       verifier_list_make(&arena, BYTES_LIT("pencil"), &cost, &pencil) < 0;
}

static int end(void **state)
{
	gsasl_done(gsasl);
	arena_fini(&arena);
	return 0;
}

/* 32 bytes, as tls-exporter gives (RFC 9266). */
static int bind_data(void *owner, enum sasl_binding binding, struct arena *into,
		     struct bytes *ret_data)
{
	*ret_data = BYTES_LIT("exporter data of this connection");
	return binding == SASL_BINDING_TLS_EXPORTER ? 0 : -ENOENT;
}

static struct sasl_context context(void)
{
	return (struct sasl_context){
		.domain = BYTES_LIT("example.com"),
		.mechs = SASL_BIT(SASL_MECHS) - 1,
		.bindings = SASL_BIT(SASL_BINDING_TLS_EXPORTER),
		.secret = secret,
		.cost = cost,
		.channel_binding = bind_data,
	};
}

static Gsasl_session *client_new(const char *mech, const char *password, const char *binding)
{
	Gsasl_session *client;

	assert_int_equal(gsasl_client_start(gsasl, mech, &client), GSASL_OK);
	gsasl_property_set(client, GSASL_AUTHID, "juliet");
	gsasl_property_set(client, GSASL_PASSWORD, password);
	if (binding)
		gsasl_property_set(client, GSASL_CB_TLS_EXPORTER, binding);
	return client;
}

/* Lets the client answer one message; the result lives in the arena. */
static int client_step(Gsasl_session *client, struct bytes in, struct bytes *ret_out)
{
	char *out = NULL;
	size_t len = 0;
	int r = gsasl_step(client, in.ptr, in.len, &out, &len);

	if (r == GSASL_OK || r == GSASL_NEEDS_MORE)
		*ret_out = arena_copy(&arena, bytes_make(out ? out : "", len));
	gsasl_free(out);
	return r;
}

/* Answers what the server does of itself until it is the client's turn again or all is over. */
static struct sasl_step serve(struct sasl_exchange *exchange, struct sasl_step step)
{
	if (step.outcome == SASL_CREDENTIALS)
		step = sasl_credentials(exchange, &pencil);
	if (step.outcome == SASL_VERIFY)
		step = sasl_verified(
			exchange, verifier_list_check(&pencil, &cost, sasl_password(exchange)));
	return step;
}

/* True if the server accepts and the client accepts the server. */
static bool signs_in(enum sasl_mech mech, const char *password, const char *binding)
{
	struct sasl_context with = context();
	struct sasl_exchange *exchange = sasl_exchange_new(&with, mech);
	Gsasl_session *client = client_new(sasl_mech_name(mech), password, binding);
	struct bytes message = BYTES_NONE;
	struct sasl_step step;
	int r = client_step(client, BYTES_NONE, &message);

	assert_true(r == GSASL_OK || r == GSASL_NEEDS_MORE);
	step = serve(exchange, sasl_start(exchange, message));
	while (step.outcome == SASL_CHALLENGE) {
		r = client_step(client, step.data, &message);
		assert_int_equal(r, GSASL_NEEDS_MORE);
		step = serve(exchange, sasl_response(exchange, message));
	}
	if (step.outcome == SASL_SUCCESS && !bytes_is_none(step.data))
		r = client_step(client, step.data, &message);
	bool is_fine = step.outcome == SASL_SUCCESS && r == GSASL_OK;
	gsasl_finish(client);
	sasl_exchange_free(&exchange);
	return is_fine;
}

/* base64 of "exporter data of this connection", and of another one */
#define BINDING "ZXhwb3J0ZXIgZGF0YSBvZiB0aGlzIGNvbm5lY3Rpb24="
#define OTHER "ZXhwb3J0ZXIgZGF0YSBvZiB0aGF0IGNvbm5lY3Rpb24="

static void signs_in_with_the_right_password(void **state)
{
	assert_true(signs_in(SASL_PLAIN, "pencil", NULL));
	assert_true(signs_in(SASL_SCRAM_SHA_1, "pencil", NULL));
	assert_true(signs_in(SASL_SCRAM_SHA_256, "pencil", NULL));
	assert_true(signs_in(SASL_SCRAM_SHA_1_PLUS, "pencil", BINDING));
	assert_true(signs_in(SASL_SCRAM_SHA_256_PLUS, "pencil", BINDING));
}

static void not_with_another(void **state)
{
	assert_false(signs_in(SASL_PLAIN, "pen", NULL));
	assert_false(signs_in(SASL_SCRAM_SHA_1, "pen", NULL));
	assert_false(signs_in(SASL_SCRAM_SHA_256, "pen", NULL));
	assert_false(signs_in(SASL_SCRAM_SHA_256_PLUS, "pen", BINDING));
}

static void not_through_somebody_between(void **state)
{
	assert_false(signs_in(SASL_SCRAM_SHA_1_PLUS, "pencil", OTHER));
	assert_false(signs_in(SASL_SCRAM_SHA_256_PLUS, "pencil", OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_in_with_the_right_password),
		cmocka_unit_test(not_with_another),
		cmocka_unit_test(not_through_somebody_between),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
