/* What several handlers do with their arguments. Each answers the call itself when it refuses.
 */
#ifndef ADMIN_WORDS_H
#define ADMIN_WORDS_H

#include "admin/call.h"
#include "core/domain.h"
#include "xmpp/jid.h"

struct cJSON;

/* The argument "jid" as user@domain of a domain served here; false: the call has been answered.
 */
bool words_user(struct admin_call *call, struct jid *ret_jid, const struct domain **ret_domain);
/* The argument "domain", normalised; false: the call has been answered. */
bool words_domain(struct admin_call *call, struct bytes *ret_name);
/* Adds a string member that needs no terminating NUL. */
void words_add(struct cJSON *object, const char *name, struct bytes value);
/* Adds a time as 2026-01-31T12:00:00Z, or null for 0. */
void words_add_time(struct cJSON *object, const char *name, uint64_t real_us);
/* Answers with a failure of the store or of core: -ENOENT is "no such user", and so on. */
void words_fail_user(struct admin_call *call, int status, struct bytes bare);

#endif
