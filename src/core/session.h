/*
 * Sessions: bound resources. A session belongs to its user's home and outlives its stream when
 * a feature wants that (resumption). What is written to it passes the user's gate, then the
 * wire phases (hold, count), then its stream.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/feature.h"
#include "core/user.h"
#include "stream/stream.h"

enum { SESSION_MAGIC = 0x5E551011 };

struct session {
	uint32_t magic;
	uint32_t refs; /* held outputs point here: freed at 0 */
	struct user *user;
	struct list list;	   /* in user->sessions */
	struct stream *stream;	   /* NULL: gone, or detached */
	struct stanza *presence;   /* last broadcast available presence, or NULL */
	struct directed *directed; /* who got directed presence, or NULL */
	struct ask *asks;	   /* what the client was asked, newest first (core/ask.h) */
	struct list paused;	   /* in core_shard->paused while back-pressure lasts */
	void **slots;
	uint64_t bound_at_us; /* wall clock */
	int8_t priority;
	bool is_gone;	    /* no longer bound: nothing may be sent */
	bool is_unheard;    /* its presence must be broadcast again (core/presence.h) */
	bool is_interested; /* asked for the roster: gets pushes (RFC 6121 section 2.1.6) */
	struct jid jid;
	char name[]; /* the full JID's bytes */
};

/* Binds a resource of a ready user to a stream; the resource is free. */
struct session *session_new(struct user *user, struct jid full, struct stream *stream);
/*
 * Ends the session: features hear session_gone, unavailable presence goes out. The stream must
 * have been let go of. The user may be freed by this.
 */
void session_end(struct session *session);
struct session *session_find(const struct user *user, struct bytes resource);
struct session *session_ref(struct session *session);
void session_unref(struct session **session);

/* Puts it on the stream now, past the gate: the gate's outputs and core's fast path only. */
void session_write(struct session *session, const struct stanza *stanza);
/* The same with another `to`: what many share, each with a head of its own. */
void session_write_as(struct session *session, const struct stanza *stanza, struct bytes to);
/* Closes the stream with a condition and ends the session. */
void session_close(struct session *session, enum stream_condition condition, enum text text);
/* Stops reading from it until the mailboxes have room again. */
void session_pause(struct session *session);

#endif
