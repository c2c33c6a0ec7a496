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

/*
 * The functions that read take the place to read at and return the place after what they read,
 * or NULL after having remembered the fault.
 */
static const char *fail_at(struct parser *parser, const char *at, enum xml_fault fault,
			   const char *reason)
{
	parser->at = at;
	parser_fail(parser, fault, reason);
	return NULL;
}

static const char *not_well_formed(struct parser *parser, const char *at, const char *reason)
{
	return fail_at(parser, at, XML_FAULT_NOT_WELL_FORMED, reason);
}

/* Namespaces in XML 1.0, production 7. */
static inline __attribute__((always_inline)) const char *
read_qname(struct parser *parser, const char *at, struct qname *ret_name)
{
	const char *local = at, *stop = chars_name_end(at);

	if (stop == local)
		return not_well_formed(parser, at, "name");
	ret_name->prefix = at;
	ret_name->prefix_len = 0;
	if (*stop == ':') {
		ret_name->prefix_len = (uint32_t)(stop - at);
		local = stop + 1;
		stop = chars_name_end(local);
		if (stop == local)
			return not_well_formed(parser, at, "name");
	}
	if (stop - at > UINT16_MAX)
		return fail_at(parser, at, XML_FAULT_POLICY_VIOLATION, "name");
	ret_name->local = local;
	ret_name->local_len = (uint32_t)(stop - local);
	return stop;
}

/*
 * Attribute-value normalisation for CDATA attributes (section 3.3.3), after that of line ends;
 * at is inside the quotes. Returns the place of the closing quote.
 */
static const char *decode_value(struct parser *parser, const char *at, char quote,
				uint32_t *ret_value, uint32_t *ret_len)
{
	char *out, *start;

	if (!parser->extra)
		parser->extra = parser_scratch(parser, parser->raw.len);
	start = out = parser->extra + parser->extra_len;
	for (;;) {
		const char *stop = chars_value_find(at, parser->end, quote);
		size_t len = (size_t)(stop - at);
		enum xml_fault fault;
		uint32_t c = ' ';
		memcpy(out, at, len);
		out += len;
		at = stop;
		if (at == parser->end || *at == '<')
			return not_well_formed(parser, at, "attribute-value");
		if (*at == quote)
			break;
		len = *at == '\r' && at[1] == '\n' ? 2 : 1;
		if (*at == '&')
			c = chars_reference(at, parser->end, &len, &fault);
		if (c == 0)
			return fail_at(parser, at, fault, "reference");
		out += utf8_encode(c, out);
		at += len;
	}
	*ret_value = (uint32_t)parser->raw.len + parser->extra_len;
	*ret_len = (uint32_t)(out - start);
	parser->extra_len += *ret_len;
	return at;
}

/* A quoted value. */
static inline const char *read_value(struct parser *parser, const char *at, uint32_t *ret_value,
				     uint32_t *ret_len)
{
	char quote = *at;
	const char *start = at + 1, *stop;

	if (quote != '\'' && quote != '"')
		return not_well_formed(parser, at, "attribute");
	stop = chars_value_find(start, parser->end, quote);
	if (__builtin_expect(stop == parser->end || *stop != quote, 0)) {
		stop = decode_value(parser, start, quote, ret_value, ret_len);
		return stop ? stop + 1 : NULL;
	}
	*ret_value = parser_offset(parser, start);
	*ret_len = (uint32_t)(stop - start);
	return stop + 1;
}

static __attribute__((noinline)) void grow_attrs(struct parser *parser)
{
	uint32_t capacity = parser->attr_capacity * 2;
	struct xattr *bigger = parser_scratch(parser, capacity * sizeof(*bigger));

	memcpy(bigger, parser->attrs, parser->attr_count * sizeof(*bigger));
	parser->attrs = bigger;
	parser->attr_capacity = capacity;
}

static inline bool is_xmlns(const char *p, uint32_t len)
{
	return len == 5 && memcmp(p, "xmlns", 5) == 0;
}

static inline void push_attr(struct parser *parser, const struct qname *name, uint32_t value,
			     uint32_t value_len)
{
	if (parser->attr_count == parser->attr_capacity)
		grow_attrs(parser);
	if (name->prefix_len)
		parser->pending[parser->pending_count++] = (struct parser_pending){
			.attr = parser->attr_count,
			.prefix = parser_offset(parser, name->prefix),
			.prefix_len = (uint16_t)name->prefix_len,
		};
	parser->attrs[parser->attr_count++] = (struct xattr){
		.name = parser_offset(parser, name->local),
		.name_len = (uint16_t)name->local_len,
		.ns = NS_NONE,
		.value = value,
		.value_len = value_len,
	};
}

/* name="value", be it an attribute or a namespace declaration. */
static inline const char *read_attribute(struct parser *parser, const char *at)
{
	struct qname name;
	uint32_t value, value_len;

	at = read_qname(parser, at, &name);
	if (!at)
		return NULL;
	if (*at != '=')
		at = chars_skip_space(at);
	if (*at != '=')
		return not_well_formed(parser, at, "attribute");
	at = read_value(parser, chars_skip_space(at + 1), &value, &value_len);
	if (!at)
		return NULL;
	if (name.prefix_len ? is_xmlns(name.prefix, name.prefix_len)
			    : is_xmlns(name.local, name.local_len)) {
		struct bytes prefix =
			bytes_make(name.local, name.prefix_len ? name.local_len : 0);
		parser->at = at;
		return scope_declare(parser, prefix, value, value_len) < 0 ? NULL : at;
	}
	push_attr(parser, &name, value, value_len);
	return at;
}

/* The end of a tag, at what should be one. */
static inline const char *read_tag_end(struct parser *parser, const char *at,
				       bool *ret_is_empty)
{
	*ret_is_empty = *at == '/';
	if (*at == '>')
		return at + 1;
	if (*at == '/' && at[1] == '>')
		return at + 2;
	return not_well_formed(parser, at, "tag");
}

/* All attributes and the end of the tag. */
static inline const char *read_attributes(struct parser *parser, const char *at,
					  bool *ret_is_empty)
{
	for (uint32_t left = parser->limits->attributes; char_is(*at, CHAR_SPACE); left--) {
		at = chars_skip_space(at + 1);
		if (!char_is(*at, CHAR_NAME_START | CHAR_HIGH))
			break;
		if (left == 0)
			return fail_at(parser, at, XML_FAULT_POLICY_VIOLATION, "attributes");
		at = read_attribute(parser, at);
		if (!at)
			return NULL;
	}
	return read_tag_end(parser, at, ret_is_empty);
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
		uint32_t hash = (uint8_t)name[0] + attr->name_len * 5u + attr->ns;
		uint64_t mark = 1ull << (hash & 63);
		for (uint32_t j = first; (marks & mark) && j < i; j++)
			if (is_same_name(parser, attr, &parser->attrs[j]))
				return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED,
						   "duplicate-attribute");
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

/* The xml namespace has no elements and can be no default one: none can be written for it. */
static int resolve_prefixed(struct parser *parser, struct xnode *node, struct bytes prefix)
{
	uint16_t level;

	if (bytes_is(prefix, "xml"))
		return parser_fail(parser, XML_FAULT_RESTRICTED_XML, "xml-element");
	if (scope_find(parser, prefix, &node->ns, &level) < 0)
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
	struct xnode *bigger = parser_scratch(parser, capacity * sizeof(*bigger));

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
	const char *start = parser->at, *at;
	struct qname name;
	struct xnode *node;

	at = read_qname(parser, start + 1, &name);
	if (!at)
		return -EBADMSG;
	if (parser->depth == parser->limits->depth)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "depth");
	if (parser->node_count == parser->limits->nodes)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "nodes");
	node = push_node(parser, start, &name);
	push_open(parser, node->index);
	parser->pending_count = 0;
	at = read_attributes(parser, at, ret_is_empty);
	if (!at)
		return -EBADMSG;
	parser->at = at;
	node->attr_count = (uint16_t)(parser->attr_count - node->attrs);
	node->content = parser_offset(parser, at);
	if (resolve_element(parser, node, &name) < 0 ||
	    (parser->pending_count > 0 && resolve_attributes(parser) < 0))
		return -EBADMSG;
	return node->attr_count > 1 ? check_unique(parser, node->attrs) : 0;
}
