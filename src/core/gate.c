#include "core/gate.h"

#include <errno.h>

void gate_init(struct gate *gate)
{
	*gate = (struct gate){ 0 };
	list_init(&gate->held);
}

void gate_issue(struct gate *gate)
{
	gate->issued++;
}

/*
 * leave() may emit again: what it emits queues behind what is held, because the gate is not
 * open while it releases, and the loop below goes on with it. So the order stays.
 */
static void gate_release(struct gate *gate)
{
	struct gate_output *output;

	check(!gate->is_releasing);
	gate->is_releasing = true;
	while ((output = list_first(&gate->held, struct gate_output, list)) != NULL) {
		if (output->after > gate->completed)
			break;
		list_del(&output->list);
		/* What does not depend on the failed batch has left before it failed. */
		output->leave(output, gate->failed_until != 0 ? -EIO : 0);
	}
	gate->is_releasing = false;
}

void gate_pass(struct gate *gate, struct gate_output *output)
{
	output->after = gate->issued;
	if (gate_is_open(gate) && !gate->is_releasing) {
		output->leave(output, 0);
		return;
	}
	list_add_tail(&gate->held, &output->list);
}

bool gate_complete(struct gate *gate, int status)
{
	bool is_recovered;

	check(gate->completed < gate->issued);
	gate->completed++;
	if (status < 0 && gate->completed > gate->failed_until)
		gate->failed_until = gate->issued;
	is_recovered = gate->failed_until != 0 && gate->completed == gate->failed_until;
	gate_release(gate);
	if (is_recovered)
		gate->failed_until = 0;
	return is_recovered;
}

void gate_abandon(struct gate *gate, int status)
{
	struct gate_output *output;

	while ((output = list_first(&gate->held, struct gate_output, list)) != NULL) {
		list_del(&output->list);
		output->leave(output, status);
	}
}
