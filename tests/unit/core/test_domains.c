/*
 * Domains: a thousand of them share nothing, though every one has the same accounts; options
 * fall back on the server's; they come and go while devices are connected; a device that was
 * still logging in when its domain went is not let in.
 */
#include "unit.h"

#include "base/codec.h"
#include "core/domain.h"
#include "core/domain_store.h"
#include "core/user.h"
#include "store/memory.h"

enum { DOMAINS = 1000 };

static struct client *romeos[DOMAINS];

static struct bytes domain_of(unsigned i)
{
	static char name[32];

	return bytes_make(name, (size_t)snprintf(name, sizeof(name), "d%u.example", i));
}

static const char *jid_at(const char *local, unsigned i, const char *resource)
{
	static char jid[64];

	snprintf(jid, sizeof(jid), "%s@d%u.example%s", local, i, resource);
	return jid;
}

static void send_as(unsigned i, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void send_as(unsigned i, const char *format, ...)
{
	char xml[512];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(xml, sizeof(xml), format, args);
	va_end(args);
	client_send(romeos[i], bytes_make(xml, (size_t)len));
}

/* Exactly one message, from this domain's juliet or romeo and with this domain's text. */
static void expect_own_message(unsigned i)
{
	struct stanza *stanza = client_take(romeos[i]);
	char from[64];

	assert_non_null(stanza);
	snprintf(from, sizeof(from), "romeo@d%u.example/r", i);
	assert_true(bytes_is(stanza->from, from));
	assert_bytes(stanza->id, "own");
	stanza_unref(&stanza);
	unit_expect_nothing(romeos[i]);
}

static void a_thousand_share_nothing(void **state)
{
	(void)state;
	world_start();
	for (unsigned i = 0; i < DOMAINS; i++)
		world_add_domain(domain_of(i));
	world_set_option(domain_of(7), BYTES_LIT("features.ping"), BYTES_LIT("no"));
	world_open();
	for (unsigned i = 0; i < DOMAINS; i++) {
		world_add_account(bytes_of(jid_at("romeo", i, "")));
		romeos[i] = unit_login("romeo", jid_at("romeo", i, "/r"));
		arena_reset(scratch());
	}
	/* presence: nobody hears of a namesake */
	for (unsigned i = 0; i < DOMAINS; i++)
		send_as(i, "<presence/>");
	world_settle();
	for (unsigned i = 0; i < DOMAINS; i++) {
		unit_expect(romeos[i], "presence", NULL);
		unit_expect_nothing(romeos[i]);
	}
	/* a message to the own account, without and with an address */
	for (unsigned i = 0; i < DOMAINS; i++)
		send_as(i,
			i % 2 ? "<message id='own'/>"
			      : "<message to='romeo@d%u.example' id='own'/>",
			i);
	world_settle();
	for (unsigned i = 0; i < DOMAINS; i++)
		expect_own_message(i);
	/* rosters: what one has, no namesake has */
	send_as(3, "<iq type='set' id='s'><query xmlns='jabber:iq:roster'>"
		   "<item jid='juliet@d3.example'/></query></iq>");
	for (unsigned i = 0; i < DOMAINS; i++)
		send_as(i, "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>");
	world_settle();
	for (unsigned i = 0; i < DOMAINS; i++) {
		struct stanza *stanza;
		unsigned items = 0;
		while ((stanza = client_take(romeos[i])) != NULL) {
			const struct xnode *query =
				xnode_find(stanza_root(stanza), "query", "jabber:iq:roster");
			items += query != NULL && xnode_first_child(query) != NULL;
			stanza_unref(&stanza);
		}
		assert_int_equal(items > 0, i == 3);
	}
	/* an option of one domain */
	for (unsigned i = 0; i < DOMAINS; i++)
		send_as(i,
			"<iq type='get' id='p' to='d%u.example'><ping "
			"xmlns='urn:xmpp:ping'/></iq>",
			i);
	world_settle();
	for (unsigned i = 0; i < DOMAINS; i++)
		unit_expect(romeos[i], "iq", i == 7 ? "error" : "result");
	/* one goes: the others notice nothing */
	world_publish(domain_of(500), false);
	assert_true(client_is_closed(romeos[500]));
	for (unsigned i = 0; i < DOMAINS; i++)
		if (i != 500)
			unit_expect_nothing(romeos[i]);
	world_delete_account(bytes_of(jid_at("romeo", 501, "")));
	assert_true(client_is_closed(romeos[501]));
	assert_false(client_is_closed(romeos[502]));
	for (unsigned i = 0; i < DOMAINS; i++)
		client_free(&romeos[i]);
	world_end();
}

static void sets_are_snapshots(void **state)
{
	struct settings *server = settings_new(NULL);
	struct domain_set *first = domain_set_new(NULL, server), *second;

	(void)state;
	assert_int_equal(domain_set_add(first, BYTES_LIT("a"), settings_new(server), false), 0);
	assert_int_equal(domain_set_add(first, BYTES_LIT("b"), settings_new(server), true), 0);
	second = domain_set_new(first, server);
	assert_int_equal(domain_set_remove(second, BYTES_LIT("a")), 0);
	assert_int_equal(domain_set_remove(second, BYTES_LIT("a")), -ENOENT);
	assert_int_equal(domain_set_add(second, BYTES_LIT("c"), settings_new(server), false),
			 0);
	struct settings *refused = settings_new(server);
	assert_int_equal(domain_set_add(second, BYTES_LIT("b"), refused, false), -EEXIST);
	settings_free(&refused); /* taken on success only */
	assert_int_equal(domain_set_count(first), 2);
	assert_int_equal(domain_set_count(second), 2);
	assert_non_null(domain_set_find(first, BYTES_LIT("a")));
	assert_null(domain_set_find(second, BYTES_LIT("a")));
	assert_ptr_equal(domain_set_find(first, BYTES_LIT("b")),
			 domain_set_find(second, BYTES_LIT("b")));
	assert_true(bytes_is(domain_set_at(second, 0)->name, "b"));
	assert_true(bytes_is(domain_set_at(second, 1)->name, "c"));
	assert_null(domain_set_at(second, 2));
	domain_forget_all();
	settings_free(&server);
}

static void ignore_commit(int status, uint64_t seq, void *context)
{
	(void)status;
	(void)seq;
	(void)context;
}

/* Bound after its domain was removed: the account was being read at that moment. */
static void removed_while_binding(void **state)
{
	struct client *client;
	struct store_batch *batch;
	const char *at;

	(void)state;
	world_start();
	world_add_domain(BYTES_LIT("d1.example"));
	world_open();
	world_add_account(BYTES_LIT("romeo@d1.example"));
	client = client_new(BYTES_LIT("romeo"), BYTES_LIT("romeo@d1.example/r"));
	assert_true(client_authenticate(client, &at));
	/* the read that loads the account waits behind this one */
	store_memory_hold(world_store());
	shard_enter(world_shards()->shards[client_shard(client)]);
	batch = store_batch_new(world_store(), BYTES_LIT("romeo@d1.example"));
	store_commit(world_store(), &batch, ignore_commit, NULL);
	client_ask_bind(client);
	world_settle();
	unit_expect_nothing(client);
	world_publish(BYTES_LIT("d1.example"), false);
	store_memory_resume(world_store());
	world_settle();
	unit_expect(client, "iq", "error");
	assert_null(user_find(BYTES_LIT("romeo@d1.example")));
	client_free(&client);
	world_end();
}

/* Asks for a challenge; what a stranger learns of how a password is kept. */
static struct bytes challenge_of(const char *jid, const char *who)
{
	struct client *client = client_new(BYTES_LIT("stranger"), bytes_of(jid));
	struct stanza *stanza;
	struct bytes text, first;

	client_begin(client);
	world_settle();
	unit_count(client);
	client_send(client, arena_printf(scratch(),
					 "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
					 "mechanism='SCRAM-SHA-256'>%.*s</auth>",
					 BYTES_ARG(base64_encode(scratch(), bytes_of(who)))));
	world_settle();
	stanza = client_take(client);
	assert_non_null(stanza);
	text = arena_copy(scratch(), xnode_text(stanza_root(stanza), scratch()));
	assert_int_equal(base64_decode(scratch(), text, &first), 0);
	stanza_unref(&stanza);
	client_free(&client);
	return first;
}

/* RFC 5802 section 9: an unknown user looks like one who came under the domain's settings. */
static void unknown_users_look_like_others(void **state)
{
	struct bytes first;

	(void)state;
	world_start();
	world_add_domain(BYTES_LIT("d1.example"));
	world_set_option(BYTES_LIT("d1.example"), BYTES_LIT("auth.scram_iterations"),
			 BYTES_LIT("23456"));
	world_open();
	first = challenge_of("x@d1.example", "n,,n=nobody,r=abc");
	assert_non_null(strstr(arena_cstr(scratch(), first), ",i=23456,"));
	first = challenge_of("x@localhost", "n,,n=nobody,r=abc");
	assert_non_null(strstr(arena_cstr(scratch(), first), ",i=10000,"));
	world_end();
}

static void published(int status, void *context)
{
	*(int *)context = status;
}

/* A reload: the same name with other options; who is connected stays, and lives by the new. */
static void changed_while_connected(void **state)
{
	struct settings *server = settings_new(NULL), *settings = settings_new(server);
	struct domain_set *set;
	struct client *client;
	struct err err;
	int status = 1;

	(void)state;
	world_start();
	world_open();
	world_add_account(BYTES_LIT("romeo@localhost"));
	client = unit_login("romeo", "romeo@localhost/r");
	set = domain_set_new(NULL, server);
	assert_int_equal(settings_set(settings, option_find(BYTES_LIT("features.ping")),
				      BYTES_LIT("no"), &err),
			 0);
	assert_int_equal(domain_set_add(set, BYTES_LIT("localhost"), settings, false), 0);
	client_send(client,
		    BYTES_LIT("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"));
	world_settle();
	unit_expect(client, "iq", "result");
	domain_publish(set, published, &status);
	world_settle();
	assert_int_equal(status, 0);
	assert_false(client_is_closed(client));
	client_send(client,
		    BYTES_LIT("<iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>"));
	world_settle();
	unit_expect(client, "iq", "error");
	client_free(&client);
	world_end();
	settings_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_snapshots),
		cmocka_unit_test(a_thousand_share_nothing),
		cmocka_unit_test(removed_while_binding),
		cmocka_unit_test(unknown_users_look_like_others),
		cmocka_unit_test(changed_while_connected),
	};
	int failed;

	world_register(&(struct world_options){ .shards = 4 });
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_fini();
	return failed;
}
