#include "xmpp/error.h"

#include <errno.h>

#include "base/check.h"
#include "xml/write.h"
#include "xmpp/ns.h"

static const struct {
	const char *name;
	enum error_type type;
} stanza_conditions[] = {
	{ "", ERROR_TYPE_DEFAULT },
#define STANZA_CONDITION(name, element, type) { element, ERROR_TYPE_##type },
#include "xmpp/condition.def"
#undef STANZA_CONDITION
};

static const char *const stream_conditions[] = {
	"",
#define STREAM_CONDITION(name, element) element,
#include "xmpp/stream_condition.def"
#undef STREAM_CONDITION
};

static const char *const types[] = { "", "auth", "cancel", "continue", "modify", "wait" };

const char *stanza_condition_name(enum stanza_condition condition)
{
	check(condition < CONDITION_COUNT);
	return stanza_conditions[condition].name;
}

const char *stream_condition_name(enum stream_condition condition)
{
	check(condition < STREAM_CONDITION_COUNT);
	return stream_conditions[condition];
}

enum stanza_condition stanza_condition_find(struct bytes element)
{
	for (int i = CONDITION_NONE + 1; i < CONDITION_COUNT; i++) {
		if (bytes_is(element, stanza_conditions[i].name))
			return (enum stanza_condition)i;
	}
	return CONDITION_NONE;
}

enum stream_condition stream_condition_find(struct bytes element)
{
	for (int i = STREAM_CONDITION_NONE + 1; i < STREAM_CONDITION_COUNT; i++) {
		if (bytes_is(element, stream_conditions[i]))
			return (enum stream_condition)i;
	}
	return STREAM_CONDITION_NONE;
}

enum error_type stanza_condition_type(enum stanza_condition condition)
{
	check(condition > CONDITION_NONE && condition < CONDITION_COUNT);
	return stanza_conditions[condition].type;
}

const char *error_type_name(enum error_type type)
{
	check(type < array_len(types));
	return types[type];
}

enum error_type error_type_find(struct bytes name)
{
	for (size_t i = 1; i < array_len(types); i++) {
		if (bytes_is(name, types[i]))
			return (enum error_type)i;
	}
	return ERROR_TYPE_DEFAULT;
}

/* The condition, its optional content, and the optional text, all in one namespace. */
static void write_condition(struct xml_writer *writer, const char *name, const char *ns,
			    struct bytes content, enum text text, enum text_lang lang)
{
	xml_open(writer, name, ns);
	xml_text(writer, content);
	xml_close(writer);
	if (text == TEXT_NONE)
		return;
	xml_open(writer, "text", ns);
	xml_attr(writer, "xml:lang", text_lang_tag(lang));
	xml_text(writer, bytes_of(text_get(text, lang)));
	xml_close(writer);
}

int error_write_stanza(struct buf *out, const struct stanza_error *error)
{
	struct xml_writer writer;
	enum error_type type = error->type;

	if (type == ERROR_TYPE_DEFAULT)
		type = stanza_condition_type(error->condition);
	xml_writer_init(&writer, out);
	xml_open(&writer, "error", NULL);
	xml_attr(&writer, "type", bytes_of(error_type_name(type)));
	xml_attr(&writer, "by", error->by);
	write_condition(&writer, stanza_condition_name(error->condition), NS_STANZA_ERRORS,
			error->new_address, error->text, error->lang);
	xml_raw(&writer, error->extra);
	xml_close(&writer);
	xml_writer_fini(&writer);
	return out->failed ? -ENOBUFS : 0;
}

int error_write_stream(struct buf *out, const struct stream_error *error, bool is_framed)
{
	struct xml_writer writer;

	check(error->condition != STREAM_CONDITION_NONE);
	xml_writer_init(&writer, out);
	xml_open(&writer, "stream:error", NULL);
	if (is_framed)
		xml_attr(&writer, "xmlns:stream", BYTES_LIT(NS_STREAMS));
	write_condition(&writer, stream_condition_name(error->condition), NS_STREAM_ERRORS,
			error->host, error->text, error->lang);
	xml_raw(&writer, error->extra);
	xml_close(&writer);
	xml_writer_fini(&writer);
	return out->failed ? -ENOBUFS : 0;
}
