/*
 * Chat at a fixed rate: messages are due at random moments (exponential gaps, the same sequence
 * for every server), from random sessions to their partners. Latency counts from the moment a
 * message was due, so that a server that stalls is charged for everything that had to wait.
 */
#include "chat.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"

struct schedule {
	uint64_t random;
	double next_ns;
	double gap_ns;
};

/* xorshift64*: the same numbers in every run. */
static uint64_t draw(struct schedule *schedule)
{
	uint64_t x = schedule->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	schedule->random = x;
	return x * 2685821657736338717ULL;
}

static void step(struct schedule *schedule)
{
	double unit = ((double)(draw(schedule) >> 11) + 1) / 9007199254740993.0;

	schedule->next_ns -= log(unit) * schedule->gap_ns;
}

static void run_until(struct chat *chat, struct schedule *schedule, double seconds)
{
	double end = (double)clock_ns() + seconds * 1e9;

	while (schedule->next_ns < end && chat->load.broken == 0) {
		while (schedule->next_ns <= (double)clock_ns()) {
			chat_say(chat, (uint32_t)(draw(schedule) % chat->load.count),
				 (uint64_t)schedule->next_ns);
			step(schedule);
		}
		load_turn(&chat->load, (uint64_t)schedule->next_ns);
	}
}

static int run(const struct load_options *opt)
{
	static struct chat chat;
	struct schedule schedule = { .random = 88172645463325252ULL,
				     .gap_ns = 1e9 / (double)opt->rate };
	struct meter meter;
	struct cost cost = { 0 };
	struct result result;
	uint64_t count = 0;

	bool is_ok = chat_init(&chat, opt);
	if (is_ok) {
		schedule.next_ns = (double)clock_ns();
		run_until(&chat, &schedule, opt->seconds / 5);
		hist_reset(&chat.latency);
		count = chat.tally.received;
		meter_start(&meter, &chat.load);
		run_until(&chat, &schedule, opt->seconds);
		cost = meter_stop(&meter);
		count = chat.tally.received - count;
		chat_drain(&chat);
	}
	result_begin(&result, &chat.load, "rate");
	result_u64(&result, "rate", opt->rate);
	result_u64(&result, "body_bytes", opt->body_bytes);
	result_cost(&result, &cost, count);
	result_latency(&result, &chat.latency);
	result_tally(&result, &chat.tally);
	int rc = result_end(&result, &chat.load, is_ok && tally_is_clean(&chat.tally));
	chat_fini(&chat);
	return rc;
}

const struct scenario scenario_rate = {
	.name = "rate",
	.summary = "chat at --rate messages a second, latency from when each was due",
	.users = 1000,
	.has_relay = true,
	.run = run,
};
