#include "xml/wire.h"

#include <errno.h>

#include "base/check.h"
#include "xml/chars.h"
#include "xml/write.h"

const struct wire_opts wire_client = {
	.stream_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
	.content_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
};
const struct wire_opts wire_server = {
	.stream_ns = { XML_NS_SERVER, sizeof(XML_NS_SERVER) - 1 },
	.content_ns = { XML_NS_SERVER, sizeof(XML_NS_SERVER) - 1 },
};
const struct wire_opts wire_websocket = {
	.content_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
};

/* Room is already reserved. */
static inline void put(struct buf *out, struct bytes b)
{
	memcpy(out->ptr + out->len, b.ptr, b.len);
	out->len += b.len;
}

/* Values without anything to escape, which is nearly all, are copied into reserved room. */
static void put_attr(struct buf *out, struct bytes before, struct bytes value)
{
	const char *end = value.ptr + value.len;

	if (bytes_is_none(value))
		return;
	if (buf_reserve(out, before.len + value.len + 1) < 0)
		return;
	put(out, before);
	if (chars_escape_find(value.ptr, end, 0) == end)
		put(out, value);
	else if (xml_escape_attr(out, value) < 0)
		return;
	buf_append_byte(out, '\'');
}

/* The namespace in which the stanza arrives. */
static struct bytes ns_on_wire(const struct stanza *stanza, const struct wire_opts *opts)
{
	bool is_content = stanza->kind != STANZA_OTHER && opts->content_ns.len > 0;

	return is_content ? opts->content_ns : stanza->ns;
}

int wire_head(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts)
{
	struct bytes ns = ns_on_wire(stanza, opts);
	struct bytes to = bytes_is_none(opts->to) ? stanza->to : opts->to;
	struct bytes from = bytes_is_none(opts->from) ? stanza->from : opts->from;
	bool is_empty = stanza->is_empty && opts->insert.len == 0;

	check_magic(stanza, STANZA_MAGIC);
	buf_append_byte(out, '<');
	buf_append(out, stanza->name);
	if (!bytes_equal(ns, opts->stream_ns))
		put_attr(out, BYTES_LIT(" xmlns='"), ns);
	put_attr(out, BYTES_LIT(" from='"), from);
	put_attr(out, BYTES_LIT(" to='"), to);
	put_attr(out, BYTES_LIT(" id='"), stanza->id);
	put_attr(out, BYTES_LIT(" type='"), stanza->type);
	put_attr(out, BYTES_LIT(" xml:lang='"), stanza->lang);
	buf_append(out, stanza->extra_attrs);
	buf_append(out, is_empty ? BYTES_LIT("/>") : BYTES_LIT(">"));
	buf_append(out, opts->insert);
	if (stanza->is_empty && !is_empty) {
		buf_append(out, BYTES_LIT("</"));
		buf_append(out, stanza->name);
		buf_append_byte(out, '>');
	}
	return out->failed ? -ENOBUFS : 0;
}

int wire_stanza(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts)
{
	wire_head(out, stanza, opts);
	return buf_append(out, stanza->tail);
}
