/* See ctl_args.h. */
#include "admin/ctl_args.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>

#include "admin/protocol.h"

struct cursor {
	int argc;
	char *const *argv;
	int at;
	enum text_lang lang;
	struct ctl_args *args;
	struct err *err;
	const struct admin_arg *next_word; /* the command's next argument in its place */
};

static int fail(const struct cursor *cursor, enum text text, struct bytes arg0,
		struct bytes arg1)
{
	struct bytes words = text_format(scratch(), text, cursor->lang, arg0, arg1);
	return err_set(cursor->err, -EINVAL, "%.*s", BYTES_ARG(words));
}

const struct admin_arg *ctl_args_of_kind(const struct admin_command *command,
					 enum admin_arg_kind kind)
{
	for (const struct admin_arg *arg = command->args; arg->kind; arg++)
		if (arg->kind == kind)
			return arg;
	return NULL;
}

static bool is_a_switch(const struct admin_arg *arg)
{
	return arg->kind == ADMIN_ARG_FLAG || arg->kind == ADMIN_ARG_VALUE ||
	       arg->kind == ADMIN_ARG_VALUES;
}

static struct bytes upper(struct arena *arena, const char *name)
{
	char *text = arena_cstr(arena, bytes_of(name));
	for (char *p = text; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return bytes_of(text);
}

struct bytes ctl_args_usage(struct arena *arena, const struct admin_command *command)
{
	static const char *const forms[] = {
		[ADMIN_ARG_WORD] = "%.*s %.*s",
		[ADMIN_ARG_WORD_OPTIONAL] = "%.*s [%.*s]",
		[ADMIN_ARG_FLAG] = "%.*s [--%.*s]",
		[ADMIN_ARG_VALUE] = "%.*s [--%.*s VALUE]",
		[ADMIN_ARG_VALUES] = "%.*s [--%.*s NAME=VALUE]...",
	};
	struct bytes usage = bytes_of(command->name);
	for (const struct admin_arg *arg = command->args; arg->kind; arg++) {
		bool is_switch = is_a_switch(arg);
		struct bytes name = is_switch ? bytes_of(arg->name) : upper(arena, arg->name);
		if (arg->kind == ADMIN_ARG_LINES)
			usage = arena_printf(arena, "%.*s -", BYTES_ARG(usage));
		else if (arg->kind != ADMIN_ARG_NEW_PASSWORD)
			usage = arena_printf(arena, forms[arg->kind], BYTES_ARG(usage),
					     BYTES_ARG(name));
	}
	return usage;
}

/* --- global switches --- */

/* `--data-dir DIR` and `--data-dir=DIR`; true if the current word is this switch. */
static bool take_value(struct cursor *cursor, const char *name, const char **ret_value)
{
	const char *word = cursor->argv[cursor->at];
	size_t len = strlen(name);
	if (strncmp(word, name, len) != 0 || (word[len] != '=' && word[len] != '\0'))
		return false;
	if (word[len] == '=')
		*ret_value = word + len + 1;
	else if (cursor->at + 1 < cursor->argc)
		*ret_value = cursor->argv[++cursor->at];
	else
		*ret_value = NULL;
	return true;
}

/* 1 if the word was a global switch, 0 if not, negative if it is a wrong one. */
static int read_global(struct cursor *cursor)
{
	const char *word = cursor->argv[cursor->at];
	struct ctl_args *args = cursor->args;
	if (take_value(cursor, "--data-dir", &args->data_dir))
		return args->data_dir
			       ? 1
			       : fail(cursor, TEXT_CTL_NEEDS_VALUE, bytes_of(word), BYTES_NONE);
	if (strcmp(word, "--json") == 0)
		return args->is_json = true;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return args->wants_help = true;
	if (strcmp(word, "--version") == 0)
		return args->wants_version = true;
	return 0;
}

/* --- the command's own words --- */

static const struct admin_arg *find_switch(const struct admin_command *command,
					   struct bytes name)
{
	for (const struct admin_arg *arg = command->args; arg->kind; arg++)
		if (is_a_switch(arg) && bytes_is(name, arg->name))
			return arg;
	return NULL;
}

static void add_to_list(struct cJSON *values, const char *name, const char *value)
{
	struct cJSON *list = cJSON_GetObjectItemCaseSensitive(values, name);
	if (!list)
		list = cJSON_AddArrayToObject(values, name);
	cJSON_AddItemToArray(list, cJSON_CreateString(value));
}

static int read_switch(struct cursor *cursor)
{
	struct bytes rest = bytes_skip(bytes_of(cursor->argv[cursor->at]), 2);
	struct bytes name = bytes_cut(&rest, '=');
	const struct admin_arg *arg = find_switch(cursor->args->command, name);
	if (!arg)
		return fail(cursor, TEXT_CTL_UNKNOWN_SWITCH, bytes_of(cursor->argv[cursor->at]),
			    bytes_of(cursor->args->command->name));
	if (arg->kind == ADMIN_ARG_FLAG) {
		cJSON_AddTrueToObject(cursor->args->values, arg->name);
		return 0;
	}
	const char *value = NULL;
	take_value(cursor, arena_printf(scratch(), "--%s", arg->name).ptr, &value);
	if (!value)
		return fail(cursor, TEXT_CTL_NEEDS_VALUE,
			    arena_printf(scratch(), "--%s", arg->name), BYTES_NONE);
	if (arg->kind == ADMIN_ARG_VALUES)
		add_to_list(cursor->args->values, arg->name, value);
	else
		cJSON_AddStringToObject(cursor->args->values, arg->name, value);
	return 0;
}

static bool is_in_place(const struct admin_arg *arg)
{
	return arg->kind == ADMIN_ARG_WORD || arg->kind == ADMIN_ARG_WORD_OPTIONAL ||
	       arg->kind == ADMIN_ARG_LINES;
}

static void skip_to_word(struct cursor *cursor)
{
	while (cursor->next_word->kind && !is_in_place(cursor->next_word))
		cursor->next_word++;
}

static int read_word(struct cursor *cursor)
{
	const char *word = cursor->argv[cursor->at];
	skip_to_word(cursor);
	const struct admin_arg *arg = cursor->next_word;
	bool is_unwanted = !arg->kind;
	if (arg->kind == ADMIN_ARG_LINES)
		is_unwanted = strcmp(word, "-") != 0;
	if (is_unwanted)
		return fail(cursor, TEXT_CTL_UNWANTED, bytes_of(word),
			    ctl_args_usage(scratch(), cursor->args->command));
	if (arg->kind != ADMIN_ARG_LINES)
		cJSON_AddStringToObject(cursor->args->values, arg->name, word);
	cursor->next_word++;
	return 0;
}

static int check_complete(struct cursor *cursor)
{
	skip_to_word(cursor);
	if (!cursor->next_word->kind || cursor->next_word->kind == ADMIN_ARG_WORD_OPTIONAL)
		return 0;
	struct bytes name = cursor->next_word->kind == ADMIN_ARG_LINES
				    ? BYTES_LIT("-")
				    : upper(scratch(), cursor->next_word->name);
	return fail(cursor, TEXT_CTL_MISSING, name,
		    ctl_args_usage(scratch(), cursor->args->command));
}

static int read_arguments(struct cursor *cursor)
{
	cursor->next_word = cursor->args->command->args;
	for (; cursor->at < cursor->argc; cursor->at++) {
		const char *word = cursor->argv[cursor->at];
		int status = read_global(cursor);
		if (status == 0)
			status = strncmp(word, "--", 2) == 0 ? read_switch(cursor)
							     : read_word(cursor);
		if (status < 0)
			return status;
	}
	return cursor->args->wants_help ? 0 : check_complete(cursor);
}

/* --- which command --- */

static int unknown_command(struct cursor *cursor, struct bytes name)
{
	const struct admin_command *nearest = admin_command_nearest(name);
	if (!nearest)
		return fail(cursor, TEXT_CTL_UNKNOWN, name, BYTES_NONE);
	return fail(cursor, TEXT_CTL_UNKNOWN_NEAREST, name, bytes_of(nearest->name));
}

/* `user` alone, or followed by no command of its group. */
static int read_group(struct cursor *cursor, struct bytes group)
{
	cursor->args->group = group;
	for (; cursor->at < cursor->argc; cursor->at++) {
		int status = read_global(cursor);
		if (status < 0)
			return status;
		if (status == 0)
			return unknown_command(cursor, arena_printf(scratch(), "%.*s %s",
								    BYTES_ARG(group),
								    cursor->argv[cursor->at]));
	}
	if (cursor->args->wants_help)
		return 0;
	return fail(cursor, TEXT_CTL_GROUP_ALONE, group, BYTES_NONE);
}

static int read_command(struct cursor *cursor)
{
	struct bytes first = bytes_of(cursor->argv[cursor->at]), both = first;
	struct ctl_args *args = cursor->args;
	if (cursor->at + 1 < cursor->argc)
		both = arena_printf(scratch(), "%.*s %s", BYTES_ARG(first),
				    cursor->argv[cursor->at + 1]);
	args->command = admin_command_find(both);
	if (!args->command)
		args->command = admin_command_find(first);
	if (!args->command && admin_command_has_group(first)) {
		cursor->at++;
		return read_group(cursor, first);
	}
	if (!args->command)
		return unknown_command(cursor, both);
	cursor->at += strchr(args->command->name, ' ') ? 2 : 1;
	return read_arguments(cursor);
}

static int read_all(struct cursor *cursor)
{
	for (; cursor->at < cursor->argc; cursor->at++) {
		int status = read_global(cursor);
		if (status < 0)
			return status;
		if (status > 0)
			continue;
		if (cursor->argv[cursor->at][0] != '-')
			return read_command(cursor);
		return fail(cursor, TEXT_CTL_UNKNOWN_GLOBAL, bytes_of(cursor->argv[cursor->at]),
			    BYTES_NONE);
	}
	if (cursor->args->wants_help || cursor->args->wants_version)
		return 0;
	return fail(cursor, TEXT_CTL_NO_COMMAND, BYTES_NONE, BYTES_NONE);
}

int ctl_args_parse(int argc, char *const *argv, enum text_lang lang, struct ctl_args *ret_args,
		   struct err *ret_err)
{
	struct ctl_args args = { .values = cJSON_CreateObject() };
	struct cursor cursor = {
		.argc = argc, .argv = argv, .at = 1, .lang = lang, .args = &args, .err = ret_err
	};
	int status = read_all(&cursor);
	if (status < 0) {
		ctl_args_fini(&args);
		return status;
	}
	*ret_args = args;
	return 0;
}

void ctl_args_fini(struct ctl_args *args)
{
	admin_json_wipe(&args->values);
}
