/*
 * Users: an account's state in memory, at its home (an actor). Exists while a session is bound
 * or something waits; a cold account has none. Input that comes while the account loads, or
 * while it recovers from a failed commit, is held in order.
 *
 * 	LOADING --loaded--> READY --commit failed--> FAILED --all in--> LOADING …
 * 	LOADING --unreadable--> BROKEN --somebody asks--> LOADING
 * 	READY --being deleted--> LEAVING --committed--> LOADING (there is nothing: freed)
 * 	READY --last session gone, gate open--> freed
 */
#ifndef CORE_USER_H
#define CORE_USER_H

#include "core/feature.h"
#include "core/gate.h"
#include "io/mailbox.h"

enum { USER_MAGIC = 0x05E4A11C };

enum user_state {
	USER_LOADING,
	USER_READY,
	USER_FAILED,  /* a commit failed: loaded again when all outstanding ones are in */
	USER_BROKEN,  /* could not be loaded: tried again when somebody asks */
	USER_LEAVING, /* its deletion is being committed: input waits, commits are void */
};

/* Something that waits until the account is loaded; run() frees it. */
struct user_wait {
	struct list list;
	/* user is READY, or (load failed) status < 0 and the user about to go. */
	void (*run)(struct user_wait *, struct user *, int status);
};

struct user {
	uint32_t magic;
	uint8_t shard;
	uint8_t state; /* enum user_state */
	uint8_t role;  /* enum account_role */
	bool is_stale; /* LOADING: what comes is no longer true, load again */
	uint16_t session_count;
	uint32_t pins; /* waits and reads in flight: not freed while > 0 */
	struct jid jid;
	const struct domain *domain;
	struct gate gate;
	struct list sessions; /* struct session.list, oldest first */
	struct list waits;    /* struct user_wait */
	void **slots;	      /* features' state; NULL until the first use */
	char name[];	      /* the bare JID's bytes */
};

/* In memory at this home, in any state, or NULL. */
struct user *user_find(struct bytes bare);
/* The same, made and loaded if it is cold. */
struct user *user_wake(struct jid bare, const struct domain *domain);
/* Runs now if the account is ready, else when it is. The user may be gone afterwards. */
void user_when_ready(struct user *user, struct user_wait *wait);
static inline bool user_is_ready(const struct user *user)
{
	return user->state == USER_READY && user->waits.next == &user->waits;
}
/* What the store says of the account has changed behind its back: forgets and loads it. */
void user_reload(struct user *user);
/* READY to LEAVING, when the batch that deletes the account was given to user_commit(). */
void user_leave(struct user *user);
/* Frees the actor if nothing needs it any more. Call it last. */
void user_release(struct user *user);
/* Iterates all users of this shard; *cursor starts at 0. */
struct user *user_next(uint32_t *cursor);

void user_check(const struct user *user);

#endif
