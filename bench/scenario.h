/*
 * A scenario brings clients up, drives one kind of load, checks what arrives and writes one
 * result. Adding one: a file scenario_<name>.c with a `const struct scenario`, and its line in
 * the list of main.c.
 */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "hist.h"
#include "load.h"
#include "verify.h"

struct scenario {
	const char *name;
	const char *summary;
	uint32_t users; /* unless --users says otherwise */
	bool has_relay; /* the relay can stand in for a server */
	/* 0, or 1 if a check failed; a result is written either way. */
	int (*run)(const struct load_options *opt);
};

extern const struct scenario scenario_process;
extern const struct scenario scenario_idle;
extern const struct scenario scenario_login;
extern const struct scenario scenario_chat;
extern const struct scenario scenario_rate;
extern const struct scenario scenario_presence;
extern const struct scenario scenario_roster;
extern const struct scenario scenario_subscribe;
extern const struct scenario scenario_collect;

/* What a stretch of time cost the server and the generator. */
struct meter {
	const struct load *load;
	struct proc_cpu cpu;
	uint64_t start_ns;
	uint64_t own_ns;
};

struct cost {
	double wall_s;
	double server_cpu_s;
	double own_cpu_s;
};

void meter_start(struct meter *meter, const struct load *load);
struct cost meter_stop(const struct meter *meter);
void cost_add(struct cost *sum, struct cost more);

/* Waiting with patience: a server may be slow as long as it sends anything. */
struct stall {
	struct load *load;
	uint64_t reads;
	uint64_t ends_ns;
};

void stall_start(struct stall *stall, struct load *load);
/* One turn of the loop. False if a client broke or nothing has come for --patience. */
bool stall_turn(struct stall *stall);

/*
 * Turns until everything sent has been received or nothing has come for --patience: a
 * server that is only slow is not charged with losses.
 */
void load_drain(struct load *load, const struct tally *tally);

/* One JSON object on one line, to stdout and appended to --out. */
struct result {
	char *text;
	size_t len;
	void *stream;
};

void result_begin(struct result *result, const struct load *load, const char *scenario);
void result_u64(struct result *result, const char *name, uint64_t value);
void result_real(struct result *result, const char *name, double value);
void result_text(struct result *result, const char *name, const char *value);
/* ops, CPU per operation, rates, and the generator's own share. */
void result_cost(struct result *result, const struct cost *cost, uint64_t ops);
/* Latency percentiles in microseconds. */
void result_latency(struct result *result, const struct hist *hist);
void result_tally(struct result *result, const struct tally *tally);
/* Adds the verdict and writes the line; returns what run() returns. */
int result_end(struct result *result, const struct load *load, bool is_clean);

#endif
