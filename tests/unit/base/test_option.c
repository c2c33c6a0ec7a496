#include "unit.h"

#include <errno.h>

#include "base/option.h"

static const char *const registration_words[] = { "closed", "open", "invite", NULL };

static struct option stanza_bytes = OPTION_INT("limits.stanza_bytes", OPTION_DOMAIN, 262144,
					       10000, 16777216, "Largest stanza.");
static struct option depth =
	OPTION_INT("limits.depth", OPTION_DOMAIN, 50, -1, INT64_MAX, "Depth.");
static struct option registration =
	OPTION_ENUM("registration", OPTION_DOMAIN, 0, registration_words, "Who may register.");
static struct option tls_required = OPTION_BOOL("tls.required", OPTION_SERVER, 1, "Only TLS.");
static struct option motd = OPTION_STRING("motd", OPTION_DOMAIN, NULL, "Greeting.");
static struct option user = OPTION_STRING("server.user", OPTION_SERVER, "hearth", "User.");
static struct option admins = OPTION_LIST("admins", OPTION_DOMAIN, NULL, "Administrators.");
static struct option listen_c2s =
	OPTION_LIST("listen.c2s", OPTION_SERVER, "0.0.0.0:5222, [::]:5222", "Addresses.");
static struct option twin = OPTION_BOOL("motd", OPTION_SERVER, 1, "Another of the name.");
static struct option absurd =
	OPTION_INT("absurd", OPTION_SERVER, 0, 1, 2, "Default out of bounds.");

static struct option *const all[] = { &stanza_bytes, &depth, &registration, &tls_required,
				      &motd,	     &user,  &admins,	    &listen_c2s };

static int begin(void **state)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		option_register(all[i]);
	return 0;
}

static void register_arg(void *arg)
{
	option_register(arg);
}

static void registry_is_sorted_and_unique(void **state)
{
	uint32_t cursor = 0, count = 0;
	struct option *option, *before = NULL;

	option_register(&motd);
	while ((option = option_next(&cursor))) {
		assert_true(option->index >= 1);
		if (before)
			assert_true(strcmp(before->name, option->name) < 0);
		before = option;
		count++;
	}
	assert_int_equal(count, sizeof(all) / sizeof(all[0]));
	assert_ptr_equal(option_find(BYTES_LIT("motd")), &motd);
	assert_null(option_find(BYTES_LIT("mot")));
	assert_null(option_find(BYTES_LIT("motdd")));
	assert_true(unit_aborts(register_arg, &twin));
	assert_true(unit_aborts(register_arg, &absurd));
}

static void names_the_nearest(void **state)
{
	assert_ptr_equal(option_nearest(BYTES_LIT("limits.stanza_byte")), &stanza_bytes);
	assert_ptr_equal(option_nearest(BYTES_LIT("limit.stanza-bytes")), &stanza_bytes);
	assert_ptr_equal(option_nearest(BYTES_LIT("regsitration")), &registration);
	assert_ptr_equal(option_nearest(BYTES_LIT("mtod")), &motd); /* one transposition */
	assert_null(option_nearest(BYTES_LIT("mo")));
	assert_null(option_nearest(BYTES_LIT("something.else")));
	assert_null(option_nearest(BYTES_LIT("")));
	assert_null(
		option_nearest(BYTES_LIT("motdmotdmotdmotdmotdmotdmotdmotdmotdmotdmotdmotdmotdm"
					 "otdmotdmotdmotd")));
}

static void defaults_hold_without_settings(void **state)
{
	const struct bytes *items;
	size_t count;

	assert_int_equal(settings_int(NULL, &stanza_bytes), 262144);
	assert_true(settings_bool(NULL, &tls_required));
	assert_int_equal(settings_enum(NULL, &registration), 0);
	assert_true(bytes_is_none(settings_string(NULL, &motd)));
	assert_bytes(settings_string(NULL, &user), "hearth");
	settings_list(NULL, &admins, &count);
	assert_int_equal(count, 0);
	items = settings_list(NULL, &listen_c2s, &count);
	assert_int_equal(count, 2);
	assert_bytes(items[0], "0.0.0.0:5222");
	assert_bytes(items[1], "[::]:5222");
	assert_false(settings_has(NULL, &motd));
}

static void refuses(const struct option *option, const char *text, const char *reason)
{
	struct settings *settings = settings_new(NULL);
	struct err err = { 0 };

	assert_int_equal(settings_set(settings, option, bytes_of(text), &err), -EINVAL);
	assert_string_equal(err.text, reason);
	assert_int_equal(err.code, -EINVAL);
	assert_false(settings_has(settings, option));
	assert_int_equal(settings_set(settings, option, bytes_of(text), NULL), -EINVAL);
	settings_free(&settings);
}

static void says_why_a_value_is_wrong(void **state)
{
	static const char bounds[] = "must be between 10000 and 16777216";
	static const char words[] = "must be one of: closed, open, invite";

	refuses(&stanza_bytes, "9999", bounds);
	refuses(&stanza_bytes, "16777217", bounds);
	refuses(&stanza_bytes, "99999999999999999999999", bounds);
	refuses(&stanza_bytes, "-20000", bounds);
	refuses(&stanza_bytes, "64k", "must be a whole number");
	refuses(&stanza_bytes, "", "must be a whole number");
	refuses(&stanza_bytes, "1e5", "must be a whole number");
	refuses(&tls_required, "maybe", "must be yes or no");
	refuses(&tls_required, "", "must be yes or no");
	refuses(&registration, "everybody", words);
	refuses(&registration, "", words);
	refuses(&registration, "opne",
		"must be one of: closed, open, invite (did you mean open?)");
	refuses(&admins, "a,,b", "must be a comma-separated list without empty items");
	refuses(&admins, "a,", "must be a comma-separated list without empty items");
	refuses(&admins, ",", "must be a comma-separated list without empty items");
}

static void set(struct settings *settings, const struct option *option, const char *text)
{
	struct err err;

	assert_int_equal(settings_set(settings, option, bytes_of(text), &err), 0);
	assert_true(settings_has(settings, option));
}

static void values_are_typed_and_replaced(void **state)
{
	struct settings *settings = settings_new(NULL);
	const struct bytes *items;
	char text[] = "a@b";
	size_t count;

	set(settings, &stanza_bytes, "10000");
	set(settings, &stanza_bytes, "16777216");
	set(settings, &depth, "-1");
	set(settings, &tls_required, "No");
	set(settings, &registration, "invite");
	set(settings, &motd, text);
	text[0] = 'X'; /* the value is a copy */
	set(settings, &admins, " a@b ,\tc@d ");
	assert_int_equal(settings_int(settings, &stanza_bytes), 16777216);
	assert_int_equal(settings_int(settings, &depth), -1);
	assert_false(settings_bool(settings, &tls_required));
	assert_int_equal(settings_enum(settings, &registration), 2);
	assert_bytes(settings_string(settings, &motd), "a@b");
	items = settings_list(settings, &admins, &count);
	assert_int_equal(count, 2);
	assert_bytes(items[0], "a@b");
	assert_bytes(items[1], "c@d");
	set(settings, &admins, "");
	settings_list(settings, &admins, &count);
	assert_int_equal(count, 0);
	set(settings, &motd, "");
	assert_false(bytes_is_none(settings_string(settings, &motd)));
	settings_free(&settings);
	assert_null(settings);
	settings_free(&settings);
}

static void items_may_hold_commas(void **state)
{
	struct settings *settings = settings_new(NULL);
	const struct bytes items[] = { BYTES_LIT("a,b"), BYTES_LIT("c") }, *got;
	struct err err;
	size_t count;

	assert_int_equal(settings_set_list(settings, &admins, items, 2, &err), 0);
	got = settings_list(settings, &admins, &count);
	assert_int_equal(count, 2);
	assert_bytes(got[0], "a,b");
	assert_int_equal(settings_set_list(settings, &motd, items, 2, &err), -EINVAL);
	assert_string_equal(err.text, "must be a single value, not a list");
	settings_free(&settings);
}

static void domains_fall_back_on_the_server(void **state)
{
	enum { DOMAINS = 1000 };
	static struct settings *domains[DOMAINS];
	struct settings *server = settings_new(NULL);

	set(server, &stanza_bytes, "20000");
	set(server, &motd, "hello");
	for (int i = 0; i < DOMAINS; i++)
		domains[i] = settings_new(server);
	set(domains[7], &stanza_bytes, "30000");
	for (int i = 0; i < DOMAINS; i++) {
		assert_int_equal(settings_int(domains[i], &stanza_bytes),
				 i == 7 ? 30000 : 20000);
		assert_bytes(settings_string(domains[i], &motd), "hello");
		assert_int_equal(settings_has(domains[i], &stanza_bytes), i == 7);
		assert_int_equal(settings_int(domains[i], &depth), 50);
	}
	for (int i = 0; i < DOMAINS; i++)
		settings_free(&domains[i]);
	settings_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_is_sorted_and_unique),
		cmocka_unit_test(names_the_nearest),
		cmocka_unit_test(defaults_hold_without_settings),
		cmocka_unit_test(says_why_a_value_is_wrong),
		cmocka_unit_test(values_are_typed_and_replaced),
		cmocka_unit_test(items_may_hold_commas),
		cmocka_unit_test(domains_fall_back_on_the_server),
	};
	return cmocka_run_group_tests(tests, begin, NULL);
}
