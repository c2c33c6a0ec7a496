#include "xmpp/caps.h"

#include <stdlib.h>

#include "base/codec.h"
#include "xmpp/ns.h"

/* Strings to be sorted, in the arena. */
struct strings {
	struct bytes *all;
	size_t count;
};

static int compare_bytes(const void *left, const void *right)
{
	return bytes_compare(*(const struct bytes *)left, *(const struct bytes *)right);
}

/* One more than there are children: something to allocate. */
static size_t children_max(const struct xnode *parent)
{
	const struct xnode *child;
	size_t count = 1;

	xnode_for_each_child (child, parent)
		count++;
	return count;
}

static struct strings strings_new(struct arena *arena, const struct xnode *parent)
{
	return (struct strings){
		arena_alloc(arena, children_max(parent) * sizeof(struct bytes)), 0
	};
}

/* Sorts; false if one stands there twice or holds the '<' that would hide where it ends. */
static bool strings_seal(struct strings *strings)
{
	qsort(strings->all, strings->count, sizeof(*strings->all), compare_bytes);
	for (size_t i = 0; i < strings->count; i++) {
		if (bytes_find_byte(strings->all[i], '<') >= 0)
			return false;
		if (i > 0 && bytes_equal(strings->all[i - 1], strings->all[i]))
			return false;
	}
	return true;
}

static void strings_append(struct buf *out, const struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++) {
		buf_append(out, strings->all[i]);
		buf_append_byte(out, '<');
	}
}

static struct bytes or_empty(struct bytes b)
{
	return bytes_is_none(b) ? BYTES_LIT("") : b;
}

static struct strings identities_of(struct arena *arena, const struct xnode *query)
{
	struct strings strings = strings_new(arena, query);
	const struct xnode *node;

	xnode_for_each_child (node, query)
		if (xnode_is(node, "identity", NS_DISCO_INFO))
			strings.all[strings.count++] = arena_printf(
				arena, "%.*s/%.*s/%.*s/%.*s",
				BYTES_ARG(or_empty(xnode_attr(node, "category"))),
				BYTES_ARG(or_empty(xnode_attr(node, "type"))),
				BYTES_ARG(or_empty(xnode_attr_ns(node, "lang", XML_NS_XML))),
				BYTES_ARG(or_empty(xnode_attr(node, "name"))));
	return strings;
}

static struct strings features_of(struct arena *arena, const struct xnode *query)
{
	struct strings strings = strings_new(arena, query);
	const struct xnode *node;

	xnode_for_each_child (node, query)
		if (xnode_is(node, "feature", NS_DISCO_INFO))
			strings.all[strings.count++] = or_empty(xnode_attr(node, "var"));
	return strings;
}

static struct strings values_of(struct arena *arena, const struct xnode *field)
{
	struct strings strings = strings_new(arena, field);
	const struct xnode *node;

	xnode_for_each_child (node, field)
		if (xnode_is(node, "value", NS_DATA_FORM))
			strings.all[strings.count++] = xnode_text(node, arena);
	qsort(strings.all, strings.count, sizeof(*strings.all), compare_bytes);
	return strings;
}

/* A form or a field on its way into the string, and what it is sorted by. */
struct form_part {
	struct bytes type; /* or a field's var */
	struct bytes text;
};

static bool is_form_type(const struct xnode *field)
{
	return xnode_is(field, "field", NS_DATA_FORM) &&
	       bytes_is(xnode_attr(field, "var"), "FORM_TYPE");
}

/* NONE: no hidden FORM_TYPE, the form is ignored. False: two different values, ill-formed. */
static bool form_type_of(struct arena *arena, const struct xnode *x, struct bytes *ret_type)
{
	const struct xnode *field;

	*ret_type = BYTES_NONE;
	xnode_for_each_child (field, x) {
		struct strings values;
		if (!is_form_type(field) || !bytes_is(xnode_attr(field, "type"), "hidden"))
			continue;
		values = values_of(arena, field);
		if (values.count == 0)
			continue;
		if (!bytes_equal(values.all[0], values.all[values.count - 1]))
			return false;
		*ret_type = values.all[0];
	}
	return true;
}

static struct bytes field_text(struct arena *arena, const struct xnode *field)
{
	struct strings values = values_of(arena, field);
	struct bytes text;
	struct buf out;

	buf_init(&out, 0);
	buf_append(&out, or_empty(xnode_attr(field, "var")));
	buf_append_byte(&out, '<');
	strings_append(&out, &values);
	text = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return text;
}

static int compare_parts(const void *left, const void *right)
{
	return bytes_compare(((const struct form_part *)left)->type,
			     ((const struct form_part *)right)->type);
}

/* Sorted by var; the text of each field has its var in front. */
static struct bytes form_text_of(struct arena *arena, const struct xnode *x)
{
	struct form_part *parts = arena_alloc(arena, children_max(x) * sizeof(*parts));
	const struct xnode *field;
	struct bytes text;
	size_t count = 0;
	struct buf out;

	xnode_for_each_child (field, x)
		if (xnode_is(field, "field", NS_DATA_FORM) && !is_form_type(field))
			parts[count++] = (struct form_part){ or_empty(xnode_attr(field, "var")),
							     field_text(arena, field) };
	qsort(parts, count, sizeof(*parts), compare_parts);
	buf_init(&out, 0);
	for (size_t i = 0; i < count; i++)
		buf_append(&out, parts[i].text);
	text = arena_copy(arena, or_empty(buf_bytes(&out)));
	buf_fini(&out);
	return text;
}

/* False: ill-formed (two forms of one type, a type of two values). */
static bool forms_append(struct arena *arena, struct buf *out, const struct xnode *query)
{
	struct form_part *parts = arena_alloc(arena, children_max(query) * sizeof(*parts));
	size_t count = 0;
	const struct xnode *x;

	xnode_for_each_child (x, query) {
		if (!xnode_is(x, "x", NS_DATA_FORM))
			continue;
		if (!form_type_of(arena, x, &parts[count].type))
			return false;
		if (!bytes_is_none(parts[count].type))
			parts[count++].text = form_text_of(arena, x);
	}
	qsort(parts, count, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && bytes_equal(parts[i - 1].type, parts[i].type))
			return false;
		buf_append(out, parts[i].type);
		buf_append_byte(out, '<');
		buf_append(out, parts[i].text);
	}
	return true;
}

struct bytes caps_verification(struct arena *arena, const struct xnode *query, enum hash hash,
			       struct caps_features *ret_features)
{
	struct strings identities = identities_of(arena, query);
	struct strings features = features_of(arena, query);
	uint8_t digest[HASH_MAX_BYTES];
	bool is_fine;
	struct buf s;

	if (identities.count == 0 || !strings_seal(&identities) || !strings_seal(&features))
		return BYTES_NONE;
	buf_init(&s, 0);
	strings_append(&s, &identities);
	strings_append(&s, &features);
	is_fine = forms_append(arena, &s, query);
	hash_digest(hash, buf_bytes(&s), digest);
	buf_fini(&s);
	if (!is_fine)
		return BYTES_NONE;
	*ret_features = (struct caps_features){ features.all, features.count };
	return base64_encode(arena, bytes_make(digest, hash_bytes(hash)));
}
