/*
 * Phases: what features may do with a stanza on the sent and the received line, run in the
 * order check, rewrite, stamp, record (docs/architecture.md, "Phases"). Inside a phase the
 * order does not matter; phase_shuffle() proves it in the tests. Built once from the registry.
 */
#ifndef CORE_PHASE_H
#define CORE_PHASE_H

#include "core/feature.h"

/* Flattens the registry; -EEXIST if two features claim rewrite, wire hold or wire count. */
int phase_build(struct err *ret_err);
void phase_shuffle(uint64_t seed);

/* All checks run; the worst verdict wins: FAIL over DROP over DONE over PASS. */
struct verdict phase_check(const struct passage *passage);
/*
 * Runs rewrite (sent messages) and stamp. *stanza, owned by the caller, is replaced by the
 * edited one if anything changed (and passage->stanza with it).
 */
struct verdict phase_edit(struct passage *passage, struct stanza **stanza);
void phase_record(const struct passage *passage);
/* OR over the features: somebody took care of an undeliverable message. */
bool phase_keep(const struct passage *passage);
bool phase_answer(enum question question, const struct passage *passage);
/* Does a session that delivery has not chosen get a copy? */
enum copy phase_copy(const struct passage *passage, const struct session *session);
bool phase_has_copy(void);

/* True: kept back, must not be written now. */
bool phase_wire_hold(struct session *session, const struct stanza *stanza, struct bytes head);
void phase_wire_count(struct session *session, const struct stanza *stanza, struct bytes head);

/* Notices to features, in any order. */
void phase_session_bound(struct session *session);
void phase_session_gone(struct session *session);
void phase_session_presence(struct session *session, const struct stanza *presence);
void phase_user_loaded(struct user *user);
void phase_user_deleted(const struct domain *domain, struct jid bare);
void phase_preauth_features(const struct domain *domain, struct buf *out);
void phase_stream_features(const struct domain *domain, struct buf *out);

#endif
