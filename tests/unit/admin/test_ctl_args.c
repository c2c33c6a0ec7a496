#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "admin/ctl_args.h"

static int parse(struct ctl_args *args, struct err *err, const char *line)
{
	static char text[300];
	char *argv[20];
	int argc = 0;
	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return ctl_args_parse(argc, argv, TEXT_LANG_EN, args, err);
}

static const struct {
	const char *line;
	const char *command;
	const char *values;
} right[] = {
	{ "hearthctl user add a@b", "user add", "{\"jid\":\"a@b\"}" },
	{ "hearthctl --json user list", "user list", "{}" },
	{ "hearthctl user list example.org --json", "user list",
	  "{\"domain\":\"example.org\"}" },
	{ "hearthctl domain del x --yes", "domain del", "{\"domain\":\"x\",\"yes\":true}" },
	{ "hearthctl domain add x --set a=b --set=c=d", "domain add",
	  "{\"domain\":\"x\",\"set\":[\"a=b\",\"c=d\"]}" },
	{ "hearthctl user import -", "user import", "{}" },
	{ "hearthctl status", "status", "{}" },
	{ "hearthctl log level stream debug", "log level",
	  "{\"room\":\"stream\",\"level\":\"debug\"}" },
};

static void commands_are_read_by_their_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct ctl_args args;
		struct err err;
		if (parse(&args, &err, right[i].line) < 0)
			fail_msg("%s: %s", right[i].line, err.text);
		char *values = cJSON_PrintUnformatted(args.values);
		assert_string_equal(args.command->name, right[i].command);
		assert_string_equal(values, right[i].values);
		cJSON_free(values);
		ctl_args_fini(&args);
	}
}

static const struct {
	const char *line;
	const char *error;
} wrong[] = {
	{ "hearthctl", "a command is missing" },
	{ "hearthctl user", "\"user\" is the first word of several commands: which one?" },
	{ "hearthctl usr add", "unknown command \"usr add\"; did you mean \"user add\"?" },
	{ "hearthctl user ad a@b", "unknown command \"user ad\"; did you mean \"user add\"?" },
	{ "hearthctl staus", "unknown command \"staus\"; did you mean \"status\"?" },
	{ "hearthctl user add", "JID is missing: hearthctl user add JID" },
	{ "hearthctl user add a@b secret", "\"secret\" is too much: hearthctl user add JID" },
	{ "hearthctl user import users.txt",
	  "\"users.txt\" is too much: hearthctl user import - [--hashed]" },
	{ "hearthctl user import", "- is missing: hearthctl user import - [--hashed]" },
	{ "hearthctl domain del x --force", "--force is no switch of domain del" },
	{ "hearthctl domain add x --set", "--set needs a value" },
	{ "hearthctl --data-dir", "--data-dir needs a value" },
	{ "hearthctl --data-dri x status", "unknown switch --data-dri" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ctl_args args;
		struct err err = { 0 };
		if (parse(&args, &err, wrong[i].line) != -EINVAL)
			fail_msg("accepted: %s", wrong[i].line);
		assert_string_equal(err.text, wrong[i].error);
	}
}

static void help_is_had_anywhere(void **state)
{
	const char *const lines[] = { "hearthctl --help", "hearthctl user --help",
				      "hearthctl user add --help", "hearthctl user add -h" };
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct ctl_args args;
		assert_int_equal(parse(&args, NULL, lines[i]), 0);
		assert_true(args.wants_help);
		assert_int_equal(args.command != NULL, i >= 2);
		assert_int_equal(bytes_is(args.group, "user"), i == 1);
		ctl_args_fini(&args);
	}
}

static void every_row_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < ADMIN_COMMANDS; i++) {
		const struct admin_command *command = &admin_commands[i];
		assert_ptr_equal(admin_command_find(bytes_of(command->name)), command);
		for (int lang = 0; lang < TEXT_LANGS; lang++)
			assert_true(text_get(command->help, (enum text_lang)lang)[0] != '\0');
		assert_true(bytes_has_prefix(ctl_args_usage(scratch(), command),
					     bytes_of(command->name)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_read_by_their_rows),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_is_had_anywhere),
		cmocka_unit_test(every_row_is_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
