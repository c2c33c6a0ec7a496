#include "unit.h"

#include "base/check.h"
#include "base/list.h"

struct thing {
	uint32_t magic;
	struct list node;
};

static void check_arg(void *arg)
{
	check(arg != NULL);
}

static void check_thing(void *arg)
{
	struct thing *thing = arg;

	check_magic(thing, 0x1234);
}

static void aborts_when_false(void **state)
{
	assert_true(unit_aborts(check_arg, NULL));
	assert_false(unit_aborts(check_arg, state));
}

static void magic_guards_null_and_freed(void **state)
{
	struct thing good = { .magic = 0x1234 }, bad = { .magic = 0 };

	assert_true(unit_aborts(check_thing, NULL));
	assert_true(unit_aborts(check_thing, &bad));
	assert_false(unit_aborts(check_thing, &good));
}

static void lists_keep_order(void **state)
{
	struct list a, b, *pos, *tmp;
	struct thing things[4];
	int seen = 0;

	list_init(&a);
	list_init(&b);
	for (int i = 0; i < 4; i++)
		things[i].magic = (uint32_t)i;
	list_add_tail(&a, &things[1].node);
	list_add_head(&a, &things[0].node);
	list_add_tail(&b, &things[2].node);
	list_add_tail(&b, &things[3].node);
	list_splice_tail(&a, &b);
	assert_true(list_is_empty(&b));
	list_splice_tail(&a, &b);
	list_for_each_safe (pos, tmp, &a) {
		assert_int_equal(list_entry(pos, struct thing, node)->magic, seen++);
		list_del(pos);
		assert_true(list_is_empty(pos));
	}
	assert_int_equal(seen, 4);
	assert_null(list_first(&a, struct thing, node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aborts_when_false),
		cmocka_unit_test(magic_guards_null_and_freed),
		cmocka_unit_test(lists_keep_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
