/*
 * The census: what is bound on all shards, for people who look (hearthctl, the console), and
 * ending a session from there. Visits the shards one by one; costs nobody else anything.
 */
#ifndef CORE_CENSUS_H
#define CORE_CENSUS_H

#include "core/errand.h"
#include "xmpp/jid.h"

struct census_row {
	struct census_row *next;
	struct bytes jid; /* full */
	struct bytes peer;
	const char *carrier;
	uint64_t bound_at_us;
	unsigned shard;
	int priority;
	bool is_available;
	bool is_secure;
};

struct census {
	struct errand errand;
	struct arena arena;
	struct bytes bare; /* only this account; BYTES_NONE: all */
	uint32_t limit;	   /* rows at most */
	unsigned next_shard;
	uint64_t sessions; /* bound, all shards, whatever the filter */
	uint64_t users;	   /* in memory */
	uint64_t streams;  /* also unauthenticated ones */
	uint32_t rows_found;
	struct census_row *rows; /* oldest shard first */
	struct census_row **rows_end;
	void (*done)(struct census *);
	void *context;
};

/*
 * Starts a census; done() is called on this shard and the census freed after it. bare is
 * copied.
 */
void census_take(struct bytes bare, uint32_t limit, void (*done)(struct census *),
		 void *context);

/*
 * Ends the sessions of a full JID, or all of a bare one; done(count, context) on this shard.
 */
void census_kick(struct jid jid, void (*done)(unsigned count, void *context), void *context);

#endif
