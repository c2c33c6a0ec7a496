#include "base/option.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/option_impl.h"

enum {
	NEAREST_NAME_BYTES = 64,
	DEFAULTS_CHUNK_BYTES = 1024,
};

/* Filled at boot, by one thread, and only read from then on. Sorted by name. */
static struct option **options;
static uint32_t option_count;

/* Default items of list options, newest first. */
struct default_list {
	struct default_list *next;
	const struct option *option;
	const struct bytes *items;
	size_t count;
};
static struct default_list *default_lists;
static struct arena defaults = { .chunk_bytes = DEFAULTS_CHUNK_BYTES };

/* The place of a name: where it is or where it would stand. */
static uint32_t place_of(struct bytes name)
{
	uint32_t low = 0, high = option_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (bytes_compare(bytes_of(options[mid]->name), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void check_declaration(const struct option *option)
{
	int64_t words = 0;

	check(option->name && option->name[0] && option->sentence);
	if (option->type == OPTION_TYPE_INT)
		check(option->min <= option->default_int && option->default_int <= option->max);
	if (option->type == OPTION_TYPE_ENUM) {
		check(option->words != NULL);
		while (option->words[words])
			words++;
		check(option->default_int >= 0 && option->default_int < words);
	}
}

int option_cut_list(struct arena *arena, struct bytes text, const struct bytes **ret_items,
		    size_t *ret_count)
{
	struct bytes rest = bytes_trim(text), *items;
	size_t count = 0, commas = 0;

	for (size_t i = 0; i < rest.len; i++)
		commas += rest.ptr[i] == ',';
	items = arena_alloc(arena, (commas + 1) * sizeof(*items));
	if (rest.len == 0)
		rest = BYTES_NONE;
	while (!bytes_is_none(rest)) {
		items[count] = bytes_trim(bytes_cut(&rest, ','));
		if (items[count++].len == 0)
			return -EINVAL;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static void keep_default_list(const struct option *option)
{
	struct default_list *list = arena_new(&defaults, struct default_list);

	list->option = option;
	check(option_cut_list(&defaults, bytes_of(option->default_string), &list->items,
			      &list->count) == 0);
	list->next = default_lists;
	default_lists = list;
}

const struct bytes *option_default_items(const struct option *option, size_t *ret_count)
{
	const struct default_list *list = default_lists;

	while (list && list->option != option)
		list = list->next;
	check(list != NULL);
	*ret_count = list->count;
	return list->items;
}

void option_register(struct option *option)
{
	uint32_t place;

	if (option->index != 0)
		return;
	check_declaration(option);
	check(option_find(bytes_of(option->name)) == NULL);
	place = place_of(bytes_of(option->name));
	options = realloc(options, (option_count + 1) * sizeof(void *));
	check(options != NULL);
	memmove(options + place + 1, options + place, (option_count - place) * sizeof(void *));
	options[place] = option;
	option->index = ++option_count;
	if (option->type == OPTION_TYPE_LIST)
		keep_default_list(option);
}

struct option *option_find(struct bytes name)
{
	uint32_t place = place_of(name);

	if (place < option_count && bytes_is(name, options[place]->name))
		return options[place];
	return NULL;
}

struct option *option_next(uint32_t *cursor)
{
	return *cursor < option_count ? options[(*cursor)++] : NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance (with transpositions of neighbours), or SIZE_MAX for names that
 * are too long to be anybody's slip.
 */
static size_t edit_distance(struct bytes a, struct bytes b)
{
	size_t rows[3][NEAREST_NAME_BYTES + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	if (a.len > NEAREST_NAME_BYTES || b.len > NEAREST_NAME_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *oldest = before;
		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool is_same = a.ptr[i - 1] == b.ptr[j - 1];
			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + !is_same);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[b.len];
}

bool option_is_near(struct bytes name, struct bytes known, size_t *best)
{
	size_t distance = edit_distance(name, known);
	size_t longer = name.len > known.len ? name.len : known.len;

	if (distance >= *best || distance * 3 > longer)
		return false;
	*best = distance;
	return true;
}

const struct option *option_nearest(struct bytes name)
{
	const struct option *nearest = NULL;
	size_t best = SIZE_MAX;

	for (uint32_t i = 0; i < option_count; i++) {
		if (option_is_near(name, bytes_of(options[i]->name), &best))
			nearest = options[i];
	}
	return nearest;
}
