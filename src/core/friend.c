#include "core/friend.h"

#include <errno.h>
#include <inttypes.h>

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/secret.h"
#include "core/domain.h"
#include "core/invite.h"
#include "core/place.h"
#include "core/subscribe.h"
#include "core/user.h"

enum { KEY_BYTES = 64 /* hex of SHA-256 */ };

struct friend_token {
	char key[KEY_BYTES];
	uint64_t expires_us;
};

struct friends {
	uint32_t count;
	struct friend_token *tokens; /* oldest first */
};

struct store_decl friend_store = STORE_DECL("friend_token", STORE_MAP, 1,
					    "Tokens of a user's open invitations, hashed.");

static void friends_fini(void *state)
{
	block_free(((struct friends *)state)->tokens);
}

struct slot friend_slot = {
	.of = SLOT_USER,
	.size = sizeof(struct friends),
	.is_lost = true, /* it is in the store */
	.fini = friends_fini,
};

static void friends_put(struct friends *friends, struct bytes key, uint64_t expires_us)
{
	struct friend_token *token;

	if (friends->tokens == NULL)
		friends->tokens = block_alloc(FRIEND_TOKENS_MAX * sizeof(*token));
	check(key.len == KEY_BYTES && friends->count < FRIEND_TOKENS_MAX);
	token = &friends->tokens[friends->count++];
	memcpy(token->key, key.ptr, KEY_BYTES);
	token->expires_us = expires_us;
}

static void friends_drop(struct friends *friends, uint32_t at, struct store_batch *batch)
{
	store_del(batch, &friend_store, bytes_make(friends->tokens[at].key, KEY_BYTES));
	friends->count--;
	memmove(&friends->tokens[at], &friends->tokens[at + 1],
		(friends->count - at) * sizeof(friends->tokens[0]));
}

void friend_loaded(struct user *user, struct bytes key, struct bytes value)
{
	struct friends *friends;
	uint64_t expires_us;

	if (bytes_is_none(key))
		return;
	friends = slot_get(&friend_slot, user);
	if (key.len == KEY_BYTES && bytes_to_u64(value, &expires_us) == 0 &&
	    friends->count < FRIEND_TOKENS_MAX)
		friends_put(friends, key, expires_us);
}

static void friend_add(struct user *user, struct bytes key, uint64_t expires_us)
{
	struct friends *friends = slot_get(&friend_slot, user);
	struct store_batch *batch = store_batch_new(core_store(), user->jid.full);

	for (uint32_t i = friends->count; i-- > 0;)
		if (friends->tokens[i].expires_us <= clock_real_us())
			friends_drop(friends, i, batch);
	if (friends->count == FRIEND_TOKENS_MAX)
		friends_drop(friends, 0, batch);
	friends_put(friends, key, expires_us);
	store_put(batch, &friend_store, key, arena_printf(scratch(), "%" PRIu64, expires_us));
	user_commit(user, &batch);
}

/* True if it was there and its time is not over; it is gone then. */
static bool friend_remove(struct user *user, struct bytes key)
{
	struct friends *friends = slot_find(&friend_slot, user);
	struct store_batch *batch;
	bool is_valid;

	for (uint32_t i = 0; friends != NULL && i < friends->count; i++) {
		if (!secret_equal(bytes_make(friends->tokens[i].key, KEY_BYTES), key))
			continue;
		is_valid = friends->tokens[i].expires_us > clock_real_us();
		batch = store_batch_new(core_store(), user->jid.full);
		friends_drop(friends, i, batch);
		user_commit(user, &batch);
		return is_valid;
	}
	return false;
}

bool friend_token_take(struct user *user, struct bytes token)
{
	struct bytes key = invite_key(scratch(), token);
	struct invite_op *op;

	if (!friend_remove(user, key))
		return false;
	op = invite_op_new(INVITE_SETTLE, domain_name(user->domain), NULL, NULL);
	op->key = arena_copy(&op->arena, key);
	invite_op_send(op);
	return true;
}

/* --- at another account's home ----------------------------------------------------------- */

enum friend_verb { FRIEND_GRANT, FRIEND_REVOKE, FRIEND_ASK };

struct friend_errand {
	struct errand errand;
	struct user_wait wait;
	struct gate_output committed;
	struct arena arena;
	enum friend_verb verb;
	struct jid user;
	struct jid inviter; /* ASK */
	struct bytes token; /* ASK; else its key */
	uint64_t expires_us;
	int status;
	void (*done)(int status, void *context);
	void *context;
};

static void errand_committed(struct gate_output *output, int status)
{
	struct friend_errand *it = container_of(output, struct friend_errand, committed);

	it->status = status;
	errand_return(&it->errand);
}

static void errand_act(struct friend_errand *it, struct user *user)
{
	switch (it->verb) {
	case FRIEND_GRANT:
		friend_add(user, it->token, it->expires_us);
		break;
	case FRIEND_REVOKE:
		friend_remove(user, it->token);
		break;
	case FRIEND_ASK:
		subscribe_invited(
			user, it->inviter,
			arena_printf(scratch(),
				     "<preauth xmlns='urn:xmpp:pars:0' token='%.*s'/>",
				     BYTES_ARG(it->token)));
		break;
	}
}

static void errand_ready(struct user_wait *wait, struct user *user, int status)
{
	struct friend_errand *it = container_of(wait, struct friend_errand, wait);

	it->status = status;
	if (status < 0) {
		errand_return(&it->errand);
		return;
	}
	errand_act(it, user);
	it->committed.leave = errand_committed;
	gate_pass(&user->gate, &it->committed);
}

static void errand_run(struct errand *errand)
{
	struct friend_errand *it = container_of(errand, struct friend_errand, errand);
	const struct domain *domain = domain_find(jid_domain(it->user));

	it->status = -ENOENT;
	if (domain == NULL)
		errand_return(errand);
	else
		user_when_ready(user_wake(it->user, domain), &it->wait);
}

static void errand_back(struct errand *errand)
{
	struct friend_errand *it = container_of(errand, struct friend_errand, errand);

	if (it->done != NULL)
		it->done(it->status, it->context);
	arena_fini(&it->arena);
	block_free(it);
}

static struct friend_errand *errand_new(enum friend_verb verb, struct jid user,
					struct bytes token)
{
	struct friend_errand *it = block_alloc_zeroed(sizeof(*it));

	errand_init(&it->errand, "friend", errand_run, errand_back);
	arena_init(&it->arena, 256);
	it->wait.run = errand_ready;
	it->verb = verb;
	it->user = jid_copy(&it->arena, jid_to_bare(user));
	it->token = arena_copy(&it->arena, token);
	return it;
}

static void errand_start(struct friend_errand *it)
{
	errand_send(&it->errand, place_shard(it->user));
}

void friend_token_grant(struct jid inviter, struct bytes key, uint64_t expires_us,
			void (*done)(int status, void *context), void *context)
{
	struct friend_errand *it = errand_new(FRIEND_GRANT, inviter, key);

	it->expires_us = expires_us;
	it->done = done;
	it->context = context;
	errand_start(it);
}

void friend_token_revoke(struct jid inviter, struct bytes key)
{
	errand_start(errand_new(FRIEND_REVOKE, inviter, key));
}

void friend_ask(struct jid user, struct jid inviter, struct bytes token)
{
	struct friend_errand *it = errand_new(FRIEND_ASK, user, token);

	it->inviter = jid_copy(&it->arena, jid_to_bare(inviter));
	errand_start(it);
}
