/* From a finished parse to the one block of a stanza. */
#include "base/block.h"
#include "base/check.h"
#include "xml/canonical.h"
#include "xml/parser.h"

/* Root attributes with a meaning of their own: index into attrs, 0 for absent. */
struct facts {
	uint32_t to, from, id, type, lang;
	uint32_t known; /* how many of them are there */
};

static inline uint32_t *fact_of(const struct parser *parser, struct facts *facts,
				const struct xattr *attr)
{
	const char *name = parser->raw.ptr + attr->name;

	if (attr->ns == NS_XML)
		return attr->name_len == 4 && memcmp(name, "lang", 4) == 0 ? &facts->lang
									   : NULL;
	if (attr->ns != NS_NONE)
		return NULL;
	if (attr->name_len == 2) {
		if (memcmp(name, "to", 2) == 0)
			return &facts->to;
		return memcmp(name, "id", 2) == 0 ? &facts->id : NULL;
	}
	if (attr->name_len != 4)
		return NULL;
	if (memcmp(name, "from", 4) == 0)
		return &facts->from;
	return memcmp(name, "type", 4) == 0 ? &facts->type : NULL;
}

static void find_facts(const struct parser *parser, struct facts *ret_facts)
{
	const struct xnode *root = &parser->nodes[0];

	*ret_facts = (struct facts){ 0 };
	for (uint32_t i = root->attrs; i < root->attrs + root->attr_count; i++) {
		uint32_t *fact = fact_of(parser, ret_facts, &parser->attrs[i]);
		if (fact) {
			*fact = i;
			ret_facts->known++;
		}
	}
}

/* Root attributes that are no facts, as they will go on the wire. */
static void write_extra_attrs(const struct parser *parser, struct facts *facts, struct buf *out)
{
	const struct xnode *root = &parser->nodes[0];
	uint32_t written = 0;

	for (uint32_t i = 0; i < root->attr_count; i++) {
		const struct xattr *attr = &parser->attrs[root->attrs + i];
		if (fact_of(parser, facts, attr))
			continue;
		canonical_attr(out, parser->namespaces[attr->ns].name,
			       bytes_make(parser->raw.ptr + attr->name, attr->name_len),
			       bytes_make(parser_string(parser, attr->value), attr->value_len),
			       written++);
	}
}

/* Appends b at *used of bytes. */
static struct bytes put(char *bytes, uint32_t *used, struct bytes b)
{
	struct bytes copy = bytes_make(bytes + *used, b.len);

	if (b.len > 0)
		memcpy(bytes + *used, b.ptr, b.len);
	*used += (uint32_t)b.len;
	return copy;
}

static void copy_namespaces(const struct parser *parser, struct bytes *namespaces, char *bytes,
			    uint32_t *used)
{
	namespaces[NS_NONE] = parser->namespaces[NS_NONE].name;
	namespaces[NS_XML] = parser->namespaces[NS_XML].name;
	for (uint32_t i = NS_DEFAULT; i < parser->namespace_count; i++) {
		const struct parser_ns *ns = &parser->namespaces[i];
		namespaces[i] = ns->offset == (uint32_t)NS_FOREIGN
					? put(bytes, used, ns->name)
					: bytes_make(bytes + ns->offset, ns->name.len);
	}
}

/*
 * Sets a root attribute to a value that the peer did not write: over its own, or in the spare
 * place before the root's attributes.
 */
static void stamp(struct xnode *root, struct xattr *attrs, uint32_t *fact, struct bytes name,
		  uint16_t ns, struct bytes value, char *bytes, uint32_t *used)
{
	if (*fact == 0) {
		check(root->attrs > 0);
		*fact = --root->attrs;
		root->attr_count++;
		attrs[*fact] = (struct xattr){ .name = *used,
					       .name_len = (uint16_t)name.len,
					       .ns = ns };
		put(bytes, used, name);
	}
	attrs[*fact].value = *used;
	attrs[*fact].value_len = (uint32_t)value.len;
	put(bytes, used, value);
}

/* Nearly always both are the stream's default namespace: the same bytes. */
static bool is_content(const struct parser *parser, struct bytes ns)
{
	struct bytes content_ns = parser->ctx->content_ns;

	if (content_ns.len != ns.len || ns.len == 0)
		return false;
	return content_ns.ptr == ns.ptr || memcmp(content_ns.ptr, ns.ptr, ns.len) == 0;
}

static enum stanza_kind kind_of(const struct parser *parser)
{
	const struct xnode *root = &parser->nodes[0];
	struct bytes name = bytes_make(parser->raw.ptr + root->name, root->name_len);

	if (!is_content(parser, parser->namespaces[root->ns].name))
		return STANZA_OTHER;
	if (bytes_is(name, "message"))
		return STANZA_MESSAGE;
	if (bytes_is(name, "presence"))
		return STANZA_PRESENCE;
	return bytes_is(name, "iq") ? STANZA_IQ : STANZA_OTHER;
}

/* What the context adds: BYTES_NONE for nothing. */
struct stamps {
	struct bytes from;
	struct bytes lang;
};

static struct stamps stamps_of(const struct parser *parser, const struct facts *facts,
			       enum stanza_kind kind)
{
	struct stamps stamps = { BYTES_NONE, BYTES_NONE };

	if (kind != STANZA_OTHER) {
		stamps.from = parser->ctx->from;
		if (!facts->lang)
			stamps.lang = parser->ctx->lang;
	}
	return stamps;
}

static struct bytes value_of(const struct stanza *stanza, uint32_t fact)
{
	const struct xattr *attr = &stanza->attrs[fact];

	return fact ? bytes_make(stanza->bytes + attr->value, attr->value_len) : BYTES_NONE;
}

static void set_facts(struct stanza *stanza, const struct facts *facts)
{
	stanza->to = value_of(stanza, facts->to);
	stanza->from = value_of(stanza, facts->from);
	stanza->id = value_of(stanza, facts->id);
	stanza->type = value_of(stanza, facts->type);
	stanza->lang = value_of(stanza, facts->lang);
}

static void set_root(struct stanza *stanza)
{
	const struct xnode *root = &stanza->nodes[0];

	stanza->is_empty = root->content == root->end;
	stanza->name = bytes_make(stanza->bytes + root->name, root->name_len);
	stanza->ns = stanza->namespaces[root->ns];
	stanza->tail = bytes_make(stanza->bytes + root->content, root->end - root->content);
}

/* Nodes, attributes, namespaces and bytes one after the other in the block; *used bytes so far.
 */
static void copy_parts(struct stanza *stanza, const struct parser *parser, uint32_t *used)
{
	struct xattr *attrs = (struct xattr *)(stanza->nodes + parser->node_count);
	struct bytes *namespaces = (struct bytes *)(void *)(attrs + parser->attr_count);
	char *bytes = (char *)(namespaces + parser->namespace_count);

	memcpy(stanza->nodes, parser->nodes, parser->node_count * sizeof(struct xnode));
	memcpy(attrs, parser->attrs, parser->attr_count * sizeof(struct xattr));
	*used = 0;
	put(bytes, used, parser->raw);
	put(bytes, used, bytes_make(parser->extra, parser->extra_len));
	copy_namespaces(parser, namespaces, bytes, used);
	stanza->attrs = attrs;
	stanza->namespaces = namespaces;
	stanza->bytes = bytes;
}

static size_t stanza_size(const struct parser *parser, const struct stamps *stamps,
			  struct bytes extra_attrs)
{
	return sizeof(struct stanza) + parser->node_count * sizeof(struct xnode) +
	       parser->attr_count * sizeof(struct xattr) +
	       parser->namespace_count * sizeof(struct bytes) + parser->raw.len +
	       parser->extra_len + parser->foreign_len + stamps->from.len + stamps->lang.len +
	       sizeof("fromlang") + extra_attrs.len;
}

struct stanza *parser_seal(const struct parser *parser)
{
	enum stanza_kind kind = kind_of(parser);
	struct stamps stamps;
	struct facts facts;
	struct buf extra_buf;
	struct bytes extra_attrs = BYTES_LIT("");
	struct stanza *stanza;
	uint32_t used, size;
	char *bytes;
	struct xattr *attrs;

	find_facts(parser, &facts);
	if (parser->nodes[0].attr_count > facts.known) {
		buf_init(&extra_buf, 0);
		write_extra_attrs(parser, &facts, &extra_buf);
		extra_attrs = buf_bytes(&extra_buf);
	}
	stamps = stamps_of(parser, &facts, kind);
	size = (uint32_t)stanza_size(parser, &stamps, extra_attrs);
	stanza = block_alloc(size);
	copy_parts(stanza, parser, &used);
	stanza->magic = STANZA_MAGIC;
	stanza->refs = 1;
	stanza->kind = kind;
	stanza->node_count = parser->node_count;
	stanza->size_bytes = size;
	stanza->claimed_from = value_of(stanza, facts.from);
	bytes = (char *)(uintptr_t)stanza->bytes;
	attrs = (struct xattr *)(uintptr_t)stanza->attrs;
	if (!bytes_is_none(stamps.from))
		stamp(stanza->nodes, attrs, &facts.from, BYTES_LIT("from"), NS_NONE,
		      stamps.from, bytes, &used);
	if (!bytes_is_none(stamps.lang))
		stamp(stanza->nodes, attrs, &facts.lang, BYTES_LIT("lang"), NS_XML, stamps.lang,
		      bytes, &used);
	stanza->extra_attrs = put(bytes, &used, extra_attrs);
	set_facts(stanza, &facts);
	set_root(stanza);
	if (extra_attrs.len > 0)
		buf_fini(&extra_buf);
	return stanza;
}
