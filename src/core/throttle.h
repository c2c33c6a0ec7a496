/*
 * Throttling of guesses: after a few failures attempts are delayed, by address and by account,
 * twice as long each time up to a few seconds. A delay never becomes a refusal, so nobody can
 * lock an account's owner out. Kept per shard: connections are spread, guesses too, and the
 * bound is what counts.
 */
#ifndef CORE_THROTTLE_H
#define CORE_THROTTLE_H

#include "xmpp/jid.h"

enum {
	THROTTLE_FREE = 3,	  /* failures that cost nothing */
	THROTTLE_MAX_MS = 8000,	  /* the longest delay */
	THROTTLE_FORGET_S = 600,  /* after so long without failure */
	THROTTLE_ENTRIES = 10000, /* per shard; the oldest goes first */
};

/* Milliseconds that this attempt must wait. */
uint32_t throttle_delay_ms(struct jid account, struct bytes address);
void throttle_result(struct jid account, struct bytes address, bool is_ok);
/* Frees the shard's entries. */
void throttle_fini(void);

#endif
