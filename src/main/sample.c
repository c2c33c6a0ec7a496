/*
 * --sample-config: a file generated from the declared options. A comment line begins with "# ",
 * a line to uncomment with "#" alone; groups are live, so one character makes an option real.
 */
#include "main/config.h"

#include <inttypes.h>

static struct bytes group_of(const struct option *option)
{
	struct bytes rest = bytes_of(option->name);
	struct bytes group = bytes_cut(&rest, '.');
	/* `registration` may stand beside `registration.…`: then both are written in full. */
	return bytes_is_none(rest) || option_find(group) ? BYTES_NONE : group;
}

static void write_comment(FILE *out, const char *indent, const char *text)
{
	size_t column = 0;
	for (struct bytes rest = bytes_of(text); !bytes_is_none(rest);) {
		struct bytes word = bytes_cut(&rest, ' ');
		if (column == 0 || column + word.len > 88) {
			fprintf(out, "%s%s# ", column ? "\n" : "", indent);
			column = 1;
		} else {
			fputc(' ', out);
		}
		fprintf(out, "%.*s", BYTES_ARG(word));
		column += word.len + 1;
	}
	fputc('\n', out);
}

static void write_bounds(FILE *out, const struct option *option)
{
	if (option->type == OPTION_TYPE_INT)
		fprintf(out, "; %" PRId64 " - %" PRId64, option->min, option->max);
	if (option->type == OPTION_TYPE_BOOL)
		fprintf(out, "; yes | no");
	if (option->type != OPTION_TYPE_ENUM)
		return;
	for (size_t i = 0; option->words[i]; i++)
		fprintf(out, "%s%s", i ? " | " : "; ", option->words[i]);
}

static void write_facts(FILE *out, const char *indent, const struct option *option,
			enum text_lang lang)
{
	static const enum text scopes[] = {
		[OPTION_SERVER] = TEXT_CONFIG_SCOPE_SERVER,
		[OPTION_DOMAIN] = TEXT_CONFIG_SCOPE_DOMAIN,
		[OPTION_ACCOUNT] = TEXT_CONFIG_SCOPE_ACCOUNT,
	};
	fprintf(out, "%s# (%s", indent, text_get(scopes[option->scope], lang));
	write_bounds(out, option);
	if (option->applies)
		fprintf(out, "; %s %s", text_get(TEXT_CONFIG_APPLIES, lang), option->applies);
	fprintf(out, ")\n");
}

static void write_quoted(FILE *out, struct bytes text)
{
	fputc('"', out);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			fputc('\\', out);
		fputc(text.ptr[i], out);
	}
	fputc('"', out);
}

static void write_list(FILE *out, const char *items)
{
	const char *comma = "";
	fputc('[', out);
	for (struct bytes rest = bytes_of(items); !bytes_is_none(rest); comma = ", ") {
		fputs(comma, out);
		write_quoted(out, bytes_trim(bytes_cut(&rest, ',')));
	}
	fputc(']', out);
}

static void write_default(FILE *out, const struct option *option)
{
	switch (option->type) {
	case OPTION_TYPE_BOOL:
		fputs(option->default_int ? "yes" : "no", out);
		break;
	case OPTION_TYPE_INT:
		fprintf(out, "%" PRId64, option->default_int);
		break;
	case OPTION_TYPE_ENUM:
		fputs(option->words[option->default_int], out);
		break;
	case OPTION_TYPE_STRING:
		write_quoted(out, bytes_of(option->default_string));
		break;
	case OPTION_TYPE_LIST:
		write_list(out, option->default_string);
		break;
	}
}

static void write_option(FILE *out, const struct option *option, struct bytes group,
			 enum text_lang lang)
{
	const char *indent = bytes_is_none(group) ? "" : "  ";
	const char *name = bytes_is_none(group) ? option->name : option->name + group.len + 1;
	write_comment(out, indent, option->sentence);
	write_facts(out, indent, option, lang);
	fprintf(out, "%s#%s: ", indent, name);
	write_default(out, option);
	fputs("\n\n", out);
}

void config_write_sample(FILE *out, enum text_lang lang)
{
	write_comment(out, "", text_get(TEXT_CONFIG_SAMPLE_HEAD, lang));
	fputc('\n', out);
	write_comment(out, "", text_get(TEXT_CONFIG_SAMPLE_DOMAINS, lang));
	fputs("domains:\n  localhost:\n    #registration: open\n\n", out);
	struct bytes group = BYTES_NONE;
	uint32_t cursor = 0;
	for (const struct option *option; (option = option_next(&cursor));) {
		struct bytes next = group_of(option);
		if (!bytes_is_none(next) && !bytes_equal(next, group))
			fprintf(out, "%.*s:\n", BYTES_ARG(next));
		group = next;
		write_option(out, option, group, lang);
	}
}
