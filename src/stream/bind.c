/* Resource binding (RFC 6120 section 7) and the session of RFC 3921 that some clients ask for.
 */
#include "base/block.h"
#include "base/codec.h"
#include "base/secret.h"
#include "stream/inside.h"
#include "xml/write.h"

static struct bytes new_resource(void)
{
	uint8_t raw[12];

	/* Unpredictable (section 7.6.1 and 13.5 on presence leaks). */
	random_fill(raw, sizeof(raw));
	return base64url_encode(scratch(), bytes_make(raw, sizeof(raw)));
}

/* <iq type='…' id='…'>child</iq> */
static void answer(struct stream *stream, const char *type, struct bytes id, struct buf *child)
{
	struct buf out;

	buf_init(&out, 0);
	buf_append_cstr(&out, stream->is_framed ? "<iq xmlns='" NS_CLIENT "'" : "<iq");
	buf_printf(&out, " type='%s'", type);
	if (!bytes_is_none(id)) {
		buf_append_cstr(&out, " id='");
		xml_escape_attr(&out, id);
		buf_append_byte(&out, '\'');
	}
	buf_append_byte(&out, '>');
	buf_append(&out, buf_bytes(child));
	buf_append_cstr(&out, "</iq>");
	stream_put(stream, &out);
	buf_fini(&out);
}

static void answer_error(struct stream *stream, struct bytes id,
			 enum stanza_condition condition)
{
	struct buf child;

	buf_init(&child, 0);
	error_write_stanza(&child, &(struct stanza_error){ .condition = condition });
	answer(stream, "error", id, &child);
	buf_fini(&child);
}

/* The client's wish, prepared; BYTES_NONE if it leaves that to us. 0 or -EINVAL. */
static int read_wish(const struct xnode *bind, struct bytes *ret_resource)
{
	const struct xnode *node = xnode_find(bind, "resource", NS_BIND);
	struct bytes raw = node ? xnode_text(node, scratch()) : BYTES_NONE;

	*ret_resource = BYTES_NONE;
	if (raw.len == 0)
		return 0;
	return jid_prepare_resource(scratch(), raw, ret_resource);
}

STEP_FUNCTION(bind)
{
	const struct stanza *iq = step->stanza;
	const struct xnode *bind = xnode_find(stanza_root(iq), "bind", NS_BIND);
	struct login *login = stream->login;
	struct bytes resource;

	if (!bind) {
		/* Section 7.1: nothing else before. */
		stream_fault(stream, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_NONE);
		return;
	}
	if (!bytes_is(iq->type, "set") || iq->id.len == 0 || read_wish(bind, &resource) < 0) {
		answer_error(stream, iq->id, CONDITION_BAD_REQUEST);
		return;
	}
	if (bytes_is_none(resource))
		resource = new_resource();
	login->bind_id = arena_copy(&login->arena, iq->id);
	stream_enter(stream, STREAM_BIND_WAIT);
	stream_hold(stream);
	stream_host()->bind(stream, login->user, resource);
}

static void answer_bound(struct stream *stream)
{
	struct buf child;

	buf_init(&child, 0);
	buf_append_cstr(&child, "<bind xmlns='" NS_BIND "'><jid>");
	xml_escape_text(&child, stream->full);
	buf_append_cstr(&child, "</jid></bind>");
	answer(stream, "result", stream->login->bind_id, &child);
	buf_fini(&child);
}

static void become_bound(struct stream *stream, void *session, struct jid full)
{
	bool has_asked = stream->state == STREAM_BIND_WAIT;

	check(has_asked || stream->state == STREAM_BIND);
	stream->session = session;
	stream->full = full.full;
	stream->bare_len = (uint16_t)jid_bare(full).len;
	stream->queue_limit =
		(uint32_t)settings_int(stream_settings(stream), &stream_opt_queue_bytes);
	if (has_asked)
		answer_bound(stream);
	login_free(stream);
	stream_enter(stream, STREAM_BOUND);
}

void stream_bound(struct stream *stream, void *session, struct jid full)
{
	check_magic(stream, STREAM_MAGIC);
	if (stream->state == STREAM_ENDED) {
		stream_host()->ended(session, STREAM_END_LOST);
		stream_drop(stream);
		return;
	}
	if (stream->state == STREAM_BIND_WAIT) {
		become_bound(stream, session, full);
		stream_drop(stream);
	} else {
		become_bound(stream, session, full);
	}
}

void stream_bind_failed(struct stream *stream, enum stanza_condition condition)
{
	check_magic(stream, STREAM_MAGIC);
	if (stream->state == STREAM_BIND_WAIT) {
		answer_error(stream, stream->login->bind_id, condition);
		stream_enter(stream, STREAM_BIND);
	}
	stream_drop(stream);
}

bool stream_is_gone(const struct stream *stream)
{
	check_magic(stream, STREAM_MAGIC);
	return stream->state == STREAM_ENDED;
}

/* --- the bound stream */

/* Section 8.1.2.1: a client's own `from`, if any, is its full or bare JID. */
static bool is_own(const struct stream *stream, struct bytes from)
{
	struct bytes bare = bytes_first(stream->full, stream->bare_len);
	struct jid jid;

	if (bytes_equal(from, stream->full) || bytes_equal(from, bare))
		return true;
	if (jid_parse_borrowed(scratch(), from, &jid, NULL) < 0)
		return false;
	return bytes_equal(jid.full, stream->full) || bytes_equal(jid.full, bare);
}

static bool is_legacy_session(const struct stanza *stanza)
{
	return stanza->kind == STANZA_IQ && bytes_is(stanza->type, "set") &&
	       xnode_find(stanza_root(stanza), "session", NS_SESSION) != NULL;
}

STEP_FUNCTION(stanza)
{
	struct stanza *stanza = step->stanza;
	struct buf none;

	if (!bytes_is_none(stanza->claimed_from) && !is_own(stream, stanza->claimed_from)) {
		stream_fault(stream, STREAM_CONDITION_INVALID_FROM, TEXT_STREAM_FROM_FORGED);
		return;
	}
	if (is_legacy_session(stanza)) {
		buf_init(&none, 0);
		answer(stream, "result", stanza->id, &none);
		return;
	}
	step->stanza = NULL;
	stream_host()->stanza(stream->session, stanza);
}

STEP_FUNCTION(nonza)
{
	if (!stream_host()->nonza(stream, stream->session, step->stanza))
		stream_fault(stream, STREAM_CONDITION_UNSUPPORTED_STANZA_TYPE, TEXT_NONE);
}
