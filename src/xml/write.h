/*
 * Writing XML into a struct buf, escaped and balanced. Names are literals of ours; values may
 * be anything: what XML cannot carry (controls, ill-formed UTF-8) becomes U+FFFD, so that the
 * result is always well-formed. One thread; the buf is borrowed.
 *
 * 	struct xml_writer w;
 * 	xml_writer_init(&w, &out);
 * 	xml_open(&w, "query", "jabber:iq:version");
 * 	xml_element_text(&w, "name", BYTES_LIT("Hearth"));
 * 	xml_close(&w);
 * 	xml_writer_fini(&w);
 *
 * Whether the buf overflowed is seen in out->failed at the end.
 */
#ifndef XML_WRITE_H
#define XML_WRITE_H

#include "base/buf.h"

enum { XML_WRITER_DEPTH = 32 };

struct xml_writer {
	struct buf *out;
	uint32_t depth;
	bool is_in_tag; /* the last start tag still takes attributes */
	const char *names[XML_WRITER_DEPTH];
};

void xml_writer_init(struct xml_writer *writer, struct buf *out);
/* Aborts if an element is still open. */
void xml_writer_fini(struct xml_writer *writer);

/* Start tag. ns NULL: inherited. name must live until the element is closed. */
void xml_open(struct xml_writer *writer, const char *name, const char *ns);
/* An attribute of the element just opened; value BYTES_NONE writes nothing. */
void xml_attr(struct xml_writer *writer, const char *name, struct bytes value);
void xml_attr_uint(struct xml_writer *writer, const char *name, uint64_t value);
/* Character data; NONE writes nothing. */
void xml_text(struct xml_writer *writer, struct bytes text);
/* Child XML that is already well-formed; NONE writes nothing. */
void xml_raw(struct xml_writer *writer, struct bytes xml);
/* Closes the innermost open element, as <x/> if nothing was put into it. */
void xml_close(struct xml_writer *writer);

/* <name>text</name> */
void xml_element_text(struct xml_writer *writer, const char *name, struct bytes text);
/* <name xmlns='ns'/> */
void xml_element_empty(struct xml_writer *writer, const char *name, const char *ns);

/* Appends text for character data: & < > escaped. 0 or -ENOBUFS. */
int xml_escape_text(struct buf *out, struct bytes text);
/* Appends text for an attribute value in either kind of quotes. 0 or -ENOBUFS. */
int xml_escape_attr(struct buf *out, struct bytes text);

#endif
