/*
 * Subscriptions: users on a ring ask their --contacts neighbours for their presence and grant
 * what they are asked (RFC 6121 section 3). The operation is one subscription: request, approval
 * and the roster pushes that belong to it. Ends when all have been granted. It also fills the
 * rosters of a server into which they cannot be loaded.
 */
#include "scenario.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"

enum { OPEN_MAX = 50, SETTLE_MS = 300, SETTLE_MAX_MS = 5000 };

struct circle {
	struct load load;
	uint64_t asked;
	uint64_t granted;
	uint64_t refused;
};

static void ready(struct client *client)
{
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	struct circle *circle = client->load->data;
	struct bytes type = scan_attr(element, BYTES_LIT("type"));
	struct bytes from = scan_attr(element, BYTES_LIT("from"));

	if (!scan_is(element, "presence"))
		return;
	if (bytes_is(type, "subscribe"))
		buf_printf(client_out(client), "<presence type='subscribed' to='%.*s'/>",
			   BYTES_ARG(from));
	else if (bytes_is(type, "subscribed"))
		circle->granted++;
	else if (bytes_is(type, "error") || bytes_is(type, "unsubscribed"))
		circle->refused++;
}

static const struct load_ops ops = { ready, stanza };

static void ask(struct circle *circle, uint32_t user, uint32_t neighbour)
{
	const struct load_options *opt = &circle->load.opt;

	buf_printf(client_out(&circle->load.clients[user]),
		   "<presence type='subscribe' to='%s%" PRIu32 "@%s'/>", opt->prefix, neighbour,
		   opt->domain);
	circle->asked++;
}

/* Until at most open_max requests wait for their grant. False if nothing moves any more. */
static bool wait_open(struct circle *circle, uint64_t open_max)
{
	struct stall stall;

	stall_start(&stall, &circle->load);
	while (circle->asked - circle->granted > open_max) {
		if (circle->refused > 0 || !stall_turn(&stall))
			return false;
	}
	return true;
}

static bool befriend(struct circle *circle)
{
	uint32_t n = circle->load.count;
	uint32_t half = circle->load.opt.contacts / 2;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t step = 1; step <= half; step++) {
			ask(circle, i, (i + step) % n);
			ask(circle, i, (i + n - step) % n);
		}
		if (!wait_open(circle, OPEN_MAX))
			return false;
	}
	return wait_open(circle, 0);
}

static int run(const struct load_options *opt)
{
	struct load_options with_presence = *opt;
	static struct circle circle;
	struct meter meter;
	struct cost cost = { 0 };
	struct result result;

	check(opt->contacts % 2 == 0 && opt->contacts < opt->users);
	with_presence.setup |= LOAD_SETUP_ROSTER | LOAD_SETUP_PRESENCE;
	load_init(&circle.load, &with_presence, opt->users);
	circle.load.ops = &ops;
	circle.load.data = &circle;
	bool is_ok = load_login(&circle.load, 0, opt->users);
	if (is_ok) {
		load_settle(&circle.load, SETTLE_MS, SETTLE_MAX_MS);
		meter_start(&meter, &circle.load);
		is_ok = befriend(&circle);
		cost = meter_stop(&meter);
		load_settle(&circle.load, SETTLE_MS, SETTLE_MAX_MS);
	}
	result_begin(&result, &circle.load, "subscribe");
	result_u64(&result, "contacts", opt->contacts);
	result_cost(&result, &cost, circle.granted);
	result_u64(&result, "sent", circle.asked);
	result_u64(&result, "lost", circle.asked - circle.granted);
	result_u64(&result, "bounced", circle.refused);
	int rc = result_end(&result, &circle.load, is_ok && circle.asked == circle.granted);
	load_logout(&circle.load);
	load_fini(&circle.load);
	return rc;
}

const struct scenario scenario_subscribe = {
	.name = "subscribe",
	.summary = "mutual subscriptions to --contacts neighbours on a ring",
	.users = 100,
	.run = run,
};
