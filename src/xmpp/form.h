/*
 * Data forms (XEP-0004 version 2.13): a static description of a form, its writer, and a reader
 * that checks what came back against the description. Pure functions, any thread. What is read
 * lives in the arena or in the stanza, whichever dies first.
 *
 * 	static const struct form_spec spec = { .form_type = "…", .fields = fields, … };
 * 	form_write(&w, &spec, lang);				(to the client)
 * 	if (form_read(arena, xnode_find(…, "x", NS_DATA_FORM), &form) < 0 ||
 * 	    form_check(arena, &form, &spec, &wrong) < 0)	(from the client)
 * 		…
 * 	struct bytes jid = form_value(&form, "accountjid");
 */
#ifndef XMPP_FORM_H
#define XMPP_FORM_H

#include "base/text.h"
#include "xml/stanza.h"
#include "xml/write.h"

/* Section 3.3. */
enum form_field_type {
	FORM_TEXT_SINGLE,
	FORM_TEXT_PRIVATE,
	FORM_TEXT_MULTI,
	FORM_BOOLEAN,
	FORM_JID_SINGLE,
	FORM_JID_MULTI,
	FORM_LIST_SINGLE,
	FORM_LIST_MULTI,
	FORM_HIDDEN,
	FORM_FIXED,
	FORM_FIELD_TYPES
};

/* What a peer's form may hold; more is refused when reading. */
enum { FORM_FIELDS_MAX = 128, FORM_VALUES_MAX = 1000 };

struct form_option {
	const char *value;
	enum text label; /* TEXT_NONE: the value itself */
};

struct form_field {
	const char *var; /* NULL: FIXED only */
	enum form_field_type type;
	bool is_required;
	enum text label;
	const struct form_option *options; /* LIST_*: ends with { 0 } */
	const char *preset;		   /* the value in an empty form, or NULL */
};

struct form_spec {
	const char *form_type; /* XEP-0068, or NULL */
	enum text title;
	enum text instructions;
	const struct form_field *fields; /* ends with { 0 } */
};

/* --- writing ---------------------------------------------------------------------------- */

/* <x type='form'> of the whole description, with its presets. */
void form_write(struct xml_writer *w, const struct form_spec *spec, enum text_lang lang);

/* The same in pieces: <x type='…'> with FORM_TYPE (NULL: none); fields; xml_close(w). */
void form_open(struct xml_writer *w, const char *type, const char *form_type);
/* One field of a description with these values in the place of its preset. */
void form_write_field(struct xml_writer *w, const struct form_field *field, enum text_lang lang,
		      const struct bytes *values, size_t count);
/* A field of a result: type NULL leaves it out; value NONE: a field without a value. */
void form_write_value(struct xml_writer *w, const char *type, const char *var,
		      struct bytes value);
void form_write_values(struct xml_writer *w, const char *var, const struct bytes *values,
		       size_t count);

/* --- reading ---------------------------------------------------------------------------- */

enum form_kind { FORM_KIND_FORM, FORM_KIND_SUBMIT, FORM_KIND_CANCEL, FORM_KIND_RESULT };

struct form_entry {
	struct bytes var;
	struct bytes *values;
	size_t count;
};

struct form {
	enum form_kind kind;
	struct form_entry *entries;
	size_t count;
};

/*
 * Reads <x xmlns='jabber:x:data'>; items of a result are left out. 0 or -EINVAL: no form, an
 * unknown type, a field without var (fixed excepted), a var twice, or too much of something.
 */
int form_read(struct arena *arena, const struct xnode *x, struct form *ret_form);
/*
 * Checks a submission against its description (section 4): FORM_TYPE, if it is there, is the
 * right one; required fields have a value; single ones have one at most; booleans, addresses
 * and list choices are such. Values are normalised in place: booleans become "1" or "0",
 * addresses normal and unique. Fields that the description does not name are ignored. 0, or
 * -EINVAL with the field that is wrong (NULL: FORM_TYPE or the kind) in *ret_wrong.
 */
int form_check(struct arena *arena, struct form *form, const struct form_spec *spec,
	       const struct form_field **ret_wrong);

/* NULL if the form does not name the field. */
const struct form_entry *form_find(const struct form *form, const char *var);
/* The first value; BYTES_NONE if there is none. */
struct bytes form_value(const struct form *form, const char *var);
/* A checked boolean; the second value if the form does not say. */
bool form_bool(const struct form *form, const char *var, bool otherwise);
/* All values, joined by newlines (text-multi, section 3.3); BYTES_NONE if there is none. */
struct bytes form_text(struct arena *arena, const struct form *form, const char *var);

/* "text-single"; NUL-terminated, static. */
const char *form_field_type_name(enum form_field_type type);

#endif
