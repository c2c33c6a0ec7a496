#include "unit.h"

#include <stdio.h>

#include "base/table.h"

struct item {
	char name[16];
	struct bytes key;
	bool is_in;
};

static struct item items[5000];

static void make_items(void)
{
	for (size_t i = 0; i < 5000; i++) {
		snprintf(items[i].name, sizeof(items[i].name), "item-%zu", i);
		items[i].key = bytes_of(items[i].name);
		items[i].is_in = false;
	}
}

static void holds_what_was_put(void **state)
{
	struct table table;

	make_items();
	table_init(&table);
	assert_null(table_find(&table, items[0].key));
	assert_null(table_del(&table, items[0].key));
	for (size_t i = 0; i < 5000; i++)
		assert_null(table_put(&table, items[i].key, &items[i]));
	assert_int_equal(table_count(&table), 5000);
	for (size_t i = 0; i < 5000; i++)
		assert_ptr_equal(table_find(&table, items[i].key), &items[i]);
	assert_null(table_find(&table, BYTES_LIT("item-5000")));
	assert_null(table_find(&table, BYTES_NONE));
	table_fini(&table);
	assert_int_equal(table_count(&table), 0);
}

static void replaces_value_and_key(void **state)
{
	struct table table;
	char first[] = "same", second[] = "same";

	table_init(&table);
	assert_null(table_put(&table, bytes_of(first), first));
	assert_ptr_equal(table_put(&table, bytes_of(second), second), first);
	first[0] = 'X'; /* the old key may go away with the old value */
	assert_ptr_equal(table_find(&table, BYTES_LIT("same")), second);
	assert_int_equal(table_count(&table), 1);
	assert_ptr_equal(table_del(&table, BYTES_LIT("same")), second);
	assert_int_equal(table_count(&table), 0);
	table_fini(&table);
}

/* The table knows how many of its slots are gone: no more are rebuilt for than must be. */
static void assert_gone_is_true(const struct table *table)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; table->slots && i <= table->mask; i++)
		taken += table->slots[i].value != NULL;
	assert_int_equal(taken, table->used + table->gone);
}

/* 200,000 random puts and deletes against a plain model. */
static void agrees_with_a_model(void **state)
{
	struct table table;
	uint32_t random = 42, count = 0;

	make_items();
	table_init(&table);
	for (int step = 0; step < 200000; step++) {
		random = random * 1664525 + 1013904223;
		struct item *item = &items[(random >> 8) % (step < 100000 ? 5000 : 300)];
		if (random >> 31) {
			assert_ptr_equal(table_put(&table, item->key, item),
					 item->is_in ? item : NULL);
			count += !item->is_in;
			item->is_in = true;
		} else {
			assert_ptr_equal(table_del(&table, item->key),
					 item->is_in ? item : NULL);
			count -= item->is_in;
			item->is_in = false;
		}
		assert_int_equal(table_count(&table), count);
		if (step % 1000 == 0)
			assert_gone_is_true(&table);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_ptr_equal(table_find(&table, items[i].key),
				 items[i].is_in ? &items[i] : NULL);
	table_fini(&table);
}

static void churn_does_not_grow(void **state)
{
	struct table table;

	make_items();
	table_init(&table);
	for (size_t i = 0; i < 5000; i++) {
		table_put(&table, items[i].key, &items[i]);
		if (i >= 10)
			table_del(&table, items[i - 10].key);
	}
	assert_true(table.mask + 1 <= 32);
	table_fini(&table);
}

static void iterates_while_deleting(void **state)
{
	struct table table;
	struct item *item;
	uint32_t cursor = 0, seen = 0;

	make_items();
	table_init(&table);
	assert_null(table_next(&table, &cursor));
	for (size_t i = 0; i < 1000; i++)
		table_put(&table, items[i].key, &items[i]);
	cursor = 0;
	while ((item = table_next(&table, &cursor))) {
		assert_false(item->is_in);
		item->is_in = true;
		seen++;
		assert_ptr_equal(table_del(&table, item->key), item);
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(table_count(&table), 0);
	table_fini(&table);
}

/* The paper's appendix A, and some lengths of its reference vectors. */
static void siphash_reference(void **state)
{
	uint8_t key[16];
	char in[15];

	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (int i = 0; i < 15; i++)
		in[i] = (char)i;
	assert_true(siphash(key, bytes_make(in, 15)) == 0xa129ca6149be45e5);
	assert_true(siphash(key, bytes_make(in, 0)) == 0x726fdb47dd0e0e31);
	assert_true(siphash(key, bytes_make(in, 8)) == 0x93f5f5799a932462);
	assert_true(siphash(key, bytes_make(in, 1)) == 0x74f839c593dc67fd);
	assert_true(siphash(key, bytes_make(in, 7)) == 0xab0200f58b01d137);
	assert_true(siphash(key, bytes_make(in, 9)) == 0x9e0082df0ba9e4b0);
	assert_true(siphash(key, BYTES_NONE) == 0x726fdb47dd0e0e31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_put),
		cmocka_unit_test(replaces_value_and_key),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(churn_does_not_grow),
		cmocka_unit_test(iterates_while_deleting),
		cmocka_unit_test(siphash_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
