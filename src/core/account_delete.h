/*
 * Deleting an account: one batch deletes all that it has and records what is owed to its
 * contacts (unsubscribe, unsubscribed), so that no contact keeps half a subscription (RFC 6121
 * section 3) to nobody, and whoever takes the name later inherits nothing. While the batch is
 * on its way the account takes no input and what it still writes goes nowhere (USER_LEAVING).
 */
#ifndef CORE_ACCOUNT_DELETE_H
#define CORE_ACCOUNT_DELETE_H

#include "core/account.h"

/* At the home of op->jid, an account that exists. Calls finish(op, status) when it is done. */
void account_delete(struct account_op *op, void (*finish)(struct account_op *, int status));

#endif
