/* role: what a user may do. */
#include <errno.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/log.h"
#include "core/account.h"

static void changed(struct account_op *op)
{
	struct admin_call *call = op->context;
	struct bytes role = bytes_of(account_role_name(op->account.role));
	if (op->status < 0) {
		words_fail_user(call, op->status, op->jid.full);
		return;
	}
	log_event(LOG_ADMIN, LOG_INFO, "user.role_changed", LOG_BYTES("user", op->jid.full),
		  LOG_BYTES("role", role));
	admin_call_done_text(call, TEXT_ADMIN_ROLE_SET, op->jid.full, role);
}

void admin_role(struct admin_call *call)
{
	struct bytes word = admin_call_word(call, "role");
	const struct domain *domain;
	struct jid jid;
	if (!words_user(call, &jid, &domain))
		return;
	for (int role = 0; role < ACCOUNT_ROLES; role++) {
		if (!bytes_is(word, account_role_name((enum account_role)role)))
			continue;
		struct account_op *op = account_op_new(ACCOUNT_SET_ROLE, jid, changed, call);
		op->account.role = (enum account_role)role;
		account_op_send(op);
		return;
	}
	admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_ROLE, word, BYTES_NONE);
}
