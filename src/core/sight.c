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

static bool is_subscriber(const struct roster_item *item)
{
	return item != NULL && subscription_has_from((enum subscription)item->state);
}

bool service_sees(struct user *user, struct jid viewer)
{
	if (jid_bare_equal(user->jid, viewer))
		return true;
	return is_subscriber(roster_find(roster_of(user), jid_bare(viewer))) &&
	       !sight_is_hidden(user, viewer.full);
}

void service_hide_from(struct user *user, struct jid pattern)
{
	const struct roster *roster = roster_of(user);

	if (!jid_is_domain(pattern)) {
		if (is_subscriber(roster_find(roster, jid_bare(pattern))))
			presence_hide(user, pattern);
	} else {
		for (uint32_t i = 0; i < roster->count; i++) {
			struct jid contact = jid_from_normal(roster_item_jid(roster->items[i]));
			if (is_subscriber(roster->items[i]) && sight_covers(pattern, contact))
				presence_hide(user, contact);
		}
	}
	presence_end_directed(user, pattern);
}

static void sight_show_item(struct user *user, const struct roster_item *item)
{
	enum subscription state = (enum subscription)item->state;
	unsigned what = (subscription_has_from(state) ? FANOUT_PRESENCE : 0) |
			(subscription_has_to(state) ? FANOUT_PROBE : 0);
	struct session *session = NULL;
	struct fanout fanout;

	if (what == 0 || sight_is_hidden(user, roster_item_jid(item)))
		return;
	while ((session = user_session_next(user, session)) != NULL) {
		if (!session_is_available(session))
			continue;
		fanout_start(&fanout, user, session->presence);
		fanout_add(&fanout, roster_item_jid(item), what);
		fanout_send(&fanout);
	}
}

void service_show_to(struct user *user, struct jid pattern)
{
	const struct roster *roster = roster_of(user);
	const struct roster_item *item = roster_find(roster, jid_bare(pattern));

	if (!jid_is_domain(pattern)) {
		if (item != NULL)
			sight_show_item(user, item);
		return;
	}
	for (uint32_t i = 0; i < roster->count; i++)
		if (sight_covers(pattern, jid_from_normal(roster_item_jid(roster->items[i]))))
			sight_show_item(user, roster->items[i]);
}
