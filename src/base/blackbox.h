/*
 * The black box: what each shard had in hand, kept in memory that the supervisor shares, so
 * that it can still be read when the worker is dead. A stanza that was in hand at two crashes
 * is set aside: blackbox_begin() refuses it from then on.
 *
 * The supervisor makes the mapping, a worker attaches to it by the descriptor that it
 * inherited; a process that did neither (tests, tools) has a private one with nothing set
 * aside.
 *
 * 	if (!blackbox_begin(shard, stanza->canonical))
 * 		return verdict_fail(STANZA_INTERNAL_SERVER_ERROR, TEXT_NONE);
 * 	… handle it …
 * 	blackbox_end(shard);
 */
#ifndef BASE_BLACKBOX_H
#define BASE_BLACKBOX_H

#include "base/bytes.h"

enum {
	BLACKBOX_SHARDS = 64,	    /* shards above it are not recorded */
	BLACKBOX_KEPT_BYTES = 4096, /* of a stanza, for the person who looks for the bug */
	BLACKBOX_POISON_MAX = 64,   /* the oldest is forgotten first */
};

/* One stanza that was in hand, read by the supervisor. */
struct blackbox_record {
	uint64_t hash;
	uint32_t shard;
	struct bytes kept; /* at most BLACKBOX_KEPT_BYTES; borrowed from the mapping */
	size_t len;	   /* of the whole stanza */
};

/*
 * Notes that this shard now handles the stanza. False: it is set aside, nothing was noted, and
 * it must be answered internal-server-error. Costs a hash and a copy of the first 4 KiB. Calls
 * do not nest: a second one replaces the first.
 */
bool blackbox_begin(uint32_t shard, struct bytes stanza);
/* The shard has finished with it and lives. */
void blackbox_end(uint32_t shard);

/* --- the supervisor's side --- */

/* Makes the shared mapping; 0 and a descriptor to inherit, or a negative errno. Call it once.
 */
int blackbox_create(int *ret_fd);
/* The worker's side: maps what blackbox_create made. 0, or a negative errno. */
int blackbox_attach(int fd);
/* The worker is dead: calls each() for every stanza that was in hand and clears the slots. */
void blackbox_collect(void (*each)(const struct blackbox_record *, void *context),
		      void *context);
/* From now on blackbox_begin() refuses stanzas with this hash. */
void blackbox_set_aside(uint64_t hash);
/* Number of hashes set aside. */
uint32_t blackbox_poison_count(void);

#endif
