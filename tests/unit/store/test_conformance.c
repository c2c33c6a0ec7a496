/* What docs, maps, batches and reads mean, on the engine that the first argument names. */
#include "harness.h"

static struct store_decl card = STORE_DECL("card", STORE_DOC, 1, "Cards.");
static struct store_decl roster = STORE_DECL("roster", STORE_MAP, 1, "Rosters.");
static struct store_decl other = STORE_DECL("other", STORE_MAP, 3, "Others.");

static const char alice[] = "alice@example.org";
static const char bob[] = "bob@example.org";

static void doc_is_put_replaced_and_deleted(void **state)
{
	struct world *world = *state;
	struct store_batch *batch;

	assert_null(get(world, alice, &card, NULL));
	put(world, alice, &card, NULL, "first");
	put(world, bob, &card, NULL, "another's");
	put(world, alice, &card, NULL, "second");
	assert_string_equal(get(world, alice, &card, NULL), "second");
	assert_string_equal(get(world, bob, &card, NULL), "another's");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_del(batch, &card, BYTES_NONE);
	assert_int_equal(commit(world, &batch), 0);
	assert_null(get(world, alice, &card, NULL));
	assert_string_equal(get(world, bob, &card, NULL), "another's");
}

static void empty_value_is_not_absent(void **state)
{
	struct world *world = *state;

	put(world, alice, &card, NULL, "");
	assert_string_equal(get(world, alice, &card, NULL), "");
	put(world, "", &card, NULL, "the server's");
	assert_string_equal(get(world, "", &card, NULL), "the server's");
	put(world, alice, &roster, "", "empty key");
	assert_string_equal(get(world, alice, &roster, ""), "empty key");
}

static void scan_is_ordered_and_bounded(void **state)
{
	struct world *world = *state;

	put(world, alice, &roster, "b1", "");
	put(world, alice, &roster, "c", "");
	put(world, alice, &roster, "a", "");
	put(world, alice, &roster, "b", "");
	put(world, alice, &roster, "b\xff", "");
	put(world, alice, &roster, "\xff\xff", "");
	put(world, bob, &roster, "bb", "");
	put(world, alice, &other, "bbb", "");
	assert_string_equal(scan(world, alice, &roster, NULL, NULL, 0),
			    "a b b1 b\xff c \xff\xff");
	assert_string_equal(scan(world, alice, &roster, "b", NULL, 0), "b b1 b\xff");
	assert_string_equal(scan(world, alice, &roster, "\xff", NULL, 0), "\xff\xff");
	assert_string_equal(scan(world, alice, &roster, "b\xff", NULL, 0), "b\xff");
	assert_string_equal(scan(world, alice, &roster, "b", "b", 0), "b1 b\xff");
	assert_string_equal(scan(world, alice, &roster, "b", "a", 0), "b b1 b\xff");
	assert_string_equal(scan(world, alice, &roster, "b", "c", 0), "");
	assert_string_equal(scan(world, alice, &roster, NULL, NULL, 2), "a b…");
	assert_string_equal(scan(world, alice, &roster, NULL, "b", 3), "b1 b\xff c…");
	assert_string_equal(scan(world, alice, &roster, NULL, "c", 1), "\xff\xff");
	assert_string_equal(scan(world, alice, &roster, "x", NULL, 1), "");
}

static void keys_and_values_are_any_bytes(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	const struct bytes key = BYTES_LIT("k\0\1\xfe"), value = BYTES_LIT("\0v\0");
	int status;

	store_put(batch, &roster, key, value);
	assert_int_equal(commit(world, &batch), 0);
	store_read_get(read, &roster, key);
	store_read_get(read, &roster, BYTES_LIT("k"));
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	assert_true(bytes_equal(store_read_value(read, 0), value));
	assert_null(store_read_value(read, 1).ptr);
	store_read_free(&read);
}

static void one_read_loads_a_user(void **state)
{
	struct world *world = *state;
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	int status;

	put(world, alice, &card, NULL, "card");
	put(world, alice, &roster, "x", "1");
	put(world, alice, &roster, "y", "2");
	assert_int_equal(store_read_get(read, &card, BYTES_NONE), 0);
	assert_int_equal(store_read_scan(read, &roster, BYTES_NONE, BYTES_NONE, 0), 1);
	assert_int_equal(store_read_get(read, &other, BYTES_LIT("x")), 2);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	assert_bytes(store_read_value(read, 0), "card");
	assert_bytes(store_read_items(read, 1)->key, "x");
	assert_bytes(store_read_items(read, 1)->next->value, "2");
	assert_null(store_read_items(read, 1)->next->next);
	assert_null(store_read_items(read, 2));
	store_read_free(&read);
}

struct order {
	int next;
	int failed;
	uint64_t last_seq;
};

static void in_order(int status, uint64_t seq, void *context)
{
	struct order *order = context;

	assert_true(seq > order->last_seq);
	order->last_seq = seq;
	order->failed += status < 0;
	order->next++;
}

static void batches_of_an_owner_complete_in_order(void **state)
{
	struct world *world = *state;
	struct order order = { 0 };
	uint64_t before = 0;

	for (int i = 0; i < 100; i++) {
		struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
		char value[8];
		uint64_t seq;

		snprintf(value, sizeof(value), "%d", i);
		store_put(batch, &card, BYTES_NONE, bytes_of(value));
		seq = store_commit(world->store, &batch, in_order, &order);
		assert_true(seq > before);
		before = seq;
	}
	assert_int_equal(order.next, 0);
	assert_int_equal(store_in_flight(world->store), 100);
	assert_string_equal(get(world, alice, &card, NULL), "99");
	assert_int_equal(order.next, 100);
	assert_int_equal(order.failed, 0);
	assert_int_equal(order.last_seq, before);
	assert_int_equal(store_in_flight(world->store), 0);
}

static void a_batch_is_atomic(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));

	put(world, alice, &roster, "taken", "old");
	put(world, alice, &roster, "kept", "old");
	store_put(batch, &roster, BYTES_LIT("a"), BYTES_LIT("1"));
	store_del(batch, &roster, BYTES_LIT("kept"));
	store_put_new(batch, &roster, BYTES_LIT("taken"), BYTES_LIT("new"));
	store_put(batch, &card, BYTES_NONE, BYTES_LIT("x"));
	assert_int_equal(store_batch_count(batch), 4);
	assert_int_equal(commit(world, &batch), -EEXIST);
	assert_string_equal(scan(world, alice, &roster, NULL, NULL, 0), "kept taken");
	assert_string_equal(get(world, alice, &roster, "taken"), "old");
	assert_null(get(world, alice, &card, NULL));
}

static void put_new_looks_at_its_own_batch(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));

	put(world, alice, &roster, "a", "old");
	store_del(batch, &roster, BYTES_LIT("a"));
	store_put_new(batch, &roster, BYTES_LIT("a"), BYTES_LIT("new"));
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(get(world, alice, &roster, "a"), "new");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_put_new(batch, &roster, BYTES_LIT("b"), BYTES_LIT("1"));
	store_put_new(batch, &roster, BYTES_LIT("b"), BYTES_LIT("2"));
	assert_int_equal(commit(world, &batch), -EEXIST);
	assert_null(get(world, alice, &roster, "b"));
}

static void commit_put(struct world *world, const char *owner, const char *key, bool is_new,
		       int *status)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));

	*status = PENDING;
	if (is_new)
		store_put_new(batch, &roster, bytes_of(key), BYTES_LIT("v"));
	else
		store_put(batch, &roster, bytes_of(key), BYTES_LIT("v"));
	store_commit(world->store, &batch, note_status, status);
}

static void a_failure_cancels_what_its_owner_has_in_flight(void **state)
{
	struct world *world = *state;
	int first, bad, after, others, later;

	put(world, alice, &roster, "taken", "");
	commit_put(world, alice, "first", false, &first);
	commit_put(world, alice, "taken", true, &bad);
	commit_put(world, bob, "others", false, &others);
	commit_put(world, alice, "after", false, &after);
	turn_until(&after);
	turn_until(&others);
	assert_int_equal(first, 0);
	assert_int_equal(bad, -EEXIST);
	assert_int_equal(after, -ECANCELED);
	assert_int_equal(others, 0);
	commit_put(world, alice, "later", false, &later);
	turn_until(&later);
	assert_int_equal(later, 0);
	assert_string_equal(scan(world, alice, &roster, NULL, NULL, 0), "first later taken");
	assert_string_equal(scan(world, bob, &roster, NULL, NULL, 0), "others");
}

static void a_value_too_large_fails_alone(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	size_t len = STORE_VALUE_BYTES_MAX + 1;
	char *large = calloc(1, len);
	int others, status = PENDING;

	store_put(batch, &card, BYTES_NONE, bytes_make(large, len));
	store_commit(world->store, &batch, note_status, &status);
	commit_put(world, bob, "others", false, &others);
	turn_until(&others);
	turn_until(&status);
	assert_int_equal(status, -EMSGSIZE);
	assert_int_equal(others, 0);
	batch = store_batch_new(world->store, bytes_of(alice));
	store_put(batch, &card, BYTES_NONE, bytes_make(large, len - 1));
	assert_int_equal(commit(world, &batch), 0);
	free(large);
}

static void an_empty_batch_completes_in_its_turn(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	int first, empty = PENDING;

	commit_put(world, alice, "first", false, &first);
	store_commit(world->store, &batch, note_status, &empty);
	turn_until(&empty);
	assert_int_equal(first, 0);
	assert_int_equal(empty, 0);
}

static void an_unwanted_batch_or_read_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct store_read *read = store_read_new(world->store, bytes_of(alice));

	store_put(batch, &roster, BYTES_LIT("a"), BYTES_LIT("v"));
	store_batch_free(&batch);
	assert_null(batch);
	store_batch_free(&batch);
	store_read_get(read, &roster, BYTES_LIT("a"));
	store_read_free(&read);
	store_read_free(&read);
	assert_null(get(world, alice, &roster, "a"));
}

static void put_everywhere(struct world *world, const char *owner)
{
	put(world, owner, &card, NULL, "c");
	put(world, owner, &roster, "r", "r");
	put(world, owner, &other, "o", "o");
}

static bool has_nothing(struct world *world, const char *owner)
{
	return !get(world, owner, &card, NULL) && !get(world, owner, &roster, "r") &&
	       !get(world, owner, &other, "o");
}

static void an_owner_goes_whole(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));

	put_everywhere(world, alice);
	put_everywhere(world, "alice2@example.org");
	put_everywhere(world, "example.org");
	store_delete_owner(batch);
	store_put(batch, &other, BYTES_LIT("new"), BYTES_LIT("n"));
	assert_int_equal(commit(world, &batch), 0);
	assert_true(has_nothing(world, alice));
	assert_string_equal(get(world, alice, &other, "new"), "n");
	assert_false(has_nothing(world, "alice2@example.org"));
	assert_false(has_nothing(world, "example.org"));
}

static void a_domain_goes_whole(void **state)
{
	static const char *const gone[] = { "example.org", alice, bob, "z@example.org" };
	static const char *const kept[] = { "",
					    "example.orgx",
					    "example.or",
					    "a@example.orgx",
					    "example.org@example.net",
					    "a@sub.example.org" };
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, BYTES_LIT("example.org"));

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		put_everywhere(world, gone[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		put_everywhere(world, kept[i]);
	store_delete_domain(batch, BYTES_LIT("example.org"));
	assert_int_equal(commit(world, &batch), 0);
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		assert_true(has_nothing(world, gone[i]));
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		assert_false(has_nothing(world, kept[i]));
}

static void a_store_of_an_owner_goes_whole(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));

	put_everywhere(world, alice);
	put_everywhere(world, bob);
	put(world, alice, &roster, "s", "");
	store_del_all(batch, &roster);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(scan(world, alice, &roster, NULL, NULL, 0), "");
	assert_string_equal(get(world, alice, &other, "o"), "o");
	assert_string_equal(scan(world, bob, &roster, NULL, NULL, 0), "r");
}

static const char *owners(struct world *world, const char *domain, const char *after,
			  uint32_t limit)
{
	static char names[512];
	struct store_read *read = store_read_new(world->store, BYTES_NONE);
	const struct store_item *item;
	size_t len = 0;
	int status;

	store_read_owners(read, bytes_of(domain), bytes_of(after), limit);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	names[0] = '\0';
	for (item = store_read_items(read, 0); item; item = item->next)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.*s",
					len ? " " : "", BYTES_ARG(item->key));
	if (store_read_is_partial(read, 0))
		snprintf(names + len, sizeof(names) - len, "…");
	store_read_free(&read);
	return names;
}

static void owners_are_listed_by_domain(void **state)
{
	struct world *world = *state;

	put_everywhere(world, "b@d");
	put_everywhere(world, "a!@d");
	put_everywhere(world, "a@d");
	put_everywhere(world, "d");
	put_everywhere(world, "");
	put_everywhere(world, "a@dd");
	assert_string_equal(owners(world, "d", NULL, 0), "d a@d a!@d b@d");
	assert_string_equal(owners(world, "d", NULL, 2), "d a@d…");
	assert_string_equal(owners(world, "d", "a@d", 2), "a!@d b@d");
	assert_string_equal(owners(world, "d", "d", 1), "a@d…");
	assert_string_equal(owners(world, "none", NULL, 0), "");
	assert_string_equal(owners(world, "", NULL, 0), "");
}

static void an_owner_is_exported_whole(void **state)
{
	struct world *world = *state;
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	unsigned seen = 0;
	int status;

	put_everywhere(world, alice);
	put_everywhere(world, bob);
	store_read_each(read);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	for (const struct store_item *item = store_read_items(read, 0); item;
	     item = item->next) {
		assert_non_null(item->decl);
		assert_int_equal(seen & 1u << item->decl->index, 0);
		seen |= 1u << item->decl->index;
	}
	assert_int_equal(seen, 1u << card.index | 1u << roster.index | 1u << other.index);
	store_read_free(&read);
}

static void the_backlog_is_bounded(void **state)
{
	struct world *world = *state;
	int first = PENDING, second = PENDING, later = PENDING;
	struct store_batch *batch;
	char *large = calloc(1, 65536);

	world_close(world);
	world->config.backlog_bytes = 65536;
	assert_int_equal(world_open(world), 0);
	batch = store_batch_new(world->store, bytes_of(alice));
	assert_int_equal(store_pressure(world->store), STORE_PRESSURE_NONE);
	store_put(batch, &card, BYTES_NONE, bytes_make(large, 20000));
	store_commit(world->store, &batch, note_status, &first);
	assert_int_equal(store_pressure(world->store), STORE_PRESSURE_SOFT);
	batch = store_batch_new(world->store, bytes_of(bob));
	store_put(batch, &card, BYTES_NONE, bytes_make(large, 65536));
	store_commit(world->store, &batch, note_status, &second);
	assert_int_equal(store_pressure(world->store), STORE_PRESSURE_HARD);
	commit_put(world, "carol@example.org", "k", false, &later);
	turn_until(&first);
	turn_until(&second);
	turn_until(&later);
	assert_int_equal(first, 0);
	assert_int_equal(second, 0);
	assert_int_equal(later, -ENOBUFS);
	assert_int_equal(store_pressure(world->store), STORE_PRESSURE_NONE);
	free(large);
}

static void noted_read(struct store_read *read, int status, void *context)
{
	int *place = context;

	assert_int_equal(status, 0);
	assert_bytes(store_read_value(read, 0), "v");
	*place = 0;
}

static void get_and_scan_are_reads_of_one_part(void **state)
{
	struct world *world = *state;
	int got = PENDING, scanned = PENDING, written;

	commit_put(world, alice, "k", false, &written);
	store_get(world->store, bytes_of(alice), &roster, BYTES_LIT("k"), noted_read, &got);
	store_scan(world->store, bytes_of(alice), &roster, BYTES_LIT("k"), noted_read,
		   &scanned);
	assert_int_equal(written, PENDING);
	turn_until(&got);
	turn_until(&scanned);
	assert_int_equal(written, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(doc_is_put_replaced_and_deleted),
		TEST_OF(empty_value_is_not_absent),
		TEST_OF(scan_is_ordered_and_bounded),
		TEST_OF(keys_and_values_are_any_bytes),
		TEST_OF(one_read_loads_a_user),
		TEST_OF(batches_of_an_owner_complete_in_order),
		TEST_OF(a_batch_is_atomic),
		TEST_OF(put_new_looks_at_its_own_batch),
		TEST_OF(a_failure_cancels_what_its_owner_has_in_flight),
		TEST_OF(a_value_too_large_fails_alone),
		TEST_OF(an_empty_batch_completes_in_its_turn),
		TEST_OF(an_unwanted_batch_or_read_leaves_nothing),
		TEST_OF(an_owner_goes_whole),
		TEST_OF(a_domain_goes_whole),
		TEST_OF(a_store_of_an_owner_goes_whole),
		TEST_OF(owners_are_listed_by_domain),
		TEST_OF(an_owner_is_exported_whole),
		TEST_OF(the_backlog_is_bounded),
		TEST_OF(get_and_scan_are_reads_of_one_part),
	};

	harness_engine = argc > 1 ? argv[1] : "memory";
	store_register(&card);
	store_register(&roster);
	store_register(&other);
	return cmocka_run_group_tests_name(harness_engine, tests, NULL, NULL);
}
