/*
 * The sent line: a stanza of a session at its own home: checked, stamped, recorded, and then
 * answered here (server, own account), turned into presence, or posted to the router.
 */
#ifndef CORE_SENT_H
#define CORE_SENT_H

#include "core/session.h"

/* Takes the stanza: sealed, `from` is the session's full JID. */
void sent_stanza(struct session *session, struct stanza *taken);

#endif
