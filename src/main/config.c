/* See config.h. Reading goes by libyaml's events, because they know line and column. */
#include "main/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/check.h"
#include "xmpp/jid.h"

struct reader {
	yaml_parser_t yaml;
	yaml_event_t event; /* the current one; deleted by next_event() */
	bool has_event;
	struct config *config;
	const char *file;
	enum text_lang lang;
	struct err *err;
};

/* Where the values of a map go. */
struct section {
	struct settings *settings;
	bool is_domain;
	struct bytes prefix; /* "limits." or empty */
	unsigned depth;
};

static int read_map(struct reader *reader, const struct section *section);

/* --- errors --- */

static int fail_at(struct reader *reader, yaml_mark_t mark, enum text key, struct bytes arg0,
		   struct bytes arg1)
{
	struct bytes text = text_format(scratch(), key, reader->lang, arg0, arg1);
	return err_set(reader->err, -EINVAL, "%s:%zu:%zu: %.*s", reader->file, mark.line + 1,
		       mark.column + 1, BYTES_ARG(text));
}

static int fail_here(struct reader *reader, enum text key, struct bytes arg)
{
	return fail_at(reader, reader->event.start_mark, key, arg, BYTES_NONE);
}

/* The sentence for a name that nobody declared, with the nearest one that somebody did. */
static struct bytes unknown_option(struct bytes name, enum text_lang lang)
{
	const struct option *nearest = option_nearest(name);
	if (!nearest)
		return text_format(scratch(), TEXT_CONFIG_UNKNOWN, lang, name, BYTES_NONE);
	return text_format(scratch(), TEXT_CONFIG_UNKNOWN_NEAREST, lang, name,
			   bytes_of(nearest->name));
}

static int fail_unknown(struct reader *reader, yaml_mark_t mark, struct bytes name)
{
	return fail_at(reader, mark, TEXT_CONFIG_PLAIN, unknown_option(name, reader->lang),
		       BYTES_NONE);
}

/* --- events --- */

static void drop_event(struct reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	reader->has_event = false;
}

static int fail_yaml(struct reader *reader)
{
	yaml_mark_t mark = reader->yaml.problem_mark;
	const char *problem = reader->yaml.problem ? reader->yaml.problem : "";
	return fail_at(reader, mark, TEXT_CONFIG_SYNTAX, bytes_of(problem), BYTES_NONE);
}

/* Anchors could make a small file expand without end, and tags mean nothing here. */
static int check_event(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	bool is_refused = event->type == YAML_ALIAS_EVENT;
	if (event->type == YAML_SCALAR_EVENT)
		is_refused = event->data.scalar.anchor || event->data.scalar.tag;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		is_refused =
			event->data.sequence_start.anchor || event->data.sequence_start.tag;
	if (event->type == YAML_MAPPING_START_EVENT)
		is_refused = event->data.mapping_start.anchor || event->data.mapping_start.tag;
	return is_refused ? fail_here(reader, TEXT_CONFIG_NO_ALIASES, BYTES_NONE) : 0;
}

static int next_event(struct reader *reader)
{
	drop_event(reader);
	if (!yaml_parser_parse(&reader->yaml, &reader->event))
		return fail_yaml(reader);
	reader->has_event = true;
	return check_event(reader);
}

static struct bytes scalar(const struct reader *reader)
{
	return bytes_make(reader->event.data.scalar.value, reader->event.data.scalar.length);
}

/* A plain `name:` or `name: ~`, as opposed to `name: ""`. */
static bool is_null(const struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	if (event->type != YAML_SCALAR_EVENT ||
	    event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	struct bytes text = scalar(reader);
	return text.len == 0 || bytes_is(text, "~") || bytes_is(text, "null");
}

/* --- options --- */

static bool is_group(struct bytes name)
{
	struct bytes prefix = arena_printf(scratch(), "%.*s.", BYTES_ARG(name));
	uint32_t cursor = 0;
	for (const struct option *option; (option = option_next(&cursor));)
		if (bytes_has_prefix(bytes_of(option->name), prefix))
			return true;
	return false;
}

static int find_option(struct reader *reader, const struct section *section, yaml_mark_t mark,
		       struct bytes name, const struct option **ret_option)
{
	const struct option *option = option_find(name);
	if (!option)
		return fail_unknown(reader, mark, name);
	if (section->is_domain && option->scope == OPTION_SERVER)
		return fail_at(reader, mark, TEXT_CONFIG_SERVER_ONLY, name, BYTES_NONE);
	if (settings_has(section->settings, option))
		return fail_at(reader, mark, TEXT_CONFIG_TWICE, name, BYTES_NONE);
	*ret_option = option;
	return 0;
}

static int read_scalar(struct reader *reader, const struct section *section, yaml_mark_t mark,
		       struct bytes name)
{
	bool has_value = !is_null(reader);
	if (!has_value && is_group(name))
		return 0;
	const struct option *option = NULL;
	int status = find_option(reader, section, mark, name, &option);
	if (status < 0)
		return status;
	if (!has_value)
		return fail_here(reader, TEXT_CONFIG_NEEDS_VALUE, name);
	struct err why;
	if (settings_set(section->settings, option, scalar(reader), &why) < 0)
		return fail_at(reader, reader->event.start_mark, TEXT_CONFIG_BAD, name,
			       bytes_of(why.text));
	return 0;
}

/* The current event begins a sequence; ends on its last event. Items live in scratch. */
static int read_items(struct reader *reader, const struct bytes **ret_items, size_t *ret_count)
{
	struct bytes *items = NULL;
	size_t count = 0, room = 0;
	for (;;) {
		int status = next_event(reader);
		if (status < 0)
			return status;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (reader->event.type != YAML_SCALAR_EVENT || is_null(reader))
			return fail_here(reader, TEXT_CONFIG_LIST_ITEM, BYTES_NONE);
		if (count == room) {
			room = room ? room * 2 : 8;
			struct bytes *more = arena_alloc(scratch(), room * sizeof(*more));
			if (count > 0)
				memcpy(more, items, count * sizeof(*more));
			items = more;
		}
		items[count++] = arena_copy(scratch(), scalar(reader));
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static int read_list(struct reader *reader, const struct section *section, yaml_mark_t mark,
		     struct bytes name)
{
	yaml_mark_t start = reader->event.start_mark;
	const struct option *option = NULL;
	int status = find_option(reader, section, mark, name, &option);
	if (status < 0)
		return status;
	const struct bytes *items = NULL;
	size_t count = 0;
	status = read_items(reader, &items, &count);
	if (status < 0)
		return status;
	struct err why;
	if (settings_set_list(section->settings, option, items, count, &why) < 0)
		return fail_at(reader, start, TEXT_CONFIG_BAD, name, bytes_of(why.text));
	return 0;
}

/* --- domains --- */

static struct config_domain *find_domain(struct config *config, struct bytes name)
{
	for (size_t i = 0; i < config->domain_count; i++)
		if (bytes_equal(config->domains[i].name, name))
			return &config->domains[i];
	return NULL;
}

static struct config_domain *add_domain(struct config *config, struct bytes name)
{
	size_t count = config->domain_count;
	struct config_domain *more = reallocarray(config->domains, count + 1, sizeof(*more));
	check(more);
	config->domains = more;
	config->domain_count = count + 1;
	more[count] = (struct config_domain){ arena_copy(&config->arena, name),
					      settings_new(config->server) };
	return &more[count];
}

/* The current event is the domain's name; the domain becomes the last one. */
static int read_domain_name(struct reader *reader)
{
	struct bytes name;
	if (reader->event.type != YAML_SCALAR_EVENT)
		return fail_here(reader, TEXT_CONFIG_DOMAINS_FORM, BYTES_NONE);
	if (jid_prepare_domain(scratch(), scalar(reader), &name) < 0)
		return fail_here(reader, TEXT_CONFIG_DOMAIN_BAD,
				 arena_copy(scratch(), scalar(reader)));
	if (find_domain(reader->config, name))
		return fail_here(reader, TEXT_CONFIG_TWICE, arena_copy(scratch(), name));
	add_domain(reader->config, name);
	return 0;
}

/* Of the last domain: `name:` alone, or `name:` and a map of what is different for it. */
static int read_domain_section(struct reader *reader)
{
	const struct config *config = reader->config;
	struct settings *settings = config->domains[config->domain_count - 1].settings;
	int status = next_event(reader);
	if (status < 0)
		return status;
	if (reader->event.type == YAML_MAPPING_START_EVENT)
		return read_map(reader, &(struct section){ .settings = settings,
							   .is_domain = true,
							   .prefix = BYTES_LIT("") });
	return is_null(reader) ? 0 : fail_here(reader, TEXT_CONFIG_DOMAINS_FORM, BYTES_NONE);
}

/* The current event is the value of `domains:`, a map or a list. */
static int read_domains(struct reader *reader)
{
	if (is_null(reader))
		return 0;
	yaml_event_type_t start = reader->event.type;
	if (start != YAML_MAPPING_START_EVENT && start != YAML_SEQUENCE_START_EVENT)
		return fail_here(reader, TEXT_CONFIG_DOMAINS_FORM, BYTES_NONE);
	for (;;) {
		int status = next_event(reader);
		if (status < 0)
			return status;
		if (reader->event.type == YAML_MAPPING_END_EVENT ||
		    reader->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		status = read_domain_name(reader);
		if (status == 0 && start == YAML_MAPPING_START_EVENT)
			status = read_domain_section(reader);
		if (status < 0)
			return status;
	}
}

/* --- maps and documents --- */

static int read_value(struct reader *reader, const struct section *section, yaml_mark_t mark,
		      struct bytes name)
{
	switch (reader->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, section, mark, name);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(reader, section, mark, name);
	default:
		break;
	}
	if (option_find(name) && !is_group(name))
		return fail_here(reader, TEXT_CONFIG_NO_MAP, name);
	struct section inner = *section;
	inner.prefix = arena_printf(scratch(), "%.*s.", BYTES_ARG(name));
	inner.depth++;
	if (inner.depth > CONFIG_DEPTH_MAX)
		return fail_here(reader, TEXT_CONFIG_TOO_DEEP, BYTES_NONE);
	int count = read_map(reader, &inner);
	return count == 0 && !is_group(name) ? fail_unknown(reader, mark, name) : count;
}

/* The current event begins a map; ends on its last event. Returns how many members it has. */
static int read_map(struct reader *reader, const struct section *section)
{
	for (int count = 0;; count++) {
		int status = next_event(reader);
		if (status < 0)
			return status;
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			return count;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return fail_here(reader, TEXT_CONFIG_NAME_FORM, BYTES_NONE);
		yaml_mark_t mark = reader->event.start_mark;
		struct bytes name =
			arena_printf(scratch(), "%.*s%.*s", BYTES_ARG(section->prefix),
				     BYTES_ARG(scalar(reader)));
		status = next_event(reader);
		if (status < 0)
			return status;
		bool is_domains = !section->is_domain && bytes_is(name, "domains");
		status = is_domains ? read_domains(reader)
				    : read_value(reader, section, mark, name);
		if (status < 0)
			return status;
	}
}

static int read_document(struct reader *reader)
{
	int status = next_event(reader);
	if (status < 0)
		return status;
	if (is_null(reader))
		return 0;
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return fail_here(reader, TEXT_CONFIG_NAME_FORM, BYTES_NONE);
	return read_map(reader, &(struct section){ .settings = reader->config->server,
						   .prefix = BYTES_LIT("") });
}

static int read_stream(struct reader *reader)
{
	bool has_document = false;
	for (;;) {
		int status = next_event(reader);
		if (status < 0)
			return status;
		if (reader->event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (reader->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (has_document)
			return fail_here(reader, TEXT_CONFIG_ONE_DOCUMENT, BYTES_NONE);
		has_document = true;
		status = read_document(reader);
		if (status < 0)
			return status;
	}
}

static int read_text(struct config *config, struct bytes text, const char *file,
		     enum text_lang lang, struct err *ret_err)
{
	struct reader reader = { .config = config, .file = file, .lang = lang, .err = ret_err };
	check(yaml_parser_initialize(&reader.yaml));
	yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)text.ptr, text.len);
	int status = read_stream(&reader);
	drop_event(&reader);
	yaml_parser_delete(&reader.yaml);
	return status;
}

/* --- the command line --- */

struct assignment {
	const char *argument;
	struct bytes domain; /* BYTES_NONE: the server */
	struct bytes name;
	struct bytes value;
	enum text_lang lang;
	struct err *err;
};

static int fail_set(const struct assignment *set, enum text key, struct bytes arg0,
		    struct bytes arg1)
{
	struct bytes text = text_format(scratch(), key, set->lang, arg0, arg1);
	return err_set(set->err, -EINVAL, "--set %s: %.*s", set->argument, BYTES_ARG(text));
}

/* `--set domains=a,b`: exactly these are served; sections of the file keep their settings. */
static int set_domains(struct config *config, const struct assignment *set)
{
	struct config_domain *before = config->domains;
	size_t before_count = config->domain_count;
	config->domains = NULL;
	config->domain_count = 0;
	int status = 0;
	for (struct bytes rest = set->value; status == 0 && !bytes_is_none(rest);) {
		struct bytes word = bytes_trim(bytes_cut(&rest, ',')), name;
		if (jid_prepare_domain(scratch(), word, &name) < 0)
			status = fail_set(set, TEXT_CONFIG_DOMAIN_BAD, word, BYTES_NONE);
		else if (!find_domain(config, name))
			add_domain(config, name);
	}
	for (size_t i = 0; i < before_count; i++) {
		struct config_domain *kept = find_domain(config, before[i].name);
		settings_free(kept ? &kept->settings : &before[i].settings);
		if (kept)
			kept->settings = before[i].settings;
	}
	free(before);
	return status;
}

static int set_in(struct settings *settings, bool is_domain, const struct assignment *set)
{
	const struct option *option = option_find(set->name);
	struct err why;
	if (!option)
		return fail_set(set, TEXT_CONFIG_PLAIN, unknown_option(set->name, set->lang),
				BYTES_NONE);
	if (is_domain && option->scope == OPTION_SERVER)
		return fail_set(set, TEXT_CONFIG_SERVER_ONLY, set->name, BYTES_NONE);
	if (settings_set(settings, option, set->value, &why) < 0)
		return fail_set(set, TEXT_CONFIG_BAD, set->name, bytes_of(why.text));
	return 0;
}

static int set_option(struct config *config, const struct assignment *set)
{
	if (bytes_is_none(set->domain))
		return set_in(config->server, false, set);
	struct config_domain *domain = find_domain(config, set->domain);
	if (!domain)
		return fail_set(set, TEXT_CONFIG_NO_DOMAIN, set->domain, BYTES_NONE);
	return set_in(domain->settings, true, set);
}

static int split_set(const char *argument, struct assignment *set)
{
	struct bytes value = bytes_of(argument);
	struct bytes left = bytes_cut(&value, '=');
	if (bytes_is_none(value) || left.len == 0)
		return fail_set(set, TEXT_CONFIG_SET_FORM, BYTES_NONE, BYTES_NONE);
	set->value = value;
	set->name = left;
	/* The last colon: a domain may be an IPv6 literal, an option's name has none. */
	size_t colon = left.len;
	while (colon > 0 && left.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return 0;
	set->name = bytes_skip(left, colon);
	struct bytes domain = bytes_first(left, colon - 1);
	if (jid_prepare_domain(scratch(), domain, &set->domain) < 0)
		return fail_set(set, TEXT_CONFIG_DOMAIN_BAD, domain, BYTES_NONE);
	return 0;
}

/* Domains first, so that `--set example.org:registration=open --set domains=example.org` works.
 */
static int apply_sets(struct config *config, const char *const *sets, size_t count,
		      enum text_lang lang, struct err *ret_err)
{
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && config->domain_count == 0)
			add_domain(config, BYTES_LIT("localhost"));
		for (size_t i = 0; i < count; i++) {
			struct assignment set = { .argument = sets[i],
						  .lang = lang,
						  .err = ret_err };
			int status = split_set(sets[i], &set);
			if (status < 0)
				return status;
			bool is_domains =
				bytes_is_none(set.domain) && bytes_is(set.name, "domains");
			if (is_domains != (pass == 0))
				continue;
			status = is_domains ? set_domains(config, &set)
					    : set_option(config, &set);
			if (status < 0)
				return status;
		}
	}
	return 0;
}

/* --- public --- */

int config_set_for_domain(struct settings *settings, struct bytes assignment,
			  enum text_lang lang, struct err *ret_err)
{
	struct assignment set = { .argument = arena_cstr(scratch(), assignment),
				  .lang = lang,
				  .err = ret_err };
	set.value = assignment;
	set.name = bytes_cut(&set.value, '=');
	if (bytes_is_none(set.value))
		return fail_set(&set, TEXT_CONFIG_SET_FORM, BYTES_NONE, BYTES_NONE);
	return set_in(settings, true, &set);
}

int config_parse(struct bytes text, const char *file, const char *const *sets, size_t set_count,
		 enum text_lang lang, struct config **ret_config, struct err *ret_err)
{
	struct config *config = calloc(1, sizeof(*config));
	check(config);
	arena_init(&config->arena, 4096);
	config->server = settings_new(NULL);
	int status = 0;
	if (text.len > CONFIG_BYTES_MAX)
		status = err_set(ret_err, -EFBIG, "%s: %s", file,
				 text_get(TEXT_CONFIG_TOO_LARGE, lang));
	else if (text.len > 0)
		status = read_text(config, text, file, lang, ret_err);
	if (status == 0)
		status = apply_sets(config, sets, set_count, lang, ret_err);
	if (status < 0) {
		config_free(&config);
		return status;
	}
	*ret_config = config;
	return 0;
}

static int read_file(const char *path, struct buf *text, struct err *ret_err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(ret_err, -errno, "%s: %s", path, strerror(errno));
	int status = 0;
	while (text->len <= CONFIG_BYTES_MAX) {
		check(buf_reserve(text, 16384) == 0);
		ssize_t n = read(fd, text->ptr + text->len, 16384);
		if (n < 0)
			status = err_set(ret_err, -errno, "%s: %s", path, strerror(errno));
		if (n <= 0)
			break;
		text->len += (size_t)n;
	}
	close(fd);
	return status;
}

int config_load(const char *path, const char *const *sets, size_t set_count,
		enum text_lang lang, struct config **ret_config, struct err *ret_err)
{
	struct buf text;
	buf_init(&text, 0);
	int status = path ? read_file(path, &text, ret_err) : 0;
	if (status == 0)
		status = config_parse(buf_bytes(&text), path ? path : "", sets, set_count, lang,
				      ret_config, ret_err);
	buf_fini(&text);
	return status;
}

void config_free(struct config **config)
{
	struct config *it = *config;
	*config = NULL;
	if (!it)
		return;
	for (size_t i = 0; i < it->domain_count; i++)
		settings_free(&it->domains[i].settings);
	free(it->domains);
	settings_free(&it->server);
	arena_fini(&it->arena);
	free(it);
}
