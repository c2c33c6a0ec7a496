/* Stored verifiers and imported hashes: what is read can be written and read again. */
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "xmpp/verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct arena *arena, const struct verifier_list *list)
{
	struct bytes text = verifier_list_format(arena, list);
	struct verifier_list again;

	check(verifier_list_parse(arena, text, &again) == 0);
	check(again.count == list->count);
	check(bytes_equal(verifier_list_format(arena, &again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct verifier_list list;

	arena_init(&arena, 4096);
	if (verifier_list_parse(&arena, bytes_make(data, size), &list) == 0)
		check_round_trip(&arena, &list);
	if (verifier_list_import(&arena, bytes_make(data, size), &list) == 0)
		check_round_trip(&arena, &list);
	arena_fini(&arena);
	return 0;
}
