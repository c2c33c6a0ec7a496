#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "main/config.h"

static const char *const registration_words[] = { "closed", "open", "invite", NULL };

static struct option stanza_bytes =
	OPTION_INT("limits.stanza_bytes", OPTION_DOMAIN, 262144, 10000, 16777216,
		   "Largest stanza after login, in bytes.");
static struct option depth =
	OPTION_INT("limits.depth.elements", OPTION_DOMAIN, 50, 1, 100, "Nesting of elements.");
static struct option registration = OPTION_ENUM("registration", OPTION_DOMAIN, 0,
						registration_words, "Who may make an account.");
static struct option captcha =
	OPTION_BOOL("registration.captcha", OPTION_DOMAIN, 0, "Whether a riddle is asked.");
static struct option required = OPTION_BOOL("tls.required", OPTION_DOMAIN, 1, "Only with TLS.");
static struct option certificate =
	OPTION_STRING("tls.certificate", OPTION_DOMAIN, NULL, "A \"chain\" file.");
static struct option shards = OPTION_INT("shards", OPTION_SERVER, 0, 0, 64, "Threads.");
static struct option listen_c2s =
	OPTION_LIST("listen.c2s", OPTION_SERVER, "*:5222, [::1]:5", "Where clients connect.");

static int register_options(void **state)
{
	struct option *const all[] = {
		&stanza_bytes, &depth,	     &registration, &captcha,
		&required,     &certificate, &shards,	    &listen_c2s
	};
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		option_register(all[i]);
	return 0;
}

static struct config *parse_with(const char *text, const char *const *sets, size_t count)
{
	struct config *config = NULL;
	struct err err = { 0 };
	if (config_parse(bytes_of(text), "h.yaml", sets, count, TEXT_LANG_EN, &config, &err) <
	    0)
		fail_msg("%s", err.text);
	return config;
}

static struct config *parse(const char *text)
{
	return parse_with(text, NULL, 0);
}

static const struct config_domain *domain_at(const struct config *config, size_t i,
					     const char *name)
{
	assert_true(i < config->domain_count);
	assert_true(bytes_is(config->domains[i].name, name));
	return &config->domains[i];
}

static void nothing_serves_localhost(void **state)
{
	const char *const texts[] = { "", "# only a comment\n", "---\n", "domains:\n",
				      "limits:\n" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *config = parse(texts[i]);
		assert_int_equal(config->domain_count, 1);
		domain_at(config, 0, "localhost");
		assert_int_equal(settings_int(config->server, &stanza_bytes), 262144);
		config_free(&config);
		assert_null(config);
	}
}

static void nested_and_dotted_names_are_one(void **state)
{
	(void)state;
	struct config *config =
		parse("limits:\n  stanza_bytes: 20000\n  depth: {elements: 7}\n"
		      "registration: open\nregistration.captcha: on\n"
		      "listen: {c2s: ['127.0.0.1:1', \"[::1]:2\"]}\nshards: 3\n");
	size_t count;
	assert_int_equal(settings_int(config->server, &stanza_bytes), 20000);
	assert_int_equal(settings_int(config->server, &depth), 7);
	assert_int_equal(settings_enum(config->server, &registration), 1);
	assert_true(settings_bool(config->server, &captcha));
	assert_int_equal(settings_int(config->server, &shards), 3);
	const struct bytes *items = settings_list(config->server, &listen_c2s, &count);
	assert_int_equal(count, 2);
	assert_true(bytes_is(items[0], "127.0.0.1:1"));
	assert_true(bytes_is(items[1], "[::1]:2"));
	config_free(&config);
}

static void domains_override_the_server(void **state)
{
	(void)state;
	struct config *config = parse("tls.required: no\n"
				      "domains:\n"
				      "  Example.ORG:\n"
				      "    tls: {required: yes}\n"
				      "    limits:\n"
				      "      stanza_bytes: 30000\n"
				      "  b.example:\n"
				      "limits: {stanza_bytes: 40000}\n");
	const struct config_domain *a = domain_at(config, 0, "example.org");
	const struct config_domain *b = domain_at(config, 1, "b.example");
	assert_int_equal(config->domain_count, 2);
	assert_true(settings_bool(a->settings, &required));
	assert_false(settings_bool(b->settings, &required));
	assert_int_equal(settings_int(a->settings, &stanza_bytes), 30000);
	assert_int_equal(settings_int(b->settings, &stanza_bytes), 40000);
	config_free(&config);
}

static void domains_may_be_a_list(void **state)
{
	(void)state;
	struct config *config = parse("domains: [a.example, b.example]\n");
	domain_at(config, 0, "a.example");
	domain_at(config, 1, "b.example");
	config_free(&config);
}

static void a_thousand_domains_are_read(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_append_cstr(&text, "domains:\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "  d%d.example:\n    limits: {stanza_bytes: %d}\n", i,
			   10000 + i);
	buf_append_byte(&text, '\0');
	struct config *config = parse(text.ptr);
	assert_int_equal(config->domain_count, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(settings_int(config->domains[i].settings, &stanza_bytes),
				 10000 + i);
	config_free(&config);
	buf_fini(&text);
}

static void sets_win_over_the_file(void **state)
{
	const char *const sets[] = { "limits.stanza_bytes=50000", "a.example:tls.required=no",
				     "listen.c2s=1.2.3.4:5,6.7.8.9:10" };
	size_t count;
	(void)state;
	struct config *config =
		parse_with("limits: {stanza_bytes: 20000}\ndomains: {a.example: }\n", sets, 3);
	assert_int_equal(settings_int(config->server, &stanza_bytes), 50000);
	assert_false(settings_bool(config->domains[0].settings, &required));
	assert_true(settings_bool(config->server, &required));
	settings_list(config->server, &listen_c2s, &count);
	assert_int_equal(count, 2);
	config_free(&config);
}

static void set_domains_names_exactly_these(void **state)
{
	const char *const sets[] = { "b.example:registration=open",
				     "domains=b.example, c.example" };
	(void)state;
	struct config *config = parse_with(
		"domains:\n  a.example:\n  b.example:\n    tls: {required: no}\n", sets, 2);
	assert_int_equal(config->domain_count, 2);
	const struct config_domain *b = domain_at(config, 0, "b.example");
	domain_at(config, 1, "c.example");
	assert_false(settings_bool(b->settings, &required));
	assert_int_equal(settings_enum(b->settings, &registration), 1);
	config_free(&config);
}

static const struct {
	const char *text;
	const char *set;
	const char *error;
} wrong[] = {
	{ "shards: 1\n\nlimts:\n  stanza_bytes: 5\n", NULL,
	  "h.yaml:4:3: unknown option \"limts.stanza_bytes\"; did you mean "
	  "\"limits.stanza_bytes\"?" },
	{ "colour: blue\n", NULL, "h.yaml:1:1: unknown option \"colour\"" },
	{ "limits: {stanza_bytes: 5}\n", NULL,
	  "h.yaml:1:24: limits.stanza_bytes must be between 10000 and 16777216" },
	{ "limits: {stanza_bytes: lots}\n", NULL,
	  "h.yaml:1:24: limits.stanza_bytes must be a whole number" },
	{ "registration: opne\n", NULL,
	  "h.yaml:1:15: registration must be one of: closed, open, invite (did you mean "
	  "open?)" },
	{ "tls: {required: maybe}\n", NULL, "h.yaml:1:17: tls.required must be yes or no" },
	{ "tls:\n  required:\n", NULL, "h.yaml:2:12: \"tls.required\" has no value" },
	{ "tls:\n  required: no\ntls.required: yes\n", NULL,
	  "h.yaml:3:1: \"tls.required\" is set twice" },
	{ "shards: {a: 1}\n", NULL,
	  "h.yaml:1:9: \"shards\" has a value, not options of its own" },
	{ "shards: [1]\n", NULL, "h.yaml:1:9: shards must be a single value, not a list" },
	{ "listen: {c2s: [[a]]}\n", NULL,
	  "h.yaml:1:16: the items of this list must be plain values" },
	{ "[a]: 1\n", NULL, "h.yaml:1:1: expected \"name: value\"" },
	{ "- a\n", NULL, "h.yaml:1:1: expected \"name: value\"" },
	{ "just words\n", NULL, "h.yaml:1:1: expected \"name: value\"" },
	{ "a: &x 1\n", NULL, "h.yaml:1:4: anchors, aliases and tags are not used here" },
	{ "domains: {a: *x}\n", NULL,
	  "h.yaml:1:14: anchors, aliases and tags are not used here" },
	{ "shards: !!int 3\n", NULL,
	  "h.yaml:1:9: anchors, aliases and tags are not used here" },
	{ "shards: 1\n---\nshards: 2\n", NULL,
	  "h.yaml:2:1: one YAML document is enough: this is a second one" },
	{ "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}\n", NULL,
	  "h.yaml:1:36: nested too deeply" },
	{ "domains:\n  a b:\n", NULL, "h.yaml:2:3: \"a b\" is not a domain name" },
	{ "domains: [a.example, A.example]\n", NULL,
	  "h.yaml:1:22: \"a.example\" is set twice" },
	{ "domains: a.example\n", NULL,
	  "h.yaml:1:10: \"domains\" is a list of names, or a map of names with what differs "
	  "for "
	  "each" },
	{ "domains:\n  a.example:\n    shards: 3\n", NULL,
	  "h.yaml:3:5: \"shards\" is for the whole server and cannot be set for a domain" },
	{ "domains:\n  a.example:\n    domains: {}\n", NULL,
	  "h.yaml:3:5: unknown option \"domains\"" },
	{ "", "limits.stanza_byte=1",
	  "--set limits.stanza_byte=1: unknown option \"limits.stanza_byte\"; did you mean "
	  "\"limits.stanza_bytes\"?" },
	{ "", "tls.required", "--set tls.required: expected name=value or domain:name=value" },
	{ "", "b.example:tls.required=no",
	  "--set b.example:tls.required=no: the domain \"b.example\" is not named in the "
	  "configuration" },
	{ "", "localhost:shards=1",
	  "--set localhost:shards=1: \"shards\" is for the whole server and cannot be set for "
	  "a "
	  "domain" },
	{ "", "domains=a,,b", "--set domains=a,,b: \"\" is not a domain name" },
	{ "", "shards=x", "--set shards=x: shards must be a whole number" },
};

static void mistakes_are_named_where_they_stand(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct config *config = NULL;
		struct err err = { 0 };
		int status = config_parse(bytes_of(wrong[i].text), "h.yaml", &wrong[i].set,
					  wrong[i].set ? 1 : 0, TEXT_LANG_EN, &config, &err);
		if (status != -EINVAL)
			fail_msg("accepted: %s %s", wrong[i].text, wrong[i].set);
		assert_string_equal(err.text, wrong[i].error);
		assert_null(config);
	}
}

static void broken_yaml_names_line_and_column(void **state)
{
	struct config *config = NULL;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(config_parse(BYTES_LIT("a: 1\nb: {c\n"), "h.yaml", NULL, 0,
				      TEXT_LANG_ZH, &config, &err),
			 -EINVAL);
	assert_memory_equal(err.text, "h.yaml:", 7);
}

static void a_bomb_stays_small(void **state)
{
	char *bomb = malloc(CONFIG_BYTES_MAX + 1);
	struct config *config = NULL;
	struct err err = { 0 };
	(void)state;
	memset(bomb, '[', CONFIG_BYTES_MAX + 1);
	assert_int_equal(config_parse(bytes_make(bomb, CONFIG_BYTES_MAX + 1), "h.yaml", NULL, 0,
				      TEXT_LANG_EN, &config, &err),
			 -EFBIG);
	assert_string_equal(err.text, "h.yaml: the file is larger than 1 MiB");
	memcpy(bomb, "listen.c2s: ", 12);
	assert_int_equal(config_parse(bytes_make(bomb, 100000), "h.yaml", NULL, 0, TEXT_LANG_EN,
				      &config, &err),
			 -EINVAL);
	free(bomb);
}

static void files_are_read_or_named(void **state)
{
	char path[] = "/tmp/hearth-config-XXXXXX";
	struct config *config = NULL;
	struct err err = { 0 };
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "shards: 9\n", 10), 10);
	close(fd);
	assert_int_equal(config_load(path, NULL, 0, TEXT_LANG_EN, &config, &err), 0);
	assert_int_equal(settings_int(config->server, &shards), 9);
	config_free(&config);
	unlink(path);
	assert_int_equal(config_load(path, NULL, 0, TEXT_LANG_EN, &config, &err), -ENOENT);
	assert_memory_equal(err.text, path, strlen(path));
}

/* The sample as a person would use it: as it is, and with every option made real. */
static char *sample(enum text_lang lang, bool is_uncommented)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	config_write_sample(out, lang);
	fclose(out);
	for (char *p = text; is_uncommented && (p = strchr(p, '#')); p++)
		if (p[1] != ' ')
			*p = ' ';
	return text;
}

static void the_sample_is_a_configuration(void **state)
{
	(void)state;
	for (int lang = 0; lang < TEXT_LANGS; lang++) {
		char *text = sample((enum text_lang)lang, false);
		struct config *config = parse(text);
		domain_at(config, 0, "localhost");
		assert_false(settings_has(config->server, &stanza_bytes));
		config_free(&config);
		free(text);
	}
}

static void the_sample_shows_every_default(void **state)
{
	char *text = sample(TEXT_LANG_EN, true);
	uint32_t cursor = 0;
	(void)state;
	/* One blank too many before top-level names: take it out again. */
	for (char *p = text; (p = strstr(p, "\n ")); p++)
		if (p[2] != ' ')
			memmove(p + 1, p + 2, strlen(p + 2) + 1);
	for (char *p = text; (p = strstr(p, "\n   ")); p++)
		if (p[4] != ' ')
			memmove(p + 1, p + 2, strlen(p + 2) + 1);
	struct config *config = parse(text);
	for (const struct option *option; (option = option_next(&cursor));)
		assert_true(settings_has(config->server, option));
	assert_int_equal(settings_int(config->server, &stanza_bytes), 262144);
	assert_true(settings_bool(config->server, &required));
	config_free(&config);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_serves_localhost),
		cmocka_unit_test(nested_and_dotted_names_are_one),
		cmocka_unit_test(domains_override_the_server),
		cmocka_unit_test(domains_may_be_a_list),
		cmocka_unit_test(a_thousand_domains_are_read),
		cmocka_unit_test(sets_win_over_the_file),
		cmocka_unit_test(set_domains_names_exactly_these),
		cmocka_unit_test(mistakes_are_named_where_they_stand),
		cmocka_unit_test(broken_yaml_names_line_and_column),
		cmocka_unit_test(a_bomb_stays_small),
		cmocka_unit_test(files_are_read_or_named),
		cmocka_unit_test(the_sample_is_a_configuration),
		cmocka_unit_test(the_sample_shows_every_default),
	};
	return cmocka_run_group_tests(tests, register_options, NULL);
}
