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

/*
 * Where the next byte of the head goes. Room for everything was reserved at once, as if nothing
 * had to be escaped, which is nearly always so; escaping makes room of its own.
 */
static inline void put(struct buf *out, struct bytes b)
{
	if (b.len == 0)
		return;
	memcpy(out->ptr + out->len, b.ptr, b.len);
	out->len += b.len;
}

/* `room` is what the rest of the head may still need. */
static void put_escaped(struct buf *out, struct bytes value, size_t room)
{
	xml_escape_attr(out, value);
	buf_reserve(out, room);
}

static inline void put_attr(struct buf *out, struct bytes before, struct bytes value,
			    size_t room)
{
	const char *end;

	if (bytes_is_none(value) || out->failed)
		return;
	end = value.ptr + value.len;
	put(out, before);
	if (__builtin_expect(chars_escape_find(value.ptr, end, 0) == end, 1))
		put(out, value);
	else
		put_escaped(out, value, room);
	if (!out->failed)
		out->ptr[out->len++] = '\'';
}

/* The namespace in which the stanza arrives. */
static struct bytes ns_on_wire(const struct stanza *stanza, const struct wire_opts *opts)
{
	bool is_content = stanza->kind != STANZA_OTHER && opts->content_ns.len > 0;

	return is_content ? opts->content_ns : stanza->ns;
}

/* Names of attributes, quotes and brackets. */
enum { FIXED_BYTES = 64 };

int wire_head(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts)
{
	struct bytes ns = ns_on_wire(stanza, opts);
	struct bytes to = bytes_is_none(opts->to) ? stanza->to : opts->to;
	struct bytes from = bytes_is_none(opts->from) ? stanza->from : opts->from;
	bool is_empty = stanza->is_empty && opts->insert.len == 0;
	size_t room = 2 * stanza->name.len + ns.len + to.len + from.len + stanza->id.len +
		      stanza->type.len + stanza->lang.len + stanza->extra_attrs.len +
		      opts->insert.len + FIXED_BYTES;

	check_magic(stanza, STANZA_MAGIC);
	if (buf_reserve(out, room) < 0)
		return -ENOBUFS;
	put(out, BYTES_LIT("<"));
	put(out, stanza->name);
	if (!bytes_equal(ns, opts->stream_ns))
		put_attr(out, BYTES_LIT(" xmlns='"), ns, room);
	put_attr(out, BYTES_LIT(" from='"), from, room);
	put_attr(out, BYTES_LIT(" to='"), to, room);
	put_attr(out, BYTES_LIT(" id='"), stanza->id, room);
	put_attr(out, BYTES_LIT(" type='"), stanza->type, room);
	put_attr(out, BYTES_LIT(" xml:lang='"), stanza->lang, room);
	if (out->failed)
		return -ENOBUFS;
	put(out, stanza->extra_attrs);
	put(out, is_empty ? BYTES_LIT("/>") : BYTES_LIT(">"));
	put(out, opts->insert);
	if (stanza->is_empty && !is_empty) {
		put(out, BYTES_LIT("</"));
		put(out, stanza->name);
		put(out, BYTES_LIT(">"));
	}
	return 0;
}

int wire_stanza(struct buf *out, const struct stanza *stanza, const struct wire_opts *opts)
{
	wire_head(out, stanza, opts);
	return buf_append(out, stanza->tail);
}
