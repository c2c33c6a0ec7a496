#include "xmpp/form.h"

#include <errno.h>

#include "base/check.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

static const char *const type_names[FORM_FIELD_TYPES] = {
	[FORM_TEXT_SINGLE] = "text-single", [FORM_TEXT_PRIVATE] = "text-private",
	[FORM_TEXT_MULTI] = "text-multi",   [FORM_BOOLEAN] = "boolean",
	[FORM_JID_SINGLE] = "jid-single",   [FORM_JID_MULTI] = "jid-multi",
	[FORM_LIST_SINGLE] = "list-single", [FORM_LIST_MULTI] = "list-multi",
	[FORM_HIDDEN] = "hidden",	    [FORM_FIXED] = "fixed",
};

const char *form_field_type_name(enum form_field_type type)
{
	return type_names[type];
}

/* --- writing ---------------------------------------------------------------------------- */

static void write_text(struct xml_writer *w, const char *element, enum text text,
		       enum text_lang lang)
{
	if (text != TEXT_NONE)
		xml_element_text(w, element, bytes_of(text_get(text, lang)));
}

void form_open(struct xml_writer *w, const char *type, const char *form_type)
{
	xml_open(w, "x", NS_DATA_FORM);
	xml_attr(w, "type", bytes_of(type));
	if (form_type != NULL)
		form_write_value(w, "hidden", "FORM_TYPE", bytes_of(form_type));
}

static void write_option(struct xml_writer *w, const struct form_option *option,
			 enum text_lang lang)
{
	struct bytes label = bytes_of(
		option->label == TEXT_NONE ? option->value : text_get(option->label, lang));

	xml_open(w, "option", NULL);
	xml_attr(w, "label", label);
	xml_element_text(w, "value", bytes_of(option->value));
	xml_close(w);
}

void form_write_field(struct xml_writer *w, const struct form_field *field, enum text_lang lang,
		      const struct bytes *values, size_t count)
{
	const struct form_option *option = field->options;

	xml_open(w, "field", NULL);
	xml_attr(w, "type", bytes_of(type_names[field->type]));
	xml_attr(w, "var", bytes_of(field->var));
	if (field->label != TEXT_NONE)
		xml_attr(w, "label", bytes_of(text_get(field->label, lang)));
	if (field->is_required)
		xml_element_empty(w, "required", NULL);
	for (size_t i = 0; i < count; i++)
		xml_element_text(w, "value", values[i]);
	for (; option != NULL && option->value != NULL; option++)
		write_option(w, option, lang);
	xml_close(w);
}

static bool is_last(const struct form_field *field)
{
	return field->var == NULL && field->type != FORM_FIXED;
}

void form_write(struct xml_writer *w, const struct form_spec *spec, enum text_lang lang)
{
	xml_open(w, "x", NS_DATA_FORM);
	xml_attr(w, "type", BYTES_LIT("form"));
	write_text(w, "title", spec->title, lang);
	write_text(w, "instructions", spec->instructions, lang);
	if (spec->form_type != NULL)
		form_write_value(w, "hidden", "FORM_TYPE", bytes_of(spec->form_type));
	for (const struct form_field *field = spec->fields; !is_last(field); field++) {
		struct bytes preset = bytes_of(field->preset);
		form_write_field(w, field, lang, &preset, field->preset != NULL);
	}
	xml_close(w);
}

void form_write_value(struct xml_writer *w, const char *type, const char *var,
		      struct bytes value)
{
	xml_open(w, "field", NULL);
	xml_attr(w, "type", bytes_of(type));
	xml_attr(w, "var", bytes_of(var));
	if (!bytes_is_none(value))
		xml_element_text(w, "value", value);
	xml_close(w);
}

void form_write_values(struct xml_writer *w, const char *var, const struct bytes *values,
		       size_t count)
{
	xml_open(w, "field", NULL);
	xml_attr(w, "var", bytes_of(var));
	for (size_t i = 0; i < count; i++)
		xml_element_text(w, "value", values[i]);
	xml_close(w);
}

/* --- reading ---------------------------------------------------------------------------- */

static int read_kind(const struct xnode *x, enum form_kind *ret_kind)
{
	static const char *const kinds[] = {
		[FORM_KIND_FORM] = "form",
		[FORM_KIND_SUBMIT] = "submit",
		[FORM_KIND_CANCEL] = "cancel",
		[FORM_KIND_RESULT] = "result",
	};
	struct bytes type = xnode_attr(x, "type");

	for (size_t i = 0; i < array_len(kinds); i++) {
		if (bytes_is(type, kinds[i])) {
			*ret_kind = (enum form_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t count_children(const struct xnode *parent, const char *name)
{
	const struct xnode *child;
	size_t count = 0;

	xnode_for_each_child (child, parent)
		count += xnode_is(child, name, NS_DATA_FORM);
	return count;
}

static void read_values(struct arena *arena, const struct xnode *field,
			struct form_entry *entry)
{
	const struct xnode *child;

	entry->values = arena_alloc(arena, entry->count * sizeof(entry->values[0]));
	entry->count = 0;
	xnode_for_each_child (child, field)
		if (xnode_is(child, "value", NS_DATA_FORM))
			entry->values[entry->count++] = xnode_text(child, arena);
}

static int read_field(struct arena *arena, const struct xnode *field, size_t *values,
		      struct form *form)
{
	struct form_entry *entry = &form->entries[form->count];

	entry->var = xnode_attr(field, "var");
	entry->count = count_children(field, "value");
	*values += entry->count;
	if (bytes_is_none(entry->var))
		return bytes_is(xnode_attr(field, "type"), "fixed") ? 0 : -EINVAL;
	if (*values > FORM_VALUES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < form->count; i++)
		if (bytes_equal(form->entries[i].var, entry->var))
			return -EINVAL;
	read_values(arena, field, entry);
	form->count++;
	return 0;
}

int form_read(struct arena *arena, const struct xnode *x, struct form *ret_form)
{
	struct form form = { 0 };
	const struct xnode *child;
	size_t fields, values = 0;

	if (x == NULL || !xnode_is(x, "x", NS_DATA_FORM) || read_kind(x, &form.kind) < 0)
		return -EINVAL;
	fields = count_children(x, "field");
	if (fields > FORM_FIELDS_MAX)
		return -EINVAL;
	form.entries = arena_alloc(arena, fields * sizeof(form.entries[0]));
	xnode_for_each_child (child, x)
		if (xnode_is(child, "field", NS_DATA_FORM) &&
		    read_field(arena, child, &values, &form) < 0)
			return -EINVAL;
	*ret_form = form;
	return 0;
}

const struct form_entry *form_find(const struct form *form, const char *var)
{
	for (size_t i = 0; i < form->count; i++)
		if (bytes_is(form->entries[i].var, var))
			return &form->entries[i];
	return NULL;
}

struct bytes form_value(const struct form *form, const char *var)
{
	const struct form_entry *entry = form_find(form, var);

	return entry == NULL || entry->count == 0 ? BYTES_NONE : entry->values[0];
}

bool form_bool(const struct form *form, const char *var, bool otherwise)
{
	struct bytes value = form_value(form, var);

	return bytes_is_none(value) ? otherwise : bytes_is(value, "1");
}

struct bytes form_text(struct arena *arena, const struct form *form, const char *var)
{
	const struct form_entry *entry = form_find(form, var);
	struct bytes text;
	struct buf joined;

	if (entry == NULL || entry->count == 0)
		return BYTES_NONE;
	buf_init(&joined, 0);
	for (size_t i = 0; i < entry->count; i++) {
		if (i > 0)
			buf_append_byte(&joined, '\n');
		buf_append(&joined, entry->values[i]);
	}
	text = joined.len > 0 ? arena_copy(arena, buf_bytes(&joined)) : BYTES_LIT("");
	buf_fini(&joined);
	return text;
}

/* --- checking a submission -------------------------------------------------------------- */

/* XML Schema's boolean. */
static int check_boolean(struct bytes *value)
{
	if (bytes_is(*value, "1") || bytes_is(*value, "true"))
		*value = BYTES_LIT("1");
	else if (bytes_is(*value, "0") || bytes_is(*value, "false"))
		*value = BYTES_LIT("0");
	else
		return -EINVAL;
	return 0;
}

static int check_choice(const struct form_option *option, struct bytes value)
{
	for (; option != NULL && option->value != NULL; option++)
		if (bytes_is(value, option->value))
			return 0;
	return -EINVAL;
}

static int check_jid(struct arena *arena, struct bytes *value)
{
	struct jid jid;

	if (jid_parse(arena, bytes_trim(*value), &jid, NULL) < 0)
		return -EINVAL;
	*value = jid.full;
	return 0;
}

static int check_value(struct arena *arena, const struct form_field *field, struct bytes *value)
{
	switch (field->type) {
	case FORM_BOOLEAN:
		return check_boolean(value);
	case FORM_JID_SINGLE:
	case FORM_JID_MULTI:
		return check_jid(arena, value);
	case FORM_LIST_SINGLE:
	case FORM_LIST_MULTI:
		return check_choice(field->options, *value);
	case FORM_TEXT_SINGLE:
	case FORM_TEXT_PRIVATE:
	case FORM_TEXT_MULTI:
	case FORM_HIDDEN:
	case FORM_FIXED:
	case FORM_FIELD_TYPES:
		break;
	}
	return 0;
}

/* Section 3.2, <value/>. */
static bool may_have_many(enum form_field_type type)
{
	return type == FORM_TEXT_MULTI || type == FORM_JID_MULTI || type == FORM_LIST_MULTI ||
	       type == FORM_HIDDEN;
}

/* Section 3.3: duplicate addresses are ignored. */
static void drop_duplicates(struct form_entry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->count; i++) {
		size_t at = 0;
		while (at < kept && !bytes_equal(entry->values[at], entry->values[i]))
			at++;
		if (at == kept)
			entry->values[kept++] = entry->values[i];
	}
	entry->count = kept;
}

/* Section 3.6: <value/> and no value are the same: not said. */
static void drop_empty(const struct form_field *field, struct form_entry *entry)
{
	size_t kept = 0;

	if (field->type == FORM_TEXT_MULTI)
		return;
	for (size_t i = 0; i < entry->count; i++)
		if (entry->values[i].len > 0)
			entry->values[kept++] = entry->values[i];
	entry->count = kept;
}

static int check_entry(struct arena *arena, const struct form_field *field,
		       struct form_entry *entry)
{
	drop_empty(field, entry);
	if (entry->count > 1 && !may_have_many(field->type))
		return -EINVAL;
	for (size_t i = 0; i < entry->count; i++)
		if (check_value(arena, field, &entry->values[i]) < 0)
			return -EINVAL;
	if (field->type == FORM_JID_MULTI)
		drop_duplicates(entry);
	return 0;
}

static bool is_said(const struct form_entry *entry)
{
	for (size_t i = 0; entry != NULL && i < entry->count; i++)
		if (entry->values[i].len > 0)
			return true;
	return false;
}

static struct form_entry *find_entry(struct form *form, const char *var)
{
	for (size_t i = 0; i < form->count; i++)
		if (bytes_is(form->entries[i].var, var))
			return &form->entries[i];
	return NULL;
}

int form_check(struct arena *arena, struct form *form, const struct form_spec *spec,
	       const struct form_field **ret_wrong)
{
	struct bytes form_type = form_value(form, "FORM_TYPE");

	*ret_wrong = NULL;
	if (form->kind != FORM_KIND_SUBMIT)
		return -EINVAL;
	if (!bytes_is_none(form_type) &&
	    (spec->form_type == NULL || !bytes_is(form_type, spec->form_type)))
		return -EINVAL;
	for (const struct form_field *field = spec->fields; !is_last(field); field++) {
		struct form_entry *entry =
			field->type == FORM_FIXED ? NULL : find_entry(form, field->var);
		*ret_wrong = field;
		if (entry != NULL && check_entry(arena, field, entry) < 0)
			return -EINVAL;
		if (field->is_required && !is_said(entry))
			return -EINVAL;
	}
	*ret_wrong = NULL;
	return 0;
}
