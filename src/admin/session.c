/* session list, session kick: through the census, shard by shard. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/log.h"
#include "core/census.h"

enum { LIST_MAX = 1000000 };

static void listed(struct census *census)
{
	struct admin_call *call = census->context;
	for (const struct census_row *it = census->rows; it; it = it->next) {
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "jid", it->jid);
		words_add(row, "peer", it->peer);
		cJSON_AddStringToObject(row, "carrier", it->carrier);
		cJSON_AddBoolToObject(row, "secure", it->is_secure);
		cJSON_AddBoolToObject(row, "available", it->is_available);
		cJSON_AddNumberToObject(row, "priority", it->priority);
		cJSON_AddNumberToObject(row, "shard", it->shard);
		words_add_time(row, "since", it->bound_at_us);
		admin_call_row(call, row);
	}
	admin_call_done(call, NULL);
}

void admin_session_list(struct admin_call *call)
{
	struct jid jid = JID_NONE;
	const struct domain *domain;
	if (!bytes_is_none(admin_call_word(call, "jid")) && !words_user(call, &jid, &domain))
		return;
	census_take(jid.full, LIST_MAX, listed, call);
}

struct kick {
	struct admin_call *call;
	struct jid jid; /* in the call's arena */
};

static void kicked(unsigned count, void *context)
{
	struct kick *kick = context;
	struct bytes number = arena_printf(scratch(), "%u", count);
	if (count == 0) {
		admin_call_fail(kick->call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_SESSION,
				kick->jid.full, BYTES_NONE);
	} else {
		log_event(LOG_ADMIN, LOG_INFO, "session.kicked",
			  LOG_BYTES("jid", kick->jid.full), LOG_UINT("sessions", count));
		admin_call_done_text(kick->call, TEXT_ADMIN_SESSIONS_KICKED, number,
				     kick->jid.full);
	}
	block_free(kick);
}

void admin_session_kick(struct admin_call *call)
{
	struct bytes text = admin_call_word(call, "jid");
	struct jid jid;
	if (jid_parse(admin_call_arena(call), text, &jid, NULL) < 0 ||
	    jid_local(jid).len == 0) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_JID, text, BYTES_NONE);
		return;
	}
	struct kick *kick = block_alloc(sizeof(*kick));
	*kick = (struct kick){ call, jid };
	census_kick(jid, kicked, kick);
}
