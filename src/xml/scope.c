/* Namespaces in XML 1.0: declarations, prefixes, and the table of namespace names. */
#include <errno.h>

#include "base/check.h"
#include "xml/parser.h"

static void grow_namespaces(struct parser *parser)
{
	uint32_t capacity = parser->namespace_capacity * 2;
	struct parser_ns *bigger = parser_scratch(parser, capacity * sizeof(*bigger));

	memcpy(bigger, parser->namespaces, parser->namespace_count * sizeof(*bigger));
	parser->namespaces = bigger;
	parser->namespace_capacity = capacity;
}

/* Its index, or the place after the last one. */
static inline uint32_t find_namespace(const struct parser *parser, struct bytes name)
{
	const struct parser_ns *ns = parser->namespaces, *end = ns + parser->namespace_count;

	while (ns < end &&
	       !(ns->name.len == name.len && memcmp(ns->name.ptr, name.ptr, name.len) == 0))
		ns++;
	return (uint32_t)(ns - parser->namespaces);
}

/* The index of a namespace name; a new one gets a place in the table. */
static inline int intern(struct parser *parser, struct parser_ns ns, uint16_t *ret_index)
{
	uint32_t index = find_namespace(parser, ns.name);

	if (index == parser->namespace_count) {
		if (index - NS_DEFAULT >= parser->limits->namespaces)
			return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "namespaces");
		if (index == parser->namespace_capacity)
			grow_namespaces(parser);
		parser->namespaces[index] = ns;
		parser->namespace_count++;
		if (ns.offset == (uint32_t)NS_FOREIGN)
			parser->foreign_len += (uint32_t)ns.name.len;
	}
	*ret_index = (uint16_t)index;
	return 0;
}

/* Section 3: what may be bound to the two reserved prefixes, and what they may be bound to. */
static inline bool is_reserved(struct bytes prefix, struct bytes ns)
{
	if (prefix.len == 0 && ns.len != strlen(XML_NS_XML) && ns.len != strlen(XML_NS_XMLNS))
		return false;
	return bytes_is(prefix, "xml") != bytes_is(ns, XML_NS_XML) ||
	       bytes_is(prefix, "xmlns") || bytes_is(ns, XML_NS_XMLNS);
}

static inline int declare_default(struct parser *parser, struct parser_open *open,
				  struct parser_ns ns)
{
	uint16_t index;

	if (open->default_level == parser->depth)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "duplicate-attribute");
	if (intern(parser, ns, &index) < 0)
		return -EBADMSG;
	open->default_ns = index;
	open->default_level = (uint16_t)parser->depth;
	return 0;
}

static int declare_prefix(struct parser *parser, struct parser_open *open, struct bytes prefix,
			  struct parser_ns ns)
{
	struct parser_binding *binding;
	uint16_t index;

	for (uint32_t i = open->scope_count; i < parser->scope_count; i++) {
		binding = &parser->scope[i];
		if (bytes_equal(prefix, bytes_make(parser->raw.ptr + binding->prefix,
						   binding->prefix_len)))
			return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED,
					   "duplicate-attribute");
	}
	if (parser->scope_count == PARSER_SCOPE)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "prefixes");
	if (intern(parser, ns, &index) < 0)
		return -EBADMSG;
	parser->scope[parser->scope_count++] = (struct parser_binding){
		.prefix = parser_offset(parser, prefix.ptr),
		.prefix_len = (uint16_t)prefix.len,
		.ns = index,
		.level = (uint16_t)parser->depth,
	};
	return 0;
}

int scope_declare(struct parser *parser, struct bytes prefix, uint32_t value,
		  uint32_t value_len)
{
	struct parser_open *open = &parser->open[parser->depth];
	struct parser_ns ns = { bytes_make(parser_string(parser, value), value_len), value };

	if (is_reserved(prefix, ns.name))
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "reserved-namespace");
	if (prefix.len == 0)
		return declare_default(parser, open, ns);
	if (ns.name.len == 0)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "empty-namespace");
	return declare_prefix(parser, open, prefix, ns);
}

int scope_find(struct parser *parser, struct bytes prefix, uint16_t *ret_ns,
	       uint16_t *ret_level)
{
	const struct parse_context *ctx = parser->ctx;

	for (uint32_t i = parser->scope_count; i-- > 0;) {
		const struct parser_binding *binding = &parser->scope[i];
		if (binding->prefix_len == prefix.len &&
		    memcmp(parser->raw.ptr + binding->prefix, prefix.ptr, prefix.len) == 0) {
			*ret_ns = binding->ns;
			*ret_level = binding->level;
			return 0;
		}
	}
	for (size_t i = 0; i < ctx->binding_count; i++)
		if (bytes_equal(ctx->bindings[i].prefix, prefix)) {
			struct parser_ns ns = { ctx->bindings[i].ns, (uint32_t)NS_FOREIGN };
			*ret_level = 0;
			return intern(parser, ns, ret_ns);
		}
	return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "undeclared-prefix");
}
