/* Stream headers (RFC 6120 section 4.7, RFC 7395 section 3.4) and features (section 4.3.2). */
#include "base/block.h"
#include "base/codec.h"
#include "base/secret.h"
#include "stream/inside.h"
#include "xml/write.h"

enum { HEADER_ARENA_BYTES = 1024 };

/* What the client's header says, in whatever framing it came. */
struct heading {
	struct bytes to;
	struct bytes from;
	struct bytes version;
	struct bytes lang;
	struct bytes default_ns; /* byte streams only */
	const struct xml_binding *bindings;
	size_t binding_count;
};

/* --- ours */

static struct bytes new_id(void)
{
	uint8_t raw[15];

	/* Unpredictable (section 4.7.3). */
	random_fill(raw, sizeof(raw));
	return base64url_encode(scratch(), bytes_make(raw, sizeof(raw)));
}

static void attr(struct buf *out, const char *name, struct bytes value)
{
	if (bytes_is_none(value))
		return;
	buf_printf(out, " %s='", name);
	xml_escape_attr(out, value);
	buf_append_byte(out, '\'');
}

void header_send(struct stream *stream, struct bytes to)
{
	struct bytes from =
		stream->domain ? stream_host()->domain_name(stream->domain) : BYTES_LIT("");
	struct buf out;

	buf_init(&out, 0);
	buf_append_cstr(&out, stream->is_framed
				      ? "<open xmlns='" NS_FRAMING "'"
				      : "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT
					"' xmlns:stream='" NS_STREAMS "'");
	attr(&out, "id", new_id());
	attr(&out, "from", from);
	attr(&out, "to", to);
	attr(&out, "version", BYTES_LIT("1.0"));
	attr(&out, "xml:lang", text_lang_tag((enum text_lang)stream->lang));
	buf_append_cstr(&out, stream->is_framed ? "/>" : ">");
	stream->has_header = true;
	stream_put(stream, &out);
	buf_fini(&out);
}

void header_send_end(struct stream *stream)
{
	struct buf out;

	buf_init(&out, 0);
	buf_append_cstr(&out, stream->is_framed ? "<close xmlns='" NS_FRAMING "'/>"
						: "</stream:stream>");
	stream_put(stream, &out);
	buf_fini(&out);
}

/* Section 5.3.1: required means that nothing else is offered. */
static void write_starttls(struct stream *stream, struct buf *out)
{
	const struct carrier *carrier = stream->carrier;

	if (carrier->ops->is_secure(carrier) || !carrier->ops->can_start_tls(carrier))
		return;
	buf_append_cstr(out, "<starttls xmlns='" NS_TLS "'>");
	if (settings_bool(stream_settings(stream), &stream_opt_tls_required))
		buf_append_cstr(out, "<required/>");
	buf_append_cstr(out, "</starttls>");
}

static void write_bind(struct stream *stream, struct buf *out)
{
	/* <session/> for clients of RFC 3921 that insist on it; others skip what is optional.
	 */
	buf_append_cstr(out, "<bind xmlns='" NS_BIND "'/>"
			     "<session xmlns='" NS_SESSION "'><optional/></session>");
	stream_host()->features(stream->domain, out);
}

static void send_features(struct stream *stream, bool is_authenticated)
{
	struct buf out;

	buf_init(&out, 0);
	buf_append_cstr(&out, stream->is_framed ? "<stream:features xmlns:stream='" NS_STREAMS
						  "'>"
						: "<stream:features>");
	if (is_authenticated) {
		write_bind(stream, &out);
	} else {
		write_starttls(stream, &out);
		login_offer(stream, &out);
		ask_offer(stream, &out);
	}
	buf_append_cstr(&out, "</stream:features>");
	stream_put(stream, &out);
	buf_fini(&out);
}

/* --- the client's */

static struct bytes keep(char **next, struct bytes from)
{
	char *to = *next;

	if (from.len > 0)
		memcpy(to, from.ptr, from.len);
	*next += from.len;
	return bytes_make(to, from.len);
}

static bool is_usual(const struct xml_binding *binding)
{
	return bytes_is(binding->prefix, "stream") && bytes_is(binding->ns, NS_STREAMS);
}

/* Keeps what later elements depend on; nothing for the usual header. */
static void keep_facts(struct stream *stream, const struct heading *heading)
{
	bool is_default_none = !stream->is_framed && heading->default_ns.len == 0;
	size_t size = sizeof(struct header_facts) + heading->lang.len;
	size_t count = 0;
	struct header_facts *facts;
	char *next;

	block_free(stream->facts);
	stream->facts = NULL;
	for (size_t i = 0; i < heading->binding_count; i++) {
		const struct xml_binding *binding = &heading->bindings[i];

		count += !is_usual(binding);
		size += sizeof(*binding) + binding->prefix.len + binding->ns.len;
	}
	if (count == 0 && !is_default_none && heading->lang.len == 0)
		return;
	facts = block_alloc_zeroed(size);
	next = (char *)&facts->bindings[heading->binding_count];
	facts->is_default_none = is_default_none;
	if (heading->lang.len > 0)
		facts->lang = keep(&next, heading->lang);
	for (size_t i = 0; i < heading->binding_count; i++) {
		facts->bindings[i].prefix = keep(&next, heading->bindings[i].prefix);
		facts->bindings[i].ns = keep(&next, heading->bindings[i].ns);
	}
	facts->binding_count = heading->binding_count;
	stream->facts = facts;
}

struct parse_context header_context(const struct stream *stream, struct xml_limits *limits)
{
	static const struct xml_binding usual[] = { { BYTES_LIT("stream"),
						      BYTES_LIT(NS_STREAMS) } };
	const struct header_facts *facts = stream->facts;
	struct parse_context context = {
		.default_ns = BYTES_LIT(NS_CLIENT),
		.content_ns = BYTES_LIT(NS_CLIENT),
		.bindings = usual,
		.binding_count = array_len(usual),
		.limits = limits,
		.from = stream->full,
	};

	*limits = xml_limits_default;
	limits->bytes = stream->stanza_limit;
	if (stream->is_framed) {
		context.default_ns = BYTES_NONE;
		context.binding_count = 0;
	}
	if (!facts)
		return context;
	if (facts->is_default_none)
		context.default_ns = BYTES_LIT("");
	if (facts->binding_count > 0) {
		context.bindings = facts->bindings;
		context.binding_count = facts->binding_count;
	}
	context.lang = facts->lang;
	return context;
}

struct bytes stream_xml_lang(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->facts ? stream->facts->lang : BYTES_NONE;
}

/* "1.0" and every later 1.x or n.m; a header without version is from before XMPP (4.7.5). */
static bool is_version_fine(struct bytes version)
{
	struct bytes minor = version;
	struct bytes major = bytes_cut(&minor, '.');
	uint64_t number;

	return bytes_to_u64(major, &number) == 0 && number >= 1 &&
	       bytes_to_u64(minor, &number) == 0;
}

static struct heading read_framed(const struct stanza *stanza)
{
	return (struct heading){
		.to = stanza->to,
		.from = stanza->claimed_from,
		.version = xnode_attr(stanza_root(stanza), "version"),
		.lang = stanza->lang,
	};
}

/* False: it was none, and the stream is over. */
static bool read_header(struct stream *stream, struct bytes raw, struct arena *arena,
			struct heading *ret_heading)
{
	struct parse_error error;
	struct stream_open open;

	if (parse_stream_open(raw, arena, &open, &error) < 0) {
		stream_xml_fault(stream, error.fault);
		return false;
	}
	*ret_heading = (struct heading){
		.to = open.to,
		.from = open.from,
		.version = open.version,
		.lang = open.lang,
		.default_ns = open.default_ns,
		.bindings = open.bindings,
		.binding_count = open.binding_count,
	};
	return true;
}

/* What is wrong with the header, or STREAM_CONDITION_NONE; sets stream->domain. */
static enum stream_condition examine(struct stream *stream, const struct heading *heading,
				     enum text *ret_text)
{
	const struct domain *before = stream->domain;
	struct bytes name;

	if (heading->default_ns.len > 0 && !bytes_is(heading->default_ns, NS_CLIENT))
		return STREAM_CONDITION_INVALID_NAMESPACE;
	*ret_text = TEXT_STREAM_TO_MISSING;
	if (jid_prepare_domain(scratch(), heading->to, &name) < 0)
		return STREAM_CONDITION_IMPROPER_ADDRESSING;
	*ret_text = TEXT_STREAM_HOST_UNKNOWN;
	if (stream->state == STREAM_REOPENING &&
	    !bytes_equal(name, jid_domain(stream->login->user)))
		return STREAM_CONDITION_HOST_UNKNOWN;
	stream->domain = stream_host()->domain(name);
	if (!stream->domain) {
		stream->domain = before;
		return STREAM_CONDITION_HOST_UNKNOWN;
	}
	*ret_text = TEXT_NONE;
	if (!is_version_fine(heading->version))
		return STREAM_CONDITION_UNSUPPORTED_VERSION;
	return STREAM_CONDITION_NONE;
}

/* Section 4.7.2: `to` in our header is the client's `from`, if that is an address. */
static struct bytes echo(const struct heading *heading)
{
	struct jid from;

	if (bytes_is_none(heading->from) ||
	    jid_parse(scratch(), heading->from, &from, NULL) < 0)
		return BYTES_NONE;
	return jid_bare(from);
}

static void answer(struct stream *stream, const struct heading *heading)
{
	bool is_authenticated = stream->state == STREAM_REOPENING;
	enum text text = TEXT_NONE;
	enum stream_condition condition;

	stream->lang = (uint8_t)text_lang_of(heading->lang);
	condition = examine(stream, heading, &text);
	if (condition != STREAM_CONDITION_NONE) {
		stream_fault(stream, condition, text);
		return;
	}
	keep_facts(stream, heading);
	header_send(stream, echo(heading));
	send_features(stream, is_authenticated);
	stream_enter(stream, is_authenticated ? STREAM_BIND : STREAM_FEATURES);
}

STEP_FUNCTION(open)
{
	struct heading heading;
	struct arena arena;

	if (stream->is_framed) {
		heading = read_framed(step->stanza);
		answer(stream, &heading);
		return;
	}
	arena_init(&arena, HEADER_ARENA_BYTES);
	if (read_header(stream, step->raw, &arena, &heading))
		answer(stream, &heading);
	arena_fini(&arena);
}
