/*
 * SASL: one exchange. The first byte chooses the mechanism, whether the user exists, and what
 * was offered; the rest are the client's messages, parted by byte 1. Nobody gets in but by the
 * one right proof, which a seed knows.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "xmpp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[SASL_SECRET_BYTES] = "a secret of thirty-two bytes....";

static int bind_data(void *owner, enum sasl_binding binding, struct arena *arena,
		     struct bytes *ret_data)
{
	*ret_data = arena_copy(arena, BYTES_LIT("binding"));
	return 0;
}

/* "pencil", with a salt that never changes. */
static const struct verifier_list *pencil(void)
{
	static struct arena arena = { .chunk_bytes = 4096 };
	static struct verifier items[HASH_COUNT];
	static struct verifier_list list;

	if (list.count == 0) {
		for (int hash = 0; hash < HASH_COUNT; hash++)
			items[hash] =
				verifier_make_scram(&arena, BYTES_LIT("pencil"),
						    (enum hash)hash, BYTES_LIT("salt"), 2);
		list = (struct verifier_list){ items, HASH_COUNT };
	}
	return &list;
}

static struct sasl_step serve(struct sasl_exchange *exchange, struct sasl_step step,
			      const struct verifier_list *list)
{
	if (step.outcome == SASL_CREDENTIALS) {
		check(jid_is_bare(sasl_user(exchange)));
		step = sasl_credentials(exchange, list);
	}
	if (step.outcome == SASL_VERIFY)
		step = sasl_verified(exchange,
				     list->count > 0 &&
					     bytes_is(sasl_password(exchange), "pencil"));
	return step;
}

static struct sasl_step run(struct sasl_exchange *exchange, struct bytes messages,
			    const struct verifier_list *list)
{
	struct bytes message = bytes_cut(&messages, 1);
	struct sasl_step step = serve(exchange, sasl_start(exchange, message), list);

	while (step.outcome == SASL_CHALLENGE && !bytes_is_none(messages)) {
		message = bytes_cut(&messages, 1);
		step = serve(exchange, sasl_response(exchange, message), list);
	}
	return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verifier_list nobody = { NULL, 0 };
	struct sasl_context context = {
		.domain = BYTES_LIT("example.com"),
		.mechs = SASL_BIT(SASL_MECHS) - 1,
		.bindings = SASL_BIT(SASL_BINDINGS) - 1,
		.secret = secret,
		.cost = { { 2, 2, 2 } },
		.channel_binding = bind_data,
		.test_nonce = BYTES_LIT("SERVER"),
	};

	if (size == 0)
		return 0;
	enum sasl_mech mech = (enum sasl_mech)(data[0] % SASL_MECHS);
	bool is_known = !(data[0] & 0x40);
	if (data[0] & 0x80) {
		context.bindings = 0;
		context.mechs = SASL_BIT(mech);
	}
	struct sasl_exchange *exchange = sasl_exchange_new(&context, mech);
	struct sasl_step step =
		run(exchange, bytes_make(data + 1, size - 1), is_known ? pencil() : &nobody);
	check(step.outcome != SASL_SUCCESS || is_known);
	check((step.outcome == SASL_FAILED) == (step.failure != SASL_FAILURE_NONE));
	sasl_exchange_free(&exchange);
	return 0;
}
