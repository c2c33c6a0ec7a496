#include "xml/stanza.h"

#include "base/block.h"
#include "base/check.h"
#include "xml/canonical.h"
#include "xml/chars.h"

/* References are counted in a stanza that nobody may otherwise change. */
static struct stanza *counted(const struct stanza *stanza)
{
	check_magic(stanza, STANZA_MAGIC);
	return (struct stanza *)(uintptr_t)stanza;
}

struct stanza *stanza_ref(const struct stanza *stanza)
{
	struct stanza *same = counted(stanza);

	atomic_fetch_add_explicit(&same->refs, 1, memory_order_relaxed);
	return same;
}

void stanza_unref(struct stanza **stanza)
{
	struct stanza *same;

	if (!*stanza)
		return;
	same = counted(*stanza);
	*stanza = NULL;
	if (atomic_fetch_sub_explicit(&same->refs, 1, memory_order_acq_rel) == 1) {
		same->magic = 0;
		block_free(same);
	}
}

struct bytes stanza_content(const struct stanza *stanza)
{
	const struct xnode *root = stanza_root(stanza);

	return bytes_make(stanza->bytes + root->content, root->content_end - root->content);
}

bool xnode_is(const struct xnode *node, const char *name, const char *ns)
{
	if (name && !bytes_is(xnode_name(node), name))
		return false;
	return ns ? bytes_is(xnode_ns(node), ns)
		  : node->ns == stanza_root(xnode_stanza(node))->ns;
}

static struct bytes find_attr(const struct xnode *node, struct bytes name, struct bytes ns)
{
	const struct stanza *stanza = xnode_stanza(node);
	const struct xattr *attr = stanza->attrs + node->attrs;

	for (const struct xattr *end = attr + node->attr_count; attr < end; attr++)
		if (attr->name_len == name.len &&
		    memcmp(stanza->bytes + attr->name, name.ptr, name.len) == 0 &&
		    bytes_equal(stanza->namespaces[attr->ns], ns))
			return bytes_make(stanza->bytes + attr->value, attr->value_len);
	return BYTES_NONE;
}

struct bytes xnode_attr(const struct xnode *node, const char *name)
{
	return find_attr(node, bytes_of(name), BYTES_LIT(""));
}

struct bytes xnode_attr_ns(const struct xnode *node, const char *name, const char *ns)
{
	return find_attr(node, bytes_of(name), bytes_of(ns));
}

/* One stretch of character data between tags; returns the end of what it wrote. */
static char *append_text(char *out, const struct xnode *node, uint32_t from, uint32_t to)
{
	struct bytes raw = bytes_make(xnode_stanza(node)->bytes + from, to - from);

	if (node->flags & XNODE_IS_CODED)
		return out + chars_decode_text(raw, out);
	if (raw.len > 0)
		memcpy(out, raw.ptr, raw.len);
	return out + raw.len;
}

struct bytes xnode_text(const struct xnode *node, struct arena *arena)
{
	size_t raw_len = node->content_end - node->content;
	const struct xnode *child;
	uint32_t from = node->content;
	char *text, *out;

	if (!(node->flags & (XNODE_IS_CODED | XNODE_HAS_CHILDREN)))
		return bytes_make(xnode_stanza(node)->bytes + node->content, raw_len);
	out = text = arena_alloc_raw(arena, raw_len);
	xnode_for_each_child (child, node) {
		out = append_text(out, node, from, child->start);
		from = child->end;
	}
	out = append_text(out, node, from, node->content_end);
	return bytes_make(text, (size_t)(out - text));
}

const struct xnode *xnode_find(const struct xnode *parent, const char *name, const char *ns)
{
	const struct xnode *child;

	if (!parent)
		return NULL;
	xnode_for_each_child (child, parent)
		if (xnode_is(child, name, ns))
			return child;
	return NULL;
}

struct bytes xnode_raw(const struct xnode *node)
{
	check(node->index > 0);
	return bytes_make(xnode_stanza(node)->bytes + node->start, node->end - node->start);
}

void xnode_write(struct buf *out, const struct xnode *node, struct bytes context_ns)
{
	bool is_moved = !bytes_equal(xnode_stanza(node)->ns, context_ns);

	if (node->index == 0 || is_moved || (node->flags & XNODE_NEEDS_CONTEXT))
		canonical_element(out, node, context_ns);
	else
		buf_append(out, xnode_raw(node));
}
