/*
 * The gate of an actor: nothing overtakes, nobody waits for the disk (docs/architecture.md,
 * "The gate"). An actor handles input at once; whatever it emits passes here in order and leaves
 * when the batches issued before it are committed. With no batch outstanding the gate costs a
 * comparison.
 *
 * Embedded in the actor; one thread. Outputs are structs gate_output embedded in what the owner
 * emits (a delivery, a posted stanza, an answer).
 *
 * 	gate_issue(&user->gate);		a batch was committed asynchronously
 * 	gate_pass(&user->gate, &out->output);	now, or when that batch is committed
 * 	gate_complete(&user->gate, status);	in the batch's completion
 */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "base/list.h"

struct gate_output {
	struct list list;
	uint64_t after; /* leaves when so many batches are complete */
	/* Leaves, or (status < 0) cannot leave because a batch it depends on failed. Frees it.
	 */
	void (*leave)(struct gate_output *, int status);
};

struct gate {
	uint64_t issued;
	uint64_t completed;
	uint64_t
		failed_until; /* what is held up to here depends on a batch that failed; 0: none */
	struct list held;
	bool is_releasing;
};

void gate_init(struct gate *gate);
/* True if something emitted now would leave at once. */
static inline bool gate_is_open(const struct gate *gate)
{
	return gate->issued == gate->completed && list_is_empty(&gate->held);
}
/* One more batch is on its way. */
void gate_issue(struct gate *gate);
/* Takes the output: calls leave() now or later, in order. */
void gate_pass(struct gate *gate, struct gate_output *output);
/*
 * The oldest outstanding batch is complete. status < 0: all outputs that depend on it, or on a
 * batch issued since, leave with that status. Returns true when the last outstanding batch of a
 * failure has come in, so that the actor may be loaded again.
 */
bool gate_complete(struct gate *gate, int status);
/* Everything held leaves with status (the actor goes away). */
void gate_abandon(struct gate *gate, int status);

#endif
