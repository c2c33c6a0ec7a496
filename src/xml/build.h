/*
 * New sealed stanzas from code: IQ results, errors, unavailable presence. A builder writes the
 * element and parses what it wrote: one representation, one path, and the parser proves that
 * every stanza is well-formed (docs/decisions/0002-edit-copies.md has the cost). What it makes
 * is in jabber:client; xml/wire.h maps to jabber:server.
 *
 * 	struct builder b;
 * 	builder_init(&b, STANZA_IQ, &(struct stanza_head){ .to = …, .id = …, .type = … });
 * 	xml_open(&b.xml, "query", "jabber:iq:version");
 * 	…
 * 	struct stanza *result = builder_seal(&b);
 */
#ifndef XML_BUILD_H
#define XML_BUILD_H

#include "xml/stanza.h"
#include "xml/write.h"

/* Root attributes; NONE: absent. Borrowed for the call. */
struct stanza_head {
	struct bytes to;
	struct bytes from;
	struct bytes id;
	struct bytes type;
	struct bytes lang;
};

struct builder {
	struct buf buf;
	struct xml_writer xml; /* write children here */
};

/* Opens the root. kind is not STANZA_OTHER. Ends with builder_seal() or builder_fini(). */
void builder_init(struct builder *builder, enum stanza_kind kind,
		  const struct stanza_head *head);
/*
 * Closes the root and seals. Aborts if a child is still open or xml_raw() was given nonsense.
 * Never NULL; a new reference.
 */
struct stanza *builder_seal(struct builder *builder);
/* Gives up without a stanza. */
void builder_fini(struct builder *builder);

/*
 * A stanza with the given content: what stands inside the root (stanza_content() of another
 * one, or well-formed XML in the jabber:client context); NONE: empty. A new reference, or NULL
 * if content is not well-formed.
 */
struct stanza *stanza_from_parts(enum stanza_kind kind, const struct stanza_head *head,
				 struct bytes content);

/* "message", "presence", "iq"; kind is not STANZA_OTHER. Static. */
const char *stanza_kind_name(enum stanza_kind kind);

#endif
