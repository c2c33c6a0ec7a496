#include "xml/build.h"

#include "base/check.h"
#include "xml/parse.h"

static const struct parse_context client_context = {
	.default_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
	.content_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
	.limits = &xml_limits_own,
};

const char *stanza_kind_name(enum stanza_kind kind)
{
	static const char *const names[] = { "message", "presence", "iq" };

	check((size_t)kind < array_len(names));
	return names[kind];
}

void builder_init(struct builder *builder, enum stanza_kind kind,
		  const struct stanza_head *head)
{
	buf_init(&builder->buf, 0);
	xml_writer_init(&builder->xml, &builder->buf);
	xml_open(&builder->xml, stanza_kind_name(kind), NULL);
	xml_attr(&builder->xml, "from", head->from);
	xml_attr(&builder->xml, "to", head->to);
	xml_attr(&builder->xml, "id", head->id);
	xml_attr(&builder->xml, "type", head->type);
	xml_attr(&builder->xml, "xml:lang", head->lang);
}

/* Closes the root; NULL if what is inside is not well-formed. */
static struct stanza *seal(struct builder *builder)
{
	struct stanza *stanza = NULL;

	xml_close(&builder->xml);
	xml_writer_fini(&builder->xml);
	parse_element(&client_context, buf_bytes(&builder->buf), &stanza, NULL);
	buf_fini(&builder->buf);
	return stanza;
}

struct stanza *builder_seal(struct builder *builder)
{
	struct stanza *stanza = seal(builder);

	check(stanza != NULL);
	return stanza;
}

void builder_fini(struct builder *builder)
{
	buf_fini(&builder->buf);
}

struct stanza *stanza_from_parts(enum stanza_kind kind, const struct stanza_head *head,
				 struct bytes content)
{
	struct builder builder;

	builder_init(&builder, kind, head);
	xml_raw(&builder.xml, content);
	return seal(&builder);
}
