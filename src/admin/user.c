/*
 * user add, passwd, del, show. A password becomes SCRAM keys on a worker (PBKDF2 is slow on
 * purpose), then the account's home stores them.
 */
#include <cjson/cJSON.h>

#include "admin/control_internal.h"
#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "core/account.h"
#include "core/census.h"

/* --- add, passwd --- */

/* Lives until the account is stored: the operation borrows its keys. */
struct derivation {
	struct work work;
	struct admin_call *call;
	enum account_verb verb;
	struct jid jid; /* in the call's arena */
	struct verifier_cost cost;
	struct arena arena;
	struct verifier_list keys;
	int status;
};

static void derivation_free(struct derivation *it)
{
	arena_fini(&it->arena);
	block_free(it);
}

static void stored(struct account_op *op)
{
	struct derivation *it = op->context;
	bool is_new = it->verb == ACCOUNT_CREATE;
	if (op->status < 0) {
		words_fail_user(it->call, op->status, op->jid.full);
	} else {
		log_event(LOG_ADMIN, LOG_INFO, is_new ? "user.added" : "user.password_changed",
			  LOG_BYTES("user", op->jid.full));
		admin_call_done_text(it->call,
				     is_new ? TEXT_ADMIN_USER_ADDED : TEXT_ADMIN_USER_PASSWD,
				     op->jid.full, BYTES_NONE);
	}
	derivation_free(it);
}

static void derive(struct work *work)
{
	struct derivation *it = container_of(work, struct derivation, work);
	it->status = verifier_list_make(&it->arena, admin_call_word(it->call, "password"),
					&it->cost, &it->keys);
	arena_reset(scratch());
}

static void derived(struct work *work)
{
	struct derivation *it = container_of(work, struct derivation, work);
	if (it->status < 0) {
		words_fail_user(it->call, it->status, it->jid.full);
		derivation_free(it);
		return;
	}
	struct account_op *op = account_op_new(it->verb, it->jid, stored, it);
	op->account.verifiers = it->keys;
	account_op_send(op);
}

static void set_password(struct admin_call *call, enum account_verb verb)
{
	struct jid jid;
	const struct domain *domain;
	if (!words_user(call, &jid, &domain))
		return;
	struct derivation *it = block_alloc_zeroed(sizeof(*it));
	it->call = call;
	it->verb = verb;
	it->jid = jid;
	it->cost = account_cost(domain_settings(domain));
	arena_init(&it->arena, 1024);
	work_init(&it->work, "admin.derive", derive, derived);
	int status = worker_post(control_host()->workers, &it->work);
	if (status < 0) {
		words_fail_user(call, status, jid.full);
		derivation_free(it);
	}
}

void admin_user_add(struct admin_call *call)
{
	set_password(call, ACCOUNT_CREATE);
}

void admin_user_passwd(struct admin_call *call)
{
	set_password(call, ACCOUNT_VERIFIERS);
}

/* --- del --- */

static void deleted(struct account_op *op)
{
	struct admin_call *call = op->context;
	if (op->status < 0) {
		words_fail_user(call, op->status, op->jid.full);
		return;
	}
	admin_call_done_text(call, TEXT_ADMIN_USER_DELETED, op->jid.full, BYTES_NONE);
}

void admin_user_del(struct admin_call *call)
{
	struct jid jid;
	const struct domain *domain;
	if (words_user(call, &jid, &domain))
		account_op_send(account_op_new(ACCOUNT_DELETE, jid, deleted, call));
}

/* --- show --- */

struct portrait {
	struct admin_call *call;
	struct cJSON *result;
};

static void add_sessions(struct census *census)
{
	struct portrait *it = census->context;
	struct cJSON *sessions = cJSON_AddArrayToObject(it->result, "sessions");
	for (const struct census_row *row = census->rows; row; row = row->next)
		cJSON_AddItemToArray(sessions,
				     cJSON_CreateString(arena_cstr(scratch(), row->jid)));
	admin_call_done(it->call, it->result);
	block_free(it);
}

static struct cJSON *portray(const struct account_op *op)
{
	struct cJSON *result = cJSON_CreateObject();
	words_add(result, "jid", op->jid.full);
	cJSON_AddStringToObject(result, "role", account_role_name(op->account.role));
	words_add_time(result, "created", op->account.created_us);
	struct cJSON *logins = cJSON_AddArrayToObject(result, "verifiers");
	for (size_t i = 0; i < op->account.verifiers.count; i++)
		cJSON_AddItemToArray(logins, cJSON_CreateString(verifier_scheme_name(
						     op->account.verifiers.items[i].scheme)));
	return result;
}

static void shown(struct account_op *op)
{
	if (op->status < 0) {
		words_fail_user(op->context, op->status, op->jid.full);
		return;
	}
	struct portrait *it = block_alloc_zeroed(sizeof(*it));
	it->call = op->context;
	it->result = portray(op);
	census_take(op->jid.full, 1000, add_sessions, it);
}

void admin_user_show(struct admin_call *call)
{
	struct jid jid;
	const struct domain *domain;
	if (words_user(call, &jid, &domain))
		account_op_send(account_op_new(ACCOUNT_READ, jid, shown, call));
}
