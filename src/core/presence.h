/*
 * Presence (RFC 6121 section 4): available, unavailable, priority, broadcast to subscribers,
 * probes, and directed presence with its unavailable at the end.
 */
#ifndef CORE_PRESENCE_H
#define CORE_PRESENCE_H

#include "core/session.h"

/* A type that RFC 6121 section 4.7.1 knows; NONE (available) included. */
bool presence_check_type(struct bytes type);
/* The sent line's last step for presence. */
void presence_sent(struct session *session, const struct passage *passage);
/* The received line's last step; match: the session that a full JID names, or NULL. */
void presence_received(const struct passage *passage, struct session *match);
/* A broadcast of this session's did not leave: it is made again when the account is loaded. */
void presence_not_heard(struct jid session);
void presence_user_loaded(struct user *user);
/* The session ends without having said so: says it to those who saw it (section 4.5.2). */
void presence_session_gone(struct session *session);

/*
 * The received line for presence that many share: to an account of this home, `to` (bare or
 * full) in the place of the stanza's own. Goes to the available sessions, or to the one named.
 */
void presence_deliver_as(struct user *user, const struct stanza *stanza, struct jid to);
/* Posts a shared presence to one address, through the user's gate. */
void presence_post_as(struct user *user, const struct stanza *stanza, struct jid to);
/* What the user shows, or that he shows nothing any more, to a contact (section 3.1.6, 3.2.3).
 */
void presence_show(struct user *user, struct jid contact);
void presence_hide(struct user *user, struct jid contact);
/* Unavailable to those whom directed presence was sent to and the pattern covers
 * (core/sight.h); subscribers hear it otherwise. They are forgotten. */
void presence_end_directed(struct user *user, struct jid pattern);
/* The prober is not subscribed: tell it so (section 4.3.2, rule 1). */
void presence_refuse_probe(struct user *user, struct jid asker);

/* limits.directed_presence: how many entities a session may be directly present to. */
extern struct option presence_option_directed;

#endif
