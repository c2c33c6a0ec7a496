#include "xmpp/sasl.h"

#include "base/block.h"
#include "base/check.h"
#include "base/secret.h"
#include "xmpp/plain.h"
#include "xmpp/sasl_impl.h"
#include "xmpp/scram.h"

enum { EXCHANGE_MAGIC = 0x5A511E01, EXCHANGE_ARENA_BYTES = 1024, DEFAULT_ITERATIONS = 4096 };

enum state {
	STATE_NEW,
	STATE_INITIAL, /* an empty challenge was sent for the initial response */
	STATE_CREDENTIALS,
	STATE_RESPONSE,
	STATE_VERIFY,
	STATE_DONE,
};

struct sasl_exchange {
	uint32_t magic;
	enum state state;
	enum sasl_mech mech;
	const struct sasl_context *context;
	struct arena arena;
	struct jid user; /* JID_NONE before CREDENTIALS */
	struct secret password;
	struct scram scram;
};

struct sasl_exchange *sasl_exchange_new(const struct sasl_context *context, enum sasl_mech mech)
{
	struct sasl_exchange *exchange = block_alloc_zeroed(sizeof(*exchange));
	const struct sasl_mech_info *info = sasl_mech_info(mech);

	check(context->mechs & SASL_BIT(mech));
	exchange->magic = EXCHANGE_MAGIC;
	exchange->mech = mech;
	exchange->context = context;
	arena_init(&exchange->arena, EXCHANGE_ARENA_BYTES);
	if (info->kind != SASL_KIND_PLAIN) {
		uint32_t plus = SASL_BIT(SASL_SCRAM_SHA_512_PLUS) |
				SASL_BIT(SASL_SCRAM_SHA_256_PLUS) |
				SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
		scram_init(&exchange->scram, &exchange->arena, info->hash,
			   info->kind == SASL_KIND_SCRAM_PLUS, context->mechs & plus);
	}
	return exchange;
}

void sasl_exchange_free(struct sasl_exchange **exchange_)
{
	struct sasl_exchange *exchange = *exchange_;

	if (!exchange)
		return;
	check_magic(exchange, EXCHANGE_MAGIC);
	secret_fini(&exchange->password);
	arena_fini(&exchange->arena);
	secret_wipe(exchange, sizeof(*exchange));
	block_free(exchange);
	*exchange_ = NULL;
}

/* --- verdicts --------------------------------------------------------------------------------
 */

static struct sasl_step fail(struct sasl_exchange *exchange, enum sasl_failure failure,
			     enum text text)
{
	exchange->state = STATE_DONE;
	secret_fini(&exchange->password);
	return (struct sasl_step){
		.outcome = SASL_FAILED, .data = BYTES_NONE, .failure = failure, .text = text
	};
}

static struct sasl_step step(struct sasl_exchange *exchange, enum state state,
			     enum sasl_outcome outcome, struct bytes data)
{
	exchange->state = state;
	return (struct sasl_step){ .outcome = outcome, .data = data };
}

/*
 * Only a wrong proof is not-authorized: the other faults are the client's or somebody's between
 * us, and asking the person for another password would not help.
 */
static struct sasl_step fail_scram(struct sasl_exchange *exchange, enum scram_fault fault)
{
	switch (fault) {
	case SCRAM_FAULT_PROOF:
		return fail(exchange, SASL_FAILURE_NOT_AUTHORIZED, TEXT_AUTH_WRONG);
	case SCRAM_FAULT_BINDING_MISSING:
		return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST,
			    TEXT_AUTH_BINDING_MISSING);
	case SCRAM_FAULT_BINDING_DOWNGRADE:
		return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST,
			    TEXT_AUTH_BINDING_DOWNGRADE);
	case SCRAM_FAULT_BINDING_MISMATCH:
		return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST,
			    TEXT_AUTH_BINDING_MISMATCH);
	case SCRAM_FAULT_NONE:
	case SCRAM_FAULT_MALFORMED:
	case SCRAM_FAULT_EXTENSION:
	case SCRAM_FAULT_USERNAME:
		break;
	}
	return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST, TEXT_NONE);
}

/* --- who it is -------------------------------------------------------------------------------
 */

bool sasl_authzid_is_own(struct bytes authzid, struct jid user)
{
	struct arena arena;
	struct jid wanted;
	bool is_own;

	if (authzid.len == 0)
		return true;
	arena_init(&arena, 512);
	is_own = jid_parse(&arena, authzid, &wanted, NULL) == 0 && jid_equal(wanted, user);
	arena_fini(&arena);
	return is_own;
}

/* RFC 6120 section 6.3.8: the user name is a localpart of the stream's domain. */
static struct sasl_step ask_credentials(struct sasl_exchange *exchange, struct bytes username,
					struct bytes authzid)
{
	if (jid_make(&exchange->arena, username, exchange->context->domain, BYTES_NONE,
		     &exchange->user, NULL) < 0)
		return fail(exchange, SASL_FAILURE_NOT_AUTHORIZED, TEXT_AUTH_WRONG);
	if (!sasl_authzid_is_own(authzid, exchange->user))
		return fail(exchange, SASL_FAILURE_INVALID_AUTHZID, TEXT_AUTH_NOT_YOURSELF);
	return step(exchange, STATE_CREDENTIALS, SASL_CREDENTIALS, BYTES_NONE);
}

static struct sasl_step plain_initial(struct sasl_exchange *exchange, struct bytes message)
{
	struct plain_message plain;

	if (message.len > SASL_MESSAGE_MAX_BYTES || plain_parse(message, &plain) < 0)
		return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST, TEXT_NONE);
	secret_init(&exchange->password, plain.password);
	return ask_credentials(exchange, plain.authcid, plain.authzid);
}

/* p= names a type that we did not offer (RFC 5802 section 7, unsupported-channel-binding-type).
 */
static bool is_binding_offered(const struct sasl_exchange *exchange)
{
	enum sasl_binding binding;

	if (bytes_is_none(exchange->scram.binding_name))
		return true;
	return sasl_binding_find(exchange->scram.binding_name, &binding) == 0 &&
	       (exchange->context->bindings & SASL_BIT(binding));
}

static struct sasl_step scram_initial(struct sasl_exchange *exchange, struct bytes message)
{
	enum scram_fault fault = scram_client_first(&exchange->scram, message);

	if (fault != SCRAM_FAULT_NONE)
		return fail_scram(exchange, fault);
	if (!is_binding_offered(exchange))
		return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST,
			    TEXT_AUTH_BINDING_UNKNOWN);
	return ask_credentials(exchange, exchange->scram.username, exchange->scram.authzid);
}

static struct sasl_step take_initial(struct sasl_exchange *exchange, struct bytes message)
{
	if (exchange->mech == SASL_PLAIN)
		return plain_initial(exchange, message);
	return scram_initial(exchange, message);
}

struct sasl_step sasl_start(struct sasl_exchange *exchange, struct bytes initial)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	check(exchange->state == STATE_NEW);
	/* RFC 4422 section 5: the client speaks first, so it is asked to with an empty
	 * challenge. */
	if (bytes_is_none(initial))
		return step(exchange, STATE_INITIAL, SASL_CHALLENGE, BYTES_LIT(""));
	return take_initial(exchange, initial);
}

/* --- credentials -----------------------------------------------------------------------------
 */

static struct scram_keys keys_of(struct sasl_exchange *exchange,
				 const struct verifier_list *list)
{
	enum hash hash = exchange->scram.hash;
	const struct verifier *verifier = verifier_list_scram(list, hash);
	uint32_t iterations = exchange->context->cost.iterations[hash];

	if (!verifier)
		return scram_simulate(&exchange->arena, hash,
				      bytes_make(exchange->context->secret, SASL_SECRET_BYTES),
				      jid_bare(exchange->user),
				      iterations ? iterations : DEFAULT_ITERATIONS);
	return (struct scram_keys){
		.salt = verifier->salt,
		.iterations = verifier->iterations,
		.stored_key = verifier->value,
		.server_key = verifier->server_key,
	};
}

/* XEP-0474 section 6.1. */
static struct bytes downgrade_hash(struct sasl_exchange *exchange)
{
	const struct sasl_context *context = exchange->context;
	struct bytes mechs[SASL_MECHS], bindings[SASL_BINDINGS];
	size_t mech_count = 0, binding_count = 0;

	for (int i = 0; i < SASL_MECHS; i++) {
		if (context->mechs & SASL_BIT(i))
			mechs[mech_count++] = bytes_of(sasl_mech_name((enum sasl_mech)i));
	}
	for (int i = 0; i < SASL_BINDINGS; i++) {
		if (context->bindings & SASL_BINDINGS_ANNOUNCED & SASL_BIT(i))
			bindings[binding_count++] =
				bytes_of(sasl_binding_name((enum sasl_binding)i));
	}
	return scram_downgrade_hash(&exchange->arena, exchange->scram.hash, mechs, mech_count,
				    binding_count ? bindings : NULL, binding_count);
}

static struct sasl_step scram_challenge(struct sasl_exchange *exchange,
					const struct verifier_list *list)
{
	struct scram_keys keys = keys_of(exchange, list);
	struct bytes nonce = exchange->context->test_nonce;

	if (bytes_is_none(nonce))
		nonce = scram_nonce(&exchange->arena);
	return step(
		exchange, STATE_RESPONSE, SASL_CHALLENGE,
		scram_server_first(&exchange->scram, &keys, nonce, downgrade_hash(exchange)));
}

struct sasl_step sasl_credentials(struct sasl_exchange *exchange,
				  const struct verifier_list *verifiers)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	check(exchange->state == STATE_CREDENTIALS);
	if (exchange->mech == SASL_PLAIN)
		return step(exchange, STATE_VERIFY, SASL_VERIFY, BYTES_NONE);
	return scram_challenge(exchange, verifiers);
}

struct sasl_step sasl_credentials_failed(struct sasl_exchange *exchange)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	check(exchange->state == STATE_CREDENTIALS || exchange->state == STATE_VERIFY);
	return fail(exchange, SASL_FAILURE_TEMPORARY_AUTH_FAILURE, TEXT_AUTH_UNAVAILABLE);
}

struct sasl_step sasl_verified(struct sasl_exchange *exchange, bool is_right)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	check(exchange->state == STATE_VERIFY);
	secret_fini(&exchange->password);
	if (!is_right)
		return fail(exchange, SASL_FAILURE_NOT_AUTHORIZED, TEXT_AUTH_WRONG);
	return step(exchange, STATE_DONE, SASL_SUCCESS, BYTES_NONE);
}

/* --- the last message ------------------------------------------------------------------------
 */

static struct bytes binding_data(struct sasl_exchange *exchange)
{
	const struct sasl_context *context = exchange->context;
	enum sasl_binding binding;
	struct bytes data;

	if (bytes_is_none(exchange->scram.binding_name) || !context->channel_binding ||
	    sasl_binding_find(exchange->scram.binding_name, &binding) < 0 ||
	    context->channel_binding(context->owner, binding, &exchange->arena, &data) < 0)
		return BYTES_NONE;
	return data;
}

static struct sasl_step scram_response(struct sasl_exchange *exchange, struct bytes message)
{
	struct bytes last;
	enum scram_fault fault =
		scram_client_final(&exchange->scram, message, binding_data(exchange), &last);

	if (fault != SCRAM_FAULT_NONE)
		return fail_scram(exchange, fault);
	return step(exchange, STATE_DONE, SASL_SUCCESS, last);
}

struct sasl_step sasl_response(struct sasl_exchange *exchange, struct bytes response)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	switch (exchange->state) {
	case STATE_INITIAL:
		return take_initial(exchange, response);
	case STATE_RESPONSE:
		return scram_response(exchange, response);
	case STATE_CREDENTIALS: /* the client speaks out of turn */
	case STATE_VERIFY:
		break;
	case STATE_NEW:
	case STATE_DONE:
		check(!"a response without a challenge");
	}
	return fail(exchange, SASL_FAILURE_MALFORMED_REQUEST, TEXT_NONE);
}

struct jid sasl_user(const struct sasl_exchange *exchange)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	return exchange->user;
}

struct bytes sasl_password(const struct sasl_exchange *exchange)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	return secret_bytes(&exchange->password);
}

enum sasl_mech sasl_mech_of(const struct sasl_exchange *exchange)
{
	check_magic(exchange, EXCHANGE_MAGIC);
	return exchange->mech;
}
