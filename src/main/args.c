/* See args.h. */
#include "main/args.h"

#include <errno.h>

#include "base/check.h"

struct cursor {
	int argc;
	char *const *argv;
	int at;
	enum text_lang lang;
	struct args *args;
	struct err *err;
};

static int fail(const struct cursor *cursor, enum text text, const char *arg)
{
	struct bytes words =
		text_format(scratch(), text, cursor->lang, bytes_of(arg), BYTES_NONE);
	return err_set(cursor->err, -EINVAL, "%.*s", BYTES_ARG(words));
}

static int take_data_dir(struct cursor *cursor, const char *value)
{
	cursor->args->data_dir = value;
	return 0;
}

static int take_config(struct cursor *cursor, const char *value)
{
	cursor->args->config_path = value;
	return 0;
}

static int take_set(struct cursor *cursor, const char *value)
{
	if (cursor->args->set_count == ARGS_SETS_MAX)
		return fail(cursor, TEXT_ARGS_TOO_MANY, "--set");
	cursor->args->sets[cursor->args->set_count++] = value;
	return 0;
}

static int take_plugin(struct cursor *cursor, const char *value)
{
	if (cursor->args->plugin_count == ARGS_PLUGINS_MAX)
		return fail(cursor, TEXT_ARGS_TOO_MANY, "--plugin");
	cursor->args->plugins[cursor->args->plugin_count++] = value;
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct cursor *cursor, const char *value);
} with_value[] = {
	{ "-c", take_config },		 { "--config", take_config },
	{ "--data-dir", take_data_dir }, { "--plugin", take_plugin },
	{ "--set", take_set },
};

static const struct {
	const char *name;
	enum args_action action;
} actions[] = {
	{ "--check-config", ARGS_CHECK_CONFIG },
	{ "--features", ARGS_FEATURES },
	{ "--help", ARGS_HELP },
	{ "-h", ARGS_HELP },
	{ "--sample-config", ARGS_SAMPLE_CONFIG },
	{ "--version", ARGS_VERSION },
};

/* `--name VALUE` and `--name=VALUE`. 1 if the word was one of them, 0 if not, or negative. */
static int read_with_value(struct cursor *cursor)
{
	const char *word = cursor->argv[cursor->at];
	for (size_t i = 0; i < array_len(with_value); i++) {
		size_t len = strlen(with_value[i].name);
		if (strncmp(word, with_value[i].name, len) != 0 ||
		    (word[len] != '\0' && word[len] != '='))
			continue;
		const char *value = word + len + 1;
		if (word[len] == '\0')
			value = ++cursor->at < cursor->argc ? cursor->argv[cursor->at] : "";
		if (value[0] == '\0')
			return fail(cursor, TEXT_ARGS_NEEDS_VALUE, with_value[i].name);
		int status = with_value[i].take(cursor, value);
		return status < 0 ? status : 1;
	}
	return 0;
}

static int read_word(struct cursor *cursor)
{
	int status = read_with_value(cursor);
	if (status != 0)
		return status < 0 ? status : 0;
	for (size_t i = 0; i < array_len(actions); i++) {
		if (strcmp(cursor->argv[cursor->at], actions[i].name) != 0)
			continue;
		cursor->args->action = actions[i].action;
		return 0;
	}
	return fail(cursor, TEXT_ARGS_UNKNOWN, cursor->argv[cursor->at]);
}

int args_parse(int argc, char *const *argv, enum text_lang lang, struct args *ret_args,
	       struct err *ret_err)
{
	struct args args = { .data_dir = "data" };
	struct cursor cursor = { argc, argv, 1, lang, &args, ret_err };
	for (; cursor.at < argc; cursor.at++) {
		int status = read_word(&cursor);
		if (status < 0)
			return status;
	}
	*ret_args = args;
	return 0;
}
