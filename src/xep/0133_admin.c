/*
 * XEP-0133 Service Administration: administrators of a domain care for its people from their
 * own client. Version 1.3.0. There are: add, delete, disable and re-enable users, end sessions,
 * change a password, see a roster and statistics, count and list the registered, disabled and
 * online, announce. Left out:
 * - last login time (4.9): it is not recorded, for that would be a commit per login;
 * - black- and whitelists (4.11, 4.12): lists of the service will come with other servers;
 * - active and idle users (4.16, 4.17, 4.21, 4.22): the server does not watch fingers;
 * - message of the day, welcome (4.24 to 4.28): an announcement serves;
 * - the list of administrators (4.29), restart and shut-down (4.30, 4.31): one domain's
 *   administrators have no power over the others on the same server; hearthctl has;
 * - email and names when adding a user: that is what the user's card is for.
 * Everything is checked where it happens: the asker's role at each request (core/adhoc.h), and
 * that the account is of the asker's own domain here.
 */
#include <errno.h>

#include "base/block.h"
#include "core/adhoc.h"
#include "core/census.h"
#include "core/feature.h"
#include "core/people.h"
#include "xmpp/ns.h"

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { LIST_MAX = 10000, SESSIONS_MAX = 1000 };

/* --- forms ------------------------------------------------------------------------------- */

static const struct form_field jid_fields[] = {
	{ .var = "accountjid",
	  .type = FORM_JID_SINGLE,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_JID },
	{ 0 },
};
static const struct form_field jids_fields[] = {
	{ .var = "accountjids",
	  .type = FORM_JID_MULTI,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_JIDS },
	{ 0 },
};
static const struct form_field add_fields[] = {
	{ .var = "accountjid",
	  .type = FORM_JID_SINGLE,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_JID },
	{ .var = "password",
	  .type = FORM_TEXT_PRIVATE,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_PASSWORD },
	{ .var = "password-verify",
	  .type = FORM_TEXT_PRIVATE,
	  .label = TEXT_ADMIN_FIELD_PASSWORD_AGAIN },
	{ 0 },
};
static const struct form_field password_fields[] = {
	{ .var = "accountjid",
	  .type = FORM_JID_SINGLE,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_JID },
	{ .var = "password",
	  .type = FORM_TEXT_PRIVATE,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_PASSWORD },
	{ 0 },
};
static const struct form_option max_items[] = {
	{ "25", TEXT_NONE },
	{ "50", TEXT_NONE },
	{ "75", TEXT_NONE },
	{ "100", TEXT_NONE },
	{ "150", TEXT_NONE },
	{ "200", TEXT_NONE },
	{ "none", TEXT_ADMIN_FIELD_NO_MAX },
	{ 0 },
};
static const struct form_field list_fields[] = {
	{ .var = "max_items",
	  .type = FORM_LIST_SINGLE,
	  .label = TEXT_ADMIN_FIELD_MAX,
	  .options = max_items,
	  .preset = "100" },
	{ 0 },
};
static const struct form_field announce_fields[] = {
	{ .var = "announcement",
	  .type = FORM_TEXT_MULTI,
	  .is_required = true,
	  .label = TEXT_ADMIN_FIELD_ANNOUNCEMENT },
	{ 0 },
};

#define FORM(name_, title_, fields_)                                                  \
	static const struct form_spec name_ = { .form_type = NS_ADMIN,                \
						.title = TEXT_ADMIN_COMMAND_##title_, \
						.instructions = TEXT_ADMIN_FORM_FILL, \
						.fields = (fields_) }

FORM(add_form, ADD_USER, add_fields);
FORM(delete_form, DELETE_USER, jids_fields);
FORM(disable_form, DISABLE_USER, jids_fields);
FORM(enable_form, ENABLE_USER, jids_fields);
FORM(end_form, END_SESSION, jids_fields);
FORM(password_form, PASSWORD, password_fields);
FORM(roster_form, ROSTER, jids_fields);
FORM(stats_form, STATS, jid_fields);
FORM(registered_form, REGISTERED, list_fields);
FORM(disabled_form, DISABLED, list_fields);
FORM(online_form, ONLINE, list_fields);
FORM(announce_form, ANNOUNCE, announce_fields);

/* --- what they have in common --------------------------------------------------------------
 */

/* Section 5, and item-not-found for an account that is not there. */
static void fail(struct adhoc **run, int status)
{
	switch (status) {
	case -EEXIST:
		adhoc_fail(run, CONDITION_CONFLICT, TEXT_NONE);
		break;
	case -ENOENT:
		adhoc_fail(run, CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
		break;
	case -EINVAL:
		adhoc_fail(run, CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_PASSWORD_BAD);
		break;
	case -EAGAIN:
		adhoc_fail(run, CONDITION_RESOURCE_CONSTRAINT, TEXT_REGISTER_BUSY);
		break;
	default:
		adhoc_fail(run, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	}
}

static void finish(int status, void *context)
{
	struct adhoc *run = context;

	if (status < 0)
		fail(&run, status);
	else
		adhoc_complete(&run, BYTES_NONE);
}

/* An administrator is one of this domain only. False: the run is over. */
static bool is_ours(struct adhoc **run, struct bytes address, struct jid *ret_jid)
{
	struct jid jid = jid_from_normal(address);

	if (bytes_is_none(jid_local(jid))) {
		adhoc_fail(run, CONDITION_NOT_ACCEPTABLE, TEXT_ADMIN_NOT_AN_ACCOUNT);
		return false;
	}
	if (!bytes_equal(jid_domain(jid), domain_name(adhoc_domain(*run)))) {
		adhoc_fail(run, CONDITION_FORBIDDEN, TEXT_ADMIN_NOT_YOUR_DOMAIN);
		return false;
	}
	*ret_jid = jid;
	return true;
}

static bool read_account(struct adhoc **run, struct jid *ret_jid)
{
	return is_ours(run, form_value(adhoc_form(*run, 0), "accountjid"), ret_jid);
}

/* One after the other; all are tried, and the first failure is what is answered. */
struct round {
	struct adhoc *run;
	const struct form_entry *entry; /* accountjids */
	size_t next;
	int status;
	void (*act)(struct jid, struct round *); /* ends with round_next */
	struct buf xml;				 /* what acts collect */
};

static void round_end(struct round *round)
{
	struct adhoc *run = round->run;

	if (round->status < 0)
		fail(&run, round->status);
	else
		adhoc_complete(&run, buf_bytes(&round->xml));
	buf_fini(&round->xml);
	block_free(round);
}

static void round_next(int status, void *context)
{
	struct round *round = context;

	if (status < 0 && round->status == 0)
		round->status = status;
	if (round->next == round->entry->count)
		round_end(round);
	else
		round->act(jid_from_normal(round->entry->values[round->next++]), round);
}

static void round_start(struct adhoc *run, void (*act)(struct jid, struct round *))
{
	const struct form_entry *entry = form_find(adhoc_form(run, 0), "accountjids");
	struct round *round;
	struct jid jid;

	for (size_t i = 0; i < entry->count; i++)
		if (!is_ours(&run, entry->values[i], &jid))
			return;
	round = block_alloc_zeroed(sizeof(*round));
	round->run = run;
	round->entry = entry;
	round->act = act;
	buf_init(&round->xml, 0);
	round_next(0, round);
}

/* --- sections 4.1 to 4.7 ------------------------------------------------------------------- */

static void add_user(struct adhoc *run)
{
	const struct form *form = adhoc_form(run, 0);
	struct bytes password = form_value(form, "password");
	struct bytes again = form_value(form, "password-verify");
	struct jid jid;

	if (!read_account(&run, &jid))
		return;
	if (!bytes_is_none(again) && !bytes_equal(password, again))
		adhoc_fail(&run, CONDITION_NOT_ACCEPTABLE, TEXT_CTL_PASSWORDS_DIFFER);
	else
		people_add(jid, password, finish, run);
}

static void delete_one(struct jid jid, struct round *round)
{
	people_delete(jid, NULL, round_next, round);
}

static void delete_user(struct adhoc *run)
{
	round_start(run, delete_one);
}

static void disable_one(struct jid jid, struct round *round)
{
	people_disable(jid, true, round_next, round);
}

static void disable_user(struct adhoc *run)
{
	round_start(run, disable_one);
}

static void enable_one(struct jid jid, struct round *round)
{
	people_disable(jid, false, round_next, round);
}

static void enable_user(struct adhoc *run)
{
	round_start(run, enable_one);
}

static void sessions_ended(unsigned count, void *context)
{
	round_next(count > 0 ? 0 : -ENOENT, context);
}

/* A bare address ends all sessions, a full one that session. */
static void end_one(struct jid jid, struct round *round)
{
	census_kick(jid, sessions_ended, round);
}

static void end_session(struct adhoc *run)
{
	round_start(run, end_one);
}

static void change_password(struct adhoc *run)
{
	struct bytes password = form_value(adhoc_form(run, 0), "password");
	struct jid jid;

	if (read_account(&run, &jid))
		people_set_password(jid, password, finish, run);
}

/* --- section 4.8 ----------------------------------------------------------------------------
 */

static void roster_seen(int status, struct bytes items, uint32_t count, void *context)
{
	struct round *round = context;

	(void)count;
	if (status == 0) {
		buf_append_cstr(&round->xml, "<query xmlns='" NS_ROSTER "'>");
		buf_append(&round->xml, items);
		buf_append_cstr(&round->xml, "</query>");
	}
	if (status == 0 && round->next == round->entry->count)
		buf_append_cstr(&round->xml, "</x>");
	round_next(status, round);
}

static void roster_one(struct jid jid, struct round *round)
{
	struct xml_writer w;

	if (round->xml.len == 0) {
		buf_append_cstr(&round->xml, "<x xmlns='" NS_DATA_FORM "' type='result'>");
		xml_writer_init(&w, &round->xml);
		form_write_value(&w, "hidden", "FORM_TYPE", BYTES_LIT(NS_ADMIN));
		form_write_values(&w, "accountjids", round->entry->values, round->entry->count);
		xml_writer_fini(&w);
	}
	people_roster(jid, roster_seen, round);
}

static void get_roster(struct adhoc *run)
{
	round_start(run, roster_one);
}

/* --- section 4.10 ---------------------------------------------------------------------------
 */

struct stats {
	struct adhoc *run;
	uint32_t roster_size;
};

/* "203.0.113.5:51234" or "[2001:db8::1]:51234". */
static struct bytes without_port(struct bytes peer)
{
	size_t len = peer.len;

	while (len > 0 && peer.ptr[len - 1] != ':')
		len--;
	peer = bytes_first(peer, len > 0 ? len - 1 : peer.len);
	if (peer.len > 2 && peer.ptr[0] == '[')
		peer = bytes_make(peer.ptr + 1, peer.len - 2);
	return peer;
}

static void write_stats(const struct stats *stats, const struct census *census,
			struct xml_writer *w)
{
	struct arena *arena = adhoc_arena(stats->run);
	struct bytes *addresses, *resources;
	size_t count = 0;

	addresses = arena_alloc(arena, census->rows_found * sizeof(struct bytes));
	resources = arena_alloc(arena, census->rows_found * sizeof(struct bytes));
	for (const struct census_row *row = census->rows; row != NULL; row = row->next) {
		addresses[count] = without_port(row->peer);
		resources[count++] = jid_resource(jid_from_normal(row->jid));
	}
	form_write_values(w, "ipaddresses", addresses, count);
	form_write_value(w, NULL, "rostersize",
			 arena_printf(arena, "%u", (unsigned)stats->roster_size));
	form_write_values(w, "onlineresources", resources, count);
}

static void stats_counted(struct census *census)
{
	struct stats *stats = census->context;
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	form_open(&w, "result", NS_ADMIN);
	write_stats(stats, census, &w);
	xml_close(&w);
	xml_writer_fini(&w);
	adhoc_complete_buf(&stats->run, &xml);
	block_free(stats);
}

static void stats_roster(int status, struct bytes items, uint32_t count, void *context)
{
	struct stats *stats = context;

	(void)items;
	if (status < 0) {
		fail(&stats->run, status);
		block_free(stats);
		return;
	}
	stats->roster_size = count;
	census_take(form_value(adhoc_form(stats->run, 0), "accountjid"), SESSIONS_MAX,
		    stats_counted, stats);
}

static void user_stats(struct adhoc *run)
{
	struct stats *stats;
	struct jid jid;

	if (!read_account(&run, &jid))
		return;
	if (jid_is_full(jid)) {
		adhoc_fail(&run, CONDITION_NOT_ACCEPTABLE, TEXT_ADMIN_NOT_AN_ACCOUNT);
		return;
	}
	stats = block_alloc(sizeof(*stats));
	stats->run = run;
	people_roster(jid, stats_roster, stats);
}

/* --- sections 4.13 to 4.20: how many, and who ---------------------------------------------- */

static void answer_number(struct adhoc **run, const char *var, uint64_t number)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	form_open(&w, "result", NS_ADMIN);
	form_write_value(&w, NULL, var,
			 arena_printf(adhoc_arena(*run), "%llu", (unsigned long long)number));
	xml_close(&w);
	xml_writer_fini(&w);
	adhoc_complete_buf(run, &xml);
}

static void answer_jids(struct adhoc **run, const char *var, const struct people_list *list)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	form_open(&w, "result", NS_ADMIN);
	form_write_values(&w, var, list->jids, list->jid_count);
	xml_close(&w);
	xml_writer_fini(&w);
	adhoc_complete_buf(run, &xml);
}

#define COUNT_AND_LIST(which, WHICH, number_var, list_var)                                     \
	static void which##_counted(int status, const struct people_list *list, void *context) \
	{                                                                                      \
		struct adhoc *run = context;                                                   \
                                                                                               \
		if (status < 0)                                                                \
			fail(&run, status);                                                    \
		else                                                                           \
			answer_number(&run, number_var, list->count);                          \
	}                                                                                      \
                                                                                               \
	static void count_##which(struct adhoc *run)                                           \
	{                                                                                      \
		people_list(adhoc_domain(run), PEOPLE_##WHICH, 0, which##_counted, run);       \
	}                                                                                      \
                                                                                               \
	static void which##_listed(int status, const struct people_list *list, void *context)  \
	{                                                                                      \
		struct adhoc *run = context;                                                   \
                                                                                               \
		if (status < 0)                                                                \
			fail(&run, status);                                                    \
		else                                                                           \
			answer_jids(&run, list_var, list);                                     \
	}                                                                                      \
                                                                                               \
	static void list_##which(struct adhoc *run)                                            \
	{                                                                                      \
		people_list(adhoc_domain(run), PEOPLE_##WHICH, read_limit(run),                \
			    which##_listed, run);                                              \
	}

static size_t read_limit(const struct adhoc *run)
{
	uint64_t limit;

	if (bytes_to_u64(form_value(adhoc_form(run, 0), "max_items"), &limit) < 0)
		return LIST_MAX; /* "none", or nothing said */
	return (size_t)limit;
}

COUNT_AND_LIST(registered, REGISTERED, "registeredusersnum", "registereduserjids")
COUNT_AND_LIST(disabled, DISABLED, "disabledusersnum", "disableduserjids")
COUNT_AND_LIST(online, ONLINE, "onlineusersnum", "onlineuserjids")

/* --- section 4.23 -------------------------------------------------------------------------- */

static void announced(int status, const struct people_list *list, void *context)
{
	(void)list;
	finish(status, context);
}

static void announce(struct adhoc *run)
{
	people_announce(adhoc_domain(run),
			form_text(adhoc_arena(run), adhoc_form(run, 0), "announcement"),
			announced, run);
}

#define COMMAND(node_, name_, form_, run_)                                      \
	{                                                                       \
		.node = NODE(node_), .name = TEXT_ADMIN_COMMAND_##name_,        \
		.who = ADHOC_ADMINISTRATORS, .stages = { form_ }, .run = (run_) \
	}

static const struct adhoc_command commands[] = {
	COMMAND("add-user", ADD_USER, &add_form, add_user),
	COMMAND("delete-user", DELETE_USER, &delete_form, delete_user),
	COMMAND("disable-user", DISABLE_USER, &disable_form, disable_user),
	COMMAND("reenable-user", ENABLE_USER, &enable_form, enable_user),
	COMMAND("end-user-session", END_SESSION, &end_form, end_session),
	COMMAND("change-user-password", PASSWORD, &password_form, change_password),
	COMMAND("get-user-roster", ROSTER, &roster_form, get_roster),
	COMMAND("user-stats", STATS, &stats_form, user_stats),
	COMMAND("get-registered-users-num", REGISTERED_NUM, NULL, count_registered),
	COMMAND("get-disabled-users-num", DISABLED_NUM, NULL, count_disabled),
	COMMAND("get-online-users-num", ONLINE_NUM, NULL, count_online),
	COMMAND("get-registered-users-list", REGISTERED, &registered_form, list_registered),
	COMMAND("get-disabled-users-list", DISABLED, &disabled_form, list_disabled),
	COMMAND("get-online-users-list", ONLINE, &online_form, list_online),
	COMMAND("announce", ANNOUNCE, &announce_form, announce),
	{ 0 },
};

const struct feature feature_service_admin = {
	FEATURE_ABI,
	.name = "service_admin",
	.xep = "0133",
	.version = "1.3.0",
	.summary = "Care for a domain's people from an administrator's client.",
	.commands = commands,
};
