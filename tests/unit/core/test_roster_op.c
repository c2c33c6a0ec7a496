/* An administrator's look at, and changes of, an account's contacts. */
#include "unit.h"

#include "core/roster_op.h"

static struct {
	int status;
	unsigned rows;
	char first[256]; /* "jid name subscription" of the first row */
} answer;

static void answered(struct roster_op *op)
{
	const struct roster_row *row = op->rows;

	answer.status = op->status;
	answer.rows = 0;
	answer.first[0] = '\0';
	if (row != NULL && row->subscription != NULL)
		snprintf(answer.first, sizeof(answer.first), "%.*s %.*s %s%s%s",
			 BYTES_ARG(row->jid), BYTES_ARG(row->name), row->subscription,
			 row->is_asking ? " ask" : "", row->is_shared ? " shared" : "");
	for (; row != NULL; row = row->next)
		answer.rows++;
}

static int run(enum roster_op_verb verb, const char *jid, const char *contact, const char *name)
{
	struct roster_op *op =
		roster_op_new(verb, jid_of(jid), contact == NULL ? JID_NONE : jid_of(contact),
			      answered, NULL);

	answer.status = 1;
	if (name != NULL)
		op->name = op->group = arena_copy(&op->arena, bytes_of(name));
	roster_op_send(op);
	world_settle();
	assert_int_not_equal(answer.status, 1);
	return answer.status;
}

static int start(void **context)
{
	(void)context;
	world_start();
	world_open();
	world_add_account(BYTES_LIT("romeo@localhost"));
	world_add_account(BYTES_LIT("juliet@localhost"));
	return 0;
}

static int stop(void **context)
{
	(void)context;
	world_end();
	return 0;
}

static void put_and_remove(void **context)
{
	struct client *romeo = unit_login("romeo", "romeo@localhost/orchard");

	(void)context;
	client_send(romeo, BYTES_LIT("<iq type='get' id='r'><query "
				     "xmlns='jabber:iq:roster'/></iq>"));
	world_settle();
	unit_expect(romeo, "iq", "result");
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_int_equal(answer.rows, 0);
	assert_int_equal(run(ROSTER_OP_PUT, "romeo@localhost", "juliet@localhost", "J"), 0);
	unit_expect(romeo, "iq", "set");
	/* nothing new is nothing to push, and what is not said stays */
	assert_int_equal(run(ROSTER_OP_PUT, "romeo@localhost", "juliet@localhost", NULL), 0);
	assert_null(client_take(romeo));
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "juliet@localhost J none");
	assert_int_equal(run(ROSTER_OP_REMOVE, "romeo@localhost", "juliet@localhost", NULL), 0);
	unit_expect(romeo, "iq", "set");
	assert_int_equal(run(ROSTER_OP_REMOVE, "romeo@localhost", "juliet@localhost", NULL),
			 -ENOENT);
	client_free(&romeo);
}

/* In any order, also when one has asked already. */
static void befriend(void **context)
{
	(void)context;
	assert_int_equal(run(ROSTER_OP_BEFRIEND, "romeo@localhost", "juliet@localhost", NULL),
			 0);
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "juliet@localhost  none ask");
	assert_int_equal(run(ROSTER_OP_BEFRIEND, "juliet@localhost", "romeo@localhost", NULL),
			 0);
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "juliet@localhost  both");
	assert_int_equal(run(ROSTER_OP_LIST, "juliet@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "romeo@localhost  both");
	/* again: nothing breaks */
	assert_int_equal(run(ROSTER_OP_BEFRIEND, "romeo@localhost", "juliet@localhost", NULL),
			 0);
	assert_int_equal(run(ROSTER_OP_LIST, "juliet@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "romeo@localhost  both");
	assert_int_equal(run(ROSTER_OP_REMOVE, "juliet@localhost", "romeo@localhost", NULL), 0);
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "juliet@localhost  none");
}

static void shared(void **context)
{
	struct bytes domain = BYTES_LIT("localhost"), group = BYTES_LIT("g");

	(void)context;
	world_group_put(domain, group, BYTES_LIT("G"), false);
	world_group_member(domain, group, BYTES_LIT("romeo@localhost"), true);
	world_group_member(domain, group, BYTES_LIT("juliet@localhost"), true);
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@localhost", NULL, NULL), 0);
	assert_string_equal(answer.first, "juliet@localhost  both shared");
	assert_int_equal(run(ROSTER_OP_REMOVE, "romeo@localhost", "juliet@localhost", NULL),
			 -EPERM);
}

static void refusals(void **context)
{
	static char long_jid[ROSTER_JID_MAX + 32];

	(void)context;
	memset(long_jid, 'x', 1020);
	memcpy(long_jid + 1020, "@localhost", 10);
	assert_int_equal(run(ROSTER_OP_LIST, "nobody@localhost", NULL, NULL), -ENOENT);
	assert_int_equal(run(ROSTER_OP_LIST, "romeo@elsewhere", NULL, NULL), -ENOENT);
	assert_int_equal(run(ROSTER_OP_PUT, "romeo@localhost", "romeo@localhost", NULL),
			 -EINVAL);
	assert_int_equal(run(ROSTER_OP_PUT, "romeo@localhost", long_jid, NULL), -EINVAL);
	assert_int_equal(run(ROSTER_OP_BLOCKED, "romeo@localhost", NULL, NULL), 0);
	assert_int_equal(answer.rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(put_and_remove, start, stop),
		cmocka_unit_test_setup_teardown(befriend, start, stop),
		cmocka_unit_test_setup_teardown(shared, start, stop),
		cmocka_unit_test_setup_teardown(refusals, start, stop),
	};

	world_register(&(struct world_options){ .shards = 4 });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
