/*
 * Presence of sessions (RFC 6121 section 4): available, unavailable, priority, and directed
 * presence with its unavailable at the end. Subscriptions and broadcast to contacts come with
 * the roster, on this ground.
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
/* The session ends without having said so: says it to those who saw it (section 4.5.2). */
void presence_session_gone(struct session *session);

/* limits.directed_presence: how many entities a session may be directly present to. */
extern struct option presence_option_directed;

#endif
