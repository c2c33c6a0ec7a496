/*
 * struct stanza_edit: collects what should be different about a sealed stanza; sealing it makes
 * a new stanza (or returns the old one if nothing changed). Edits of different namespaces
 * commute. The edit borrows the stanza, its arena and everything handed to it until it is
 * sealed.
 *
 * 	struct stanza_edit edit;
 * 	stanza_edit_init(&edit, stanza, arena);
 * 	stanza_edit_remove(&edit, "stanza-id", "urn:xmpp:sid:0");
 * 	stanza_edit_append(&edit, xml);
 * 	struct stanza *stamped = stanza_edit_seal(&edit);
 */
#ifndef XML_EDIT_H
#define XML_EDIT_H

#include "xml/stanza.h"

enum stanza_attr {
	STANZA_ATTR_TO,
	STANZA_ATTR_FROM,
	STANZA_ATTR_ID,
	STANZA_ATTR_TYPE,
	STANZA_ATTRS
};

struct stanza_edit_part;

struct stanza_edit {
	const struct stanza *origin;
	struct arena *arena;
	struct bytes attrs[STANZA_ATTRS];  /* as they will be; NONE: absent */
	uint8_t *is_removed;		   /* by node index; NULL until the first removal */
	struct stanza_edit_part *appended; /* oldest first */
};

void stanza_edit_init(struct stanza_edit *edit, const struct stanza *stanza,
		      struct arena *arena);
/* value NONE removes the attribute. */
void stanza_edit_set(struct stanza_edit *edit, enum stanza_attr attr, struct bytes value);
/* Removes all direct children that xnode_is(name, ns); later ones appended are not touched. */
void stanza_edit_remove(struct stanza_edit *edit, const char *name, const char *ns);
/* Removes one direct child of the root. */
void stanza_edit_remove_node(struct stanza_edit *edit, const struct xnode *child);
/* Puts well-formed XML, with its namespaces declared, after the last child. */
void stanza_edit_append(struct stanza_edit *edit, struct bytes xml);
/* True if sealing would make a new stanza. */
bool stanza_edit_is_changed(const struct stanza_edit *edit);
/*
 * A new reference: to a new stanza, or to the origin if nothing changed. Aborts if what was
 * appended is not well-formed. The edit may go on being used and sealed again.
 */
struct stanza *stanza_edit_seal(const struct stanza_edit *edit);

#endif
