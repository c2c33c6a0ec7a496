/*
 * Messages between pairs of clients (2k and 2k + 1), marked and checked. Shared by the closed
 * loop (scenario_chat.c) and the fixed rates (scenario_rate.c).
 */
#ifndef BENCH_CHAT_H
#define BENCH_CHAT_H

#include "scenario.h"

struct chat {
	struct load load;
	struct arena arena;
	struct bytes body;   /* "…</body></message>" of every message */
	struct bytes *jids;  /* bare JID of client i, and a '/' */
	struct bytes *heads; /* "<message to=… id='" of client i */
	struct flow *flows;  /* what client i receives from its partner */
	uint32_t *next_seq;  /* what client i sends next */
	struct tally tally;
	struct hist latency;
	bool has_echo; /* the closed loop: each arrival sends one back */
};

/* Brings the clients up. Ends with chat_fini, also after false (somebody broke). */
bool chat_init(struct chat *chat, const struct load_options *opt);
void chat_fini(struct chat *chat);
/* Client `from` writes to its partner a message that was due at due_ns. */
void chat_say(struct chat *chat, uint32_t from, uint64_t due_ns);
/* No more echoes; waits until everything has arrived or nothing comes any more. */
void chat_drain(struct chat *chat);

#endif
