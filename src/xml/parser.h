/*
 * Inside the xml room: the state of one parse. It lies on the C stack with room for a usual
 * stanza; what outgrows that moves to scratch(). Offsets below raw.len are into raw, those
 * above into `extra` (values that had to be decoded), so that sealing copies both one after the
 * other and no offset changes.
 */
#ifndef XML_PARSER_H
#define XML_PARSER_H

#include <errno.h>

#include "xml/parse.h"

enum {
	PARSER_NODES = 32,
	PARSER_ATTRS = 64,
	PARSER_NAMESPACES = 16,
	PARSER_SCOPE = 64, /* prefixes in force at one place: a limit */

	/* attrs[1] and [2] are kept free for a stamped from and lang; index 0 means absent. */
	PARSER_SPARE_ATTRS = 3,

	/* Fixed indexes of namespaces. */
	NS_NONE = 0,
	NS_XML = 1,
	NS_DEFAULT = 2, /* the context's, if it has one */
	NS_FOREIGN = -1,
};

/* An open element. Levels: 0 is the context, 1 the root. */
struct parser_open {
	uint32_t node;
	uint32_t last_child; /* 0: none yet */
	uint16_t default_ns;
	uint16_t default_level;	 /* where it was declared */
	uint16_t scope_count;	 /* prefixes in force outside */
	uint16_t lowest_binding; /* lowest level of a binding used here or inside */
};

/* A namespace name, and where it will be in the sealed bytes. */
struct parser_ns {
	struct bytes name;
	uint32_t offset; /* NS_FOREIGN: it comes from the context and must be copied */
};

/* A prefix declared in the element. */
struct parser_binding {
	uint32_t prefix;
	uint16_t prefix_len;
	uint16_t ns;
	uint16_t level;
};

/* A prefixed attribute whose namespace is not known until its tag ends. */
struct parser_pending {
	uint32_t attr;
	uint32_t prefix;
	uint16_t prefix_len;
};

struct parser {
	struct bytes raw;
	const char *at;
	const char *end;
	const struct parse_context *ctx;
	const struct xml_limits *limits;
	struct parse_error error;
	bool is_marked; /* scratch() was used, and goes back to `mark` */
	struct arena_mark mark;
	bool is_bound; /* the tail needs bindings from outside of it: canonicalise */

	char *extra; /* NULL until the first decoded value; raw.len bytes */
	uint32_t extra_len;

	struct xnode *nodes;
	uint32_t node_count, node_capacity;
	struct xattr *attrs;
	uint32_t attr_count, attr_capacity;
	struct parser_ns *namespaces;
	uint32_t namespace_count, namespace_capacity;
	uint32_t foreign_len; /* of the names with NS_FOREIGN that get copied */
	uint32_t scope_count;
	uint32_t depth;
	uint32_t pending_count; /* of the tag in hand */

	struct parser_binding scope[PARSER_SCOPE];
	struct parser_pending pending[XML_MAX_ATTRIBUTES];
	struct parser_open open[XML_MAX_DEPTH + 1];
	struct xnode some_nodes[PARSER_NODES];
	struct xattr some_attrs[PARSER_ATTRS];
	struct parser_ns some_namespaces[PARSER_NAMESPACES];
};

/* Before parser_init(); the pair takes what the parse needed of scratch() and gives it back. */
static inline void parser_enter(struct parser *parser)
{
	parser->is_marked = false;
}

static inline void parser_leave(struct parser *parser)
{
	if (parser->is_marked)
		arena_release(scratch(), parser->mark);
}

/* Memory until parser_leave(). */
void *parser_scratch(struct parser *parser, size_t size);

/* Leaves the parser at the first byte of raw. */
void parser_init(struct parser *parser, const struct parse_context *ctx, struct bytes raw);
/* UTF-8, characters, size, and the final '>' that the scanning relies on. 0 or -EBADMSG. */
int parser_check_raw(struct parser *parser);
/* One start tag at `at`; *ret_is_empty for <a/>. Opens the element unless empty. 0, -EBADMSG.
 */
int parser_start_tag(struct parser *parser, bool *ret_is_empty);
/* The block. A new reference. */
struct stanza *parser_seal(const struct parser *parser);

/* Offset of a place in raw. */
static inline uint32_t parser_offset(const struct parser *parser, const char *p)
{
	return (uint32_t)(p - parser->raw.ptr);
}

/* Remembers the fault at `at`; always -EBADMSG. */
static inline int parser_fail(struct parser *parser, enum xml_fault fault, const char *reason)
{
	parser->error =
		(struct parse_error){ fault, parser_offset(parser, parser->at), reason };
	return -EBADMSG;
}

/* What stands at an offset, be it in raw or in extra. */
static inline const char *parser_string(const struct parser *parser, uint32_t offset)
{
	return offset < parser->raw.len ? parser->raw.ptr + offset
					: parser->extra + (offset - parser->raw.len);
}

/* xml/scope.c: namespaces in force. */

/* Takes an xmlns (prefix.len 0) or xmlns:prefix declaration of the open element. */
int scope_declare(struct parser *parser, struct bytes prefix, uint32_t value,
		  uint32_t value_len);
/* Namespace and level of a prefix in force; "xml" is not asked for. */
int scope_find(struct parser *parser, struct bytes prefix, uint16_t *ret_ns,
	       uint16_t *ret_level);

#endif
