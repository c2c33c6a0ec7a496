/*
 * Inside the xml room: elements in a form that needs nothing from outside. Elements carry their
 * namespace as the default one where it changes; attributes in a namespace declare a prefix
 * beside themselves; text is copied as it was written.
 */
#ifndef XML_CANONICAL_H
#define XML_CANONICAL_H

#include "xml/stanza.h"

/* context_ns: the default namespace where the element will stand; "" or NONE for none. */
void canonical_element(struct buf *out, const struct xnode *node, struct bytes context_ns);
/* Appends " name='value'"; number makes the prefix, if one is needed, unique in its tag. */
void canonical_attr(struct buf *out, struct bytes ns, struct bytes name, struct bytes value,
		    uint32_t number);

#endif
