/*
 * Logins: TCP (and TLS with a full handshake), SCRAM-SHA-1, bind; --concurrency at a time. All
 * users log in once before, unmeasured. Passes of all users are measured until --seconds are
 * over; the logouts between them are not.
 */
#include "scenario.h"

#include "base/clock.h"

enum { QUIET_MS = 100, QUIET_MAX_MS = 3000 };

struct logins {
	struct hist latency;
};

static void ready(struct client *client)
{
	struct logins *logins = client->load->data;

	hist_add(&logins->latency, clock_ns() - client->due_ns);
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
}

static const struct load_ops ops = { ready, stanza };

static bool pass(struct load *load, struct cost *cost, uint64_t *count)
{
	struct meter meter;

	meter_start(&meter, load);
	bool is_ok = load_login(load, 0, load->count);
	cost_add(cost, meter_stop(&meter));
	*count += load->ready;
	load_logout(load);
	load_settle(load, QUIET_MS, QUIET_MAX_MS);
	return is_ok;
}

static int run(const struct load_options *opt)
{
	static struct logins logins;
	struct load load;
	struct result result;
	struct cost cost = { 0 };
	uint64_t count = 0;

	load_init(&load, opt, opt->users);
	load.ops = &ops;
	load.data = &logins;
	bool is_ok = pass(&load, &cost, &count);
	cost = (struct cost){ 0 };
	count = 0;
	hist_reset(&logins.latency);
	uint64_t passes = 0;
	while (is_ok && cost.wall_s < opt->seconds) {
		is_ok = pass(&load, &cost, &count);
		passes++;
	}
	result_begin(&result, &load, "login");
	result_u64(&result, "concurrency", opt->concurrency);
	result_cost(&result, &cost, count);
	result_latency(&result, &logins.latency);
	int rc = result_end(&result, &load, is_ok && count == passes * opt->users);
	load_fini(&load);
	return rc;
}

const struct scenario scenario_login = {
	.name = "login",
	.summary = "SCRAM-SHA-1 logins, full TLS handshakes",
	.users = 1000,
	.has_relay = true,
	.run = run,
};
