/*
 * Known differences, all others are errors:
 * - names that XML 1.0 allows since its fifth edition; expat knows the fourth,
 * - elements in the xml namespace, which we refuse,
 * - our limits.
 */
#include "oracle.h"

#include <expat.h>
#include <stdlib.h>

#include "base/check.h"
#include "xml/parse.h"
#include "xml/wire.h"

enum { SEPARATOR = '\f' }; /* cannot occur in XML */

#define HEADER                                             \
	"<stream:stream xmlns='jabber:client' "            \
	"xmlns:stream='http://etherx.jabber.org/streams' " \
	"xmlns:o='urn:outer' xmlns:c='jabber:client'>"

static const struct xml_binding bindings[] = {
	{ { "stream", 6 }, { XML_NS_STREAMS, sizeof(XML_NS_STREAMS) - 1 } },
	{ { "o", 1 }, { "urn:outer", 9 } },
	{ { "c", 1 }, { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 } },
};

/* What a parse saw, as text: "<ns name|ns attr=value|", children, "text>". */
struct expat_run {
	XML_Parser parser;
	struct buf events;
	struct buf text[XML_MAX_DEPTH + 2]; /* of the open elements */
	unsigned depth;
	unsigned elements;  /* at the top */
	bool is_restricted; /* comment or PI seen */
	bool is_stray;	    /* text at the top */
	bool is_too_deep;
};

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct expat_run *run = arg;

	if (run->depth++ == 0)
		return;
	run->elements += run->depth == 2;
	if (run->depth >= array_len(run->text)) {
		run->is_too_deep = true;
		XML_StopParser(run->parser, XML_FALSE);
		return;
	}
	buf_reset(&run->text[run->depth]);
	buf_printf(&run->events, "<%s|", name);
	for (; *attrs; attrs += 2)
		buf_printf(&run->events, "%s=%s|", attrs[0], attrs[1]);
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct expat_run *run = arg;

	if (run->depth > 1) {
		buf_append(&run->events, buf_bytes(&run->text[run->depth]));
		buf_append_byte(&run->events, '>');
	}
	run->depth--;
}

static void XMLCALL on_text(void *arg, const XML_Char *s, int len)
{
	struct expat_run *run = arg;

	if (run->depth <= 1)
		run->is_stray = true;
	else
		buf_append(&run->text[run->depth], bytes_make(s, (size_t)len));
}

static void XMLCALL on_cdata(void *arg)
{
	struct expat_run *run = arg;

	run->is_stray |= run->depth <= 1;
}

static void XMLCALL on_comment(void *arg, const XML_Char *data)
{
	((struct expat_run *)arg)->is_restricted = true;
}

static void XMLCALL on_instruction(void *arg, const XML_Char *target, const XML_Char *data)
{
	((struct expat_run *)arg)->is_restricted = true;
}

/* True if expat takes raw as exactly one element in our stream. */
static bool run_expat(struct expat_run *run, struct bytes raw)
{
	static const char end[] = "</stream:stream>";
	XML_Parser parser = run->parser = XML_ParserCreateNS("UTF-8", SEPARATOR);

	XML_SetUserData(parser, run);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetCdataSectionHandler(parser, on_cdata, NULL);
	XML_SetCommentHandler(parser, on_comment);
	XML_SetProcessingInstructionHandler(parser, on_instruction);
	return XML_Parse(parser, HEADER, sizeof(HEADER) - 1, XML_FALSE) == XML_STATUS_OK &&
	       XML_Parse(parser, raw.ptr, (int)raw.len, XML_FALSE) == XML_STATUS_OK &&
	       run->depth == 1 &&
	       XML_Parse(parser, end, sizeof(end) - 1, XML_TRUE) == XML_STATUS_OK &&
	       run->elements == 1 && !run->is_restricted && !run->is_stray;
}

static void free_run(struct expat_run *run)
{
	XML_ParserFree(run->parser);
	buf_fini(&run->events);
	for (size_t i = 0; i < array_len(run->text); i++)
		buf_fini(&run->text[i]);
}

static void append_name(struct buf *out, struct bytes ns, struct bytes name)
{
	if (ns.len > 0) {
		buf_append(out, ns);
		buf_append_byte(out, SEPARATOR);
	}
	buf_append(out, name);
}

/* The same text from our nodes. */
static void append_node(struct buf *out, const struct xnode *node)
{
	const struct stanza *stanza = xnode_stanza(node);
	const struct xnode *child;
	struct arena arena;

	buf_append_byte(out, '<');
	append_name(out, xnode_ns(node), xnode_name(node));
	buf_append_byte(out, '|');
	for (uint32_t i = node->attrs; i < node->attrs + node->attr_count; i++) {
		const struct xattr *attr = &stanza->attrs[i];
		append_name(out, stanza->namespaces[attr->ns],
			    bytes_make(stanza->bytes + attr->name, attr->name_len));
		buf_append_byte(out, '=');
		buf_append(out, bytes_make(stanza->bytes + attr->value, attr->value_len));
		buf_append_byte(out, '|');
	}
	xnode_for_each_child (child, node)
		append_node(out, child);
	arena_init(&arena, 256);
	buf_append(out, xnode_text(node, &arena));
	arena_fini(&arena);
	buf_append_byte(out, '>');
}

/* From the first child on: what a tail must keep, whatever was done to the head. */
static void append_inside(struct buf *out, const struct xnode *root)
{
	const struct xnode *child;
	struct arena arena;

	xnode_for_each_child (child, root)
		append_node(out, child);
	arena_init(&arena, 256);
	buf_append(out, xnode_text(root, &arena));
	arena_fini(&arena);
}

static struct parse_context context_of(const struct wire_opts *opts)
{
	return (struct parse_context){ .default_ns = opts->stream_ns,
				       .content_ns = opts->content_ns };
}

/* NULL, or what is wrong with sending the stanza this way. */
static const char *send(const struct stanza *stanza, const struct wire_opts *opts)
{
	struct parse_context ctx = context_of(opts);
	struct stanza *arrived = NULL;
	struct buf wire, before, after;
	const char *why = NULL;

	ctx.limits = &xml_limits_own;
	buf_init(&wire, 0);
	buf_init(&before, 0);
	buf_init(&after, 0);
	wire_stanza(&wire, stanza, opts);
	if (parse_element(&ctx, buf_bytes(&wire), &arrived, NULL) < 0) {
		why = "what was sent is not well-formed";
	} else {
		append_inside(&before, stanza_root(stanza));
		append_inside(&after, stanza_root(arrived));
		if (stanza->kind != arrived->kind)
			why = "another kind arrived";
		else if (!bytes_equal(stanza->to, arrived->to) ||
			 !bytes_equal(stanza->id, arrived->id) ||
			 !bytes_equal(stanza->from, arrived->from) ||
			 !bytes_equal(stanza->extra_attrs, arrived->extra_attrs))
			why = "other attributes arrived";
		else if (opts != &wire_server &&
			 !bytes_equal(buf_bytes(&before), buf_bytes(&after)))
			why = "another content arrived";
	}
	stanza_unref(&arrived);
	buf_fini(&wire);
	buf_fini(&before);
	buf_fini(&after);
	return why;
}

/* NULL, or what is wrong with writing a node by itself. */
static const char *write_alone(const struct xnode *node, struct bytes context_ns)
{
	struct parse_context ctx = { .default_ns = context_ns, .limits = &xml_limits_own };
	struct stanza *alone = NULL;
	struct buf xml, before, after;
	const char *why = NULL;

	buf_init(&xml, 0);
	buf_init(&before, 0);
	buf_init(&after, 0);
	xnode_write(&xml, node, context_ns);
	if (parse_element(&ctx, buf_bytes(&xml), &alone, NULL) < 0) {
		why = "a node is not well-formed by itself";
	} else {
		append_node(&before, node);
		append_node(&after, stanza_root(alone));
		if (!bytes_equal(buf_bytes(&before), buf_bytes(&after)))
			why = "a node means something else by itself";
	}
	stanza_unref(&alone);
	buf_fini(&xml);
	buf_fini(&before);
	buf_fini(&after);
	return why;
}

static const char *check_stanza(const struct stanza *stanza)
{
	const char *why = send(stanza, &wire_client);

	why = why ? why : send(stanza, &wire_websocket);
	why = why ? why : send(stanza, &wire_server);
	for (uint32_t i = 0; i < stanza->node_count && i < 20 && !why; i++) {
		why = write_alone(&stanza->nodes[i], BYTES_LIT(""));
		why = why ? why : write_alone(&stanza->nodes[i], stanza->ns);
	}
	return why;
}

static bool is_new_name(const struct expat_run *run, struct bytes raw)
{
	XML_Index at = XML_GetCurrentByteIndex(run->parser) - (XML_Index)(sizeof(HEADER) - 1);

	return XML_GetErrorCode(run->parser) == XML_ERROR_INVALID_TOKEN && at >= 0 &&
	       (size_t)at < raw.len && (uint8_t)raw.ptr[at] >= 0x80;
}

static bool is_our_choice(const struct parse_error *error)
{
	return error->fault == XML_FAULT_POLICY_VIOLATION ||
	       bytes_is(bytes_of(error->reason), "xml-element");
}

static const char *compare_accepted(const struct stanza *stanza, const struct expat_run *run)
{
	const char *why = NULL;
	struct buf events;

	buf_init(&events, 0);
	append_node(&events, stanza_root(stanza));
	if (!bytes_equal(buf_bytes(&events), buf_bytes(&run->events)))
		why = "expat saw something else";
	buf_fini(&events);
	return why ? why : check_stanza(stanza);
}

enum oracle_result oracle_compare(struct bytes raw, const char **ret_why)
{
	const struct parse_context ctx = {
		.default_ns = BYTES_LIT(XML_NS_CLIENT),
		.content_ns = BYTES_LIT(XML_NS_CLIENT),
		.bindings = bindings,
		.binding_count = array_len(bindings),
	};
	struct expat_run run = { 0 };
	struct parse_error error = { 0 };
	struct stanza *stanza = NULL;
	bool is_ours = parse_element(&ctx, raw, &stanza, &error) == 0;
	bool is_theirs = run_expat(&run, raw);
	enum oracle_result result;

	*ret_why = NULL;
	if (is_ours && is_theirs) {
		*ret_why = compare_accepted(stanza, &run);
		result = ORACLE_ACCEPTED;
	} else if (!is_ours && !is_theirs) {
		result = ORACLE_REFUSED;
	} else if (is_ours ? is_new_name(&run, raw) : is_our_choice(&error)) {
		result = ORACLE_DIFFERENT;
	} else {
		*ret_why = is_ours ? "only we accept it" : "only expat accepts it";
		result = ORACLE_WRONG;
	}
	stanza_unref(&stanza);
	free_run(&run);
	return *ret_why ? ORACLE_WRONG : result;
}
