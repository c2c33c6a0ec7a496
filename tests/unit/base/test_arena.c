#include "unit.h"

#include "base/arena.h"

static void gives_aligned_zeroed_memory(void **state)
{
	struct arena arena;

	arena_init(&arena, 256);
	assert_int_equal(arena_footprint(&arena), 0);
	for (size_t size = 0; size < 600; size += 7) {
		uint8_t *p = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, size);
	}
	assert_true(arena.chunks > 1);
	arena_fini(&arena);
	assert_int_equal(arena_footprint(&arena), 0);
	assert_int_equal(*(uint8_t *)arena_alloc(&arena, 1), 0);
	arena_fini(&arena);
}

static void reset_keeps_one_usual_chunk(void **state)
{
	struct arena arena;
	void *first;

	arena_init(&arena, 1024);
	first = arena_alloc(&arena, 10);
	for (int i = 0; i < 100; i++)
		arena_alloc(&arena, 100);
	arena_reset(&arena);
	assert_int_equal(arena.chunks, 1);
	assert_ptr_equal(arena_alloc(&arena, 10), first);
	arena_fini(&arena);

	arena_alloc(&arena, 100000);
	arena_reset(&arena);
	assert_int_equal(arena_footprint(&arena), 0);
	arena_fini(&arena);
}

static void release_goes_back_to_the_mark(void **state)
{
	struct arena arena;
	struct arena_mark mark;
	size_t held;
	char *kept, *next;

	arena_init(&arena, 256);
	kept = arena_cstr(&arena, BYTES_LIT("kept"));
	mark = arena_mark(&arena);
	held = arena_footprint(&arena);
	next = arena_alloc_raw(&arena, 16);
	for (int i = 0; i < 50; i++)
		arena_alloc(&arena, 1000);
	arena_release(&arena, mark);
	assert_int_equal(arena_footprint(&arena), held);
	assert_string_equal(kept, "kept");
	assert_ptr_equal(arena_alloc_raw(&arena, 16), next);
	arena_fini(&arena);

	mark = arena_mark(&arena);
	arena_alloc(&arena, 1000);
	arena_release(&arena, mark);
	arena_fini(&arena);
}

static void copies_and_prints(void **state)
{
	struct arena arena;
	struct bytes copy;
	char big[1001];

	arena_init(&arena, 128);
	assert_true(bytes_is_none(arena_copy(&arena, BYTES_NONE)));
	copy = arena_copy(&arena, BYTES_LIT("a\0b"));
	assert_bytes(copy, "a\0b");
	assert_int_equal(copy.ptr[3], 0);
	assert_false(bytes_is_none(arena_copy(&arena, BYTES_LIT(""))));
	assert_bytes(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
	memset(big, 'y', 1000);
	big[1000] = '\0';
	for (int len = 250; len < 262; len++) { /* around the size of the first try */
		copy = arena_printf(&arena, "%.*s", len, big);
		assert_int_equal(copy.len, len);
		assert_int_equal(strlen(copy.ptr), len);
	}
	assert_int_equal(arena_printf(&arena, "%s", big).len, 1000);
	arena_fini(&arena);
}

static void scratch_belongs_to_the_thread(void **state)
{
	struct arena_mark mark = arena_mark(scratch());

	assert_non_null(arena_alloc(scratch(), 100));
	assert_ptr_equal(scratch(), scratch());
	arena_release(scratch(), mark);
	scratch_fini();
	assert_int_equal(arena_footprint(scratch()), 0);
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

static void released_memory_is_poisoned(void **state)
{
	struct arena arena;
	char *p;

	arena_init(&arena, 256);
	p = arena_alloc(&arena, 20);
	assert_false(__asan_address_is_poisoned(p + 19));
	assert_true(__asan_address_is_poisoned(p + 20));
	arena_reset(&arena);
	assert_true(__asan_address_is_poisoned(p));
	arena_fini(&arena);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_aligned_zeroed_memory),
		cmocka_unit_test(reset_keeps_one_usual_chunk),
		cmocka_unit_test(release_goes_back_to_the_mark),
		cmocka_unit_test(copies_and_prints),
		cmocka_unit_test(scratch_belongs_to_the_thread),
#ifdef __SANITIZE_ADDRESS__
		cmocka_unit_test(released_memory_is_poisoned),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
