/* Content: character data, CDATA sections, end tags; and the way from raw bytes to a stanza. */
#include "xml/parse.h"

#include <errno.h>

#include "base/check.h"
#include "xml/canonical.h"
#include "xml/chars.h"
#include "xml/parser.h"

#define CDATA_START BYTES_LIT("<![CDATA[")

const struct xml_limits xml_limits_default = {
	.bytes = 262144,
	.depth = 128,
	.attributes = 64,
	.namespaces = 128,
	.nodes = 16384,
};

/* What we write ourselves is bounded by what it was made from, not by the peers' limits. */
const struct xml_limits xml_limits_own = {
	.bytes = INT32_MAX / 2,
	.depth = XML_MAX_DEPTH,
	.attributes = XML_MAX_ATTRIBUTES,
	.namespaces = XML_MAX_NAMESPACES,
	.nodes = UINT32_MAX,
};

static void check_limits(const struct xml_limits *limits)
{
	check(limits->bytes <= INT32_MAX / 2 && limits->depth <= XML_MAX_DEPTH);
	check(limits->attributes <= XML_MAX_ATTRIBUTES);
	check(limits->namespaces <= XML_MAX_NAMESPACES);
}

void *parser_scratch(struct parser *parser, size_t size)
{
	if (!parser->is_marked)
		parser->mark = arena_mark(scratch());
	parser->is_marked = true;
	return arena_alloc_raw(scratch(), size);
}

void parser_init(struct parser *parser, const struct parse_context *ctx, struct bytes raw)
{
	if (bytes_is_none(raw))
		raw = BYTES_LIT("");
	parser->raw = raw;
	parser->at = raw.ptr;
	parser->end = raw.ptr + raw.len;
	parser->ctx = ctx;
	parser->limits = ctx->limits ? ctx->limits : &xml_limits_default;
	if (ctx->limits)
		check_limits(ctx->limits);
	parser->is_bound = false;
	parser->extra = NULL;
	parser->extra_len = 0;
	parser->nodes = parser->some_nodes;
	parser->node_count = 0;
	parser->node_capacity = PARSER_NODES;
	parser->attrs = parser->some_attrs;
	parser->attr_count = PARSER_SPARE_ATTRS;
	parser->attr_capacity = PARSER_ATTRS;
	parser->namespaces = parser->some_namespaces;
	parser->namespace_capacity = PARSER_NAMESPACES;
	parser->namespaces[NS_NONE] = (struct parser_ns){ BYTES_LIT(""), NS_FOREIGN };
	parser->namespaces[NS_XML] = (struct parser_ns){ BYTES_LIT(XML_NS_XML), NS_FOREIGN };
	parser->namespaces[NS_DEFAULT] = (struct parser_ns){ ctx->default_ns, NS_FOREIGN };
	parser->namespace_count = ctx->default_ns.len > 0 ? NS_DEFAULT + 1 : NS_DEFAULT;
	parser->foreign_len = (uint32_t)ctx->default_ns.len;
	parser->scope_count = 0;
	parser->depth = 0;
	parser->open[0] = (struct parser_open){
		.default_ns = ctx->default_ns.len > 0 ? NS_DEFAULT : NS_NONE,
	};
}

int parser_check_raw(struct parser *parser)
{
	enum xml_fault fault;
	size_t good;

	if (parser->raw.len > parser->limits->bytes)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "bytes");
	good = chars_check(parser->raw, &fault);
	if (good < parser->raw.len) {
		parser->at += good;
		return parser_fail(parser, fault, "character");
	}
	if (parser->raw.len < 4 || parser->raw.ptr[0] != '<' || parser->end[-1] != '>')
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "element");
	return 0;
}

static inline struct xnode *innermost(struct parser *parser)
{
	return &parser->nodes[parser->open[parser->depth].node];
}

static inline void close_element(struct parser *parser, uint32_t content_end)
{
	const struct parser_open *open = &parser->open[parser->depth];
	struct parser_open *outer = &parser->open[parser->depth - 1];
	struct xnode *node = innermost(parser);

	node->content_end = content_end;
	node->end = parser_offset(parser, parser->at);
	if (open->lowest_binding < parser->depth)
		node->flags |= XNODE_NEEDS_CONTEXT;
	if (open->lowest_binding < outer->lowest_binding)
		outer->lowest_binding = open->lowest_binding;
	parser->scope_count = open->scope_count;
	parser->depth--;
}

static inline int start_tag(struct parser *parser)
{
	bool is_empty;

	if (parser_start_tag(parser, &is_empty) < 0)
		return -EBADMSG;
	if (is_empty)
		close_element(parser, innermost(parser)->content);
	return 0;
}

static inline int end_tag(struct parser *parser)
{
	const struct xnode *node = innermost(parser);
	const char *name = parser->raw.ptr + node->start + 1, *at = parser->at + 2;
	size_t len = node->name + node->name_len - (node->start + 1);
	uint32_t content_end = parser_offset(parser, parser->at);

	if ((size_t)(parser->end - at) <= len || memcmp(at, name, len) != 0)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "end-tag");
	at = chars_skip_space(at + len);
	if (*at != '>')
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "end-tag");
	parser->at = at + 1;
	close_element(parser, content_end);
	return 0;
}

/* "<!" in content: a CDATA section, or what XMPP forbids. */
static int bang(struct parser *parser)
{
	struct bytes rest = bytes_make(parser->at, (size_t)(parser->end - parser->at));
	const char *stop;

	if (!bytes_has_prefix(rest, CDATA_START)) {
		bool is_known = bytes_has_prefix(rest, BYTES_LIT("<!--")) ||
				bytes_has_prefix(rest, BYTES_LIT("<!DOCTYPE"));
		return parser_fail(
			parser, is_known ? XML_FAULT_RESTRICTED_XML : XML_FAULT_NOT_WELL_FORMED,
			"markup");
	}
	rest = bytes_skip(rest, CDATA_START.len);
	stop = memmem(rest.ptr, rest.len, "]]>", 3);
	if (!stop)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "cdata");
	innermost(parser)->flags |= XNODE_IS_CODED;
	parser->at = stop + 3;
	return 0;
}

static inline int markup(struct parser *parser)
{
	if (parser->at[1] == '/')
		return end_tag(parser);
	switch (parser->at[1]) {
	case '!':
		return bang(parser);
	case '?':
		return parser_fail(parser, XML_FAULT_RESTRICTED_XML, "instruction");
	default:
		return start_tag(parser);
	}
}

static int reference(struct parser *parser)
{
	enum xml_fault fault;
	size_t len;

	if (chars_reference(parser->at, parser->end, &len, &fault) == 0)
		return parser_fail(parser, fault, "reference");
	innermost(parser)->flags |= XNODE_IS_CODED;
	parser->at += len;
	return 0;
}

/* Character data up to the next thing that matters, and that thing. */
static inline int content(struct parser *parser)
{
	if (*parser->at != '<')
		parser->at = chars_text_find(parser->at, parser->end, 0);
	if (parser->at == parser->end)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "unclosed");
	if (*parser->at == '<')
		return markup(parser);
	switch (*parser->at) {
	case '&':
		return reference(parser);
	case ']':
		if (parser->end - parser->at >= 3 && memcmp(parser->at, "]]>", 3) == 0)
			return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "cdata-end");
		parser->at++;
		return 0;
	default:
		innermost(parser)->flags |= XNODE_IS_CODED;
		parser->at++;
		return 0;
	}
}

static int parse_root(struct parser *parser)
{
	if (parser_check_raw(parser) < 0)
		return -EBADMSG;
	switch (parser->raw.ptr[1]) {
	case '!':
	case '?':
		return parser_fail(parser, XML_FAULT_RESTRICTED_XML, "markup");
	default:
		break;
	}
	if (start_tag(parser) < 0)
		return -EBADMSG;
	while (parser->depth > 0) {
		if (parser->at == parser->end)
			return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "unclosed");
		if (content(parser) < 0)
			return -EBADMSG;
	}
	if (parser->at != parser->end)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "trailing");
	return 0;
}

/*
 * The slow path: the same element written so that its tail needs nothing from outside, and
 * parsed again. It may not become larger than any stanza may be.
 */
static int parse_canonical(struct parser *parser, struct stanza **ret_stanza)
{
	const struct parse_context *outer = parser->ctx;
	struct parse_context ctx = *outer;
	struct stanza *bound = parser_seal(parser);
	struct buf canonical;
	int rc;

	ctx.bindings = NULL;
	ctx.binding_count = 0;
	buf_init(&canonical, parser->limits->bytes);
	canonical_element(&canonical, stanza_root(bound), ctx.default_ns);
	if (canonical.failed) {
		rc = parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "bytes");
	} else {
		parser_init(parser, &ctx, buf_bytes(&canonical));
		rc = parse_root(parser);
		if (rc == 0) {
			check(!parser->is_bound);
			*ret_stanza = parser_seal(parser);
		}
	}
	parser->ctx = outer;
	stanza_unref(&bound);
	buf_fini(&canonical);
	return rc;
}

int parse_element(const struct parse_context *ctx, struct bytes raw, struct stanza **ret_stanza,
		  struct parse_error *ret_error)
{
	struct parser parser;
	int rc;

	parser_enter(&parser);
	parser_init(&parser, ctx, raw);
	rc = parse_root(&parser);
	if (rc == 0) {
		if (parser.is_bound)
			rc = parse_canonical(&parser, ret_stanza);
		else
			*ret_stanza = parser_seal(&parser);
	}
	if (rc < 0 && ret_error)
		*ret_error = parser.error;
	parser_leave(&parser);
	return rc;
}
