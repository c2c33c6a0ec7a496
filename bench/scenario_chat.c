/*
 * Chat in a closed loop: every pair keeps --window messages in the air; what arrives is
 * answered at once. With window 1 each message travels alone, with 8 a burst shares reads and
 * writes.
 */
#include "chat.h"

#include <stdio.h>

#include "base/clock.h"

static void turn_for(struct chat *chat, double seconds)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	while (clock_ns() < end && chat->load.broken == 0)
		load_turn(&chat->load, end);
}

static void start(struct chat *chat)
{
	uint64_t now = clock_ns();

	chat->has_echo = true;
	for (uint32_t i = 0; i < chat->load.count; i += 2) {
		for (uint32_t k = 0; k < chat->load.opt.window; k++)
			chat_say(chat, i, now);
	}
}

static int run(const struct load_options *opt)
{
	static struct chat chat;
	struct meter meter;
	struct cost cost = { 0 };
	struct result result;
	uint64_t count = 0;

	bool is_ok = chat_init(&chat, opt);
	if (is_ok) {
		start(&chat);
		turn_for(&chat, opt->seconds / 5);
		hist_reset(&chat.latency);
		count = chat.tally.received;
		meter_start(&meter, &chat.load);
		turn_for(&chat, opt->seconds);
		cost = meter_stop(&meter);
		count = chat.tally.received - count;
		chat_drain(&chat);
	}
	result_begin(&result, &chat.load, "chat");
	result_u64(&result, "window", opt->window);
	result_u64(&result, "body_bytes", opt->body_bytes);
	result_cost(&result, &cost, count);
	result_latency(&result, &chat.latency);
	result_tally(&result, &chat.tally);
	int rc = result_end(&result, &chat.load, is_ok && tally_is_clean(&chat.tally));
	chat_fini(&chat);
	return rc;
}

const struct scenario scenario_chat = {
	.name = "chat",
	.summary = "pairs in a closed loop, --window messages in flight each",
	.users = 100,
	.has_relay = true,
	.run = run,
};
