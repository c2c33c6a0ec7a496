/*
 * The embedded engine's logs against the memory engine's: the same random life of some owners on
 * both, with so little memory for the unindexed part that entries are written behind, replaced,
 * moved and removed all the time; restarts and months pass. Every answer must be equal.
 */
#include "base/clock.h"
#include "harness.h"
#include "io/shard.h"

static struct store_decl account = STORE_DECL("account_log", STORE_LOG, 1, "Messages.");
static struct store_decl room = STORE_DECL("room_log", STORE_LOG, 1, "Rooms.");
static struct store_decl map = STORE_DECL("map", STORE_MAP, 1, "A map.");

enum { ENGINES = 2, OWNERS = 6, ENTRIES_MAX = 8192, BURST_MAX = 12, MEMORY = 1 };

static const char *const owners[OWNERS] = {
	"alice@a.example", "bob@a.example",   "carol@a.example",
	"dave@b.example",  "erin@b.example.", "b.example",
};

struct known {
	uint64_t ids[ENGINES];
	const struct store_decl *decl;
	unsigned owner;
};

struct life {
	struct world *world;
	struct store *stores[ENGINES];
	unsigned seed;
	struct log_conversation records[ENGINES][OWNERS][OWNERS]; /* account_log's */
	struct known known[ENTRIES_MAX];
	unsigned known_count;
	unsigned text;
	/* Batches on their way. */
	int statuses[ENGINES][BURST_MAX];
	unsigned issued;
};

static unsigned draw(struct life *life, unsigned below)
{
	return (unsigned)rand_r(&life->seed) / 7 % below;
}

static void settle(struct life *life)
{
	for (unsigned i = 0; i < life->issued; i++) {
		turn_until(&life->statuses[0][i]);
		turn_until(&life->statuses[1][i]);
		assert_int_equal(life->statuses[0][i], 0);
		assert_int_equal(life->statuses[1][i], 0);
	}
	life->issued = 0;
}

static void issue(struct life *life, struct store_batch *batches[ENGINES])
{
	for (int e = 0; e < ENGINES; e++) {
		life->statuses[e][life->issued] = PENDING;
		store_commit(life->stores[e], &batches[e], note_status,
			     &life->statuses[e][life->issued]);
	}
	if (++life->issued == BURST_MAX)
		settle(life);
}

static void begin(struct life *life, unsigned owner, struct store_batch *ret_batches[ENGINES])
{
	for (int e = 0; e < ENGINES; e++)
		ret_batches[e] = store_batch_new(life->stores[e], bytes_of(owners[owner]));
}

static void know(struct life *life, const uint64_t ids[ENGINES], unsigned owner)
{
	struct known *known = &life->known[life->known_count++ % ENTRIES_MAX];

	*known = (struct known){ .decl = &account, .owner = owner };
	memcpy(known->ids, ids, sizeof(known->ids));
}

static const struct known *any(struct life *life)
{
	unsigned count = life->known_count < ENTRIES_MAX ? life->known_count : ENTRIES_MAX;

	return count ? &life->known[draw(life, count)] : NULL;
}

static struct log_entry draw_entry(struct life *life, char text[32])
{
	static const char *const origins[] = { "", "o1", "o2", "o3" };
	struct log_entry entry = {
		.kind = 1 + draw(life, 3),
		.flags = draw(life, 64),
		.retention = draw(life, 4) == 0,
		.origin_id = bytes_of(origins[draw(life, 4)]),
	};

	snprintf(text, 32, "text %u", life->text++);
	entry.bytes = bytes_of(text);
	return entry;
}

static void append_one(struct life *life, int e, struct store_batch *batch, unsigned owner,
		       unsigned other, struct log_entry entry, uint64_t *ret_id)
{
	static char peers[3][64];
	struct log_conversation *record = &life->records[e][owner][other];

	snprintf(peers[0], 64, "%s/desk", owners[other]);
	snprintf(peers[1], 64, "%s", owners[other]);
	snprintf(peers[2], 64, "elsewhere");
	record->name = bytes_of(owners[other]);
	entry.conversation = record->name;
	entry.peer = bytes_of(peers[entry.flags % 3]);
	log_append(batch, &account, record, &entry);
	*ret_id = entry.id;
}

/* Sometimes with something of another shape, and so another way to commit. */
static void send_message(struct life *life)
{
	unsigned from = draw(life, OWNERS), to = draw(life, OWNERS);
	bool is_mixed = draw(life, 8) == 0, has_two = from != to && draw(life, 4) > 0;
	struct store_batch *batches[ENGINES];
	uint64_t sent[ENGINES], received[ENGINES];
	char text[32];
	struct log_entry entry = draw_entry(life, text);
	struct log_entry copy = entry;

	if (draw(life, 5) == 0)
		copy.retention ^= 1;
	copy.flags = draw(life, 64);
	begin(life, from, batches);
	for (int e = 0; e < ENGINES; e++) {
		append_one(life, e, batches[e], from, to, entry, &sent[e]);
		if (is_mixed)
			store_put(batches[e], &map, BYTES_LIT("k"), bytes_of(text));
		if (!has_two)
			continue;
		store_batch_turn_to(batches[e], bytes_of(owners[to]));
		append_one(life, e, batches[e], to, from, copy, &received[e]);
	}
	know(life, sent, from);
	if (has_two)
		know(life, received, to);
	issue(life, batches);
}

static void display(struct life *life)
{
	unsigned owner = draw(life, OWNERS), other = draw(life, OWNERS);
	struct store_batch *batches[ENGINES];
	uint32_t unread = draw(life, 100);

	begin(life, owner, batches);
	for (int e = 0; e < ENGINES; e++) {
		struct log_conversation *record = &life->records[e][owner][other];

		record->name = bytes_of(owners[other]);
		record->unread = unread;
		record->mute_until_us = unread % 3 ? 0 : UINT64_MAX;
		log_put_conversation(batches[e], &account, record);
	}
	issue(life, batches);
}

static void amend(struct life *life)
{
	const struct known *known = any(life);
	struct store_batch *batches[ENGINES];
	char text[32];
	struct log_entry entry = draw_entry(life, text);
	bool has_append = draw(life, 2);
	uint64_t ids[ENGINES];

	if (!known)
		return;
	begin(life, known->owner, batches);
	for (int e = 0; e < ENGINES; e++) {
		struct log_entry change = entry;

		if (has_append)
			append_one(life, e, batches[e], known->owner, 0, entry, &ids[e]);
		change.id = known->ids[e];
		change.kind = ENTRY_TOMBSTONE;
		log_amend(batches[e], &account, &change);
	}
	if (has_append)
		know(life, ids, known->owner);
	issue(life, batches);
}

static void trim(struct life *life)
{
	const struct known *known = any(life);
	struct store_batch *batches[ENGINES];
	struct bytes conversation =
		draw(life, 2) ? bytes_of(owners[draw(life, OWNERS)]) : BYTES_NONE;

	if (!known)
		return;
	begin(life, known->owner, batches);
	for (int e = 0; e < ENGINES; e++)
		log_trim(batches[e], &account, conversation, known->ids[e]);
	issue(life, batches);
}

static void forget_records(struct life *life, const char *domain, unsigned owner)
{
	for (unsigned i = 0; i < OWNERS; i++) {
		struct bytes of = store_domain_of(bytes_of(owners[i]));

		if (domain ? !bytes_is(of, domain) : i != owner)
			continue;
		memset(life->records[0][i], 0, sizeof(life->records[0][i]));
		memset(life->records[1][i], 0, sizeof(life->records[1][i]));
	}
}

static void delete_some(struct life *life)
{
	unsigned owner = draw(life, OWNERS), how = draw(life, 5);
	struct store_batch *batches[ENGINES];

	begin(life, owner, batches);
	for (int e = 0; e < ENGINES; e++) {
		if (how == 0)
			store_delete_domain(batches[e], BYTES_LIT("a.example"));
		else if (how < 3)
			store_delete_owner(batches[e]);
		else
			store_del_all(batches[e], &account);
	}
	forget_records(life, how == 0 ? "a.example" : NULL, owner);
	/* Its order is the first owner's only: the others' batches must have come back. */
	if (how == 0)
		settle(life);
	issue(life, batches);
	if (how == 0)
		settle(life);
}

static void import(struct life *life)
{
	const struct known *known = any(life);
	struct store_batch *batches[ENGINES];
	char text[32];
	struct log_entry entry = draw_entry(life, text);
	uint64_t ids[ENGINES], offset = draw(life, 1 << 20);

	if (!known)
		return;
	begin(life, known->owner, batches);
	for (int e = 0; e < ENGINES; e++) {
		/* Next to a known one: the same place in both orders. */
		entry.id = ids[e] = known->ids[e] - (offset < 1 << 19 ? 0 : 1);
		entry.n = 4711;
		entry.conversation = bytes_of(owners[0]);
		entry.peer = bytes_of(owners[0]);
		log_import(batches[e], &account, &entry);
		life->records[e][known->owner][0].name = entry.conversation;
		log_put_conversation(batches[e], &account, &life->records[e][known->owner][0]);
	}
	know(life, ids, known->owner);
	issue(life, batches);
}

static void expire(struct life *life)
{
	uint32_t retention = draw(life, 2);
	uint32_t month = log_id_month(log_id_at(clock_real_us() / 1000)) - draw(life, 3);

	settle(life);
	for (int e = 0; e < ENGINES; e++) {
		int status = PENDING;

		log_expire(life->stores[e], retention, month, note_status, &status);
		turn_until(&status);
		assert_int_equal(status, 0);
	}
}

static void restart(struct life *life)
{
	settle(life);
	world_close(life->world);
	assert_int_equal(world_open(life->world), 0);
	life->stores[0] = life->world->store;
}

/* ---- answers ---- */

static struct log_query draw_query(struct life *life)
{
	struct log_query query = {
		.kinds = draw(life, 3) ? 0 : 2u << draw(life, 4),
		.flags = draw(life, 3) ? 0 : 1u << draw(life, 6),
		.limit = draw(life, 2) ? 0 : 1 + draw(life, 8),
		.is_backward = draw(life, 2),
		.wants_count = draw(life, 2),
	};

	if (draw(life, 2))
		query.conversation = bytes_of(owners[draw(life, OWNERS)]);
	if (draw(life, 5) == 0)
		query.peer = bytes_of("bob@a.example/desk");
	return query;
}

static void ask(struct life *life, int e, unsigned owner, struct log_query query,
		const struct known *after, const struct known *before,
		struct store_read **ret_read)
{
	struct store_read *read = store_read_new(life->stores[e], bytes_of(owners[owner]));
	uint64_t ids[3];
	size_t count = 0;
	int status;

	query.after_id = after ? after->ids[e] : 0;
	query.before_id = before ? before->ids[e] : 0;
	log_read_page(read, &account, &query);
	for (unsigned i = 0; i < 3 && i < life->known_count && i < ENTRIES_MAX; i++)
		ids[count++] = life->known[(life->known_count + i * 7) %
					   (life->known_count < ENTRIES_MAX ? life->known_count
									    : ENTRIES_MAX)]
				       .ids[e];
	log_read_ids(read, &account, ids, count);
	log_read_origin(read, &account, BYTES_LIT("o2"), query.peer, query.after_id);
	log_read_conversations(read, &account);
	log_read_conversation(read, &account, bytes_of(owners[1]));
	log_read_page(read, &room, &(struct log_query){ 0 });
	store_read_owners(read, BYTES_LIT("a.example"), BYTES_NONE, 0);
	store_read_each(read);
	*ret_read = read_wait(&read, &status);
	assert_int_equal(status, 0);
}

static void assert_same(struct bytes a, struct bytes b)
{
	if (!bytes_equal(a, b))
		print_error("%.*s, expected %.*s\n", BYTES_ARG(a), BYTES_ARG(b));
	assert_true(bytes_equal(a, b));
}

static void compare_entries(const struct log_entry *a, const struct log_entry *b)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_same(a->bytes, b->bytes);
		assert_int_equal(a->n, b->n);
		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->flags, b->flags);
		assert_int_equal(a->retention, b->retention);
		assert_same(a->peer, b->peer);
		assert_same(a->conversation, b->conversation);
		assert_same(a->origin_id, b->origin_id);
	}
	if (a || b)
		print_error("%s: %.*s\n", a ? "too many" : "missing",
			    BYTES_ARG((a ? a : b)->bytes));
	assert_ptr_equal(a, b);
}

static void compare_records(const struct log_conversation *a, const struct log_conversation *b)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_same(a->name, b->name);
		assert_int_equal(a->last_n, b->last_n);
		assert_int_equal(a->unread, b->unread);
		assert_true(a->mute_until_us == b->mute_until_us);
	}
	assert_ptr_equal(a, b);
}

static void compare_items(const struct store_item *a, const struct store_item *b)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_same(a->key, b->key);
		assert_same(a->value, b->value);
	}
	assert_ptr_equal(a, b);
}

static void compare(struct life *life)
{
	struct log_query query = draw_query(life);
	const struct known *after = draw(life, 3) ? NULL : any(life);
	const struct known *before = draw(life, 3) ? NULL : any(life);
	struct store_read *a, *b;
	unsigned owner = draw(life, OWNERS);

	if (draw(life, 2))
		settle(life);
	ask(life, 0, owner, query, after, before, &a);
	ask(life, 1, owner, query, after, before, &b);
	compare_entries(log_read_entries(a, 0), log_read_entries(b, 0));
	assert_int_equal(store_read_is_partial(a, 0), store_read_is_partial(b, 0));
	assert_int_equal(log_read_count(a, 0), log_read_count(b, 0));
	compare_entries(log_read_entries(a, 1), log_read_entries(b, 1));
	compare_entries(log_read_entries(a, 2), log_read_entries(b, 2));
	compare_records(log_read_records(a, 3), log_read_records(b, 3));
	compare_records(log_read_records(a, 4), log_read_records(b, 4));
	assert_null(log_read_entries(a, 5));
	/* Of other owners a read sees what has come back. */
	if (life->issued == 0)
		compare_items(store_read_items(a, 6), store_read_items(b, 6));
	compare_items(store_read_items(a, 7), store_read_items(b, 7));
	store_read_free(&a);
	store_read_free(&b);
}

static void live(struct life *life)
{
	unsigned what = draw(life, 1000);

	if (what < 700)
		send_message(life);
	else if (what < 780)
		display(life);
	else if (what < 880)
		amend(life);
	else if (what < 910)
		trim(life);
	else if (what < 925)
		delete_some(life);
	else if (what < 970)
		import(life);
	else if (what < 973)
		expire(life);
	else if (what < 980)
		restart(life);
	else if (what < 990)
		clock_fake_step_real_us(draw(life, 1000) * 600000000L);
	if (draw(life, 6) == 0)
		compare(life);
}

static void run(void **state, uint32_t memory_kib, unsigned seed, int steps)
{
	static struct life life;
	struct store_config config = { .engine = "memory" };
	struct err err;

	life = (struct life){ .world = *state, .seed = seed };
	clock_fake_start(1798000000000000);
	world_close(life.world);
	life.world->config.log_memory_kib = memory_kib;
	assert_int_equal(world_open(life.world), 0);
	life.stores[0] = life.world->store;
	assert_int_equal(store_open(&config, &life.stores[MEMORY], &err), 0);
	while (steps-- > 0)
		live(&life);
	settle(&life);
	for (int i = 0; i < 50; i++)
		compare(&life);
	store_close(&life.stores[MEMORY]);
	clock_fake_stop();
}

static void both_tell_the_same_with_little_memory(void **state)
{
	run(state, 1, 4711, 4000);
}

static void both_tell_the_same_with_some_memory(void **state)
{
	run(state, 64, 1234, 4000);
}

static void both_tell_the_same_with_much_memory(void **state)
{
	run(state, 16384, 99, 3000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(both_tell_the_same_with_little_memory),
		TEST_OF(both_tell_the_same_with_some_memory),
		TEST_OF(both_tell_the_same_with_much_memory),
	};

	harness_engine = "sqlite";
	store_register(&account);
	store_register(&room);
	store_register(&map);
	/* For long runs: the number of seeds. */
	if (argc > 1) {
		for (unsigned seed = 1; seed <= strtoul(argv[1], NULL, 10); seed++) {
			void *state;

			world_setup(&state);
			run(&state, seed % 3 ? seed % 40 : 16384, seed, 3000);
			world_teardown(&state);
		}
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
