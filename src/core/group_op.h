/*
 * Operations on shared groups, one after the other on shard 0. Each is a number of rounds: make
 * the next snapshot of the domain, commit it, give it to all shards, let them tell their members.
 *
 *	START -> ROUND: copy and change -> COMMIT -> ADOPT (each shard) -> TELL (each shard)
 *	  ^                                                                      |
 *	  '--------------------- more to do, or the next operation -------------'
 */
#ifndef CORE_GROUP_OP_H
#define CORE_GROUP_OP_H

#include "core/errand.h"
#include "core/group.h"
#include "core/group_set.h"
#include "core/group_tell.h"

/* Members changed in one round: what one turn of a shard may cost is this times the members. */
enum { GROUP_ROUND_MAX = 32 };

enum group_verb {
	GROUP_PUT,
	GROUP_DEL,
	GROUP_ADD_MEMBER,
	GROUP_DEL_MEMBER,
	GROUP_ACCOUNT_ADDED,
	GROUP_ACCOUNT_GONE,
	GROUP_DOMAIN_GONE,
	GROUP_LOAD,
};

struct group_op {
	struct list list; /* in struct group_shard.ops */
	struct arena arena;
	enum group_verb verb;
	struct bytes domain;
	struct bytes name;
	struct bytes display;
	struct bytes jid;
	bool is_everybody;
	group_done_fn *done; /* NULL accepted */
	void *context;
	/* What is still to be done: the members to be added or removed, from `at` on. */
	struct group_change *todo;
	uint32_t todo_count;
	uint32_t at;
	bool is_removing;
	bool is_last_round;
	/* The round in hand. */
	struct errand errand;
	unsigned shard; /* that has it */
	struct group_domain *next;
	struct group_set *before, *now; /* references */
	struct group_news news;
	/* GROUP_LOAD */
	size_t load_index; /* in domain_current() */
	const struct domain *loading;
	struct group_set *loaded;
};

/* Of one shard; the operations only on shard 0. */
struct group_shard {
	struct group_set *set; /* a reference, or NULL */
	struct list ops;       /* the first one runs */
	bool is_busy;
};

struct group_op *group_op_new(enum group_verb verb, struct bytes domain, struct bytes name,
			      group_done_fn *done, void *context);
/* Taken; on shard 0. */
void group_op_queue(struct group_op *op);

/* group_round.c: from the start of an operation to its end (group_op_finish). */
void group_op_start(struct group_op *op);
/* group_load.c */
void group_load_start(struct group_op *op);
/* Gives op->now to all shards; then group_op_published(), or the end of a load. */
void group_op_publish(struct group_op *op);
void group_op_published(struct group_op *op);
void group_op_finish(struct group_op *op, int status);

struct group_shard *group_shard(void);

#endif
