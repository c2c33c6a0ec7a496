/* An account in memory: loading, loading that fails, waiting in line, leaving. */
#include "unit.h"

#include "core/account.h"
#include "core/domain.h"
#include "core/place.h"
#include "core/shard_state.h"
#include "core/user.h"
#include "store/memory.h"

struct waiter {
	struct user_wait wait;
	unsigned number;
	bool has_run;
	int status;
};

static unsigned last_run;

static void waited(struct user_wait *wait, struct user *user, int status)
{
	struct waiter *waiter = container_of(wait, struct waiter, wait);

	(void)user;
	waiter->has_run = true;
	waiter->status = status;
	assert_true(waiter->number > last_run);
	last_run = waiter->number;
}

static struct waiter waiter_of(unsigned number)
{
	return (struct waiter){ .wait.run = waited, .number = number };
}

static int setup(void **state)
{
	(void)state;
	last_run = 0;
	world_start();
	world_set_option(BYTES_NONE, BYTES_LIT("roster.auto_subscribe"), BYTES_LIT("local"));
	world_open();
	world_add_account(BYTES_LIT("romeo@localhost"));
	shard_enter(world_shards()->shards[place_shard(jid_of("romeo@localhost"))]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_end();
	scratch_fini();
	return 0;
}

static struct user *wake(const char *jid)
{
	return user_wake(jid_of(jid), domain_find(BYTES_LIT("localhost")));
}

static void loads_and_leaves(void **state)
{
	struct waiter first = waiter_of(1), second = waiter_of(2);
	struct user *user = wake("romeo@localhost");

	(void)state;
	assert_ptr_equal(user, wake("romeo@localhost/orchard"));
	user_when_ready(user, &first.wait);
	user_when_ready(user, &second.wait);
	assert_false(first.has_run);
	world_settle();
	assert_true(first.has_run && second.has_run);
	assert_int_equal(first.status, 0);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
}

static void no_such_account(void **state)
{
	struct waiter first = waiter_of(1);

	(void)state;
	user_when_ready(wake("nobody@localhost"), &first.wait);
	world_settle();
	assert_int_equal(first.status, -ENOENT);
	assert_null(user_find(BYTES_LIT("nobody@localhost")));
}

static void an_unreadable_account(void **state)
{
	struct waiter first = waiter_of(1), second = waiter_of(2), third = waiter_of(3);

	(void)state;
	store_memory_fail_reads(world_store(), 1, -EIO);
	user_when_ready(wake("romeo@localhost"), &first.wait);
	user_when_ready(wake("romeo@localhost"), &second.wait);
	world_settle();
	assert_int_equal(first.status, -EIO);
	assert_int_equal(second.status, -EIO);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
	user_when_ready(wake("romeo@localhost"), &third.wait);
	world_settle();
	assert_int_equal(third.status, 0);
}

/* Something holds it in memory: who asks next makes it load again. */
static void an_unreadable_account_that_is_pinned(void **state)
{
	struct waiter first = waiter_of(1), second = waiter_of(2);
	struct user *user = wake("romeo@localhost");

	(void)state;
	user->pins++;
	store_memory_fail_reads(world_store(), 1, -EIO);
	user_when_ready(user, &first.wait);
	world_settle();
	assert_int_equal(first.status, -EIO);
	assert_int_equal(user->state, USER_BROKEN);
	user_when_ready(wake("romeo@localhost"), &second.wait);
	world_settle();
	assert_true(second.has_run);
	assert_int_equal(second.status, 0);
	user->pins--;
	user_release(user);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
}

/* What is in the store may be damaged: an error, never half an account. */
static void a_damaged_account(void **state)
{
	struct store_batch *batch = store_batch_new(core_store(), BYTES_LIT("romeo@localhost"));
	struct waiter first = waiter_of(1);

	(void)state;
	store_put(batch, &account_store, BYTES_NONE,
		  BYTES_LIT("hearth-account 1\ncreated x\n"));
	user_commit(wake("romeo@localhost"), &batch);
	world_settle();
	user_when_ready(wake("romeo@localhost"), &first.wait);
	world_settle();
	assert_true(first.has_run);
	assert_true(first.status < 0);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
}

/* A wait that ran at once was the last thing that held it. */
static void leaves_after_a_wait_at_once(void **state)
{
	struct waiter first = waiter_of(1), second = waiter_of(2);
	struct user *user = wake("romeo@localhost");

	(void)state;
	user->pins++;
	user_when_ready(user, &first.wait);
	world_settle();
	user->pins--;
	user_when_ready(user, &second.wait);
	assert_true(second.has_run);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
}

static void stays_while_a_commit_is_out(void **state)
{
	struct store_batch *batch = store_batch_new(core_store(), BYTES_LIT("romeo@localhost"));
	struct user *user = wake("romeo@localhost");

	(void)state;
	user->pins++;
	world_settle();
	store_memory_hold(world_store());
	user_commit(user, &batch);
	user->pins--;
	user_release(user);
	assert_ptr_equal(user_find(BYTES_LIT("romeo@localhost")), user);
	store_memory_resume(world_store());
	world_settle();
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
}

/* Deleted while something held it: the next one of that name does not inherit its state. */
static void a_deleted_account_is_forgotten(void **state)
{
	struct waiter first = waiter_of(1);
	struct user *user = wake("romeo@localhost");

	(void)state;
	user->pins++;
	world_settle();
	assert_int_equal(user->state, USER_READY);
	world_delete_account(BYTES_LIT("romeo@localhost"));
	assert_int_not_equal(user->state, USER_READY);
	world_add_account(BYTES_LIT("romeo@localhost"));
	user_when_ready(user, &first.wait);
	world_settle();
	assert_int_equal(first.status, 0);
	assert_int_equal(user->state, USER_READY);
	user->pins--;
	user_release(user);
}

/* What comes of a read that began before the account changed is not believed: neither what it
 * found nor that it failed. */
static void stale_while_loading(void **state)
{
	struct waiter first = waiter_of(1);
	struct user *user;

	(void)state;
	store_memory_fail_reads(world_store(), 1, -EIO);
	user = wake("romeo@localhost");
	user_when_ready(user, &first.wait);
	user_reload(user);
	assert_int_equal(user->state, USER_LOADING);
	world_settle();
	assert_true(first.has_run);
	assert_int_equal(first.status, 0);
}

static void ignore_commit(int status, uint64_t seq, void *context)
{
	(void)status;
	(void)seq;
	(void)context;
}

static void expect_from(struct client *client, const char *name, const char *from)
{
	struct stanza *stanza = client_take(client);

	assert_non_null(stanza);
	assert_true(bytes_is(stanza->name, name));
	assert_true(bytes_is(stanza->from, from));
	stanza_unref(&stanza);
}

/*
 * A device says its last words and goes while its account is being loaded again: they arrive,
 * and then whoever sees the account hears that it is gone, though only the roster knows who.
 */
static void leaves_while_loading(void **state)
{
	struct store_batch *batch = store_batch_new(core_store(), BYTES_LIT("romeo@localhost"));
	struct store_batch *behind =
		store_batch_new(core_store(), BYTES_LIT("romeo@localhost"));
	struct client *romeo, *juliet;
	struct user *user;

	(void)state;
	world_add_account(BYTES_LIT("juliet@localhost"));
	romeo = unit_login("romeo", "romeo@localhost/orchard");
	juliet = unit_login("juliet", "juliet@localhost/balcony");
	client_send(juliet, BYTES_LIT("<presence/>"));
	client_send(romeo, BYTES_LIT("<presence/>"));
	world_settle();
	client_send(juliet, BYTES_LIT("<presence to='romeo@localhost' type='subscribe'/>"));
	world_settle();
	unit_count(juliet);
	unit_count(romeo);

	user = user_find(BYTES_LIT("romeo@localhost"));
	/* the read that loads it again waits behind a write that is not the actor's */
	store_memory_hold(world_store());
	user_commit(user, &batch);
	store_commit(world_store(), &behind, ignore_commit, NULL);
	world_settle();
	store_memory_fail_commits(world_store(), 1, -EIO);
	assert_int_equal(store_memory_release(world_store(), 1), 1);
	world_settle();
	assert_int_equal(user->state, USER_LOADING);
	client_send(romeo, BYTES_LIT("<message to='juliet@localhost' id='last'/>"
				     "</stream:stream>"));
	world_settle();
	assert_true(client_is_closed(romeo));
	unit_expect_nothing(juliet);
	store_memory_resume(world_store());
	world_settle();
	expect_from(juliet, "message", "romeo@localhost/orchard");
	expect_from(juliet, "presence", "romeo@localhost/orchard");
	unit_expect_nothing(juliet);
	assert_null(user_find(BYTES_LIT("romeo@localhost")));
	client_free(&romeo);
	client_free(&juliet);
}

/* A device is cut while its account is being loaded for it: whoever else binds is served. */
static void cut_while_binding(void **state)
{
	struct store_batch *batch = store_batch_new(core_store(), BYTES_LIT("romeo@localhost"));
	struct client *lost = client_new(BYTES_LIT("lost"), BYTES_LIT("romeo@localhost/r"));
	struct client *romeo = client_new(BYTES_LIT("romeo"), BYTES_LIT("romeo@localhost/r"));
	const char *at;

	(void)state;
	assert_true(client_authenticate(lost, &at));
	assert_true(client_authenticate(romeo, &at));
	/* the read that loads it waits behind this one */
	store_memory_hold(world_store());
	store_commit(world_store(), &batch, ignore_commit, NULL);
	client_ask_bind(romeo);
	world_settle();
	client_ask_bind(lost);
	world_settle();
	client_cut(lost);
	world_settle();
	store_memory_resume(world_store());
	world_settle();
	unit_expect(romeo, "iq", "result");
	assert_int_equal(user_find(BYTES_LIT("romeo@localhost"))->session_count, 1);
	assert_false(client_is_closed(romeo));
	client_free(&lost);
	client_free(&romeo);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(loads_and_leaves),
		TEST(no_such_account),
		TEST(an_unreadable_account),
		TEST(an_unreadable_account_that_is_pinned),
		TEST(a_damaged_account),
		TEST(leaves_after_a_wait_at_once),
		TEST(stays_while_a_commit_is_out),
		TEST(a_deleted_account_is_forgotten),
		TEST(stale_while_loading),
		TEST(leaves_while_loading),
		TEST(cut_while_binding),
	};

	world_register(&(struct world_options){ .shards = 2 });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
