#include "xml/canonical.h"

#include "xml/write.h"

static void append_quoted(struct buf *out, const char *before, struct bytes value)
{
	buf_append_cstr(out, before);
	xml_escape_attr(out, value);
	buf_append_byte(out, '\'');
}

void canonical_attr(struct buf *out, struct bytes ns, struct bytes name, struct bytes value,
		    uint32_t number)
{
	if (bytes_is(ns, XML_NS_XML)) {
		buf_append_cstr(out, " xml:");
	} else if (ns.len > 0) {
		buf_printf(out, " xmlns:n%u", number);
		append_quoted(out, "='", ns);
		buf_printf(out, " n%u:", number);
	} else {
		buf_append_byte(out, ' ');
	}
	buf_append(out, name);
	append_quoted(out, "='", value);
}

static void append_attrs(struct buf *out, const struct xnode *node)
{
	const struct stanza *stanza = xnode_stanza(node);

	for (uint32_t i = 0; i < node->attr_count; i++) {
		const struct xattr *attr = &stanza->attrs[node->attrs + i];
		canonical_attr(out, stanza->namespaces[attr->ns],
			       bytes_make(stanza->bytes + attr->name, attr->name_len),
			       bytes_make(stanza->bytes + attr->value, attr->value_len), i);
	}
}

static void append_raw(struct buf *out, const struct xnode *node, uint32_t from, uint32_t to)
{
	buf_append(out, bytes_make(xnode_stanza(node)->bytes + from, to - from));
}

/* As deep as the limit on depth. */
void canonical_element(struct buf *out, const struct xnode *node, struct bytes context_ns)
{
	const struct xnode *child;
	uint32_t from = node->content;

	if (out->failed)
		return;
	buf_append_byte(out, '<');
	buf_append(out, xnode_name(node));
	if (!bytes_equal(xnode_ns(node), context_ns))
		append_quoted(out, " xmlns='", xnode_ns(node));
	append_attrs(out, node);
	if (node->content == node->end) {
		buf_append_cstr(out, "/>");
		return;
	}
	buf_append_byte(out, '>');
	xnode_for_each_child (child, node) {
		append_raw(out, node, from, child->start);
		canonical_element(out, child, xnode_ns(node));
		from = child->end;
	}
	append_raw(out, node, from, node->content_end);
	buf_append_cstr(out, "</");
	buf_append(out, xnode_name(node));
	buf_append_byte(out, '>');
}
