#include "core/account.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "core/account_delete.h"
#include "core/group.h"
#include "core/place.h"
#include "core/session.h"
#include "core/shard_state.h"

struct store_decl account_store =
	STORE_DECL("account", STORE_DOC, 1, "Verifiers and role of each account.");

static const char *const registration_words[] = { "closed", "open", "invite", NULL };
struct option account_option_registration = OPTION_ENUM(
	"registration", OPTION_DOMAIN, REGISTRATION_CLOSED, registration_words,
	"Who may make an account from a client: nobody, everybody, or who was invited.");
struct option account_option_iterations =
	OPTION_INT("auth.scram_iterations", OPTION_DOMAIN, 10000, 4096, 1000000,
		   "PBKDF2 iterations of new passwords; more is slower to guess and to set.");

static const char *const role_names[ACCOUNT_ROLES] = { "user", "administrator" };

const char *account_role_name(enum account_role role)
{
	return role_names[role];
}

struct verifier_cost account_cost(const struct settings *settings)
{
	uint32_t n = (uint32_t)settings_int(settings, &account_option_iterations);
	struct verifier_cost cost = VERIFIER_COST_DEFAULT;

	for (size_t i = 1; i < array_len(cost.iterations); i++)
		cost.iterations[i] = n;
	return cost;
}

struct bytes account_format(struct arena *arena, const struct account *account)
{
	struct bytes verifiers = verifier_list_format(arena, &account->verifiers);

	return arena_printf(arena, "hearth-account 1\ncreated %llu\nrole %s\n%s\n%.*s",
			    (unsigned long long)account->created_us,
			    account_role_name(account->role),
			    account->is_disabled ? "disabled yes\n" : "", BYTES_ARG(verifiers));
}

static int account_parse_line(struct bytes line, struct account *account)
{
	struct bytes value = line;
	struct bytes key = bytes_cut(&value, ' ');

	if (bytes_is(key, "created"))
		return bytes_to_u64(value, &account->created_us);
	if (bytes_is(key, "disabled"))
		account->is_disabled = true;
	if (!bytes_is(key, "role"))
		return 0; /* a later version's line */
	for (int role = 0; role < ACCOUNT_ROLES; role++)
		if (bytes_is(value, role_names[role]))
			account->role = (enum account_role)role;
	return 0;
}

/* The lines up to the empty one; leaves what follows in *value. */
static int account_parse_head(struct bytes *value, struct account *ret_account)
{
	struct account account = { 0 };
	struct bytes line = bytes_cut(value, '\n');

	if (!bytes_is(line, "hearth-account 1"))
		return -EINVAL;
	while ((line = bytes_cut(value, '\n')).len > 0)
		if (account_parse_line(line, &account) < 0)
			return -EINVAL;
	*ret_account = account;
	return 0;
}

int account_parse_facts(struct bytes value, struct account *ret_account)
{
	return account_parse_head(&value, ret_account);
}

int account_parse(struct arena *arena, struct bytes value, struct account *ret_account)
{
	struct account account;

	if (account_parse_head(&value, &account) < 0 ||
	    verifier_list_parse(arena, value, &account.verifiers) < 0)
		return -EINVAL;
	*ret_account = account;
	return 0;
}

static void account_op_start(struct account_op *op);

/*
 * What one operation has read, no other may have changed when it writes: they take turns. Those
 * that only read wait for who writes, not for each other: many may log in at the same time.
 */
static void account_op_next(struct account_op *next, struct account_op *last)
{
	while (next != NULL && next->verb == ACCOUNT_READ) {
		struct account_op *reader = next;
		next = reader->next;
		account_op_start(reader);
	}
	if (next == NULL)
		return;
	next->last = last;
	table_put(&core_shard()->account_ops, next->jid.full, next);
	account_op_start(next);
}

static void account_op_finish(struct account_op *op, int status)
{
	if (op->verb != ACCOUNT_READ) {
		check(table_del(&core_shard()->account_ops, op->jid.full) == op);
		account_op_next(op->next, op->last);
	}
	op->status = status;
	errand_return(&op->errand);
}

static void account_close_sessions(struct user *user)
{
	struct session *session;

	user->pins++;
	while ((session = user_session_next(user, NULL)) != NULL)
		session_close(session, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_ACCOUNT_DISABLED);
	user->pins--;
	user_release(user);
}

/* Who is in memory hears of it at once. */
static void account_apply(const struct account_op *op)
{
	struct user *user = user_find(jid_bare(op->jid));

	if (op->verb == ACCOUNT_CREATE)
		group_account_added(op->jid);
	if (user == NULL)
		return;
	if (op->verb == ACCOUNT_SET_ROLE)
		user->role = (uint8_t)op->account.role;
	if (op->verb == ACCOUNT_DISABLE && op->account.is_disabled)
		account_close_sessions(user);
}

static void account_committed(int status, uint64_t seq, void *context)
{
	struct account_op *op = context;

	(void)seq;
	if (status == 0)
		account_apply(op);
	account_op_finish(op, status);
}

static void account_write(struct account_op *op, const struct account *account)
{
	struct store_batch *batch = store_batch_new(core_store(), op->jid.full);

	store_put(batch, &account_store, BYTES_NONE, account_format(&op->arena, account));
	store_commit(core_store(), &batch, account_committed, op);
}

static void account_change(struct account_op *op, struct account *found)
{
	switch (op->verb) {
	case ACCOUNT_READ:
		op->account = *found;
		account_op_finish(op, 0);
		return;
	case ACCOUNT_CREATE:
		account_op_finish(op, -EEXIST);
		return;
	case ACCOUNT_VERIFIERS:
		found->verifiers = op->account.verifiers;
		break;
	case ACCOUNT_SET_ROLE:
		found->role = op->account.role;
		break;
	case ACCOUNT_DISABLE:
		found->is_disabled = op->account.is_disabled;
		break;
	case ACCOUNT_DELETE:
		account_delete(op, account_op_finish);
		return;
	}
	account_write(op, found);
}

static void account_found(struct store_read *read, int status, void *context)
{
	struct account_op *op = context;
	struct bytes value = status == 0 ? store_read_value(read, 0) : BYTES_NONE;
	struct account found;

	if (status < 0) {
		account_op_finish(op, status);
	} else if (bytes_is_none(value)) {
		if (op->verb != ACCOUNT_CREATE) {
			account_op_finish(op, -ENOENT);
			return;
		}
		op->account.created_us = clock_real_us();
		account_write(op, &op->account);
	} else if (account_parse(&op->arena, arena_copy(&op->arena, value), &found) < 0) {
		account_op_finish(op, -EILSEQ);
	} else {
		account_change(op, &found);
	}
}

static void account_op_start(struct account_op *op)
{
	store_get(core_store(), op->jid.full, &account_store, BYTES_NONE, account_found, op);
}

static void account_op_run(struct errand *errand)
{
	struct account_op *op = container_of(errand, struct account_op, errand);
	struct account_op *first = table_find(&core_shard()->account_ops, op->jid.full);

	if (first == NULL) {
		account_op_next(op, op);
		return;
	}
	first->last->next = op;
	first->last = op;
}

static void account_op_back(struct errand *errand)
{
	struct account_op *op = container_of(errand, struct account_op, errand);

	op->done(op);
	arena_fini(&op->arena);
	block_free(op);
}

struct account_op *account_op_new(enum account_verb verb, struct jid bare,
				  void (*done)(struct account_op *), void *context)
{
	struct account_op *op = block_alloc_zeroed(sizeof(*op));

	errand_init(&op->errand, "account", account_op_run, account_op_back);
	op->verb = verb;
	op->done = done;
	op->context = context;
	arena_init(&op->arena, 1024);
	op->jid = jid_copy(&op->arena, jid_to_bare(bare));
	return op;
}

void account_op_send(struct account_op *op)
{
	errand_send(&op->errand, place_shard(op->jid));
}
