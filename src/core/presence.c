#include "core/presence.h"

#include "base/block.h"
#include "base/check.h"
#include "base/table.h"
#include "core/domain.h"
#include "core/fanout.h"
#include "core/output.h"
#include "core/deliver.h"
#include "core/phase.h"
#include "core/reply.h"
#include "core/roster.h"
#include "core/router.h"
#include "core/shard_state.h"
#include "core/sight.h"
#include "core/subscribe.h"
#include "xml/build.h"

struct option presence_option_directed =
	OPTION_INT("limits.directed_presence", OPTION_DOMAIN, 1000, 1, 100000,
		   "To how many rooms and strangers one session may send directed presence.");

/* An entity that got directed presence and must hear when the session goes. */
struct directed_target {
	uint16_t len;
	char jid[];
};

/* The set of one session; few entries, so one table made at the first use. */
struct directed {
	struct table targets; /* JID -> struct directed_target */
};

static const char *const types[] = { "unavailable",  "subscribe", "subscribed", "unsubscribe",
				     "unsubscribed", "probe",	  "error" };

bool presence_check_type(struct bytes type)
{
	for (size_t i = 0; i < array_len(types); i++)
		if (bytes_is(type, types[i]))
			return true;
	return bytes_is_none(type);
}

/* Section 4.7.2.3: an integer from -128 to 127; absent means 0. */
static int presence_priority(const struct stanza *stanza, int8_t *ret_priority)
{
	const struct xnode *node = xnode_find(stanza_root(stanza), "priority", NULL);
	int64_t value = 0;

	if (node != NULL && bytes_to_i64(bytes_trim(xnode_text(node, scratch())), &value) < 0)
		return -1;
	if (value < -128 || value > 127)
		return -1;
	*ret_priority = (int8_t)value;
	return 0;
}

static void presence_fail(struct session *session, const struct stanza *stanza,
			  enum stanza_condition condition)
{
	struct stanza *error;

	if (!reply_is_allowed(stanza))
		return;
	error = reply_error(stanza, verdict_fail(condition, TEXT_NONE), session_lang(session));
	output_to_session(session, error);
	stanza_unref(&error);
}

/* To all available sessions of the account except one. */
static void presence_to_own(struct user *user, const struct session *except,
			    const struct stanza *stanza)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (session != except && session_is_available(session))
			output_to_session(session, stanza);
}

/* Section 4.2.2: a session that becomes available learns of the account's other ones. */
static void presence_introduce(struct session *newcomer)
{
	struct session *session = NULL;

	while ((session = user_session_next(newcomer->user, session)) != NULL)
		if (session != newcomer && session_is_available(session))
			output_to_session(newcomer, session->presence);
}

/*
 * To the subscribers, and with the first presence a probe to those whom the user sees (sections
 * 4.2.2, 4.4.2, 4.5.2). One mail per shard carries both.
 */
static void presence_broadcast(struct session *session, const struct stanza *stanza,
			       bool is_initial)
{
	struct roster_cursor cursor;
	enum subscription state;
	struct fanout fanout;
	struct bytes contact;

	fanout_start(&fanout, session->user, stanza);
	roster_cursor_init(&cursor, session->user);
	while (roster_cursor_next(&cursor, &contact, &state)) {
		unsigned what = (subscription_has_from(state) ? FANOUT_PRESENCE : 0) |
				(is_initial && subscription_has_to(state) ? FANOUT_PROBE : 0);
		if (what != 0 && !sight_is_hidden(session->user, contact))
			fanout_add(&fanout, contact, what);
	}
	fanout_send(&fanout);
}

void presence_not_heard(struct jid jid)
{
	struct user *user = user_find(jid_bare(jid));
	struct session *session = user == NULL ? NULL : session_find(user, jid_resource(jid));

	if (session != NULL)
		session->is_unheard = true;
}

void presence_user_loaded(struct user *user)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL) {
		bool is_unheard = session->is_unheard;
		session->is_unheard = false;
		if (!is_unheard || !session_is_available(session))
			continue;
		presence_broadcast(session, session->presence, true);
		subscribe_remind(session);
	}
}

/* A client that says the same again (some do, every minute) says nothing new to subscribers. */
static bool presence_is_repeated(const struct session *session, const struct stanza *stanza)
{
	return session->presence != NULL &&
	       bytes_equal(stanza_tail(session->presence), stanza_tail(stanza)) &&
	       bytes_equal(session->presence->lang, stanza->lang) &&
	       bytes_equal(session->presence->extra_attrs, stanza->extra_attrs);
}

static void presence_available(struct session *session, const struct stanza *stanza)
{
	bool is_initial = !session_is_available(session);
	bool is_repeated = presence_is_repeated(session, stanza);
	int8_t priority;

	if (presence_priority(stanza, &priority) < 0) {
		presence_fail(session, stanza, CONDITION_BAD_REQUEST);
		return;
	}
	session->priority = priority;
	stanza_unref(&session->presence);
	session->presence = stanza_ref(stanza);
	if (is_initial)
		presence_introduce(session);
	/* The sender sees its own presence too (section 4.2.2). */
	presence_to_own(session->user, NULL, stanza);
	if (!is_repeated)
		presence_broadcast(session, stanza, is_initial);
	if (is_initial)
		subscribe_remind(session);
	phase_session_presence(session, stanza);
}

static void directed_free(struct directed **directed)
{
	uint32_t cursor = 0;
	struct directed_target *target;

	if (*directed == NULL)
		return;
	while ((target = table_next(&(*directed)->targets, &cursor)) != NULL)
		block_free(target);
	table_fini(&(*directed)->targets);
	block_free(*directed);
	*directed = NULL;
}

/* Subscribers hear it by the broadcast. */
static bool directed_is_subscriber(const struct session *session,
				   const struct directed_target *target)
{
	struct jid jid = jid_from_normal(bytes_make(target->jid, target->len));
	enum subscription state = roster_state(session->user, jid_bare(jid));

	return session_is_available(session) && subscription_has_from(state);
}

/* Section 4.6.3: unavailable goes to all who got directed presence and no unavailable since. */
static void directed_say_unavailable(struct session *session, const struct stanza *unavailable)
{
	uint32_t cursor = 0;
	struct directed_target *target;
	struct stanza_edit edit;
	struct stanza *copy;

	while (session->directed != NULL &&
	       (target = table_next(&session->directed->targets, &cursor)) != NULL) {
		if (directed_is_subscriber(session, target))
			continue;
		stanza_edit_init(&edit, unavailable, scratch());
		stanza_edit_set(&edit, STANZA_ATTR_TO, bytes_make(target->jid, target->len));
		copy = stanza_edit_seal(&edit);
		output_post(session->user, NULL, copy);
		stanza_unref(&copy);
	}
	directed_free(&session->directed);
}

static void presence_post(struct user *user, struct bytes from, struct bytes to,
			  const char *type)
{
	struct stanza *stanza = stanza_from_parts(
		STANZA_PRESENCE,
		&(struct stanza_head){ .from = from, .to = to, .type = bytes_of(type) },
		BYTES_NONE);

	output_post(user, NULL, stanza);
	stanza_unref(&stanza);
}

static void directed_end(struct session *session, struct jid pattern)
{
	uint32_t cursor = 0;
	struct directed_target *target;

	while (session->directed != NULL &&
	       (target = table_next(&session->directed->targets, &cursor)) != NULL) {
		struct bytes to = bytes_make(target->jid, target->len);
		if (!sight_covers(pattern, jid_from_normal(to)))
			continue;
		if (!directed_is_subscriber(session, target))
			presence_post(session->user, session->jid.full, to, "unavailable");
		table_del(&session->directed->targets, to);
		block_free(target);
	}
}

void presence_end_directed(struct user *user, struct jid pattern)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		directed_end(session, pattern);
}

static void presence_unavailable(struct session *session, const struct stanza *stanza)
{
	directed_say_unavailable(session, stanza);
	if (!session_is_available(session))
		return;
	presence_to_own(session->user, NULL, stanza);
	presence_broadcast(session, stanza, false);
	stanza_unref(&session->presence);
	session->priority = 0;
	phase_session_presence(session, stanza);
}

static bool directed_has_room(const struct session *session)
{
	int64_t limit =
		settings_int(session->user->domain->settings, &presence_option_directed);

	return session->directed == NULL ||
	       table_count(&session->directed->targets) < (uint64_t)limit;
}

static void directed_add(struct session *session, struct jid to)
{
	struct directed_target *target;

	if (session->directed == NULL) {
		session->directed = block_alloc(sizeof(*session->directed));
		table_init(&session->directed->targets);
	}
	target = block_alloc(sizeof(*target) + to.full.len);
	target->len = (uint16_t)to.full.len;
	memcpy(target->jid, to.full.ptr, to.full.len);
	table_put(&session->directed->targets, bytes_make(target->jid, target->len), target);
}

static bool directed_has(const struct session *session, struct jid to)
{
	return session->directed != NULL &&
	       table_find(&session->directed->targets, to.full) != NULL;
}

/* Section 4.6: available is remembered, unavailable forgets. */
static void presence_directed(struct session *session, const struct passage *passage)
{
	const struct stanza *stanza = passage->stanza;

	if (bytes_is(stanza->type, "unavailable")) {
		if (session->directed != NULL)
			block_free(table_del(&session->directed->targets, passage->to.full));
	} else if (bytes_is_none(stanza->type) && !directed_has(session, passage->to)) {
		if (!directed_has_room(session)) {
			presence_fail(session, stanza, CONDITION_RESOURCE_CONSTRAINT);
			return;
		}
		directed_add(session, passage->to);
	}
	output_post(session->user, session, stanza);
}

/*
 * Section 4.3: probing is the server's task, but a client may ask for a contact whom its user sees.
 * The user's own roster decides, so that a stranger learns nothing, not even that nobody is there.
 */
static void presence_probe(struct session *session, const struct passage *passage)
{
	struct bytes contact = jid_bare(passage->to);
	struct fanout fanout;

	if (!subscription_has_to(roster_state(session->user, contact)))
		return;
	fanout_start(&fanout, session->user, passage->stanza);
	fanout_add(&fanout, contact, FANOUT_PROBE);
	fanout_send(&fanout);
}

void presence_sent(struct session *session, const struct passage *passage)
{
	const struct stanza *stanza = passage->stanza;
	enum subscription_stanza subscription;

	if (!bytes_is_none(stanza->to) && subscription_stanza_of(stanza->type, &subscription))
		subscribe_sent(session, passage, subscription);
	else if (!bytes_is_none(stanza->to) && bytes_is(stanza->type, "probe"))
		presence_probe(session, passage);
	else if (!bytes_is_none(stanza->to))
		presence_directed(session, passage);
	else if (bytes_is_none(stanza->type))
		presence_available(session, stanza);
	else if (bytes_is(stanza->type, "unavailable"))
		presence_unavailable(session, stanza);
	else
		presence_fail(session, stanza, CONDITION_BAD_REQUEST);
}

void presence_post_as(struct user *user, const struct stanza *stanza, struct jid to)
{
	struct stanza_edit edit;
	struct stanza *addressed;

	stanza_edit_init(&edit, stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_TO, to.full);
	addressed = stanza_edit_seal(&edit);
	output_post(user, NULL, addressed);
	stanza_unref(&addressed);
}

void presence_show(struct user *user, struct jid contact)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (session_is_available(session))
			presence_post_as(user, session->presence, contact);
}

void presence_hide(struct user *user, struct jid contact)
{
	struct session *session = NULL;

	while ((session = user_session_next(user, session)) != NULL)
		if (session_is_available(session))
			presence_post(user, session->jid.full, contact.full, "unavailable");
}

void presence_refuse_probe(struct user *user, struct jid asker)
{
	presence_post(user, user->jid.full, jid_bare(asker), "unsubscribed");
}

static bool is_availability(struct bytes type)
{
	return bytes_is_none(type) || bytes_is(type, "unavailable");
}

/* Section 8.5.2.1.2 and 8.5.3: to every available resource, or to the one named; else silence.
 */
static void presence_hand_over(const struct passage *passage, struct session *match)
{
	struct session *session = NULL;

	if (match != NULL) {
		output_to_session_as(match, passage->stanza, passage->to.full);
		return;
	}
	if (!jid_is_bare(passage->to) || !is_availability(passage->stanza->type))
		return;
	while ((session = user_session_next(passage->user, session)) != NULL)
		if (session_is_available(session))
			output_to_session_as(session, passage->stanza, passage->to.full);
}

void presence_received(const struct passage *passage, struct session *match)
{
	enum subscription_stanza subscription;

	if (subscription_stanza_of(passage->stanza->type, &subscription))
		subscribe_received(passage, subscription);
	else if (passage->user != NULL)
		presence_hand_over(passage, match);
}

/* An account that recovers from a failed commit gets it when it is back. */
static void presence_deliver_later(const struct stanza *stanza, struct jid to)
{
	struct stanza_edit edit;
	struct stanza *addressed;

	stanza_edit_init(&edit, stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_TO, to.full);
	addressed = stanza_edit_seal(&edit);
	deliver_stanza(addressed);
	stanza_unref(&addressed);
}

void presence_deliver_as(struct user *user, const struct stanza *stanza, struct jid to)
{
	struct passage passage = { .line = LINE_RECEIVED,
				   .stanza = stanza,
				   .from = jid_from_normal(stanza->from),
				   .to = to,
				   .domain = user->domain,
				   .user = user };
	struct stanza *edited;

	if (!user_is_ready(user)) {
		presence_deliver_later(stanza, to);
		return;
	}
	if (phase_check(&passage).kind != VERDICT_PASS)
		return;
	edited = stanza_ref(stanza);
	if (phase_edit(&passage, &edited).kind == VERDICT_PASS) {
		phase_record(&passage);
		presence_hand_over(&passage, jid_is_full(to)
						     ? session_find(user, jid_resource(to))
						     : NULL);
	}
	stanza_unref(&edited);
}

void presence_session_gone(struct session *session)
{
	struct stanza *unavailable;

	if (!session_is_available(session) && session->directed == NULL)
		return;
	unavailable =
		stanza_from_parts(STANZA_PRESENCE,
				  &(struct stanza_head){ .from = session->jid.full,
							 .type = BYTES_LIT("unavailable") },
				  BYTES_NONE);
	directed_say_unavailable(session, unavailable);
	if (session_is_available(session)) {
		presence_broadcast(session, unavailable, false);
		stanza_unref(&session->presence);
		presence_to_own(session->user, session, unavailable);
	}
	stanza_unref(&unavailable);
}
