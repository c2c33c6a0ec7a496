/*
 * invite create, list, revoke: invitations of a domain. They are an administrator's: no user's
 * contact comes of them.
 */
#include <cjson/cJSON.h>
#include <errno.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/account.h"
#include "core/friend.h"
#include "core/invite.h"

enum { DAYS = 7, DAYS_MAX = 365, ID_CHARS = 12 };

/* The domain is served; false: the call has been answered. */
static bool served_domain(struct admin_call *call, struct bytes *ret_name)
{
	if (!words_domain(call, ret_name))
		return false;
	if (domain_find(*ret_name) != NULL)
		return true;
	admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_DOMAIN, *ret_name,
			BYTES_NONE);
	return false;
}

static void fail(struct admin_call *call, int status, struct bytes what)
{
	if (status == -ENOENT)
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_INVITE_NONE, what,
				BYTES_NONE);
	else
		words_fail_user(call, status, what);
}

/* --- create ------------------------------------------------------------------------------- */

static void created(struct invite_op *op)
{
	struct admin_call *call = op->context;
	struct cJSON *result;

	if (op->status == -EEXIST) {
		admin_call_fail(call, ADMIN_EXISTS, TEXT_ADMIN_INVITE_RESERVED,
				op->invite.username, BYTES_NONE);
		return;
	}
	if (op->status < 0) {
		fail(call, op->status, op->domain);
		return;
	}
	log_event(LOG_ADMIN, LOG_INFO, "invite.created", LOG_BYTES("domain", op->domain),
		  LOG_BYTES("id", bytes_first(op->invite.key, ID_CHARS)));
	result = cJSON_CreateObject();
	words_add(result, "uri", invite_uri(&op->arena, &op->invite, op->domain, op->token));
	words_add_time(result, "expires", op->invite.expires_us);
	words_add(result, "id", bytes_first(op->invite.key, ID_CHARS));
	admin_call_done(call, result);
}

static struct invite_op *creation(struct admin_call *call, struct bytes domain, uint64_t days)
{
	struct invite_op *op = invite_op_new(INVITE_CREATE, domain, created, call);

	op->invite.kind = INVITE_ACCOUNT;
	op->invite.may_register = true;
	op->invite.expires_us = clock_real_us() + days * 86400 * 1000000;
	return op;
}

/* The operation waits while the name is looked up. */
static void name_looked_up(struct account_op *account)
{
	struct invite_op *op = account->context;

	if (account->status == -ENOENT) {
		invite_op_send(op);
		return;
	}
	if (account->status == 0)
		admin_call_fail(op->context, ADMIN_EXISTS, TEXT_ADMIN_INVITE_RESERVED,
				op->invite.username, BYTES_NONE);
	else
		fail(op->context, account->status, op->domain);
	invite_op_free(&op);
}

static bool read_days(struct admin_call *call, uint64_t *ret_days)
{
	struct bytes text = admin_call_word(call, "days");

	*ret_days = DAYS;
	if (bytes_is_none(text))
		return true;
	if (bytes_to_u64(text, ret_days) == 0 && *ret_days >= 1 && *ret_days <= DAYS_MAX)
		return true;
	admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_INVITE_BAD_DAYS, text, BYTES_NONE);
	return false;
}

void admin_invite_create(struct admin_call *call)
{
	struct bytes domain, user = admin_call_word(call, "user");
	struct invite_op *op;
	struct jid jid;
	uint64_t days;

	if (!served_domain(call, &domain) || !read_days(call, &days))
		return;
	if (bytes_is_none(user)) {
		invite_op_send(creation(call, domain, days));
		return;
	}
	if (jid_make(admin_call_arena(call), user, domain, BYTES_NONE, &jid, NULL) < 0) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_INVITE_BAD_NAME, user,
				BYTES_NONE);
		return;
	}
	op = creation(call, domain, days);
	op->invite.username = arena_copy(&op->arena, jid_local(jid));
	account_op_send(account_op_new(ACCOUNT_READ, jid, name_looked_up, op));
}

/* --- list, revoke ------------------------------------------------------------------------- */

static void listed(struct invite_op *op)
{
	struct admin_call *call = op->context;

	if (op->status < 0) {
		fail(call, op->status, op->domain);
		return;
	}
	for (const struct invite *it = op->rows; it != NULL; it = it->next) {
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "id", bytes_first(it->key, ID_CHARS));
		cJSON_AddStringToObject(row, "for",
					it->kind == INVITE_CONTACT ? "contact" : "account");
		if (!bytes_is_none(it->inviter))
			words_add(row, "inviter", it->inviter);
		if (!bytes_is_none(it->username))
			words_add(row, "user", it->username);
		words_add_time(row, "created", it->created_us);
		words_add_time(row, "expires", it->expires_us);
		admin_call_row(call, row);
	}
	admin_call_done(call, NULL);
}

void admin_invite_list(struct admin_call *call)
{
	struct bytes domain;

	if (served_domain(call, &domain))
		invite_op_send(invite_op_new(INVITE_LIST, domain, listed, call));
}

static void revoked(struct invite_op *op)
{
	struct admin_call *call = op->context;
	struct bytes id = admin_call_word(call, "id");

	if (op->status == -EEXIST) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_INVITE_AMBIGUOUS, id,
				BYTES_NONE);
		return;
	}
	if (op->status < 0) {
		fail(call, op->status, id);
		return;
	}
	if (op->invite.is_befriended)
		friend_token_revoke(jid_from_normal(op->invite.inviter), op->invite.key);
	log_event(LOG_ADMIN, LOG_INFO, "invite.revoked", LOG_BYTES("domain", op->domain),
		  LOG_BYTES("id", bytes_first(op->invite.key, ID_CHARS)));
	admin_call_done_text(call, TEXT_ADMIN_INVITE_REVOKED, BYTES_NONE, BYTES_NONE);
}

void admin_invite_revoke(struct admin_call *call)
{
	struct bytes domain;
	struct invite_op *op;

	if (!served_domain(call, &domain))
		return;
	op = invite_op_new(INVITE_REVOKE, domain, revoked, call);
	op->key = arena_copy(&op->arena, admin_call_word(call, "id"));
	invite_op_send(op);
}
