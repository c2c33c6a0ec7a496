/*
 * A call: one administrator's command in progress in the server. The handler runs on the shard
 * of the control socket; it may answer at once or keep the call and answer later on that shard.
 * Rows may be streamed before the one final answer, which ends the call.
 *
 * 	void admin_user_show(struct admin_call *call)
 * 	{
 * 		struct bytes jid = admin_call_word(call, "jid");
 * 		…
 * 		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_USER, jid,
 * BYTES_NONE);
 * 	}
 */
#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

#include "admin/command.h"
#include "base/arena.h"

struct cJSON;
struct admin_call;

/* Why a command failed, for scripts; the text is for people. */
enum admin_code {
	ADMIN_BAD_REQUEST, /* "bad-request" */
	ADMIN_NOT_FOUND,   /* "not-found" */
	ADMIN_EXISTS,	   /* "exists" */
	ADMIN_REFUSED,	   /* "refused" */
	ADMIN_INTERNAL,	   /* "internal" */
	ADMIN_CODES
};

/* Arguments; borrowed while the call lives. BYTES_NONE (false, NULL) when absent. */
struct bytes admin_call_word(const struct admin_call *call, const char *name);
bool admin_call_flag(const struct admin_call *call, const char *name);
const struct cJSON *admin_call_arg(const struct admin_call *call, const char *name);
enum text_lang admin_call_lang(const struct admin_call *call);
/* Lives as long as the call. */
struct arena *admin_call_arena(struct admin_call *call);

/* One row of a list; takes the object. Dropped when the asker has gone. */
void admin_call_row(struct admin_call *call, struct cJSON *taken_row);
/* The end: result (taken, NULL accepted). The call is freed. */
void admin_call_done(struct admin_call *call, struct cJSON *taken_result);
/* The same with a sentence for people in "text". */
void admin_call_done_text(struct admin_call *call, enum text text, struct bytes arg0,
			  struct bytes arg1);
/* The end: an error. The call is freed. */
void admin_call_fail(struct admin_call *call, enum admin_code code, enum text text,
		     struct bytes arg0, struct bytes arg1);
/* The asker has gone: rows go nowhere; still end the call. */
bool admin_call_is_orphan(const struct admin_call *call);
/*
 * For long lists: calls next() when the asker has read most of what it was sent, or has gone;
 * never from inside this call.
 */
void admin_call_pace(struct admin_call *call,
		     void (*next)(struct admin_call *call, void *context), void *context);

#endif
