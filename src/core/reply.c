#include "core/reply.h"

#include "xml/build.h"

bool reply_is_allowed(const struct stanza *stanza)
{
	if (bytes_is(stanza->type, "error"))
		return false;
	return stanza->kind != STANZA_IQ || !bytes_is(stanza->type, "result");
}

/* RFC 6120 section 8.1.2.1 and 10.3: without a `to` the account itself answers. */
static struct bytes reply_from(const struct stanza *stanza)
{
	if (!bytes_is_none(stanza->to))
		return stanza->to;
	return jid_bare(jid_from_normal(stanza->from));
}

static struct stanza *reply_build_error(enum stanza_kind kind, const struct stanza_head *head,
					const struct stanza_error *error)
{
	struct builder builder;
	struct buf xml;

	buf_init(&xml, 0);
	error_write_stanza(&xml, error);
	builder_init(&builder, kind, head);
	xml_raw(&builder.xml, buf_bytes(&xml));
	buf_fini(&xml);
	return builder_seal(&builder);
}

struct stanza *reply_error(const struct stanza *stanza, struct verdict verdict,
			   enum text_lang lang)
{
	return reply_build_error(stanza->kind,
				 &(struct stanza_head){ .to = stanza->from,
							.from = reply_from(stanza),
							.id = stanza->id,
							.type = BYTES_LIT("error") },
				 &(struct stanza_error){ .condition = verdict.condition,
							 .type = verdict.type,
							 .text = verdict.text,
							 .lang = lang,
							 .extra = verdict.extra });
}

struct stanza *reply_failed_answer(const struct stanza *answer, enum text_lang lang)
{
	return reply_build_error(
		answer->kind,
		&(struct stanza_head){ .to = answer->to,
				       .from = answer->from,
				       .id = answer->id,
				       .type = BYTES_LIT("error") },
		&(struct stanza_error){ .condition = CONDITION_INTERNAL_SERVER_ERROR,
					.lang = lang });
}

struct stanza *reply_result(const struct stanza *iq, struct bytes child_xml)
{
	struct builder builder;

	builder_init(&builder, STANZA_IQ,
		     &(struct stanza_head){ .to = iq->from,
					    .from = reply_from(iq),
					    .id = iq->id,
					    .type = BYTES_LIT("result") });
	xml_raw(&builder.xml, child_xml);
	return builder_seal(&builder);
}
