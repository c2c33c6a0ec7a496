/*
 * kill -9 in every gap of what two homes do together leaves no lasting half (docs/architecture.md,
 * "Hand-over"): a child does it with the sqlite engine and dies after the k-th turn of a shard,
 * for every k, with what it had issued lost or committed; the next process hands over what is on
 * record, and then both rosters say the same.
 */
#include "unit.h"

#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "core/handover.h"
#include "core/place.h"
#include "core/roster.h"
#include "core/roster_code.h"
#include "store/open.h"

enum { SHARDS = 2, TURNS_MAX = 200 };

/* How the process ends. */
enum death {
	DEATH_AT_ONCE,	     /* what was issued in the last turn may be lost */
	DEATH_AFTER_COMMITS, /* all of it is on the disk, and nobody has heard so */
	DEATHS
};

struct trial {
	const char *request;	/* what romeo sends when the counting begins */
	const char *auto_words; /* roster.auto_subscribe */
	bool are_friends;	/* both at the beginning */
	unsigned turn;		/* the last one */
	enum death death;
	char dir[64];
};

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void open_world(const struct trial *trial, const char *auto_words)
{
	static bool is_registered;
	struct world_options options = { .shards = SHARDS, .data_dir = trial->dir };

	check(!is_registered);
	is_registered = true;
	world_register(&options);
	world_start();
	world_set_option(BYTES_LIT("localhost"), BYTES_LIT("roster.auto_subscribe"),
			 bytes_of(auto_words));
	world_open();
}

/* --- the process that dies ------------------------------------------------------------------ */

static void die(const struct trial *trial)
{
	struct store *store = world_store();

	if (trial->death == DEATH_AFTER_COMMITS)
		store_close(&store);
	raise(SIGKILL);
}

/* Turns one shard after the other until nothing is on its way, and dies on the way. */
static void turn_and_die(const struct trial *trial)
{
	struct shards *shards = world_shards();
	unsigned turns = 0, quiet = 0;

	for (unsigned i = 0; quiet < 2 * SHARDS; i = (i + 1) % SHARDS) {
		unsigned handled;
		shard_enter(shards->shards[i]);
		handled = shard_turn(0);
		while (handled == 0 && store_in_flight(world_store()) > 0)
			handled = shard_turn(10);
		quiet = handled == 0 ? quiet + 1 : 0;
		if (handled > 0 && turns++ == trial->turn)
			die(trial);
	}
}

static void befriend(struct client *romeo, struct client *juliet)
{
	client_send(romeo, BYTES_LIT("<presence to='juliet@localhost' type='subscribe'/>"));
	world_settle();
	client_send(juliet, BYTES_LIT("<presence to='romeo@localhost' type='subscribed'/>"
				      "<presence to='romeo@localhost' type='subscribe'/>"));
	world_settle();
	client_send(romeo, BYTES_LIT("<presence to='juliet@localhost' type='subscribed'/>"));
	world_settle();
}

/* Exit code 0: it was over before the turn to die in. */
static int live_and_die(const struct trial *trial)
{
	struct client *romeo, *juliet;

	open_world(trial, trial->auto_words);
	world_add_account(BYTES_LIT("romeo@localhost"));
	world_add_account(BYTES_LIT("juliet@localhost"));
	if (place_shard(jid_of("romeo@localhost")) == place_shard(jid_of("juliet@localhost")))
		return 2;
	romeo = unit_login("romeo", "romeo@localhost/orchard");
	juliet = unit_login("juliet", "juliet@localhost/balcony");
	client_send(romeo, BYTES_LIT("<presence/>"));
	client_send(juliet, BYTES_LIT("<presence/>"));
	if (trial->are_friends)
		befriend(romeo, juliet);
	world_settle();
	client_send(romeo, bytes_of(trial->request));
	turn_and_die(trial);
	return 0;
}

/* --- the process that comes after it --------------------------------------------------------- */

struct found {
	enum subscription state;
	unsigned records;
	bool is_there;
};

static void item_found(struct store_read *read, int status, void *context)
{
	struct found *found = context;
	const struct store_item *item = store_read_items(read, 0);
	struct roster_change change;
	uint64_t version;

	check(status == 0);
	found->is_there = true;
	if (item == NULL)
		return;
	check(roster_code_decode(item->key, item->value, &change, &version) == 0);
	found->state = change.state;
}

static void records_found(struct store_read *read, int status, void *context)
{
	struct found *found = context;

	check(status == 0);
	found->is_there = true;
	for (const struct store_item *item = store_read_items(read, 0); item != NULL;
	     item = item->next)
		found->records++;
}

static enum subscription state_of(const char *owner, const char *contact)
{
	struct found found = { .state = SUBSCRIPTION_NONE };

	shard_enter(world_shards()->shards[place_shard(jid_of(owner))]);
	store_get(world_store(), bytes_of(owner), &roster_store, bytes_of(contact), item_found,
		  &found);
	world_settle();
	check(found.is_there);
	return found.state;
}

static unsigned records_left(void)
{
	struct found found = { 0 };

	shard_enter(world_shards()->shards[0]);
	store_scan(world_store(), BYTES_LIT(""), &handover_store, BYTES_NONE, records_found,
		   &found);
	world_settle();
	check(found.is_there);
	return found.records;
}

/* What the other side of a whole subscription says. */
static const enum subscription others_word[SUBSCRIPTIONS] = {
	[SUBSCRIPTION_NONE] = SUBSCRIPTION_NONE,
	[SUBSCRIPTION_NONE_OUT] = SUBSCRIPTION_NONE_IN,
	[SUBSCRIPTION_NONE_IN] = SUBSCRIPTION_NONE_OUT,
	[SUBSCRIPTION_NONE_OUT_IN] = SUBSCRIPTION_NONE_OUT_IN,
	[SUBSCRIPTION_TO] = SUBSCRIPTION_FROM,
	[SUBSCRIPTION_TO_IN] = SUBSCRIPTION_FROM_OUT,
	[SUBSCRIPTION_FROM] = SUBSCRIPTION_TO,
	[SUBSCRIPTION_FROM_OUT] = SUBSCRIPTION_TO_IN,
	[SUBSCRIPTION_BOTH] = SUBSCRIPTION_BOTH,
};

/* What romeo's side is at the end if it had begun, and if it had not. */
static bool is_an_end(const struct trial *trial, enum subscription state)
{
	if (trial->are_friends)
		return state == SUBSCRIPTION_BOTH || state == SUBSCRIPTION_NONE;
	return state == SUBSCRIPTION_NONE || state == SUBSCRIPTION_BOTH ||
	       (strcmp(trial->auto_words, "off") == 0 && state == SUBSCRIPTION_NONE_OUT);
}

static int look(const struct trial *trial)
{
	enum subscription romeo, juliet;

	open_world(trial, trial->auto_words);
	handover_resume();
	world_settle();
	romeo = state_of("romeo@localhost", "juliet@localhost");
	juliet = state_of("juliet@localhost", "romeo@localhost");
	if (records_left() == 0 && juliet == others_word[romeo] && is_an_end(trial, romeo))
		return 0;
	fprintf(stderr, "turn %u, death %u: romeo %u, juliet %u, records %u\n", trial->turn,
		(unsigned)trial->death, (unsigned)romeo, (unsigned)juliet, records_left());
	return 1;
}

/* --- the trials ------------------------------------------------------------------------------ */

static int in_a_child(int (*run)(const struct trial *), const struct trial *trial)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(run(trial));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* True if the process died before it was done. The bucket key decides who lives where: until both
 * have a home of their own. */
static bool try_once(struct trial *trial)
{
	int end;

	do {
		snprintf(trial->dir, sizeof(trial->dir), "handover-XXXXXX");
		assert_non_null(mkdtemp(trial->dir));
		end = in_a_child(live_and_die, trial);
		if (end == 2)
			nftw(trial->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	} while (end == 2);
	assert_true(end == 0 || end == -SIGKILL);
	assert_int_equal(in_a_child(look, trial), 0);
	nftw(trial->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return end == -SIGKILL;
}

static void try_every_turn(struct trial trial)
{
	for (trial.death = DEATH_AT_ONCE; trial.death < DEATHS; trial.death++) {
		for (trial.turn = 0; try_once(&trial); trial.turn++)
			assert_true(trial.turn < TURNS_MAX);
		print_message("%u turns\n", trial.turn);
		assert_true(trial.turn > 4);
	}
}

static void a_request(void **context)
{
	(void)context;
	try_every_turn(
		(struct trial){ .request = "<presence to='juliet@localhost' type='subscribe'/>",
				.auto_words = "off" });
}

static void four_hand_overs(void **context)
{
	(void)context;
	try_every_turn(
		(struct trial){ .request = "<presence to='juliet@localhost' type='subscribe'/>",
				.auto_words = "local" });
}

static void a_removal(void **context)
{
	(void)context;
	try_every_turn((struct trial){
		.request = "<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item "
			   "jid='juliet@localhost' subscription='remove'/></query></iq>",
		.auto_words = "off",
		.are_friends = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request),
		cmocka_unit_test(four_hand_overs),
		cmocka_unit_test(a_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
