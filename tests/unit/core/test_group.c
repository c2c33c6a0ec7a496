/*
 * Shared groups: their stored form, what one change costs however many members there are, and what
 * is refused.
 */
#include "unit.h"

#include "core/account.h"
#include "core/group.h"
#include "core/group_code.h"

enum { CLIENTS = 40 };

static const struct bytes domain = { "localhost", 9 };

static void start(unsigned shards)
{
	static bool is_registered;

	if (!is_registered)
		world_register(&(struct world_options){ .shards = shards });
	is_registered = true;
	world_start();
	world_open();
}

static int add(const char *jid)
{
	return world_group_member(domain, BYTES_LIT("g"), bytes_of(jid), true);
}

static unsigned forget_all(struct client *client)
{
	struct stanza *stanza;
	unsigned count = 0;

	while ((stanza = client_take(client)) != NULL) {
		count++;
		stanza_unref(&stanza);
	}
	return count;
}

/* --- costs ----------------------------------------------------------------------------------- */

struct cost {
	unsigned stanzas;  /* that clients got */
	unsigned handlers; /* that shards ran: mails, calls */
};

/* Members, of which CLIENTS are online; what does one more cost, who is online himself? */
static struct cost cost_of_one(unsigned members)
{
	static struct client *clients[CLIENTS];
	struct cost cost = { 0 };
	struct client *newcomer;
	char jid[64];
	int status = 1;

	start(4);
	assert_int_equal(world_group_put(domain, BYTES_LIT("g"), BYTES_LIT("G"), false), 0);
	for (unsigned i = 0; i < members; i++) {
		snprintf(jid, sizeof(jid), "u%u@localhost", i);
		assert_int_equal(add(jid), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		snprintf(jid, sizeof(jid), "u%u@localhost", i);
		world_add_account(bytes_of(jid));
		snprintf(jid, sizeof(jid), "u%u@localhost/r", i);
		clients[i] = unit_login(jid, jid);
		client_send(clients[i],
			    BYTES_LIT("<iq type='get' id='r'><query "
				      "xmlns='jabber:iq:roster'/></iq><presence/>"));
		world_settle();
	}
	world_add_account(BYTES_LIT("new@localhost"));
	newcomer = unit_login("new", "new@localhost/r");
	client_send(newcomer, BYTES_LIT("<iq type='get' id='r'><query "
					"xmlns='jabber:iq:roster'/></iq><presence/>"));
	world_settle();
	for (unsigned i = 0; i < CLIENTS; i++)
		forget_all(clients[i]);
	assert_int_equal(forget_all(newcomer), 2);
	(void)status;
	group_add_member(domain, BYTES_LIT("g"), jid_of("new@localhost"), NULL, NULL);
	cost.handlers = shards_run_until_idle(world_shards());
	/* Everybody's push; each one online: the newcomer's presence and its own to him. */
	assert_int_equal(forget_all(newcomer), members + CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++) {
		unsigned got = forget_all(clients[i]);
		assert_int_equal(got, 2);
		cost.stanzas += got;
		client_free(&clients[i]);
	}
	client_free(&newcomer);
	world_end();
	return cost;
}

/*
 * 1,000 members: what is said grows with those who are there to hear it, and what is done hardly
 * grows with those who are not.
 */
static void one_change_costs_members(void **context)
{
	struct cost hundred = cost_of_one(100), thousand = cost_of_one(1000);

	(void)context;
	print_message("100 members: %u handlers; 1000 members: %u handlers\n", hundred.handlers,
		      thousand.handlers);
	assert_int_equal(thousand.stanzas, hundred.stanzas);
	assert_true(thousand.handlers < hundred.handlers + 200);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void refusals(void **context)
{
	struct bytes g = BYTES_LIT("g"), nowhere = BYTES_LIT("nowhere");
	static char long_name[GROUP_NAME_MAX + 1], long_display[GROUP_DISPLAY_MAX + 1];

	(void)context;
	memset(long_name, 'x', sizeof(long_name));
	memset(long_display, 'x', sizeof(long_display));
	start(4);
	assert_int_equal(world_group_put(nowhere, g, g, false), -ENOENT);
	assert_int_equal(world_group_put(domain, BYTES_LIT(""), g, false), -EINVAL);
	assert_int_equal(world_group_put(domain, BYTES_LIT("\x01"), g, false), -EINVAL);
	assert_int_equal(world_group_put(domain, g, BYTES_LIT(""), false), -EINVAL);
	assert_int_equal(
		world_group_put(domain, bytes_make(long_name, sizeof(long_name)), g, false),
		-EINVAL);
	assert_int_equal(world_group_put(domain, g,
					 bytes_make(long_display, sizeof(long_display)), false),
			 -EINVAL);
	assert_int_equal(add("a@localhost"), -ENOENT);
	assert_int_equal(world_group_del(domain, g), -ENOENT);
	assert_int_equal(world_group_put(domain, g, BYTES_LIT("G"), false), 0);
	assert_int_equal(world_group_put(domain, BYTES_LIT("h"), BYTES_LIT("G"), false),
			 -EEXIST);
	assert_int_equal(add("a@elsewhere"), -EINVAL);
	assert_int_equal(add("a@localhost"), 0);
	assert_int_equal(add("a@localhost"), -EEXIST);
	assert_int_equal(world_group_member(domain, g, BYTES_LIT("b@localhost"), false),
			 -ENOENT);
	assert_int_equal(world_group_put(domain, BYTES_LIT("e"), BYTES_LIT("E"), true), 0);
	assert_int_equal(
		world_group_member(domain, BYTES_LIT("e"), BYTES_LIT("a@localhost"), false),
		-EINVAL);
	assert_int_equal(world_group_del(domain, g), 0);
	assert_int_equal(world_group_del(domain, BYTES_LIT("e")), 0);
	world_end();
}

static void limit(void **context)
{
	(void)context;
	start(4);
	world_end();
	world_start();
	world_set_option(domain, BYTES_LIT("limits.group_members"), BYTES_LIT("2"));
	world_open();
	assert_int_equal(world_group_put(domain, BYTES_LIT("g"), BYTES_LIT("G"), false), 0);
	assert_int_equal(add("a@localhost"), 0);
	assert_int_equal(add("b@localhost"), 0);
	assert_int_equal(add("c@localhost"), -ENOSPC);
	assert_int_equal(
		world_group_member(domain, BYTES_LIT("g"), BYTES_LIT("a@localhost"), false), 0);
	assert_int_equal(add("c@localhost"), 0);
	world_end();
}

/* --- the stored form ---------------------------------------------------------------------------- */

static void stored_form(void **context)
{
	struct group_domain *made = group_domain_new(domain), *read = group_domain_new(domain);
	struct group *group = group_domain_add(made, BYTES_LIT("g"), BYTES_LIT("Gé"), 3);
	struct bytes value;

	(void)context;
	group->since = 7;
	group_set_member(made, group, BYTES_LIT("b@localhost"), 3, false);
	group_set_member(made, group, BYTES_LIT("a@localhost"), 9, true);
	value = group_code_encode(scratch(), group);
	assert_int_equal(group_code_decode(BYTES_LIT("g"), value, read), 0);
	assert_int_equal(read->groups[0].count, 2);
	assert_int_equal(read->groups[0].present, 1);
	assert_int_equal(read->groups[0].since, 7);
	assert_bytes(read->groups[0].display, "Gé");
	assert_bytes(read->groups[0].members[0].jid, "a@localhost");
	assert_true(read->groups[0].members[0].is_removed);
	assert_int_equal(read->groups[0].members[1].since, 3);
	/* cut anywhere, or with more behind it: refused, and nothing is added */
	for (size_t len = 0; len < value.len; len++)
		assert_int_equal(
			group_code_decode(BYTES_LIT("h"), bytes_first(value, len), read),
			-EINVAL);
	value = arena_printf(scratch(), "%.*s.", BYTES_ARG(value));
	assert_int_equal(group_code_decode(BYTES_LIT("h"), value, read), -EINVAL);
	assert_int_equal(read->count, 1);
	group_domain_unref(&made);
	group_domain_unref(&read);
}

/* A member who left is remembered, up to a number; then the floor rises. */
static void tombstones(void **context)
{
	struct group_domain *made = group_domain_new(domain);
	struct group *group = group_domain_add(made, BYTES_LIT("g"), BYTES_LIT("G"), 300);
	char jid[32];

	(void)context;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(jid, sizeof(jid), "u%u@localhost", i);
		group_set_member(made, group, bytes_of(jid), i + 1, i > 0);
		group_drop_tombstones(made, group);
	}
	assert_int_equal(group->count, GROUP_TOMBSTONES_MAX + 1);
	assert_int_equal(group->present, 1);
	assert_int_equal(made->floor, 300 - GROUP_TOMBSTONES_MAX);
	group_domain_unref(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_form),
		cmocka_unit_test(tombstones),
		cmocka_unit_test(refusals),
		cmocka_unit_test(limit),
		cmocka_unit_test(one_change_costs_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
