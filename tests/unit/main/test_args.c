#include "unit.h"

#include <errno.h>
#include <string.h>

#include "main/args.h"

static int parse(struct args *args, struct err *err, const char *line)
{
	static char text[200];
	char *argv[20];
	int argc = 0;
	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return args_parse(argc, argv, TEXT_LANG_EN, args, err);
}

static void everything_has_a_default(void **state)
{
	struct args args;
	(void)state;
	assert_int_equal(parse(&args, NULL, "hearthd"), 0);
	assert_int_equal(args.action, ARGS_SERVE);
	assert_null(args.config_path);
	assert_string_equal(args.data_dir, "data");
	assert_int_equal(args.set_count, 0);
}

static void values_stand_behind_or_after_an_equals_sign(void **state)
{
	struct args args;
	(void)state;
	assert_int_equal(parse(&args, NULL,
			       "hearthd -c a.yaml --data-dir=/var/x --set shards=4 "
			       "--set=domains=a,b --plugin x.so --check-config"),
			 0);
	assert_string_equal(args.config_path, "a.yaml");
	assert_string_equal(args.data_dir, "/var/x");
	assert_int_equal(args.set_count, 2);
	assert_string_equal(args.sets[0], "shards=4");
	assert_string_equal(args.sets[1], "domains=a,b");
	assert_string_equal(args.plugins[0], "x.so");
	assert_int_equal(args.action, ARGS_CHECK_CONFIG);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *line;
		const char *error;
	} cases[] = {
		{ "hearthd --dta-dir x", "unknown argument --dta-dir" },
		{ "hearthd run", "unknown argument run" },
		{ "hearthd --data-dirs=x", "unknown argument --data-dirs=x" },
		{ "hearthd --data-dir", "--data-dir needs a value" },
		{ "hearthd --set=", "--set needs a value" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct args args;
		struct err err;
		assert_int_equal(parse(&args, &err, cases[i].line), -EINVAL);
		assert_string_equal(err.text, cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_a_default),
		cmocka_unit_test(values_stand_behind_or_after_an_equals_sign),
		cmocka_unit_test(mistakes_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
