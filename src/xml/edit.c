#include "xml/edit.h"

#include "base/check.h"
#include "xml/parse.h"
#include "xml/write.h"

struct stanza_edit_part {
	struct stanza_edit_part *next;
	struct bytes xml;
};

/* As origin has it. */
static struct bytes attr_of(const struct stanza *stanza, enum stanza_attr attr)
{
	switch (attr) {
	case STANZA_ATTR_TO:
		return stanza->to;
	case STANZA_ATTR_FROM:
		return stanza->from;
	case STANZA_ATTR_ID:
		return stanza->id;
	default:
		check(attr == STANZA_ATTR_TYPE);
		return stanza->type;
	}
}

void stanza_edit_init(struct stanza_edit *edit, const struct stanza *stanza,
		      struct arena *arena)
{
	check_magic(stanza, STANZA_MAGIC);
	*edit = (struct stanza_edit){ .origin = stanza, .arena = arena };
	for (enum stanza_attr attr = 0; attr < STANZA_ATTRS; attr++)
		edit->attrs[attr] = attr_of(stanza, attr);
}

void stanza_edit_set(struct stanza_edit *edit, enum stanza_attr attr, struct bytes value)
{
	check(attr < STANZA_ATTRS);
	edit->attrs[attr] = value;
}

void stanza_edit_remove_node(struct stanza_edit *edit, const struct xnode *child)
{
	check(xnode_stanza(child) == edit->origin && child->index > 0);
	if (!edit->is_removed)
		edit->is_removed = arena_alloc(edit->arena, edit->origin->node_count);
	edit->is_removed[child->index] = true;
}

void stanza_edit_remove(struct stanza_edit *edit, const char *name, const char *ns)
{
	const struct xnode *child;

	xnode_for_each_child (child, stanza_root(edit->origin))
		if (xnode_is(child, name, ns))
			stanza_edit_remove_node(edit, child);
}

void stanza_edit_append(struct stanza_edit *edit, struct bytes xml)
{
	struct stanza_edit_part *part, **end = &edit->appended;

	if (xml.len == 0)
		return;
	part = arena_new(edit->arena, struct stanza_edit_part);
	part->xml = xml;
	while (*end)
		end = &(*end)->next;
	*end = part;
}

bool stanza_edit_is_changed(const struct stanza_edit *edit)
{
	if (edit->is_removed || edit->appended)
		return true;
	for (enum stanza_attr attr = 0; attr < STANZA_ATTRS; attr++) {
		struct bytes old = attr_of(edit->origin, attr), new = edit->attrs[attr];
		if (bytes_is_none(old) != bytes_is_none(new) || !bytes_equal(old, new))
			return true;
	}
	return false;
}

static void append_attr(struct buf *out, const char *before, struct bytes value)
{
	if (bytes_is_none(value))
		return;
	buf_append_cstr(out, before);
	xml_escape_attr(out, value);
	buf_append_byte(out, '\'');
}

/* The origin's content without the children that go, each stretch in one copy. */
static void append_kept(struct buf *out, const struct stanza_edit *edit)
{
	const struct xnode *root = stanza_root(edit->origin), *child;
	const char *bytes = edit->origin->bytes;
	uint32_t from = root->content;

	if (edit->is_removed) {
		xnode_for_each_child (child, root) {
			if (!edit->is_removed[child->index])
				continue;
			buf_append(out, bytes_make(bytes + from, child->start - from));
			from = child->end;
		}
	}
	buf_append(out, bytes_make(bytes + from, root->content_end - from));
}

/* The whole element, where the origin's namespace is the default one. */
static void write_element(struct buf *out, const struct stanza_edit *edit)
{
	const struct stanza *origin = edit->origin;

	buf_reserve(out, origin->size_bytes);
	buf_append_byte(out, '<');
	buf_append(out, origin->name);
	append_attr(out, " from='", edit->attrs[STANZA_ATTR_FROM]);
	append_attr(out, " to='", edit->attrs[STANZA_ATTR_TO]);
	append_attr(out, " id='", edit->attrs[STANZA_ATTR_ID]);
	append_attr(out, " type='", edit->attrs[STANZA_ATTR_TYPE]);
	append_attr(out, " xml:lang='", origin->lang);
	buf_append(out, origin->extra_attrs);
	buf_append_byte(out, '>');
	append_kept(out, edit);
	for (const struct stanza_edit_part *part = edit->appended; part; part = part->next)
		buf_append(out, part->xml);
	buf_append(out, BYTES_LIT("</"));
	buf_append(out, origin->name);
	buf_append_byte(out, '>');
}

struct stanza *stanza_edit_seal(const struct stanza_edit *edit)
{
	const struct stanza *origin = edit->origin;
	struct parse_context ctx = {
		.default_ns = origin->ns,
		.content_ns = origin->kind == STANZA_OTHER ? BYTES_NONE : origin->ns,
		.limits = &xml_limits_own,
	};
	struct stanza *stanza;
	struct buf out;

	if (!stanza_edit_is_changed(edit))
		return stanza_ref(origin);
	buf_init(&out, 0);
	write_element(&out, edit);
	check(parse_element(&ctx, buf_bytes(&out), &stanza, NULL) == 0);
	buf_fini(&out);
	return stanza;
}
