/*
 * A home that does not keep up: past the soft mark the senders pause, past the hard mark messages
 * and requests come back as resource-constraint; presence, answers and errors still go, nothing
 * is lost, and when the pressure is gone all go on.
 */
#include "unit.h"

#include "core/place.h"
#include "core/session.h"
#include "core/user.h"

enum { SOFT_BYTES = 20000, HARD_BYTES = 60000, UNPAUSE_MS = 100 };

static struct client *slow, *near, *beside;
static char slow_jid[64], near_jid[64], beside_jid[64];
static struct shard *slow_home, *near_home;
static struct mail load;
static bool has_load;

/* An account whose home this is, logged in. */
static struct client *login_at(const char *stem, const struct shard *home, char jid[64])
{
	size_t len;

	for (unsigned i = 0; i < 100; i++) {
		len = (size_t)snprintf(jid, 64, "%s%u@localhost/r", stem, i);
		if (place_shard(jid_of(jid)) == home->id) {
			world_add_account(bytes_make(jid, len - 2));
			return unit_login(stem, jid);
		}
	}
	fail_msg("no name has its home there");
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	world_start();
	world_open();
	near_home = world_shards()->shards[0];
	slow_home = world_shards()->shards[1];
	slow = login_at("slow", slow_home, slow_jid);
	near = login_at("near", near_home, near_jid);
	beside = login_at("beside", near_home, beside_jid);
	has_load = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_free(&slow);
	client_free(&near);
	client_free(&beside);
	world_end();
	scratch_fini();
	return 0;
}

static void load_delivered(struct mail *mail)
{
	(void)mail;
	has_load = false;
}

/* Something waits at the slow home that keeps so many bytes. */
static void load_slow_home(uint32_t bytes)
{
	struct shard *before = shard_enter(near_home);

	load = (struct mail){ .name = "load", .deliver = load_delivered, .bytes = bytes };
	has_load = true;
	mailbox_post(slow_home->id, &load);
	shard_enter(before);
}

/* Only the near home turns: the slow one is busy with something. */
static void turn_near(void)
{
	struct shard *before = shard_enter(near_home);

	while (shard_turn(0) > 0)
		;
	shard_enter(before);
}

static void send(struct client *client, const char *format, const char *to)
{
	char xml[512];
	int len = snprintf(xml, sizeof(xml), format, to);

	client_send(client, bytes_make(xml, (size_t)len));
	turn_near();
}

#define MESSAGE "<message to='%s' id='m'><body>Hi</body></message>"
#define REQUEST "<iq to='%s' id='q' type='get'><query xmlns='urn:example:any'/></iq>"

static void no_pressure(void **state)
{
	(void)state;
	load_slow_home(SOFT_BYTES / 2);
	send(near, MESSAGE, slow_jid);
	send(near, MESSAGE, slow_jid);
	assert_int_equal(client_unread(near), 0);
	assert_true(has_load);
	world_settle();
	assert_int_equal(unit_count(slow), 2);
}

static void soft_pauses_the_sender(void **state)
{
	(void)state;
	load_slow_home(SOFT_BYTES);
	send(near, MESSAGE, slow_jid);
	assert_int_equal(client_unread(near), 0); /* this one went */
	send(near, MESSAGE, slow_jid);
	assert_true(client_unread(near) > 0); /* this one waits in the connection */
	unit_expect_nothing(near);
	/* who sends to others goes on, and the paused one is still written to */
	send(beside, MESSAGE, near_jid);
	assert_int_equal(client_unread(beside), 0);
	unit_expect(near, "message", NULL);
	/* the pause ends when there is room */
	world_settle();
	world_clock(UNPAUSE_MS);
	assert_int_equal(client_unread(near), 0);
	assert_int_equal(unit_count(slow), 2);
	unit_expect_nothing(near);
}

static void the_pause_lasts_as_long_as_the_pressure(void **state)
{
	(void)state;
	load_slow_home(SOFT_BYTES);
	send(near, MESSAGE, slow_jid);
	send(near, MESSAGE, slow_jid);
	for (int i = 0; i < 10; i++) {
		clock_fake_advance_ms(UNPAUSE_MS);
		turn_near();
		assert_true(client_unread(near) > 0);
	}
	world_settle();
	world_clock(UNPAUSE_MS);
	assert_int_equal(unit_count(slow), 2);
}

/* A paused client that goes is not waited for. */
static void a_paused_sender_goes(void **state)
{
	(void)state;
	load_slow_home(SOFT_BYTES);
	send(near, MESSAGE, slow_jid);
	client_cut(near);
	world_settle();
	world_clock(UNPAUSE_MS);
	assert_int_equal(unit_count(slow), 1);
}

static void expect_refusal(struct client *client, const char *name)
{
	struct stanza *stanza = client_take(client);
	const struct xnode *error;

	assert_non_null(stanza);
	assert_true(bytes_is(stanza->name, name));
	assert_true(bytes_is(stanza->type, "error"));
	error = xnode_find(stanza_root(stanza), "error", NULL);
	assert_non_null(error);
	assert_bytes(xnode_attr(error, "type"), "wait");
	assert_non_null(xnode_find(error, "resource-constraint",
				   "urn:ietf:params:xml:ns:xmpp-stanzas"));
	stanza_unref(&stanza);
}

/* Each time the sender is paused after one; let go by hand to say the next. */
static void say_one(const char *format)
{
	struct shard *before = shard_enter(near_home);
	struct user *user = user_find(jid_bare(jid_of(near_jid)));

	send(near, format, slow_jid);
	stream_pause(user_session_next(user, NULL)->stream, false);
	turn_near();
	shard_enter(before);
}

static void hard_refuses_new_work_only(void **state)
{
	(void)state;
	load_slow_home(HARD_BYTES);
	say_one(MESSAGE);
	expect_refusal(near, "message");
	say_one(REQUEST);
	expect_refusal(near, "iq");
	say_one("<presence to='%s'/>");
	say_one("<iq to='%s' id='q' type='result'/>");
	say_one("<iq to='%s' id='q' type='error'/>");
	say_one("<message to='%s' type='error'/>");
	unit_expect_nothing(near);
	assert_true(has_load);
	world_settle();
	unit_expect(slow, "presence", NULL);
	unit_expect(slow, "iq", "result");
	unit_expect(slow, "iq", "error");
	unit_expect(slow, "message", "error");
	unit_expect_nothing(slow);
	/* and afterwards all is as before */
	world_clock(UNPAUSE_MS);
	send(near, MESSAGE, slow_jid);
	world_settle();
	unit_expect(slow, "message", NULL);
	unit_expect_nothing(near);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_pressure),
		TEST(soft_pauses_the_sender),
		TEST(the_pause_lasts_as_long_as_the_pressure),
		TEST(a_paused_sender_goes),
		TEST(hard_refuses_new_work_only),
	};

	world_register(&(struct world_options){
		.shards = 2, .mail_soft_bytes = SOFT_BYTES, .mail_hard_bytes = HARD_BYTES });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
