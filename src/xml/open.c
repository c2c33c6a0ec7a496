/* Stream headers (RFC 6120 section 4.7) and their end. */
#include "base/check.h"
#include "xml/chars.h"
#include "xml/parser.h"

static size_t space_len(struct bytes b)
{
	size_t n = 0;

	while (n < b.len && char_is(b.ptr[n], CHAR_SPACE))
		n++;
	return n;
}

/* Takes S name Eq "value" off the front of *rest, if it stands there. */
static bool take_pseudo_attr(struct bytes *rest, const char *name, struct bytes *ret_value)
{
	size_t space = space_len(*rest);
	struct bytes b = bytes_skip(*rest, space);
	ptrdiff_t len;

	if (space == 0 || !bytes_has_prefix(b, bytes_of(name)))
		return false;
	b = bytes_skip(b, strlen(name));
	b = bytes_skip(b, space_len(b));
	if (!bytes_has_prefix(b, BYTES_LIT("=")))
		return false;
	b = bytes_skip(b, 1);
	b = bytes_skip(b, space_len(b));
	if (b.len == 0 || (b.ptr[0] != '\'' && b.ptr[0] != '"'))
		return false;
	len = bytes_find_byte(bytes_skip(b, 1), b.ptr[0]);
	if (len < 0)
		return false;
	*ret_value = bytes_make(b.ptr + 1, (size_t)len);
	*rest = bytes_skip(b, (size_t)len + 2);
	return true;
}

/* Production 23, if there is one; leaves `at` behind it and the space after it. */
static int skip_declaration(struct parser *parser)
{
	struct bytes rest = bytes_skip(parser->raw, sizeof("<?xml") - 1), value;
	ptrdiff_t len;

	if (!bytes_has_prefix(parser->raw, BYTES_LIT("<?xml")))
		return 0;
	len = bytes_find(rest, BYTES_LIT("?>"));
	if (len < 0)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "declaration");
	parser->at = rest.ptr + len + 2;
	while (parser->at < parser->end && char_is(*parser->at, CHAR_SPACE))
		parser->at++;
	rest = bytes_first(rest, (size_t)len);
	if (!take_pseudo_attr(&rest, "version", &value) || !bytes_is(value, "1.0"))
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "declaration");
	if (take_pseudo_attr(&rest, "encoding", &value) &&
	    !bytes_equal_nocase(value, BYTES_LIT("UTF-8")))
		return parser_fail(parser, XML_FAULT_UNSUPPORTED_ENCODING, "declaration");
	if (take_pseudo_attr(&rest, "standalone", &value) && !bytes_is(value, "yes") &&
	    !bytes_is(value, "no"))
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "declaration");
	if (space_len(rest) != rest.len)
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "declaration");
	return 0;
}

static int check_root(struct parser *parser)
{
	const struct xnode *root = &parser->nodes[0];
	struct bytes qname = bytes_make(parser->raw.ptr + root->start + 1,
					root->name + root->name_len - root->start - 1);

	if (!bytes_is(parser->namespaces[root->ns].name, XML_NS_STREAMS))
		return parser_fail(parser, XML_FAULT_INVALID_NAMESPACE, "stream");
	if (!bytes_has_prefix(qname, BYTES_LIT("stream:")))
		return parser_fail(parser, XML_FAULT_BAD_NAMESPACE_PREFIX, "stream");
	if (!bytes_is(qname, "stream:stream"))
		return parser_fail(parser, XML_FAULT_BAD_FORMAT, "stream");
	if (parser->scope_count > XML_MAX_BINDINGS)
		return parser_fail(parser, XML_FAULT_POLICY_VIOLATION, "prefixes");
	return 0;
}

static int parse_header(struct parser *parser)
{
	bool is_empty;

	if (parser_check_raw(parser) < 0 || skip_declaration(parser) < 0)
		return -EBADMSG;
	if (parser->at == parser->end || *parser->at != '<')
		return parser_fail(parser, XML_FAULT_NOT_WELL_FORMED, "stream");
	if (parser->at[1] == '!' || parser->at[1] == '?')
		return parser_fail(parser, XML_FAULT_RESTRICTED_XML, "markup");
	if (parser_start_tag(parser, &is_empty) < 0)
		return -EBADMSG;
	if (is_empty || parser->at != parser->end)
		return parser_fail(parser, XML_FAULT_BAD_FORMAT, "stream");
	return check_root(parser);
}

static void keep_attr(const struct parser *parser, const struct xattr *attr,
		      struct arena *arena, struct stream_open *open)
{
	const struct {
		const char *name;
		uint16_t ns;
		struct bytes *ret;
	} known[] = {
		{ "to", NS_NONE, &open->to },		{ "from", NS_NONE, &open->from },
		{ "id", NS_NONE, &open->id },		{ "lang", NS_XML, &open->lang },
		{ "version", NS_NONE, &open->version },
	};
	struct bytes name = bytes_make(parser->raw.ptr + attr->name, attr->name_len);
	struct bytes value = bytes_make(parser_string(parser, attr->value), attr->value_len);

	for (size_t i = 0; i < array_len(known); i++)
		if (attr->ns == known[i].ns && bytes_is(name, known[i].name))
			*known[i].ret = arena_copy(arena, value);
}

static void keep_bindings(const struct parser *parser, struct arena *arena,
			  struct stream_open *open)
{
	open->bindings = arena_alloc(arena, parser->scope_count * sizeof(*open->bindings));
	for (uint32_t i = 0; i < parser->scope_count; i++) {
		const struct parser_binding *from = &parser->scope[i];
		struct xml_binding *to = &open->bindings[open->binding_count];
		struct bytes prefix =
			bytes_make(parser->raw.ptr + from->prefix, from->prefix_len);
		if (bytes_is(prefix, "xml"))
			continue;
		open->binding_count++;
		if (bytes_is(prefix, "stream")) /* always this one: check_root() */
			*to = (struct xml_binding){ BYTES_LIT("stream"),
						    BYTES_LIT(XML_NS_STREAMS) };
		else
			*to = (struct xml_binding){
				arena_copy(arena, prefix),
				arena_copy(arena, parser->namespaces[from->ns].name)
			};
	}
}

int parse_stream_open(struct bytes raw, struct arena *arena, struct stream_open *ret_open,
		      struct parse_error *ret_error)
{
	static const struct parse_context outside;
	struct parser parser;
	int rc;

	check(arena != scratch());
	parser_enter(&parser);
	parser_init(&parser, &outside, raw);
	rc = parse_header(&parser);
	if (rc == 0) {
		const struct xnode *root = &parser.nodes[0];
		*ret_open = (struct stream_open){ 0 };
		for (uint32_t i = 0; i < root->attr_count; i++)
			keep_attr(&parser, &parser.attrs[root->attrs + i], arena, ret_open);
		ret_open->default_ns =
			arena_copy(arena, parser.namespaces[parser.open[1].default_ns].name);
		keep_bindings(&parser, arena, ret_open);
	} else if (ret_error) {
		*ret_error = parser.error;
	}
	parser_leave(&parser);
	return rc;
}

bool parse_stream_close(struct bytes raw)
{
	const struct bytes name = BYTES_LIT("</stream:stream");

	if (!bytes_has_prefix(raw, name))
		return false;
	raw = bytes_skip(raw, name.len);
	return bytes_is(bytes_skip(raw, space_len(raw)), ">");
}
