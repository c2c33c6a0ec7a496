#include "talk.h"

#include "base/check.h"
#include "xml/parse.h"
#include "xml/framer.h"
#include "xml/wire.h"

struct variable {
	struct bytes name;
	struct bytes value;
};

void variables_init(struct variables *variables)
{
	table_init(&variables->by_name);
	arena_init(&variables->arena, 4096);
}

void variables_fini(struct variables *variables)
{
	table_fini(&variables->by_name);
	arena_fini(&variables->arena);
}

void variable_set(struct variables *variables, struct bytes name, struct bytes value)
{
	struct variable *variable = arena_new(&variables->arena, struct variable);

	variable->name = arena_copy(&variables->arena, name);
	variable->value = arena_copy(&variables->arena, value);
	table_put(&variables->by_name, variable->name, variable);
}

/* "text*N" inside braces: N times text. */
static bool fill_repeat(struct buf *out, struct bytes inside)
{
	struct bytes count = inside, text = bytes_cut(&count, '*');
	uint64_t n;

	if (bytes_is_none(count) || bytes_to_u64(count, &n) < 0)
		return false;
	while (n-- > 0)
		buf_append(out, text);
	return true;
}

struct bytes variables_fill(struct variables *variables, struct bytes text)
{
	struct buf out;

	buf_init(&out, 0);
	while (text.len > 0) {
		ptrdiff_t open = bytes_find_byte(text, '{');
		struct bytes rest = open < 0 ? BYTES_NONE : bytes_skip(text, (size_t)open + 1);
		ptrdiff_t close = open < 0 ? -1 : bytes_find_byte(rest, '}');
		if (close < 0) {
			buf_append(&out, text);
			break;
		}
		const struct variable *variable =
			table_find(&variables->by_name, bytes_first(rest, (size_t)close));
		buf_append(&out, bytes_first(text, (size_t)open));
		if (variable != NULL)
			buf_append(&out, variable->value);
		else if (!fill_repeat(&out, bytes_first(rest, (size_t)close)))
			buf_append(&out, bytes_make(rest.ptr - 1, (size_t)close + 2));
		text = bytes_skip(rest, (size_t)close + 1);
	}
	struct bytes filled = arena_copy(&variables->arena, buf_bytes(&out));
	buf_fini(&out);
	return filled;
}

bool match_parse_block(struct arena *arena, struct bytes xml, struct stanza ***ret_elements,
		       size_t *ret_count)
{
	struct parse_context context = {
		.default_ns = BYTES_LIT(XML_NS_CLIENT),
		.content_ns = BYTES_LIT(XML_NS_CLIENT),
		.bindings =
			&(struct xml_binding){ BYTES_LIT("stream"), BYTES_LIT(XML_NS_STREAMS) },
		.binding_count = 1
	};
	struct framer framer;
	struct frame frame;
	struct stanza *found[256];
	size_t count = 0;
	int kind;

	framer_init(&framer, 1 << 24, 200);
	framer.is_open = true;
	while ((kind = framer_next(&framer, xml, &frame)) > FRAME_MORE) {
		if (kind == FRAME_STANZA) {
			check(count < array_len(found));
			if (parse_element(&context,
					  bytes_make(xml.ptr + frame.offset, frame.len),
					  &found[count], NULL) < 0)
				return false;
			count++;
		}
		xml = bytes_skip(xml, frame.offset + frame.len);
	}
	if (kind < 0 || bytes_trim(xml).len > 0)
		return false;
	*ret_elements = arena_alloc(arena, count * sizeof(found[0]) + 1);
	memcpy(*ret_elements, found, count * sizeof(found[0]));
	*ret_count = count;
	return true;
}

static bool is_name(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789", name.ptr[i]) == NULL)
			return false;
	return name.len > 0;
}

/* {any}, {name}, one of them with text around it, or the same bytes. */
static bool match_value(struct bytes expected, struct bytes actual, struct variables *variables)
{
	ptrdiff_t open = bytes_find_byte(expected, '{');
	struct bytes after = bytes_skip(expected, open < 0 ? 0 : (size_t)open + 1);
	struct bytes name = bytes_cut(&after, '}'), before;
	const struct variable *variable;

	if (open < 0 || bytes_is_none(after) || !is_name(name))
		return bytes_equal(expected, actual);
	before = bytes_first(expected, (size_t)open);
	if (actual.len < before.len + after.len || !bytes_has_prefix(actual, before) ||
	    !bytes_equal(bytes_skip(actual, actual.len - after.len), after))
		return false;
	actual = bytes_make(actual.ptr + before.len, actual.len - before.len - after.len);
	if (bytes_is(name, "any"))
		return true;
	variable = table_find(&variables->by_name, name);
	if (variable == NULL) {
		variable_set(variables, name, actual);
		return true;
	}
	return bytes_equal(variable->value, actual);
}

static const struct xattr *attrs_of(const struct xnode *node)
{
	return xnode_stanza(node)->attrs + node->attrs;
}

static struct bytes attr_name(const struct xnode *node, const struct xattr *attr)
{
	return bytes_make(xnode_stanza(node)->bytes + attr->name, attr->name_len);
}

static struct bytes attr_value(const struct xnode *node, const struct xattr *attr)
{
	return bytes_make(xnode_stanza(node)->bytes + attr->value, attr->value_len);
}

static struct bytes attr_ns(const struct xnode *node, const struct xattr *attr)
{
	return xnode_stanza(node)->namespaces[attr->ns];
}

static const struct xattr *attr_find(const struct xnode *node, struct bytes ns,
				     struct bytes name)
{
	for (unsigned i = 0; i < node->attr_count; i++) {
		const struct xattr *attr = attrs_of(node) + i;
		if (bytes_equal(attr_name(node, attr), name) &&
		    bytes_equal(attr_ns(node, attr), ns))
			return attr;
	}
	return NULL;
}

static bool match_attrs(const struct xnode *expected, const struct xnode *actual, bool is_open,
			struct variables *variables)
{
	unsigned wanted = 0;

	for (unsigned i = 0; i < expected->attr_count; i++) {
		const struct xattr *attr = attrs_of(expected) + i;
		const struct xattr *other;
		if (bytes_is(attr_name(expected, attr), "talk-open") ||
		    bytes_is(attr_name(expected, attr), "talk-absent"))
			continue;
		wanted++;
		other = attr_find(actual, attr_ns(expected, attr), attr_name(expected, attr));
		if (other == NULL || !match_value(attr_value(expected, attr),
						  attr_value(actual, other), variables))
			return false;
	}
	return is_open || wanted == actual->attr_count;
}

/* talk-absent='yes': no such child. Checked on its own, whatever the order. */
static bool match_absent(const struct xnode *unwanted, const struct xnode *actual,
			 struct variables *variables)
{
	for (const struct xnode *have = xnode_first_child(actual); have != NULL;
	     have = xnode_next(have))
		if (match_element(unwanted, have, variables))
			return false;
	return true;
}

static const struct xnode *match_skip_absent(const struct xnode *want)
{
	while (want != NULL && bytes_is(xnode_attr(want, "talk-absent"), "yes"))
		want = xnode_next(want);
	return want;
}

static bool match_children(const struct xnode *expected, const struct xnode *actual,
			   bool is_open, struct variables *variables)
{
	const struct xnode *want = xnode_first_child(expected);
	const struct xnode *have = xnode_first_child(actual);

	for (const struct xnode *node = want; node != NULL; node = xnode_next(node))
		if (bytes_is(xnode_attr(node, "talk-absent"), "yes") &&
		    !match_absent(node, actual, variables))
			return false;
	want = match_skip_absent(want);
	for (; have != NULL && want != NULL; have = xnode_next(have)) {
		if (match_element(want, have, variables))
			want = match_skip_absent(xnode_next(want));
		else if (!is_open)
			return false;
	}
	return want == NULL && (have == NULL || is_open);
}

bool match_element(const struct xnode *expected, const struct xnode *actual,
		   struct variables *variables)
{
	bool is_open = bytes_is(xnode_attr(expected, "talk-open"), "yes");
	struct bytes want = xnode_text(expected, &variables->arena);
	struct bytes have = xnode_text(actual, &variables->arena);

	if (!bytes_equal(xnode_name(expected), xnode_name(actual)) ||
	    !bytes_equal(xnode_ns(expected), xnode_ns(actual)))
		return false;
	if (xnode_first_child(expected) != NULL) { /* layout is not content */
		want = bytes_trim(want);
		have = bytes_trim(have);
	}
	if (!is_open && !match_value(want, have, variables))
		return false;
	return match_attrs(expected, actual, is_open, variables) &&
	       match_children(expected, actual, is_open, variables);
}

struct bytes match_show(struct arena *arena, const struct stanza *stanza)
{
	struct buf out;
	struct bytes shown;

	buf_init(&out, 0);
	wire_stanza(&out, stanza, &wire_client);
	shown = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return shown;
}
