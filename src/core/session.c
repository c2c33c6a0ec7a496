#include "core/session.h"

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/ask.h"
#include "core/output.h"
#include "core/phase.h"
#include "core/presence.h"
#include "core/shard_state.h"
#include "core/slots.h"
#include "xml/wire.h"

enum { UNPAUSE_CHECK_MS = 5 };

struct session *session_new(struct user *user, struct jid full, struct stream *stream)
{
	struct session *session = block_alloc_zeroed(sizeof(*session) + full.full.len);

	session->magic = SESSION_MAGIC;
	session->refs = 1;
	session->user = user;
	session->stream = stream;
	memcpy(session->name, full.full.ptr, full.full.len);
	session->jid = jid_from_normal(bytes_make(session->name, full.full.len));
	session->bound_at_us = clock_real_us();
	list_init(&session->paused);
	list_add_tail(&user->sessions, &session->list);
	user->session_count++;
	core_shard()->session_count++;
	log_event(LOG_CORE, LOG_INFO, "session.bound", LOG_BYTES("jid", session->jid.full),
		  LOG_BYTES("peer", stream_peer(stream)));
	return session;
}

struct session *session_ref(struct session *session)
{
	check_magic(session, SESSION_MAGIC);
	session->refs++;
	return session;
}

void session_unref(struct session **session)
{
	struct session *gone = *session;

	*session = NULL;
	if (gone == NULL || --gone->refs > 0)
		return;
	check(gone->is_gone);
	gone->magic = 0;
	block_free(gone);
}

void session_end(struct session *session)
{
	struct user *user = session->user;

	check_magic(session, SESSION_MAGIC);
	check(!session->is_gone);
	session->stream = NULL;
	user->pins++;
	phase_session_gone(session);
	ask_abandon(session);
	presence_session_gone(session);
	session->is_gone = true;
	list_del(&session->list);
	list_del(&session->paused);
	user->session_count--;
	core_shard()->session_count--;
	slots_free(SLOT_SESSION, &session->slots);
	log_event(LOG_CORE, LOG_INFO, "session.ended", LOG_BYTES("jid", session->jid.full));
	session_unref(&session);
	user->pins--;
	user_release(user);
}

struct session *session_find(const struct user *user, struct bytes resource)
{
	struct list *at;

	list_for_each (at, &user->sessions) {
		struct session *session = list_entry(at, struct session, list);
		if (bytes_equal(jid_resource(session->jid), resource))
			return session;
	}
	return NULL;
}

void session_write_as(struct session *session, const struct stanza *stanza, struct bytes to)
{
	struct buf *head = &core_shard()->head;
	bool is_framed = session->stream != NULL && stream_is_framed(session->stream);
	struct wire_opts opts = is_framed ? wire_websocket : wire_client;

	check_magic(session, SESSION_MAGIC);
	if (session->is_gone)
		return;
	buf_reset(head);
	opts.to = to;
	wire_head(head, stanza, &opts);
	if (phase_wire_hold(session, stanza, buf_bytes(head)))
		return;
	phase_wire_count(session, stanza, buf_bytes(head));
	if (session->stream != NULL)
		stream_send(session->stream, buf_bytes(head), stanza);
}

void session_write(struct session *session, const struct stanza *stanza)
{
	session_write_as(session, stanza, BYTES_NONE);
}

void session_send(struct session *session, const struct stanza *stanza)
{
	output_to_session(session, stanza);
}

void session_close(struct session *session, enum stream_condition condition, enum text text)
{
	if (session->stream != NULL)
		stream_close(session->stream, condition, text);
	session_end(session);
}

/* Pressure has fallen, or is looked at again in a moment. */
static void session_unpause_all(struct timer *timer)
{
	struct core_shard *core = container_of(timer, struct core_shard, unpause);

	for (unsigned i = 0; i < shard_count(); i++) {
		if (mailbox_pressure(i) != PRESSURE_NONE) {
			shard_arm(timer, UNPAUSE_CHECK_MS);
			return;
		}
	}
	while (!list_is_empty(&core->paused)) {
		struct session *session = list_first(&core->paused, struct session, paused);
		list_del(&session->paused);
		if (session->stream != NULL)
			stream_pause(session->stream, false);
	}
}

void session_pause(struct session *session)
{
	struct core_shard *core = core_shard();

	if (session->stream == NULL || !list_is_empty(&session->paused))
		return;
	stream_pause(session->stream, true);
	list_add_tail(&core->paused, &session->paused);
	if (!timer_is_armed(&core->unpause)) {
		timer_init(&core->unpause, "session.unpause", session_unpause_all);
		shard_arm(&core->unpause, UNPAUSE_CHECK_MS);
	}
}

struct jid session_jid(const struct session *session)
{
	return session->jid;
}

struct user *session_user(const struct session *session)
{
	return session->user;
}

enum text_lang session_lang(const struct session *session)
{
	return session->stream == NULL ? TEXT_LANG_EN : stream_lang(session->stream);
}

bool session_is_available(const struct session *session)
{
	return session->presence != NULL;
}

int session_priority(const struct session *session)
{
	return session->priority;
}

const struct stanza *session_presence(const struct session *session)
{
	return session->presence;
}
