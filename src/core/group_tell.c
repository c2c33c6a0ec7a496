#include "core/group_tell.h"

#include "base/check.h"
#include "core/fanout.h"
#include "core/presence.h"
#include "core/roster.h"
#include "core/session.h"
#include "core/sight.h"
#include "xml/build.h"

/* The account, if it is here and has somebody to tell. */
static struct user *listener(struct bytes bare)
{
	struct user *user = user_find(bare);

	return user != NULL && user_is_ready(user) && user->session_count > 0 ? user : NULL;
}

/* What the user and the contact were to each other before, or are now. */
static enum subscription state_in(const struct group_set *set, struct user *user,
				  struct bytes contact)
{
	struct group_view view = group_view_of(set, user->jid.full);
	const struct roster_item *item;

	if (group_view_has(&view, contact))
		return SUBSCRIPTION_BOTH;
	item = roster_find(roster_of(user), contact);
	return item == NULL ? SUBSCRIPTION_NONE : (enum subscription)item->state;
}

/* A pair of which the other half was told of already, in the same news. */
static bool is_told(const struct group_news *news, uint32_t change, struct bytes other)
{
	for (uint32_t i = 0; i < change; i++)
		if (bytes_equal(news->changes[i].jid, other) &&
		    bytes_equal(news->changes[i].group, news->changes[change].group))
			return true;
	return false;
}

/* The group as it is, or was. */
static const struct group *group_of(const struct group_news *news, struct bytes name)
{
	const struct group *group =
		group_find(group_domain_find(news->now, news->domain), name);

	if (group == NULL)
		group = group_find(group_domain_find(news->before, news->domain), name);
	return group;
}

/* A device that is cut off in the middle must not believe that it has everything. */
static void push(const struct group_news *news, struct user *user, struct bytes contact,
		 bool is_last)
{
	const struct group_set *set = is_last && news->count == 1 ? news->now : news->before;
	const struct group_domain *domain = group_domain_find(set, news->domain);

	roster_push_as(user, contact, domain == NULL ? 0 : domain->version);
}

/* A member hears of the one who joined or left. */
static void tell_member(const struct group_news *news, struct user *user, struct bytes subject)
{
	bool had_from = subscription_has_from(state_in(news->before, user, subject));
	bool has_from = subscription_has_from(state_in(news->now, user, subject));

	push(news, user, subject, true);
	if (had_from && !has_from && !sight_is_hidden(user, subject))
		presence_hide(user, jid_from_normal(subject));
}

/* Iterates the other members whom the change is about; also those who leave together. */
static struct bytes next_other(const struct group_news *news, uint32_t change,
			       const struct group *group, uint32_t *at)
{
	const struct group_domain *domain = group_domain_find(news->now, news->domain);

	while (*at < group->count) {
		const struct group_member *member = &group->members[(*at)++];
		if ((!member->is_removed || member->since == domain->version) &&
		    !bytes_equal(member->jid, news->changes[change].jid) &&
		    !is_told(news, change, member->jid))
			return member->jid;
	}
	return BYTES_NONE;
}

static void push_others(const struct group_news *news, uint32_t change,
			const struct group *group, struct user *user)
{
	struct bytes other, before = BYTES_NONE;
	uint32_t at = 0;

	while (!bytes_is_none(other = next_other(news, change, group, &at))) {
		if (!bytes_is_none(before))
			push(news, user, before, false);
		before = other;
	}
	if (!bytes_is_none(before))
		push(news, user, before, true);
}

/* What one session of the one who joined shows to the others, and asks of them. */
static void show_to_others(const struct group_news *news, uint32_t change,
			   const struct group *group, struct session *session)
{
	struct bytes other;
	struct fanout fanout;
	uint32_t at = 0;

	fanout_start(&fanout, session->user, session->presence);
	while (!bytes_is_none(other = next_other(news, change, group, &at))) {
		enum subscription before = state_in(news->before, session->user, other);
		enum subscription now = state_in(news->now, session->user, other);
		unsigned what = 0;
		if (subscription_has_from(now) && !subscription_has_from(before))
			what |= FANOUT_PRESENCE;
		if (subscription_has_to(now) && !subscription_has_to(before))
			what |= FANOUT_PROBE;
		if (what != 0 && !sight_is_hidden(session->user, other))
			fanout_add(&fanout, other, what);
	}
	fanout_send(&fanout);
}

static void hide_from_others(const struct group_news *news, uint32_t change,
			     const struct group *group, struct session *session)
{
	struct stanza *gone =
		stanza_from_parts(STANZA_PRESENCE,
				  &(struct stanza_head){ .from = session->jid.full,
							 .type = BYTES_LIT("unavailable") },
				  BYTES_NONE);
	struct bytes other;
	struct fanout fanout;
	uint32_t at = 0;

	fanout_start(&fanout, session->user, gone);
	while (!bytes_is_none(other = next_other(news, change, group, &at)))
		if (subscription_has_from(state_in(news->before, session->user, other)) &&
		    !subscription_has_from(state_in(news->now, session->user, other)) &&
		    !sight_is_hidden(session->user, other))
			fanout_add(&fanout, other, FANOUT_PRESENCE);
	fanout_send(&fanout);
	stanza_unref(&gone);
}

/* The one who joined or left hears of all others. */
static void tell_subject(const struct group_news *news, uint32_t change,
			 const struct group *group, struct user *user)
{
	struct session *session = NULL;

	push_others(news, change, group, user);
	while ((session = user_session_next(user, session)) != NULL) {
		if (!session_is_available(session))
			continue;
		show_to_others(news, change, group, session);
		hide_from_others(news, change, group, session);
	}
}

static void tell_change(const struct group_news *news, uint32_t change)
{
	struct bytes subject = news->changes[change].jid, other;
	const struct group *group = group_of(news, news->changes[change].group);
	struct user *user = listener(subject);
	uint32_t at = 0;

	check(group != NULL);
	if (user != NULL)
		tell_subject(news, change, group, user);
	while (!bytes_is_none(other = next_other(news, change, group, &at)))
		if ((user = listener(other)) != NULL)
			tell_member(news, user, subject);
}

void group_tell(const struct group_news *news)
{
	for (uint32_t i = 0; i < news->count; i++)
		tell_change(news, i);
}
