/*
 * Asks: questions of the server to a client (IQ gets), and their answers. Features ask by
 * service_ask() (core/service.h); here is where the sent line and the session's end report.
 */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "core/session.h"

/* An IQ result or error from the client, to its account or a domain of ours. Any may come. */
void ask_answered(struct session *session, const struct stanza *answer);
/* The session ends: nobody will answer. */
void ask_abandon(struct session *session);

#endif
