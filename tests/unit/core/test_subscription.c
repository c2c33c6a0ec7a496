/*
 * RFC 6121 appendix A, each of its 72 cells: written down by section and state, as the appendix
 * lists them, and apart from core/subscription.def.
 */
#include "unit.h"

#include "core/subscription.h"

/* The order of section A.1. */
static const enum subscription order[SUBSCRIPTIONS] = {
	SUBSCRIPTION_NONE,	  SUBSCRIPTION_NONE_OUT, SUBSCRIPTION_NONE_IN,
	SUBSCRIPTION_NONE_OUT_IN, SUBSCRIPTION_TO,	 SUBSCRIPTION_TO_IN,
	SUBSCRIPTION_FROM,	  SUBSCRIPTION_FROM_OUT, SUBSCRIPTION_BOTH,
};

/* A.1: subscription and ask of a roster item, and what is pending. */
static const struct {
	const char *word;
	bool asks, has_request, is_listed;
} defined[SUBSCRIPTIONS] = {
	{ "none", false, false, true }, { "none", true, false, true },
	{ "none", false, true, false }, { "none", true, true, true },
	{ "to", false, false, true },	{ "to", false, true, true },
	{ "from", false, false, true }, { "from", true, false, true },
	{ "both", false, false, true },
};

/*
 * For each state in that order: may it pass (+ MUST, - MUST NOT, a: MUST NOT, but is answered),
 * and the new state by its number there, or '=' for no state change.
 */
static const struct {
	enum subscription_line line;
	enum subscription_stanza stanza;
	const char *section;
	const char *cells[SUBSCRIPTIONS];
} tables[] = {
	{ SUBSCRIPTION_LINE_OUT,
	  SUBSCRIPTION_STANZA_SUBSCRIBE,
	  "A.2.1",
	  { "+2", "+=", "+4", "+=", "+=", "+=", "+8", "+=", "+=" } },
	{ SUBSCRIPTION_LINE_OUT,
	  SUBSCRIPTION_STANZA_UNSUBSCRIBE,
	  "A.2.2",
	  { "+=", "+1", "+=", "+3", "+1", "+3", "+=", "+7", "+7" } },
	{ SUBSCRIPTION_LINE_OUT,
	  SUBSCRIPTION_STANZA_SUBSCRIBED,
	  "A.2.3",
	  { "-=", "-=", "+7", "+8", "-=", "+9", "-=", "-=", "-=" } },
	{ SUBSCRIPTION_LINE_OUT,
	  SUBSCRIPTION_STANZA_UNSUBSCRIBED,
	  "A.2.4",
	  { "-=", "-=", "+1", "+2", "-=", "+5", "+1", "+2", "+5" } },
	{ SUBSCRIPTION_LINE_IN,
	  SUBSCRIPTION_STANZA_SUBSCRIBE,
	  "A.3.1",
	  { "+3", "+4", "-=", "-=", "+6", "-=", "a=", "a=", "a=" } },
	{ SUBSCRIPTION_LINE_IN,
	  SUBSCRIPTION_STANZA_UNSUBSCRIBE,
	  "A.3.2",
	  { "-=", "-=", "+1", "+2", "-=", "+5", "+1", "+2", "+5" } },
	{ SUBSCRIPTION_LINE_IN,
	  SUBSCRIPTION_STANZA_SUBSCRIBED,
	  "A.3.3",
	  { "-=", "+5", "-=", "+6", "-=", "-=", "-=", "+9", "-=" } },
	{ SUBSCRIPTION_LINE_IN,
	  SUBSCRIPTION_STANZA_UNSUBSCRIBED,
	  "A.3.4",
	  { "-=", "+1", "-=", "+3", "+1", "+3", "-=", "+7", "+7" } },
};

static void check_cell(unsigned table, unsigned state)
{
	const char *cell = tables[table].cells[state];
	struct subscription_move move =
		subscription_move(tables[table].line, tables[table].stanza, order[state]);
	enum subscription next = cell[1] == '=' ? order[state] : order[cell[1] - '1'];
	enum subscription_pass pass = cell[0] == '+'   ? SUBSCRIPTION_PASS
				      : cell[0] == 'a' ? SUBSCRIPTION_REPLY
						       : SUBSCRIPTION_STOP;

	if (move.next != next || move.pass != pass)
		fail_msg("%s, state %u of A.1: got state %u, pass %u", tables[table].section,
			 state + 1, (unsigned)move.next + 1, (unsigned)move.pass);
}

static void every_cell(void **context)
{
	unsigned cells = 0;

	(void)context;
	for (unsigned table = 0; table < sizeof(tables) / sizeof(tables[0]); table++)
		for (unsigned state = 0; state < SUBSCRIPTIONS; state++, cells++)
			check_cell(table, state);
	assert_int_equal(cells, 72);
}

static void every_state(void **context)
{
	(void)context;
	for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
		const char *word = subscription_word(order[i]);
		assert_string_equal(word, defined[i].word);
		assert_int_equal(subscription_is_asking(order[i]), defined[i].asks);
		assert_int_equal(subscription_has_request(order[i]), defined[i].has_request);
		assert_int_equal(subscription_is_listed(order[i]), defined[i].is_listed);
		assert_int_equal(subscription_has_to(order[i]),
				 word[0] == 't' || word[0] == 'b');
		assert_int_equal(subscription_has_from(order[i]),
				 word[0] == 'f' || word[0] == 'b');
	}
}

static void stanzas(void **context)
{
	enum subscription_stanza stanza = SUBSCRIPTION_STANZAS;

	(void)context;
	assert_true(subscription_stanza_of(BYTES_LIT("subscribed"), &stanza));
	assert_int_equal(stanza, SUBSCRIPTION_STANZA_SUBSCRIBED);
	assert_true(subscription_stanza_of(BYTES_LIT("unsubscribe"), &stanza));
	assert_int_equal(stanza, SUBSCRIPTION_STANZA_UNSUBSCRIBE);
	assert_false(subscription_stanza_of(BYTES_LIT("unavailable"), &stanza));
	assert_false(subscription_stanza_of(BYTES_NONE, &stanza));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(every_state),
		cmocka_unit_test(stanzas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
