/*
 * Friend tokens (XEP-0379): what a user's invitations promise. Kept with the inviter's account
 * and loaded with it, so that a subscription request is judged at once where it arrives. Only
 * hashes are kept; each works once and until its time is over.
 */
#ifndef CORE_FRIEND_H
#define CORE_FRIEND_H

#include "core/feature.h"

enum { FRIEND_TOKENS_MAX = 100 /* of one user; the oldest goes */ };

extern struct slot friend_slot;
extern struct store_decl friend_store;

/* The store's answer while an account is loaded (struct preload). */
void friend_loaded(struct user *user, struct bytes key, struct bytes value);
/*
 * Promises it: key is invite_key() of the token. done(status, context) on this shard when it is
 * committed; -ENOENT: no such account. From any shard.
 */
void friend_token_grant(struct jid inviter, struct bytes key, uint64_t expires_us,
			void (*done)(int status, void *context), void *context);
/* True if the token is the user's and its time is not over: it is used up, and committed. */
bool friend_token_take(struct user *user, struct bytes token);
/* The same without using it: takes it away from whoever invited. From any shard. */
void friend_token_revoke(struct jid inviter, struct bytes key);
/*
 * Makes user and inviter contacts of each other, as the holder of this token would ask for: the
 * inviter is pre-approved, and a request with the token is on its way. From any shard.
 */
void friend_ask(struct jid user, struct jid inviter, struct bytes token);

#endif
