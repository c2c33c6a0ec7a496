#include "unit.h"

#include <string.h>

#include "base/blackbox.h"

struct seen {
	int count;
	struct blackbox_record last;
	char kept[BLACKBOX_KEPT_BYTES];
};

static void see(const struct blackbox_record *record, void *context)
{
	struct seen *seen = context;
	seen->count++;
	seen->last = *record;
	memcpy(seen->kept, record->kept.ptr, record->kept.len);
}

static struct seen collect(void)
{
	static struct seen seen;
	memset(&seen, 0, sizeof(seen));
	blackbox_collect(see, &seen);
	return seen;
}

static void what_is_in_hand_can_be_read(void **state)
{
	(void)state;
	assert_true(blackbox_begin(3, BYTES_LIT("<presence/>")));
	struct seen seen = collect();
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.last.shard, 3);
	assert_int_equal(seen.last.len, 11);
	assert_memory_equal(seen.kept, "<presence/>", 11);
	assert_int_equal(collect().count, 0);
}

static void what_was_finished_is_not(void **state)
{
	(void)state;
	assert_true(blackbox_begin(0, BYTES_LIT("<a/>")));
	blackbox_end(0);
	assert_int_equal(collect().count, 0);
}

static void a_long_stanza_is_kept_in_part_and_hashed_whole(void **state)
{
	static char text[BLACKBOX_KEPT_BYTES + 100];
	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(blackbox_begin(0, bytes_make(text, sizeof(text))));
	struct seen first = collect();
	assert_int_equal(first.last.kept.len, BLACKBOX_KEPT_BYTES);
	assert_int_equal(first.last.len, sizeof(text));
	text[sizeof(text) - 1] = 'b';
	assert_true(blackbox_begin(0, bytes_make(text, sizeof(text))));
	assert_true(collect().last.hash != first.last.hash);
}

static void every_length_and_byte_counts(void **state)
{
	char text[70] = { 0 };
	uint64_t hashes[70 * 2];
	size_t count = 0;
	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		for (int last = 0; last < 2; last++) {
			if (len > 0)
				text[len - 1] = (char)last;
			assert_true(blackbox_begin(0, bytes_make(text, len)));
			hashes[count++] = collect().last.hash;
		}
		if (len > 0)
			text[len - 1] = 0;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (i != 0 || j != 1) /* length 0 has no byte */
				assert_true(hashes[i] != hashes[j]);
}

static void what_is_set_aside_is_refused(void **state)
{
	(void)state;
	assert_true(blackbox_begin(0, BYTES_LIT("<bad/>")));
	blackbox_set_aside(collect().last.hash);
	assert_false(blackbox_begin(0, BYTES_LIT("<bad/>")));
	assert_false(blackbox_begin(5, BYTES_LIT("<bad/>")));
	assert_int_equal(collect().count, 0);
	assert_true(blackbox_begin(0, BYTES_LIT("<good/>")));
	blackbox_end(0);
}

static void the_oldest_is_forgotten_first(void **state)
{
	(void)state;
	assert_false(blackbox_begin(0, BYTES_LIT("<bad/>")));
	for (uint64_t i = 1; i <= BLACKBOX_POISON_MAX; i++)
		blackbox_set_aside(i);
	assert_int_equal(blackbox_poison_count(), BLACKBOX_POISON_MAX);
	assert_true(blackbox_begin(0, BYTES_LIT("<bad/>")));
	blackbox_end(0);
}

static void a_shard_beyond_the_last_is_not_recorded(void **state)
{
	(void)state;
	assert_true(blackbox_begin(BLACKBOX_SHARDS, BYTES_LIT("<a/>")));
	blackbox_end(BLACKBOX_SHARDS);
	assert_int_equal(collect().count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_hand_can_be_read),
		cmocka_unit_test(what_was_finished_is_not),
		cmocka_unit_test(a_long_stanza_is_kept_in_part_and_hashed_whole),
		cmocka_unit_test(every_length_and_byte_counts),
		cmocka_unit_test(what_is_set_aside_is_refused),
		cmocka_unit_test(the_oldest_is_forgotten_first),
		cmocka_unit_test(a_shard_beyond_the_last_is_not_recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
