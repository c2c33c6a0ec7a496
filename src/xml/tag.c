/* Start tags: names, attributes, and what is in force inside the element. */
#include <errno.h>

#include "base/check.h"
#include "base/utf8.h"
#include "xml/chars.h"
#include "xml/parser.h"

struct qname {
	const char *prefix;
	const char *local;
	uint32_t prefix_len; /* 0: no prefix */
	uint32_t local_len;
};

static int not_well_formed(struct parser *parser, const char *reason)
{
	return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, reason);
}

/* Namespaces in XML 1.0, production 7. */
static inline int read_qname(struct parser *parser, struct qname *ret_name)
{
	const char *prefix = parser->at, *local = prefix, *stop = chars_name_end(prefix);

	if (stop == local)
		return not_well_formed(parser, "name");
	if (*stop == ':') {
		local = stop + 1;
		stop = chars_name_end(local);
		if (stop == local)
			return not_well_formed(parser, "name");
	}
	if (stop - prefix > UINT16_MAX)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "name");
	ret_name->prefix = prefix;
	ret_name->prefix_len = local == prefix ? 0 : (uint32_t)(local - prefix - 1);
	ret_name->local = local;
	ret_name->local_len = (uint32_t)(stop - local);
	parser->at = stop;
	return 0;
}

/*
 * Attribute-value normalisation for CDATA attributes (section 3.3.3), after that of line ends;
 * `at` is inside the quotes.
 */
static int decode_value(struct parser *parser, char quote, uint32_t *ret_value,
			uint32_t *ret_len)
{
	char *out, *start;

	if (!parser->extra)
		parser->extra = arena_alloc_raw(scratch(), parser->raw.len);
	start = out = parser->extra + parser->extra_len;
	for (;;) {
		const char *stop = chars_value_find(parser->at, parser->end, quote);
		size_t len = (size_t)(stop - parser->at);
		enum xml_fault fault;
		uint32_t c = ' ';
		memcpy(out, parser->at, len);
		out += len;
		parser->at = stop;
		if (stop == parser->end || *stop == '<')
			return not_well_formed(parser, "attribute-value");
		if (*stop == quote)
			break;
		len = *stop == '\r' && stop[1] == '\n' ? 2 : 1;
		if (*stop == '&')
			c = chars_reference(stop, parser->end, &len, &fault);
		if (c == 0)
			return parser_fail(parser, fault, "reference");
		out += utf8_encode(c, out);
		parser->at += len;
	}
	*ret_value = (uint32_t)parser->raw.len + parser->extra_len;
	*ret_len = (uint32_t)(out - start);
	parser->extra_len += *ret_len;
	return 0;
}

/* A quoted value; `at` is on the first quote, and afterwards behind the last. */
static inline int read_value(struct parser *parser, uint32_t *ret_value, uint32_t *ret_len)
{
	char quote = *parser->at;
	const char *start = parser->at + 1, *stop;

	if (quote != '\'' && quote != '"')
		return not_well_formed(parser, "attribute");
	stop = chars_value_find(start, parser->end, quote);
	if (__builtin_expect(stop < parser->end && *stop == quote, 1)) {
		*ret_value = parser_offset(parser, start);
		*ret_len = (uint32_t)(stop - start);
	} else {
		parser->at = start;
		if (decode_value(parser, quote, ret_value, ret_len) < 0)
			return -EBADMSG;
		stop = parser->at;
	}
	parser->at = stop + 1;
	return 0;
}

static __attribute__((noinline)) void grow_attrs(struct parser *parser)
{
	uint32_t capacity = parser->attr_capacity * 2;
	struct xattr *bigger = arena_alloc_raw(scratch(), capacity * sizeof(*bigger));

	memcpy(bigger, parser->attrs, parser->attr_count * sizeof(*bigger));
	parser->attrs = bigger;
	parser->attr_capacity = capacity;
}

static int declare(struct parser *parser, const struct qname *name, uint32_t value,
		   uint32_t len)
{
	struct bytes prefix = bytes_make(name->local, name->prefix_len ? name->local_len : 0);

	return scope_declare(parser, prefix, bytes_make(parser_string(parser, value), len));
}

static inline bool is_xmlns(const char *p, uint32_t len)
{
	return len == 5 && memcmp(p, "xmlns", 5) == 0;
}

/* name="value", be it an attribute or a namespace declaration. */
static inline int read_attribute(struct parser *parser)
{
	struct qname name;
	uint32_t value, value_len;

	if (read_qname(parser, &name) < 0)
		return -EBADMSG;
	parser->at = chars_skip_space(parser->at);
	if (*parser->at != '=')
		return not_well_formed(parser, "attribute");
	parser->at = chars_skip_space(parser->at + 1);
	if (read_value(parser, &value, &value_len) < 0)
		return -EBADMSG;
	if (name.prefix_len ? is_xmlns(name.prefix, name.prefix_len)
			    : is_xmlns(name.local, name.local_len))
		return declare(parser, &name, value, value_len);
	if (parser->attr_count == parser->attr_capacity)
		grow_attrs(parser);
	if (name.prefix_len)
		parser->pending[parser->pending_count++] = (struct parser_pending){
			.attr = parser->attr_count,
			.prefix = parser_offset(parser, name.prefix),
			.prefix_len = (uint16_t)name.prefix_len,
		};
	parser->attrs[parser->attr_count++] = (struct xattr){
		.name = parser_offset(parser, name.local),
		.name_len = (uint16_t)name.local_len,
		.ns = NS_NONE,
		.value = value,
		.value_len = value_len,
	};
	return 0;
}

/* All attributes; leaves `at` behind the '>'. */
static inline int read_attributes(struct parser *parser, bool *ret_is_empty)
{
	uint32_t count = 0;

	for (;;) {
		const char *before = parser->at;
		parser->at = chars_skip_space(before);
		if (*parser->at == '>') {
			parser->at++;
			*ret_is_empty = false;
			return 0;
		}
		if (*parser->at == '/' && parser->at[1] == '>') {
			parser->at += 2;
			*ret_is_empty = true;
			return 0;
		}
		if (parser->at == before)
			return not_well_formed(parser, "tag");
		if (count++ == parser->limits->attributes)
			return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "attributes");
		if (read_attribute(parser) < 0)
			return -EBADMSG;
	}
}

static bool is_same_name(const struct parser *parser, const struct xattr *a,
			 const struct xattr *b)
{
	return a->name_len == b->name_len && a->ns == b->ns &&
	       memcmp(parser->raw.ptr + a->name, parser->raw.ptr + b->name, a->name_len) == 0;
}

/*
 * Unique expanded names. A set of 64 possible marks answers for nearly every attribute; only
 * one whose mark is taken is compared with those before it, at most limits->attributes of them.
 */
static int check_unique(struct parser *parser, uint32_t first)
{
	uint64_t marks = 0;

	for (uint32_t i = first; i < parser->attr_count; i++) {
		const struct xattr *attr = &parser->attrs[i];
		const char *name = parser->raw.ptr + attr->name;
		uint32_t hash = (uint8_t)name[0] * 7u + (uint8_t)name[attr->name_len - 1] * 3u +
				attr->name_len + attr->ns;
		uint64_t mark = 1ull << (hash & 63);
		for (uint32_t j = first; (marks & mark) && j < i; j++)
			if (is_same_name(parser, attr, &parser->attrs[j]))
				return not_well_formed(parser, "duplicate-attribute");
		marks |= mark;
	}
	return 0;
}

static inline void note_binding(struct parser *parser, uint32_t level)
{
	struct parser_open *open = &parser->open[parser->depth];

	if (level < open->lowest_binding)
		open->lowest_binding = (uint16_t)level;
}

static int resolve_attributes(struct parser *parser)
{
	for (uint32_t i = 0; i < parser->pending_count; i++) {
		const struct parser_pending *pending = &parser->pending[i];
		struct xattr *attr = &parser->attrs[pending->attr];
		struct bytes prefix =
			bytes_make(parser->raw.ptr + pending->prefix, pending->prefix_len);
		uint16_t level;
		if (bytes_is(prefix, "xml")) {
			attr->ns = NS_XML;
			continue;
		}
		if (scope_find(parser, prefix, &attr->ns, &level) < 0)
			return -EBADMSG;
		if (parser->depth > 1 && level <= 1)
			parser->is_bound = true;
		else if (parser->depth > 1)
			note_binding(parser, level);
	}
	return 0;
}

/*
 * True if the element, directly inside one of the content namespace, names that namespace: then
 * it would stay behind when the head moves the stanza to another content namespace.
 */
static inline bool is_content_named(const struct parser *parser, uint16_t ns)
{
	const struct parser_open *outer = &parser->open[parser->depth - 1];

	return ns == parser->nodes[0].ns && parser->nodes[outer->node].ns == ns;
}

static int resolve_prefixed(struct parser *parser, struct xnode *node, struct bytes prefix)
{
	uint16_t level = 0;

	if (bytes_is(prefix, "xml"))
		node->ns = NS_XML;
	else if (scope_find(parser, prefix, &node->ns, &level) < 0)
		return -EBADMSG;
	if (level <= 1 || is_content_named(parser, node->ns))
		parser->is_bound = true;
	else
		note_binding(parser, level);
	return 0;
}

static inline int resolve_element(struct parser *parser, struct xnode *node,
				  const struct qname *name)
{
	const struct parser_open *open = &parser->open[parser->depth];

	if (name->prefix_len)
		return resolve_prefixed(parser, node,
					bytes_make(name->prefix, name->prefix_len));
	node->ns = open->default_ns;
	if (open->default_level < 2)
		return 0;
	if (open->default_level == parser->depth && is_content_named(parser, node->ns))
		parser->is_bound = true;
	note_binding(parser, open->default_level);
	return 0;
}

static __attribute__((noinline)) void grow_nodes(struct parser *parser)
{
	uint32_t capacity = parser->node_capacity * 2;
	struct xnode *bigger = arena_alloc_raw(scratch(), capacity * sizeof(*bigger));

	memcpy(bigger, parser->nodes, parser->node_count * sizeof(*bigger));
	parser->nodes = bigger;
	parser->node_capacity = capacity;
}

/* A node for the element at `start`, linked to its siblings. */
static inline struct xnode *push_node(struct parser *parser, const char *start,
				      const struct qname *name)
{
	struct parser_open *outer = &parser->open[parser->depth];
	uint32_t index = parser->node_count;
	struct xnode *node;

	if (index == parser->node_capacity)
		grow_nodes(parser);
	parser->node_count++;
	if (parser->depth > 0) {
		if (outer->last_child)
			parser->nodes[outer->last_child].next = index;
		else
			parser->nodes[outer->node].flags |= XNODE_HAS_CHILDREN;
		outer->last_child = index;
	}
	node = &parser->nodes[index];
	*node = (struct xnode){
		.index = index,
		.name = parser_offset(parser, name->local),
		.name_len = (uint16_t)name->local_len,
		.start = parser_offset(parser, start),
		.attrs = parser->attr_count,
	};
	return node;
}

static inline void push_open(struct parser *parser, uint32_t node)
{
	const struct parser_open *outer = &parser->open[parser->depth++];

	parser->open[parser->depth] = (struct parser_open){
		.node = node,
		.default_ns = outer->default_ns,
		.default_level = outer->default_level,
		.scope_count = (uint16_t)parser->scope_count,
		.lowest_binding = (uint16_t)parser->depth,
	};
}

int parser_start_tag(struct parser *parser, bool *ret_is_empty)
{
	const char *start = parser->at++;
	struct qname name;
	struct xnode *node;

	if (read_qname(parser, &name) < 0)
		return -EBADMSG;
	if (parser->depth == parser->limits->depth ||
	    parser->node_count == parser->limits->nodes)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION,
				   parser->depth == parser->limits->depth ? "depth" : "nodes");
	node = push_node(parser, start, &name);
	push_open(parser, node->index);
	parser->pending_count = 0;
	if (read_attributes(parser, ret_is_empty) < 0)
		return -EBADMSG;
	node->attr_count = (uint16_t)(parser->attr_count - node->attrs);
	node->content = parser_offset(parser, parser->at);
	if (resolve_element(parser, node, &name) < 0 ||
	    (parser->pending_count > 0 && resolve_attributes(parser) < 0))
		return -EBADMSG;
	return node->attr_count > 1 ? check_unique(parser, node->attrs) : 0;
}
