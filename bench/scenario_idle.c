/*
 * Idle sessions: what one costs in memory when nothing happens. A few sessions come and go
 * first, so that code and pools which the first login brings in are not charged to the
 * sessions; what the server holds before anybody logged in is a figure of its own. At the end
 * each session is asked for a sign of life.
 */
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

enum { WARM_SESSIONS = 50, SETTLE_MS = 500, STABLE_TRIES = 15 };

static void ready(struct client *client)
{
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	uint64_t *alive = client->load->data;

	if (scan_is(element, "iq") && bytes_is(scan_attr(element, BYTES_LIT("id")), "alive"))
		*alive += 1;
}

static const struct load_ops ops = { ready, stanza };

/* Memory once it has stopped moving by more than half a percent in half a second. */
static uint64_t stable_pss(struct load *load)
{
	uint64_t last = proc_pss(&load->opt.procs);

	for (int i = 0; i < STABLE_TRIES; i++) {
		load_settle(load, SETTLE_MS, SETTLE_MS);
		uint64_t now = proc_pss(&load->opt.procs);
		uint64_t moved = now > last ? now - last : last - now;
		last = now;
		if (moved * 200 < now)
			break;
	}
	return last;
}

static uint64_t ask_everybody(struct load *load)
{
	uint64_t alive = 0;

	load->data = &alive;
	for (uint32_t i = 0; i < load->count; i++) {
		if (load->clients[i].state != CLIENT_READY)
			continue;
		buf_printf(
			client_out(&load->clients[i]),
			"<iq type='get' id='alive' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
			load->opt.domain);
	}
	uint64_t end = clock_ns() + 30 * 1000000000ULL;
	while (alive < load->ready && clock_ns() < end)
		load_turn(load, clock_ns() + 100000000);
	return alive;
}

static int run(const struct load_options *opt)
{
	struct load load;
	struct result result;

	load_init(&load, opt, opt->users);
	load.ops = &ops;
	uint64_t before = stable_pss(&load);
	load_login(&load, 0, opt->users < WARM_SESSIONS ? opt->users : WARM_SESSIONS);
	load_logout(&load);
	uint64_t warm = stable_pss(&load);
	load_login(&load, 0, opt->users);
	uint64_t sessions = load.ready;
	uint64_t full = stable_pss(&load);
	uint64_t alive = opt->is_relay ? sessions : ask_everybody(&load);
	result_begin(&result, &load, "idle");
	result_u64(&result, "sessions", sessions);
	result_u64(&result, "alive", alive);
	result_real(&result, "pss_before_mib", (double)before / 1048576);
	result_real(&result, "pss_warm_mib", (double)warm / 1048576);
	result_real(&result, "pss_full_mib", (double)full / 1048576);
	result_real(&result, "session_kib",
		    ((double)full - (double)warm) / 1024 / (double)(sessions ? sessions : 1));
	load_logout(&load);
	result_real(&result, "pss_after_mib", (double)stable_pss(&load) / 1048576);
	int rc = result_end(&result, &load, sessions == opt->users && alive == sessions);
	load_fini(&load);
	return rc;
}

const struct scenario scenario_idle = {
	.name = "idle",
	.summary = "memory of a session at rest",
	.users = 1000,
	.has_relay = true,
	.run = run,
};
