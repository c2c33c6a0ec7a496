#include "core/sight.h"

#include "core/fanout.h"
#include "core/phase.h"
#include "core/presence.h"
#include "core/roster.h"
#include "core/service.h"

bool sight_is_hidden(struct user *user, struct bytes other)
{
	return phase_answer(QUESTION_HIDDEN, &(struct passage){ .line = LINE_SENT,
								.from = user->jid,
								.to = jid_from_normal(other),
								.domain = user->domain,
								.user = user });
}

bool sight_covers(struct jid pattern, struct jid other)
{
	if (jid_is_full(pattern))
		return jid_equal(pattern, other);
	if (jid_is_domain(pattern))
		return bytes_equal(jid_domain(pattern), jid_domain(other));
	return jid_bare_equal(pattern, other);
}

bool service_sees(struct user *user, struct jid viewer)
{
	if (jid_bare_equal(user->jid, viewer))
		return true;
	return subscription_has_from(roster_state(user, jid_bare(viewer))) &&
	       !sight_is_hidden(user, viewer.full);
}

void service_hide_from(struct user *user, struct jid pattern)
{
	struct roster_cursor cursor;
	enum subscription state;
	struct bytes contact;

	roster_cursor_init(&cursor, user);
	if (!jid_is_domain(pattern)) {
		if (subscription_has_from(roster_state(user, jid_bare(pattern))))
			presence_hide(user, pattern);
	} else {
		while (roster_cursor_next(&cursor, &contact, &state))
			if (subscription_has_from(state) &&
			    sight_covers(pattern, jid_from_normal(contact)))
				presence_hide(user, jid_from_normal(contact));
	}
	presence_end_directed(user, pattern);
}

static void sight_show(struct user *user, struct bytes contact, enum subscription state)
{
	unsigned what = (subscription_has_from(state) ? FANOUT_PRESENCE : 0) |
			(subscription_has_to(state) ? FANOUT_PROBE : 0);
	struct session *session = NULL;
	struct fanout fanout;

	if (what == 0 || sight_is_hidden(user, contact))
		return;
	while ((session = user_session_next(user, session)) != NULL) {
		if (!session_is_available(session))
			continue;
		fanout_start(&fanout, user, session->presence);
		fanout_add(&fanout, contact, what);
		fanout_send(&fanout);
	}
}

void service_show_to(struct user *user, struct jid pattern)
{
	struct roster_cursor cursor;
	enum subscription state;
	struct bytes contact;

	if (!jid_is_domain(pattern)) {
		sight_show(user, jid_bare(pattern), roster_state(user, jid_bare(pattern)));
		return;
	}
	roster_cursor_init(&cursor, user);
	while (roster_cursor_next(&cursor, &contact, &state))
		if (sight_covers(pattern, jid_from_normal(contact)))
			sight_show(user, contact, state);
}
