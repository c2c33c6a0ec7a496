/*
 * Mailboxes: how threads talk. A mail is an embedded struct; posting moves its ownership to the
 * target, whose thread calls deliver(), which frees it. One FIFO per pair of shards, also from
 * a shard to itself. Posting never blocks and never fails.
 *
 * Posts to other shards are kept in the poster's outbox and handed over at the end of its turn:
 * one atomic push and at most one eventfd write per target and turn, and none if the target is
 * awake. Mail to oneself is delivered later in the same turn or in the next, without a system
 * call. Threads that are no shard (workers, the store's writer) hand over at once.
 *
 * Mailboxes are bounded in bytes by asking, not by refusing here: past the soft mark whoever
 * posts on behalf of an origin pauses that origin; past the hard mark it refuses new work. To
 * learn when the pressure is gone, post a mail that comes back: pairs are FIFO.
 */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include <stdatomic.h>

#include "io/loop.h"

struct shard;

enum { MAIL_FROM_NOWHERE = 0xffff, MAILBOX_BUDGET = 1024 /* mails per turn */ };

struct mail {
	struct mail *next; /* the mailbox's */
	const char *name;  /* static, for the log of slow turns */
	void (*deliver)(struct mail *mail);
	uint32_t bytes; /* what this mail keeps in memory, for the bounds; may be 0 */
	uint16_t from;	/* set by posting: id of the posting shard, or MAIL_FROM_NOWHERE */
};

enum pressure { PRESSURE_NONE, PRESSURE_SOFT, PRESSURE_HARD };

/* Posts from the calling shard's thread to the shard with this id. Takes mail. */
void mailbox_post(unsigned shard, struct mail *mail);
/* Posts from any thread, which need not be a shard. Takes mail. */
void mailbox_post_to(struct shard *shard, struct mail *mail);
/* How full the target is, the caller's outbox included. Shard threads only. */
enum pressure mailbox_pressure(unsigned shard);
/* Bytes posted to the shard and not delivered. Any thread. */
uint64_t mailbox_bytes(const struct shard *shard);
/* The largest that mailbox_bytes has been. Any thread. */
uint64_t mailbox_peak_bytes(const struct shard *shard);

/* What follows is the shard's side: io/shard.c only. */

struct mail_queue {
	struct mail *first;
	struct mail **end;
};

/* Posted in this turn for one target, newest first: the order in which the inbox is linked. */
struct outbox {
	struct mail *newest;
	struct mail *oldest;
	uint64_t bytes;
};

struct mailbox {
	_Alignas(64) _Atomic(struct mail *) inbox; /* newest first */
	_Atomic uint64_t bytes;			   /* posted by others and not delivered */
	_Atomic uint64_t peak_bytes;
	_Atomic bool is_asleep; /* somebody must write the eventfd */
	int event_fd;
	_Alignas(64) struct watch watch;
	struct mail_queue pending; /* taken from the inbox, oldest first */
	struct mail_queue own;	   /* posted by this shard to itself */
	struct outbox *outboxes;   /* one per shard */
	bool has_outgoing;	   /* some outbox holds mail */
	uint64_t wakeups;	   /* eventfd writes done by this shard, for tests */
	_Atomic uint64_t own_bytes;
};

int mailbox_init(struct mailbox *mailbox, struct loop *loop, unsigned shards);
void mailbox_fini(struct mailbox *mailbox, struct loop *loop);
/* Delivers what was there at the beginning, at most MAILBOX_BUDGET; returns how many. */
unsigned mailbox_deliver(struct shard *shard);
/* Hands the outboxes over; returns how many mails left. */
unsigned mailbox_hand_over(struct shard *shard);
/* Before and after a wait that may block. Returns false if mail is there: do not block. */
bool mailbox_sleep(struct mailbox *mailbox);
void mailbox_wake(struct mailbox *mailbox);
bool mailbox_has_mail(struct mailbox *mailbox);

#endif
