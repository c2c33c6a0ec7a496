/*
 * XEP-0012 Last Activity: how long ago a contact left, for those who may see his presence, and
 * how long the server has been running. Version 2.0. A connected device answers for itself.
 */
#include <inttypes.h>

#include "base/block.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "core/service.h"
#include "xmpp/ns.h"

extern const struct feature feature_last;

enum { READ_DEADLINE_MS = 10000, STATUS_BYTES_MAX = 1023 };

/* Seconds since 1970, a space, what the user said when leaving. */
static struct store_decl last_store =
	STORE_DECL("last_activity", STORE_DOC, 1, "When each user left, and the last words.");

/* What a session said when it became unavailable. */
struct farewell {
	uint16_t len;
	char text[STATUS_BYTES_MAX];
};

static void farewell_freeze(const void *state, struct buf *out)
{
	const struct farewell *farewell = state;

	buf_append(out, bytes_make(farewell->text, farewell->len));
}

static int farewell_thaw(void *state, struct bytes in)
{
	struct farewell *farewell = state;

	if (in.len > sizeof(farewell->text))
		return -1;
	farewell->len = (uint16_t)in.len;
	memcpy(farewell->text, in.ptr, in.len);
	return 0;
}

static struct slot farewell_slot = { .of = SLOT_SESSION,
				     .size = sizeof(struct farewell),
				     .freeze = farewell_freeze,
				     .thaw = farewell_thaw };

static uint64_t started_ms;

static int start(struct err *ret_err)
{
	(void)ret_err;
	started_ms = clock_ms();
	return 0;
}

/* --- leaving ------------------------------------------------------------------------------ */

/* Section 3: the status of the last unavailable presence; whoever comes back takes it back. */
static void presence_heard(struct session *session, const struct stanza *presence)
{
	const struct xnode *status = xnode_find(stanza_root(presence), "status", NULL);
	bool is_leaving = bytes_is(presence->type, "unavailable");
	struct farewell *farewell = slot_find(&farewell_slot, session);
	struct bytes text;

	if (farewell == NULL && (!is_leaving || status == NULL))
		return;
	farewell = slot_get(&farewell_slot, session);
	text = is_leaving && status != NULL
		       ? utf8_truncate(xnode_text(status, scratch()), STATUS_BYTES_MAX)
		       : BYTES_LIT("");
	farewell->len = (uint16_t)text.len;
	memcpy(farewell->text, text.ptr, text.len);
}

static bool is_last(const struct user *user, const struct session *session)
{
	return user_session_next(user, NULL) == session &&
	       user_session_next(user, session) == NULL;
}

static void session_left(struct session *session)
{
	struct user *user = session_user(session);
	const struct farewell *farewell = slot_find(&farewell_slot, session);
	struct store_batch *batch;

	if (!domain_has_feature(user_domain(user), &feature_last) || !is_last(user, session))
		return;
	batch = store_batch_new(core_store(), user_jid(user).full);
	store_put(batch, &last_store, BYTES_NONE,
		  arena_printf(scratch(), "%" PRIu64 " %.*s", clock_real_us() / 1000000,
			       farewell == NULL ? 0 : (int)farewell->len,
			       farewell == NULL ? "" : farewell->text));
	user_commit(user, &batch);
}

/* --- asking ------------------------------------------------------------------------------- */

static struct bytes answer_of(uint64_t seconds, struct bytes words)
{
	struct buf xml;
	struct xml_writer w;
	struct bytes copy;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_LAST);
	xml_attr_uint(&w, "seconds", seconds);
	if (words.len > 0)
		xml_text(&w, words);
	xml_close(&w);
	xml_writer_fini(&w);
	copy = arena_copy(scratch(), buf_bytes(&xml));
	buf_fini(&xml);
	return copy;
}

/* Section 5. */
static struct verdict server_get(struct iq *iq)
{
	return iq_result(iq, answer_of((clock_ms() - started_ms) / 1000, BYTES_NONE));
}

static void last_found(struct store_read *read, int status, void *context)
{
	struct iq_token *token = context;
	struct bytes words = status < 0 ? BYTES_NONE : store_read_value(read, 0);
	uint64_t now = clock_real_us() / 1000000;
	uint64_t left;

	if (status < 0)
		iq_token_fail(&token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	else if (bytes_to_u64(bytes_cut(&words, ' '), &left) < 0)
		iq_token_fail(&token, CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	else
		iq_token_result(&token, answer_of(now > left ? now - left : 0, words));
}

/*
 * Section 3. An account that is not there and one whose presence the asker may not see are alike
 * (section 8: nothing leaks).
 */
static struct verdict account_get(struct iq *iq)
{
	struct iq_token *token;
	struct verdict verdict;

	if (iq->user == NULL || !service_sees(iq->user, iq->passage->from))
		return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
	if (user_session_next(iq->user, NULL) != NULL)
		return iq_result(iq, answer_of(0, BYTES_NONE));
	verdict = iq_later(iq, READ_DEADLINE_MS, &token);
	if (verdict.kind == VERDICT_LATER)
		store_get(core_store(), user_jid(iq->user).full, &last_store, BYTES_NONE,
			  last_found, token);
	return verdict;
}

static bool is_connected(const struct user *user, struct jid full)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (jid_equal(session_jid(session), full))
			return true;
	return false;
}

/*
 * Section 4: a stranger's question does not reach the device. One for a device that is not there
 * gets the usual answer, the same as from an account where nobody is.
 */
static struct verdict check_received(const struct passage *passage)
{
	if (passage->user == NULL || !bytes_is(passage->stanza->type, "get") ||
	    xnode_find(stanza_root(passage->stanza), "query", NS_LAST) == NULL ||
	    !is_connected(passage->user, passage->to) ||
	    service_sees(passage->user, passage->from))
		return verdict_pass();
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

const struct feature feature_last = {
	FEATURE_ABI,
	.name = "last",
	.xep = "0012",
	.version = "2.0",
	.summary = "See how long ago a contact left and what he said then.",
	.disco = (const char *const[]){ NS_LAST, NULL },
	.disco_account = (const char *const[]){ NS_LAST, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER, NS_LAST, "query", server_get },
			{ IQ_GET, TO_ACCOUNT | TO_OTHER, NS_LAST, "query", account_get },
			{ 0 },
		},
	.iq_stanza.received.check = check_received,
	.session_gone = session_left,
	.session_presence = presence_heard,
	.stores = (struct store_decl *const[]){ &last_store, NULL },
	.slots = (struct slot *const[]){ &farewell_slot, NULL },
	.start = start,
};
