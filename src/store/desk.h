/*
 * A desk is one shard's counter at the store: what it issued, in which order, and the queue by
 * which any thread returns it. A line is what a desk knows of one owner while batches of it are
 * in flight. Private to this room.
 */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include <pthread.h>

#include "base/table.h"
#include "io/shard.h"
#include "store/store.h"

/* Something that travels back to the shard that issued it. */
struct store_reply {
	struct list list;
	struct store_desk *desk;
	void (*arrive)(struct store_reply *reply);
	void (*drop)(struct store_reply *reply); /* the store closes and nobody will hear it */
};

struct store_desk {
	struct store *store;
	struct shard *shard;
	uint64_t last_seq;
	uint64_t in_flight; /* batches */
	uint64_t reads_in_flight;
	uint64_t last_log_id;
	struct table lines; /* struct store_line by owner */
	/* Issued in this turn; handed to the engine at its end, so that it wakes once. */
	struct list batches;
	struct list reads;
	struct call hand_over;
	/* What came back, from any thread. */
	pthread_mutex_t lock;
	struct list replies;
	bool is_posted; /* mail is on its way, and more replies may ride with it */
	bool is_closed; /* the store is gone: the mail frees the desk when it arrives */
	struct mail mail;
};

/* Replies of one desk, all taken; its shard is woken at most once. Any thread. */
void store_desk_return(struct store_desk *desk, struct list *replies);
/* The same for one. */
void store_reply_return(struct store_reply *reply);
/* Replies of several desks, each desk's in order; all taken. */
void store_replies_return(struct list *replies);
/* The calling shard's desk. */
struct store_desk *store_desk_self(struct store *store);
/* Hands to the engine what was issued and not yet handed over. The shards have stopped. */
void store_desks_flush(struct store *store);
/* Drops what has come back and was not taken. */
void store_desks_free(struct store *store);

struct store_line {
	struct bytes owner; /* behind the struct */
	uint64_t last_seq;
	uint32_t in_flight;
	uint32_t generation; /* the shard's: raised when a failure has come back */
	uint32_t
		failed_generation; /* the engine's: batches up to here are cancelled; 0: none */
	struct list reads;	   /* struct store_read, waiting for their batch */
};

#endif
