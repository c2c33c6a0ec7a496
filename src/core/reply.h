/*
 * Replies: core alone builds results and errors to other people's stanzas. An error or a result
 * is never answered with an error (RFC 6120 section 8.3.1).
 */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/feature.h"

/* False for type error and, for IQs, result: nothing may answer these with an error. */
bool reply_is_allowed(const struct stanza *stanza);
/* A new reference: the error reply, from and to swapped. */
struct stanza *reply_error(const struct stanza *stanza, struct verdict verdict,
			   enum text_lang lang);
/* A new reference: the result of an IQ, with this child or (NONE) empty. */
struct stanza *reply_result(const struct stanza *iq, struct bytes child_xml);
/* A new reference: internal-server-error in the place of a result or error that we had built.
 */
struct stanza *reply_failed_answer(const struct stanza *answer, enum text_lang lang);

#endif
