/*
 * What logs mean, on the engine that the first argument names. An engine that does not offer
 * the shape says so, and refuses to open with a log declared: then that is what is tested.
 */
#include "base/clock.h"
#include "harness.h"
#include "io/shard.h"

static struct store_decl account = STORE_DECL("account_log", STORE_LOG, 1, "Messages.");
static struct store_decl map = STORE_DECL("log_map", STORE_MAP, 1, "A map.");
static struct store_decl room = STORE_DECL("room_log", STORE_LOG, 1, "Rooms.");

static const char alice[] = "alice@example.org";
static const char bob[] = "bob@example.org";

static uint64_t append(struct world *world, const char *owner,
		       struct log_conversation *conversation, struct log_entry entry)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));

	entry.conversation = conversation->name;
	if (!entry.peer.ptr)
		entry.peer = conversation->name;
	if (entry.kind == 0)
		entry.kind = ENTRY_MESSAGE;
	log_append(batch, &account, conversation, &entry);
	assert_int_equal(entry.n, conversation->last_n);
	assert_int_equal(entry.id, conversation->last_id);
	assert_int_equal(commit(world, &batch), 0);
	return entry.id;
}

static uint64_t say(struct world *world, struct log_conversation *conversation,
		    const char *text)
{
	return append(world, alice, conversation,
		      (struct log_entry){ .bytes = bytes_of(text),
					  .flags = ENTRY_IN_ARCHIVE | ENTRY_COUNTS_UNREAD });
}

static const char *texts_of(const struct log_entry *entry, bool is_partial)
{
	static char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (; entry; entry = entry->next)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s",
					len ? " " : "", BYTES_ARG(entry->bytes));
	if (is_partial)
		snprintf(text + len, sizeof(text) - len, "…");
	return text;
}

static const char *page(struct world *world, const char *owner, struct log_query query,
			uint64_t *ret_count)
{
	struct store_read *read = store_read_new(world->store, bytes_of(owner));
	const char *text;
	int status;

	log_read_page(read, &account, &query);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	text = texts_of(log_read_entries(read, 0), store_read_is_partial(read, 0));
	if (ret_count)
		*ret_count = log_read_count(read, 0);
	store_read_free(&read);
	return text;
}

static struct log_conversation conversation_with(const char *name)
{
	return (struct log_conversation){ .name = bytes_of(name) };
}

static void entries_are_paged_by_id(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	uint64_t id[6], count;

	for (int i = 1; i <= 5; i++)
		id[i] = say(world, &with_bob, (char[]){ (char)('0' + i), '\0' });
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2 3 4 5");
	assert_string_equal(page(world, alice, (struct log_query){ .limit = 2 }, NULL), "1 2…");
	assert_string_equal(
		page(world, alice, (struct log_query){ .limit = 2, .is_backward = true }, NULL),
		"4 5…");
	assert_string_equal(
		page(world, alice, (struct log_query){ .after_id = id[2], .limit = 2 }, NULL),
		"3 4…");
	assert_string_equal(page(world, alice,
				 (struct log_query){ .before_id = id[4],
						     .limit = 2,
						     .is_backward = true,
						     .wants_count = true },
				 &count),
			    "2 3…");
	assert_int_equal(count, 3);
	assert_string_equal(page(world, alice,
				 (struct log_query){ .after_id = id[1], .before_id = id[3] },
				 &count),
			    "2");
	assert_int_equal(count, 0);
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "");
}

static void entries_are_chosen_by_what_they_are(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation with_carol = conversation_with("carol@example.org");
	const struct bytes phone = BYTES_LIT("bob@example.org/phone");

	say(world, &with_bob, "b1");
	say(world, &with_carol, "c1");
	append(world, alice, &with_bob,
	       (struct log_entry){ .bytes = BYTES_LIT("seen"), .kind = ENTRY_MARKER });
	append(world, alice, &with_bob,
	       (struct log_entry){ .bytes = BYTES_LIT("b2"), .peer = phone, .time_us = 5000 });
	assert_string_equal(
		page(world, alice, (struct log_query){ .conversation = bytes_of(bob) }, NULL),
		"b1 seen b2");
	assert_string_equal(page(world, alice, (struct log_query){ .peer = phone }, NULL),
			    "b2");
	assert_string_equal(
		page(world, alice, (struct log_query){ .kinds = 1u << ENTRY_MESSAGE }, NULL),
		"b1 c1 b2");
	assert_string_equal(
		page(world, alice, (struct log_query){ .flags = ENTRY_IN_ARCHIVE }, NULL),
		"b1 c1");
	assert_string_equal(page(world, alice,
				 (struct log_query){ .start_us = 5000, .end_us = 5000 }, NULL),
			    "b2");
	assert_string_equal(page(world, alice, (struct log_query){ .start_us = 5001 }, NULL),
			    "b1 c1 seen");
	assert_string_equal(page(world, alice, (struct log_query){ .end_us = 4999 }, NULL), "");
}

static void n_is_dense_per_owner_and_conversation(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation with_carol = conversation_with("carol@example.org");
	struct log_conversation of_bob = conversation_with(alice);
	struct log_conversation stale;
	struct log_entry entry = { .kind = ENTRY_MESSAGE, .conversation = bytes_of(bob) };
	struct store_batch *batch;

	say(world, &with_bob, "1");
	say(world, &with_carol, "1");
	stale = with_bob;
	say(world, &with_bob, "2");
	append(world, bob, &of_bob, (struct log_entry){ .bytes = BYTES_LIT("1") });
	assert_int_equal(with_bob.last_n, 2);
	assert_int_equal(with_carol.last_n, 1);
	assert_int_equal(of_bob.last_n, 1);
	batch = store_batch_new(world->store, bytes_of(alice));
	log_append(batch, &account, &stale, &entry);
	assert_int_equal(commit(world, &batch), -ESTALE);
	assert_string_equal(
		page(world, alice, (struct log_query){ .conversation = bytes_of(bob) }, NULL),
		"1 2");
}

static void several_appends_of_one_batch(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct log_conversation with_bob = conversation_with(bob);
	struct log_entry one = { .kind = ENTRY_MESSAGE,
				 .conversation = bytes_of(bob),
				 .bytes = BYTES_LIT("1") };
	struct log_entry two = one;

	two.bytes = BYTES_LIT("2");
	log_append(batch, &account, &with_bob, &one);
	log_append(batch, &account, &with_bob, &two);
	assert_int_equal(commit(world, &batch), 0);
	assert_true(two.id > one.id);
	assert_int_equal(two.n, 2);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2");
}

static struct store_read *records(struct world *world, const char *name)
{
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	int status;

	if (name)
		log_read_conversation(read, &account, bytes_of(name));
	else
		log_read_conversations(read, &account);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	return read;
}

static void the_record_is_written_in_the_same_commit(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation with_carol = conversation_with("carol@example.org");
	const struct log_conversation *record;
	struct store_read *read;

	say(world, &with_bob, "1");
	say(world, &with_bob, "2");
	append(world, alice, &with_bob, (struct log_entry){ .flags = ENTRY_OUTGOING });
	say(world, &with_carol, "1");
	read = records(world, bob);
	record = log_read_records(read, 0);
	assert_bytes(record->name, bob);
	assert_int_equal(record->last_n, 3);
	assert_int_equal(record->last_id, with_bob.last_id);
	assert_int_equal(record->unread, 2);
	assert_int_equal(record->displayed_id, 0);
	assert_null(record->next);
	store_read_free(&read);
	read = records(world, NULL);
	record = log_read_records(read, 0);
	assert_bytes(record->name, bob);
	assert_bytes(record->next->name, "carol@example.org");
	assert_null(record->next->next);
	store_read_free(&read);
	read = records(world, "nobody@example.org");
	assert_null(log_read_records(read, 0));
	store_read_free(&read);
}

static void the_record_is_put_by_its_holder(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	const struct log_conversation *record;
	struct store_read *read;

	say(world, &with_bob, "1");
	with_bob.displayed_id = with_bob.last_id;
	with_bob.unread = 0;
	with_bob.mute_until_us = UINT64_MAX;
	log_put_conversation(batch, &account, &with_bob);
	assert_int_equal(commit(world, &batch), 0);
	read = records(world, bob);
	record = log_read_records(read, 0);
	assert_int_equal(record->displayed_id, with_bob.last_id);
	assert_int_equal(record->unread, 0);
	assert_true(record->mute_until_us == UINT64_MAX);
	assert_int_equal(record->last_n, 1);
	store_read_free(&read);
}

static struct store_read *by_ids(struct world *world, const uint64_t *ids, size_t count)
{
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	int status;

	log_read_ids(read, &account, ids, count);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	return read;
}

static void entries_are_got_by_id_with_all_they_have(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	uint64_t first = say(world, &with_bob, "1");
	uint64_t second = append(world, alice, &with_bob,
				 (struct log_entry){ .origin_id = BYTES_LIT("o"),
						     .refers_to = BYTES_LIT("r"),
						     .audience = BYTES_LIT("a"),
						     .peer = BYTES_LIT("bob@example.org/x"),
						     .bytes = BYTES_LIT("<message/>"),
						     .time_us = 77,
						     .flags = ENTRY_MAY_PUSH });
	const uint64_t ids[] = { second, 12345, first };
	struct store_read *read = by_ids(world, ids, 3);
	const struct log_entry *entry = log_read_entries(read, 0);

	assert_true(entry->id == first);
	entry = entry->next;
	assert_true(entry->id == second);
	assert_null(entry->next);
	assert_int_equal(entry->n, 2);
	assert_int_equal(entry->time_us, 77);
	assert_int_equal(entry->kind, ENTRY_MESSAGE);
	assert_int_equal(entry->flags, ENTRY_MAY_PUSH);
	assert_bytes(entry->peer, "bob@example.org/x");
	assert_bytes(entry->conversation, bob);
	assert_bytes(entry->origin_id, "o");
	assert_bytes(entry->refers_to, "r");
	assert_bytes(entry->audience, "a");
	assert_bytes(entry->bytes, "<message/>");
	store_read_free(&read);
}

static uint64_t origin(struct world *world, const char *id, const char *peer, uint64_t after)
{
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	uint64_t found;
	int status;

	log_read_origin(read, &account, bytes_of(id), bytes_of(peer), after);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	found = log_read_entries(read, 0) ? log_read_entries(read, 0)->id : 0;
	store_read_free(&read);
	return found;
}

static void entries_are_found_by_origin_id(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	const struct log_entry entry = { .origin_id = BYTES_LIT("o1") };
	uint64_t first = append(world, alice, &with_bob, entry);
	uint64_t second = append(world, alice, &with_bob, entry);

	assert_true(origin(world, "o1", NULL, 0) == second);
	assert_true(origin(world, "o1", bob, first) == second);
	assert_true(origin(world, "o1", bob, second) == 0);
	assert_true(origin(world, "o1", "eve@example.org", 0) == 0);
	assert_true(origin(world, "o2", NULL, 0) == 0);
}

static void a_tombstone_keeps_its_place(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct log_entry tombstone = { .kind = ENTRY_TOMBSTONE,
				       .flags = ENTRY_IN_ARCHIVE,
				       .bytes = BYTES_LIT("<retracted/>") };
	const struct log_entry *entry;
	struct store_read *read;

	say(world, &with_bob, "1");
	tombstone.id = append(world, alice, &with_bob,
			      (struct log_entry){ .bytes = BYTES_LIT("secret"),
						  .origin_id = BYTES_LIT("o"),
						  .time_us = 42 });
	say(world, &with_bob, "3");
	log_amend(batch, &account, &tombstone);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL),
			    "1 <retracted/> 3");
	read = by_ids(world, &tombstone.id, 1);
	entry = log_read_entries(read, 0);
	assert_int_equal(entry->kind, ENTRY_TOMBSTONE);
	assert_int_equal(entry->n, 2);
	assert_int_equal(entry->time_us, 42);
	assert_bytes(entry->origin_id, "o");
	assert_bytes(entry->conversation, bob);
	store_read_free(&read);
	batch = store_batch_new(world->store, bytes_of(alice));
	tombstone.id = 999;
	log_amend(batch, &account, &tombstone);
	assert_int_equal(commit(world, &batch), 0);
}

static void a_log_is_trimmed_and_n_goes_on(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation with_carol = conversation_with("carol@example.org");
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	uint64_t id;

	say(world, &with_bob, "b1");
	say(world, &with_carol, "c1");
	id = say(world, &with_bob, "b2");
	say(world, &with_carol, "c2");
	log_trim(batch, &account, bytes_of(bob), id);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "c1 b2 c2");
	batch = store_batch_new(world->store, bytes_of(alice));
	log_trim(batch, &account, BYTES_NONE, UINT64_MAX);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "");
	say(world, &with_bob, "b3");
	assert_int_equal(with_bob.last_n, 3);
}

static void logs_go_with_their_owner(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct store_read *read;

	say(world, &with_bob, "1");
	store_delete_owner(batch);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "");
	read = records(world, NULL);
	assert_null(log_read_records(read, 0));
	store_read_free(&read);
	with_bob = conversation_with(bob);
	say(world, &with_bob, "again");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "again");
}

/* ---- two owners, one message ---- */

static struct store_batch *message_of_two(struct world *world,
					  struct log_conversation *of_alice,
					  struct log_conversation *of_bob, const char *text,
					  uint64_t ret_ids[2])
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct log_entry sent = { .kind = ENTRY_MESSAGE,
				  .flags = ENTRY_IN_ARCHIVE | ENTRY_OUTGOING,
				  .conversation = bytes_of(bob),
				  .peer = bytes_of(bob),
				  .origin_id = BYTES_LIT("o"),
				  .bytes = bytes_of(text) };
	struct log_entry received = sent;

	received.flags = ENTRY_IN_ARCHIVE | ENTRY_COUNTS_UNREAD;
	received.conversation = bytes_of(alice);
	received.peer = BYTES_LIT("alice@example.org/desk");
	log_append(batch, &account, of_alice, &sent);
	store_batch_turn_to(batch, bytes_of(bob));
	log_append(batch, &account, of_bob, &received);
	ret_ids[0] = sent.id;
	ret_ids[1] = received.id;
	return batch;
}

static void one_batch_serves_two_owners(void **state)
{
	struct world *world = *state;
	struct log_conversation of_alice = conversation_with(bob);
	struct log_conversation of_bob = conversation_with(alice);
	const struct log_entry *entry;
	struct store_batch *batch;
	struct store_read *read;
	uint64_t ids[2];
	int status;

	batch = message_of_two(world, &of_alice, &of_bob, "hello", ids);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "hello");
	read = store_read_new(world->store, bytes_of(bob));
	log_read_page(read, &account, &(struct log_query){ 0 });
	log_read_conversations(read, &account);
	read = read_wait(&read, &status);
	entry = log_read_entries(read, 0);
	assert_true(entry->id == ids[1]);
	assert_int_equal(entry->flags, ENTRY_IN_ARCHIVE | ENTRY_COUNTS_UNREAD);
	assert_bytes(entry->peer, "alice@example.org/desk");
	assert_bytes(entry->conversation, alice);
	assert_bytes(entry->origin_id, "o");
	assert_bytes(entry->bytes, "hello");
	assert_int_equal(log_read_records(read, 1)->unread, 1);
	store_read_free(&read);
}

/* The recipient's read, issued before the batch is back, waits for it. */
static void the_second_owner_is_in_order_too(void **state)
{
	struct world *world = *state;
	struct log_conversation of_alice = conversation_with(bob);
	struct log_conversation of_bob = conversation_with(alice);
	struct log_conversation stale = of_bob;
	struct log_entry entry = { .kind = ENTRY_MESSAGE, .conversation = bytes_of(alice) };
	struct store_batch *batch, *next;
	int first = PENDING, second = PENDING;
	uint64_t ids[2];

	batch = message_of_two(world, &of_alice, &of_bob, "1", ids);
	store_commit(world->store, &batch, note_status, &first);
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "1");
	assert_int_equal(first, 0);
	first = PENDING;
	/* His own batch fails, and takes the one of both along. */
	next = store_batch_new(world->store, bytes_of(bob));
	log_append(next, &account, &stale, &entry);
	batch = message_of_two(world, &of_alice, &of_bob, "2", ids);
	store_commit(world->store, &next, note_status, &first);
	store_commit(world->store, &batch, note_status, &second);
	turn_until(&second);
	assert_int_equal(first, -ESTALE);
	assert_int_equal(second, -ECANCELED);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1");
}

static void amend(struct world *world, const char *owner, uint64_t id, const char *text)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));
	struct log_entry entry = { .id = id,
				   .kind = ENTRY_TOMBSTONE,
				   .flags = ENTRY_IN_ARCHIVE,
				   .bytes = bytes_of(text) };

	log_amend(batch, &account, &entry);
	assert_int_equal(commit(world, &batch), 0);
}

static void shared_content_goes_only_with_both(void **state)
{
	struct world *world = *state;
	struct log_conversation of_alice = conversation_with(bob);
	struct log_conversation of_bob = conversation_with(alice);
	struct store_batch *batch;
	uint64_t ids[2];

	for (int i = 0; i < 3; i++) {
		batch = message_of_two(world, &of_alice, &of_bob,
				       (char[]){ (char)('1' + i), '\0' }, ids);
		assert_int_equal(commit(world, &batch), 0);
	}
	amend(world, bob, ids[1], "gone");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2 3");
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "1 2 gone");
	batch = store_batch_new(world->store, bytes_of(bob));
	log_trim(batch, &account, BYTES_NONE, ids[1]);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2 3");
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "gone");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_delete_owner(batch);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "");
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "gone");
}

static void a_note_to_self_is_one_entry(void **state)
{
	struct world *world = *state;
	struct log_conversation own = conversation_with(alice);

	say(world, &own, "note");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "note");
	assert_int_equal(own.last_n, 1);
}

/* ---- mixed batches, import, expiry ---- */

static void a_batch_of_all_shapes_is_atomic(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	struct log_entry entry = { .kind = ENTRY_MESSAGE,
				   .conversation = bytes_of(bob),
				   .bytes = BYTES_LIT("both") };
	struct log_conversation before = with_bob;

	store_put(batch, &map, BYTES_LIT("k"), BYTES_LIT("v"));
	store_put_server(batch, &map, BYTES_LIT("owed"), BYTES_LIT("stanza"));
	log_append(batch, &account, &with_bob, &entry);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "both");
	assert_string_equal(get(world, alice, &map, "k"), "v");
	assert_string_equal(get(world, "", &map, "owed"), "stanza");
	batch = store_batch_new(world->store, bytes_of(alice));
	log_append(batch, &account, &with_bob, &entry);
	store_del_server(batch, &map, BYTES_LIT("owed"));
	store_put_new(batch, &map, BYTES_LIT("k"), BYTES_LIT("w"));
	assert_int_equal(commit(world, &batch), -EEXIST);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "both");
	assert_string_equal(get(world, "", &map, "owed"), "stanza");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_put(batch, &map, BYTES_LIT("k"), BYTES_LIT("w"));
	log_append(batch, &account, &before, &entry);
	assert_int_equal(commit(world, &batch), -ESTALE);
	assert_string_equal(get(world, alice, &map, "k"), "v");
}

/* A retraction: the tombstone's month need not be that of the message which asks for it. */
static void an_old_entry_is_amended_with_a_new_one(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_entry retraction = { .kind = ENTRY_MESSAGE,
					.conversation = bytes_of(bob),
					.bytes = BYTES_LIT("retract") };
	struct log_entry tombstone = { .kind = ENTRY_TOMBSTONE, .bytes = BYTES_LIT("(gone)") };
	struct store_batch *batch;

	clock_fake_start(1798700000000000); /* December 2026 */
	tombstone.id = say(world, &with_bob, "secret");
	clock_fake_step_real_us(86400000000);
	say(world, &with_bob, "later");
	batch = store_batch_new(world->store, bytes_of(alice));
	log_append(batch, &account, &with_bob, &retraction);
	log_amend(batch, &account, &tombstone);
	assert_int_equal(commit(world, &batch), 0);
	assert_int_equal(log_id_month(retraction.id), log_id_month(tombstone.id) + 1);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL),
			    "(gone) later retract");
	assert_string_equal(
		page(world, alice, (struct log_query){ .limit = 2, .is_backward = true }, NULL),
		"later retract…");
	assert_string_equal(page(world, alice, (struct log_query){ .limit = 2 }, NULL),
			    "(gone) later…");
	clock_fake_stop();
}

static void import(struct world *world, const char *owner, uint64_t id, const char *text)
{
	struct store_batch *batch = store_batch_new(world->store, bytes_of(owner));
	struct log_entry entry = { .id = id,
				   .n = 7,
				   .time_us = 99,
				   .kind = ENTRY_MESSAGE,
				   .conversation = bytes_of(bob),
				   .peer = bytes_of(bob),
				   .bytes = bytes_of(text) };

	log_import(batch, &account, &entry);
	assert_int_equal(commit(world, &batch), 0);
}

static void entries_are_imported_with_their_ids(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = { .name = bytes_of(bob), .last_n = 7 };
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));
	uint64_t old = log_id_at(1500000000000), older = log_id_at(1400000000000);
	struct store_read *read;

	log_put_conversation(batch, &account, &with_bob);
	assert_int_equal(commit(world, &batch), 0);
	import(world, alice, old, "2");
	import(world, alice, older, "1");
	import(world, alice, old, "again");
	say(world, &with_bob, "3");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2 3");
	assert_int_equal(with_bob.last_n, 8);
	read = by_ids(world, &older, 1);
	assert_int_equal(log_read_entries(read, 0)->n, 7);
	assert_int_equal(log_read_entries(read, 0)->time_us, 99);
	store_read_free(&read);
	import(world, alice, log_id_next(world->store) + (1 << 30), "4");
	say(world, &with_bob, "5");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "1 2 3 4 5");
}

static void expire(struct world *world, uint32_t retention, uint32_t before_month)
{
	int status = PENDING;

	log_expire(world->store, retention, before_month, note_status, &status);
	turn_until(&status);
	assert_int_equal(status, 0);
}

static void months_expire_by_their_class(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation of_bob = conversation_with(alice);
	struct store_read *read;
	uint32_t month;

	clock_fake_start(1798700000000000); /* December 2026 */
	month = log_id_month(say(world, &with_bob, "old"));
	append(world, alice, &with_bob,
	       (struct log_entry){ .bytes = BYTES_LIT("kept"), .retention = 3 });
	append(world, bob, &of_bob, (struct log_entry){ .bytes = BYTES_LIT("old") });
	clock_fake_step_real_us(86400000000);
	say(world, &with_bob, "new");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "old kept new");
	expire(world, 0, month);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "old kept new");
	expire(world, 0, month + 1);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "kept new");
	assert_string_equal(page(world, bob, (struct log_query){ 0 }, NULL), "");
	read = records(world, bob);
	assert_int_equal(log_read_records(read, 0)->last_n, 3);
	store_read_free(&read);
	say(world, &with_bob, "newer");
	assert_int_equal(with_bob.last_n, 4);
	clock_fake_stop();
}

static void logs_go_with_their_domain(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct log_conversation elsewhere = conversation_with(alice);
	struct store_batch *batch = store_batch_new(world->store, BYTES_LIT("example.org"));

	say(world, &with_bob, "1");
	append(world, "carol@example.net", &elsewhere,
	       (struct log_entry){ .bytes = BYTES_LIT("stays") });
	store_delete_domain(batch, BYTES_LIT("example.org"));
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "");
	assert_string_equal(page(world, "carol@example.net", (struct log_query){ 0 }, NULL),
			    "stays");
	with_bob = conversation_with(bob);
	say(world, &with_bob, "again");
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "again");
}

static void owners_with_nothing_but_a_log_are_listed(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_read *read = store_read_new(world->store, BYTES_LIT("example.org"));
	const struct store_item *item;
	int status;

	say(world, &with_bob, "1");
	put(world, "zoe@example.org", &map, "k", "v");
	put(world, "aaron@example.org", &map, "k", "v");
	store_read_owners(read, BYTES_LIT("example.org"), BYTES_NONE, 0);
	store_read_owners(read, BYTES_LIT("example.org"), BYTES_LIT("aaron@example.org"), 1);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	item = store_read_items(read, 0);
	assert_bytes(item->key, "aaron@example.org");
	assert_bytes(item->next->key, alice);
	assert_bytes(item->next->next->key, "zoe@example.org");
	assert_null(item->next->next->next);
	assert_bytes(store_read_items(read, 1)->key, alice);
	assert_true(store_read_is_partial(read, 1));
	store_read_free(&read);
	read = store_read_new(world->store, bytes_of(alice));
	store_read_each(read);
	read = read_wait(&read, &status);
	assert_null(store_read_items(read, 0));
	store_read_free(&read);
}

static void a_log_of_one_store_is_deleted(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_batch *batch;

	say(world, &with_bob, "1");
	put(world, alice, &map, "k", "v");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_del_all(batch, &account);
	assert_int_equal(commit(world, &batch), 0);
	assert_string_equal(page(world, alice, (struct log_query){ 0 }, NULL), "");
	assert_string_equal(get(world, alice, &map, "k"), "v");
	with_bob = conversation_with(bob);
	say(world, &with_bob, "2");
	assert_int_equal(with_bob.last_n, 1);
}

static void logs_of_two_stores_do_not_mix(void **state)
{
	struct world *world = *state;
	struct log_conversation with_bob = conversation_with(bob);
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	int status;

	say(world, &with_bob, "1");
	log_read_page(read, &room, &(struct log_query){ 0 });
	read = read_wait(&read, &status);
	assert_null(log_read_entries(read, 0));
	store_read_free(&read);
}

static void ids_rise_whatever_the_clock_does(void **state)
{
	struct world *world = *state;
	uint64_t before = 0;

	clock_fake_start(1800000000000000);
	for (int i = 0; i < 20000; i++) {
		uint64_t id = log_id_next(world->store);

		assert_true(id > before);
		before = id;
	}
	clock_fake_step_real_us(-3600000000);
	assert_true(log_id_next(world->store) > before);
	clock_fake_step_real_us(7200000000);
	assert_int_equal(log_id_ms(log_id_next(world->store)), 1800003600000);
	shard_enter(world->shards->shards[1]);
	assert_true(log_id_next(world->store) != before);
	shard_enter(world->shards->shards[0]);
	clock_fake_stop();
}

static void ids_name_their_month(void **state)
{
	(void)state;
	assert_int_equal(log_id_month(log_id_at(0)), 1970 * 12);
	assert_int_equal(log_id_month(log_id_at(951782399999)), 2000 * 12 + 1);
	assert_int_equal(log_id_month(log_id_at(951868799999)), 2000 * 12 + 1);
	assert_int_equal(log_id_month(log_id_at(951868800000)), 2000 * 12 + 2);
	assert_int_equal(log_id_month(log_id_at(1798761599999)), 2026 * 12 + 11);
	assert_int_equal(log_id_month(log_id_at(1798761600000)), 2027 * 12);
	assert_int_equal(log_id_ms(log_id_at(1798761600000)), 1798761600000);
}

static int refuse_to_open(void)
{
	struct world world = { .config = { .engine = harness_engine, .data_dir = "/nowhere" } };
	struct err err = { 0 };
	int status = store_open(&world.config, &world.store, &err);

	if (status != -ENOTSUP || !strstr(err.text, "account_log"))
		return 1;
	print_message("%s offers no logs, and refuses: %s\n", harness_engine, err.text);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(entries_are_paged_by_id),
		TEST_OF(entries_are_chosen_by_what_they_are),
		TEST_OF(n_is_dense_per_owner_and_conversation),
		TEST_OF(several_appends_of_one_batch),
		TEST_OF(the_record_is_written_in_the_same_commit),
		TEST_OF(the_record_is_put_by_its_holder),
		TEST_OF(entries_are_got_by_id_with_all_they_have),
		TEST_OF(entries_are_found_by_origin_id),
		TEST_OF(a_tombstone_keeps_its_place),
		TEST_OF(a_log_is_trimmed_and_n_goes_on),
		TEST_OF(logs_go_with_their_owner),
		TEST_OF(one_batch_serves_two_owners),
		TEST_OF(the_second_owner_is_in_order_too),
		TEST_OF(shared_content_goes_only_with_both),
		TEST_OF(a_note_to_self_is_one_entry),
		TEST_OF(a_batch_of_all_shapes_is_atomic),
		TEST_OF(an_old_entry_is_amended_with_a_new_one),
		TEST_OF(entries_are_imported_with_their_ids),
		TEST_OF(months_expire_by_their_class),
		TEST_OF(logs_go_with_their_domain),
		TEST_OF(owners_with_nothing_but_a_log_are_listed),
		TEST_OF(a_log_of_one_store_is_deleted),
		TEST_OF(logs_of_two_stores_do_not_mix),
		TEST_OF(ids_rise_whatever_the_clock_does),
		cmocka_unit_test(ids_name_their_month),
	};
	struct world *world;
	void *state;
	bool has_logs;

	harness_engine = argc > 1 ? argv[1] : "memory";
	world_setup(&state);
	world = state;
	has_logs = store_has_shape(world->store, STORE_LOG);
	world_teardown(&state);
	store_register(&account);
	store_register(&room);
	store_register(&map);
	if (!has_logs)
		return refuse_to_open();
	return cmocka_run_group_tests_name(harness_engine, tests, NULL, NULL);
}
