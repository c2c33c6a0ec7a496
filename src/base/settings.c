/*
 * What is set stands in a small array sorted by the option's index, so a domain that overrides
 * three options costs three entries. Strings live in the settings' arena.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/option.h"
#include "base/option_impl.h"

enum {
	SETTINGS_MAGIC = 0x73657474,
	ARENA_CHUNK_BYTES = 256,
};

struct entry {
	uint32_t index; /* of the option */
	uint32_t count; /* LIST */
	union {
		int64_t integer; /* BOOL, INT, ENUM */
		struct bytes string;
		const struct bytes *items;
	};
};

struct settings {
	uint32_t magic;
	uint32_t count;
	const struct settings *parent;
	struct entry *entries;
	struct arena arena;
};

struct settings *settings_new(const struct settings *parent)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	check(settings != NULL);
	settings->magic = SETTINGS_MAGIC;
	settings->parent = parent;
	arena_init(&settings->arena, ARENA_CHUNK_BYTES);
	return settings;
}

void settings_free(struct settings **settings)
{
	if (!*settings)
		return;
	check_magic(*settings, SETTINGS_MAGIC);
	(*settings)->magic = 0;
	arena_fini(&(*settings)->arena);
	free((*settings)->entries);
	free(*settings);
	*settings = NULL;
}

/* The place of an option's entry: where it is or where it would stand. */
static uint32_t place_of(const struct settings *settings, uint32_t index)
{
	uint32_t low = 0, high = settings->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (settings->entries[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct entry *own_entry(const struct settings *settings, uint32_t index)
{
	uint32_t place;

	check_magic(settings, SETTINGS_MAGIC);
	place = place_of(settings, index);
	if (place < settings->count && settings->entries[place].index == index)
		return &settings->entries[place];
	return NULL;
}

/* The nearest entry on the way up, or NULL: the default holds. */
static const struct entry *find_entry(const struct settings *settings,
				      const struct option *option)
{
	const struct entry *entry = NULL;

	check(option->index != 0);
	for (; settings && !entry; settings = settings->parent)
		entry = own_entry(settings, option->index);
	return entry;
}

static void store_entry(struct settings *settings, const struct entry *entry)
{
	uint32_t place = place_of(settings, entry->index);
	bool is_new =
		place == settings->count || settings->entries[place].index != entry->index;

	if (is_new) {
		settings->entries = realloc(settings->entries,
					    (settings->count + 1) * sizeof(*settings->entries));
		check(settings->entries != NULL);
		memmove(settings->entries + place + 1, settings->entries + place,
			(settings->count - place) * sizeof(*settings->entries));
		settings->count++;
	}
	settings->entries[place] = *entry;
}

static int parse_bool(struct bytes text, int64_t *ret_value, struct err *ret_err)
{
	if (bytes_equal_nocase(text, BYTES_LIT("yes")) ||
	    bytes_equal_nocase(text, BYTES_LIT("true")) ||
	    bytes_equal_nocase(text, BYTES_LIT("on")))
		*ret_value = 1;
	else if (bytes_equal_nocase(text, BYTES_LIT("no")) ||
		 bytes_equal_nocase(text, BYTES_LIT("false")) ||
		 bytes_equal_nocase(text, BYTES_LIT("off")))
		*ret_value = 0;
	else
		return err_set(ret_err, -EINVAL, "must be yes or no");
	return 0;
}

static int parse_int(const struct option *option, struct bytes text, int64_t *ret_value,
		     struct err *ret_err)
{
	int64_t value;
	int rc = bytes_to_i64(text, &value);

	if (rc == -EINVAL)
		return err_set(ret_err, -EINVAL, "must be a whole number");
	if (rc != 0 || value < option->min || value > option->max)
		return err_set(ret_err, -EINVAL, "must be between %lld and %lld",
			       (long long)option->min, (long long)option->max);
	*ret_value = value;
	return 0;
}

static const char *nearest_word(const struct option *option, struct bytes text)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; option->words[i]; i++) {
		if (option_is_near(text, bytes_of(option->words[i]), &best))
			nearest = option->words[i];
	}
	return nearest;
}

static int refuse_word(const struct option *option, struct bytes text, struct err *ret_err)
{
	struct arena_mark mark = arena_mark(scratch());
	const char *nearest = nearest_word(option, text);
	struct bytes known = bytes_of(option->words[0]);
	int rc;

	for (size_t i = 1; option->words[i]; i++)
		known = arena_printf(scratch(), "%.*s, %s", BYTES_ARG(known), option->words[i]);
	if (nearest)
		rc = err_set(ret_err, -EINVAL, "must be one of: %.*s (did you mean %s?)",
			     BYTES_ARG(known), nearest);
	else
		rc = err_set(ret_err, -EINVAL, "must be one of: %.*s", BYTES_ARG(known));
	arena_release(scratch(), mark);
	return rc;
}

static int parse_enum(const struct option *option, struct bytes text, int64_t *ret_value,
		      struct err *ret_err)
{
	for (size_t i = 0; option->words[i]; i++) {
		if (bytes_is(text, option->words[i])) {
			*ret_value = (int64_t)i;
			return 0;
		}
	}
	return refuse_word(option, text, ret_err);
}

static int set_list_text(struct settings *settings, const struct option *option,
			 struct bytes text, struct err *ret_err)
{
	struct arena_mark mark = arena_mark(scratch());
	const struct bytes *items;
	size_t count;
	int rc = option_cut_list(scratch(), text, &items, &count);

	if (rc == 0)
		rc = settings_set_list(settings, option, items, count, ret_err);
	else
		err_set(ret_err, rc, "must be a comma-separated list without empty items");
	arena_release(scratch(), mark);
	return rc;
}

int settings_set(struct settings *settings, const struct option *option, struct bytes text,
		 struct err *ret_err)
{
	struct entry entry = { .index = option->index };
	int rc = 0;

	check_magic(settings, SETTINGS_MAGIC);
	check(option->index != 0);
	switch (option->type) {
	case OPTION_TYPE_BOOL:
		rc = parse_bool(text, &entry.integer, ret_err);
		break;
	case OPTION_TYPE_INT:
		rc = parse_int(option, text, &entry.integer, ret_err);
		break;
	case OPTION_TYPE_ENUM:
		rc = parse_enum(option, text, &entry.integer, ret_err);
		break;
	case OPTION_TYPE_STRING:
		entry.string = arena_copy(&settings->arena, text.ptr ? text : BYTES_LIT(""));
		break;
	case OPTION_TYPE_LIST:
		return set_list_text(settings, option, text, ret_err);
	}
	if (rc == 0)
		store_entry(settings, &entry);
	return rc;
}

int settings_set_list(struct settings *settings, const struct option *option,
		      const struct bytes *items, size_t count, struct err *ret_err)
{
	struct entry entry = { .index = option->index, .count = (uint32_t)count };
	struct bytes *copy;

	check_magic(settings, SETTINGS_MAGIC);
	check(option->index != 0 && count <= UINT32_MAX);
	if (option->type != OPTION_TYPE_LIST)
		return err_set(ret_err, -EINVAL, "must be a single value, not a list");
	copy = arena_alloc(&settings->arena, count * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_copy(&settings->arena, items[i]);
	entry.items = copy;
	store_entry(settings, &entry);
	return 0;
}

bool settings_has(const struct settings *settings, const struct option *option)
{
	return settings && own_entry(settings, option->index) != NULL;
}

static int64_t integer_of(const struct settings *settings, const struct option *option)
{
	const struct entry *entry = find_entry(settings, option);

	return entry ? entry->integer : option->default_int;
}

bool settings_bool(const struct settings *settings, const struct option *option)
{
	check(option->type == OPTION_TYPE_BOOL);
	return integer_of(settings, option) != 0;
}

int64_t settings_int(const struct settings *settings, const struct option *option)
{
	check(option->type == OPTION_TYPE_INT);
	return integer_of(settings, option);
}

int settings_enum(const struct settings *settings, const struct option *option)
{
	check(option->type == OPTION_TYPE_ENUM);
	return (int)integer_of(settings, option);
}

struct bytes settings_string(const struct settings *settings, const struct option *option)
{
	const struct entry *entry = find_entry(settings, option);

	check(option->type == OPTION_TYPE_STRING);
	return entry ? entry->string : bytes_of(option->default_string);
}

const struct bytes *settings_list(const struct settings *settings, const struct option *option,
				  size_t *ret_count)
{
	const struct entry *entry = find_entry(settings, option);

	check(option->type == OPTION_TYPE_LIST);
	if (!entry)
		return option_default_items(option, ret_count);
	*ret_count = entry->count;
	return entry->items;
}
