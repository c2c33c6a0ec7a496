/*
 * XEP-0401 Ad-hoc Account Invitation Generation: people get a link for a friend, who becomes a
 * contact and, if the server allows, gets an account; administrators get links for accounts.
 * Version 0.6.0. Left out: a landing page of this server's (the option invites.landing_url names
 * one elsewhere, and says nothing by default).
 */
#include <errno.h>

#include "base/block.h"
#include "base/clock.h"
#include "core/adhoc.h"
#include "core/enrol.h"
#include "core/feature.h"
#include "core/friend.h"
#include "core/invite.h"
#include "core/people.h"
#include "xmpp/datetime.h"

#define INVITATION "urn:xmpp:invite#invitation"

static struct option option_days = OPTION_INT("invites.lifetime_days", OPTION_DOMAIN, 7, 1, 365,
					      "How long an invitation is good for.");
static struct option option_count =
	OPTION_INT("invites.per_user", OPTION_DOMAIN, 20, 0, 100,
		   "How many open invitations one person may have; 0: any number.");
static struct option option_users =
	OPTION_BOOL("invites.by_users", OPTION_DOMAIN, true,
		    "People's invitations are also good for an account here, not only those of "
		    "administrators.");
static struct option option_landing =
	OPTION_STRING("invites.landing_url", OPTION_DOMAIN, NULL,
		      "A page for people who have no client yet; the token is put at its end.");

static const struct form_field account_fields[] = {
	{ .var = "username", .type = FORM_TEXT_SINGLE, .label = TEXT_INVITE_FIELD_USERNAME },
	{ .var = "roster-subscription",
	  .type = FORM_BOOLEAN,
	  .label = TEXT_INVITE_FIELD_SUBSCRIPTION },
	{ 0 },
};
static const struct form_spec account_form = { .title = TEXT_INVITE_COMMAND_ACCOUNT,
					       .instructions = TEXT_ADMIN_FORM_FILL,
					       .fields = account_fields };

/* One command being carried out: the invitation is made, then promised to the inviter. */
struct inviting {
	struct adhoc *run;
	struct invite invite;
	struct bytes token; /* in the run's arena, as all of the invitation */
};

static void write_field(struct xml_writer *w, const char *var, struct bytes value)
{
	form_write_value(w, "text-single", var, value);
}

/* Section 5.1, example 4. */
static void write_invitation(const struct inviting *it, struct xml_writer *w)
{
	const struct domain *domain = adhoc_domain(it->run);
	struct arena *arena = adhoc_arena(it->run);
	struct bytes landing = settings_string(domain_settings(domain), &option_landing);
	char time[DATETIME_MAX_BYTES];

	form_open(w, "result", INVITATION);
	write_field(w, "uri", invite_uri(arena, &it->invite, domain_name(domain), it->token));
	if (landing.len > 0)
		write_field(w, "landing-url",
			    arena_printf(arena, "%.*s%.*s", BYTES_ARG(landing),
					 BYTES_ARG(it->token)));
	write_field(w, "expire", datetime_format(time, it->invite.expires_us, 0));
	xml_close(w);
}

static void answer(int status, void *context)
{
	struct inviting *it = context;
	struct xml_writer w;
	struct buf xml;

	if (status < 0) {
		adhoc_fail(&it->run, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	} else {
		buf_init(&xml, 0);
		xml_writer_init(&w, &xml);
		write_invitation(it, &w);
		xml_writer_fini(&w);
		adhoc_complete_buf(&it->run, &xml);
	}
	block_free(it);
}

static void fail(struct inviting *it, int status)
{
	if (status == -EDQUOT)
		adhoc_fail(&it->run, CONDITION_RESOURCE_CONSTRAINT, TEXT_INVITE_TOO_MANY);
	else if (status == -EEXIST)
		adhoc_fail(&it->run, CONDITION_CONFLICT, TEXT_NONE);
	else
		adhoc_fail(&it->run, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	block_free(it);
}

static void created(struct invite_op *op)
{
	struct inviting *it = op->context;

	if (op->status < 0) {
		fail(it, op->status);
		return;
	}
	it->token = arena_copy(adhoc_arena(it->run), op->token);
	if (it->invite.is_befriended)
		friend_token_grant(adhoc_asker(it->run), op->invite.key, it->invite.expires_us,
				   answer, it);
	else
		answer(0, it);
}

static void create(struct inviting *it, uint32_t limit)
{
	struct bytes domain = domain_name(adhoc_domain(it->run));
	struct invite_op *op = invite_op_new(INVITE_CREATE, domain, created, it);

	op->invite = it->invite;
	op->limit = limit;
	invite_op_send(op);
}

static struct inviting *inviting_new(struct adhoc *run, enum invite_kind kind)
{
	const struct settings *settings = domain_settings(adhoc_domain(run));
	uint64_t days = (uint64_t)settings_int(settings, &option_days);
	struct inviting *it = block_alloc_zeroed(sizeof(*it));

	it->run = run;
	it->invite.kind = kind;
	it->invite.inviter = adhoc_asker(run).full;
	it->invite.expires_us = clock_real_us() + days * 86400 * 1000000;
	return it;
}

/* Section 5.1. */
static void invite_friend(struct adhoc *run)
{
	const struct domain *domain = adhoc_domain(run);
	const struct settings *settings = domain_settings(domain);
	struct inviting *it = inviting_new(run, INVITE_CONTACT);

	it->invite.is_befriended = true;
	it->invite.may_register =
		enrol_policy(domain) != ENROL_CLOSED && settings_bool(settings, &option_users);
	create(it, (uint32_t)settings_int(settings, &option_count));
}

/* Section 5.4: a name that is taken cannot be promised. */
static void name_looked_up(int status, const struct people_facts *facts, void *context)
{
	struct inviting *it = context;

	(void)facts;
	if (status == -ENOENT)
		create(it, 0);
	else
		fail(it, status == 0 ? -EEXIST : status);
}

static void invite_account(struct adhoc *run)
{
	const struct form *form = adhoc_form(run, 0);
	struct bytes username = form_value(form, "username");
	struct inviting *it;
	struct jid jid;

	if (!bytes_is_none(username) &&
	    jid_make(adhoc_arena(run), username, domain_name(adhoc_domain(run)), BYTES_NONE,
		     &jid, NULL) < 0) {
		adhoc_fail(&run, CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_NAME_BAD);
		return;
	}
	it = inviting_new(run, INVITE_ACCOUNT);
	it->invite.may_register = true;
	it->invite.is_befriended = form_bool(form, "roster-subscription", false);
	if (bytes_is_none(username)) {
		create(it, 0);
		return;
	}
	it->invite.username = jid_local(jid);
	people_read(jid, name_looked_up, it);
}

static bool has_registration(const struct domain *domain)
{
	return enrol_policy(domain) != ENROL_CLOSED;
}

static const struct adhoc_command commands[] = {
	{ .node = "urn:xmpp:invite#invite",
	  .name = TEXT_INVITE_COMMAND_FRIEND,
	  .who = ADHOC_EVERYBODY,
	  .run = invite_friend },
	{ .node = "urn:xmpp:invite#create-account",
	  .name = TEXT_INVITE_COMMAND_ACCOUNT,
	  .who = ADHOC_ADMINISTRATORS,
	  .stages = { &account_form },
	  .run = invite_account,
	  .is_offered = has_registration },
	{ 0 },
};

const struct feature feature_invite = {
	FEATURE_ABI,
	.name = "invite",
	.xep = "0401",
	.version = "0.6.0",
	.summary = "Get a link that makes a friend a contact, and gives an account.",
	.commands = commands,
	.options = (struct option *const[]){ &option_days, &option_count, &option_users,
					     &option_landing, NULL },
};
