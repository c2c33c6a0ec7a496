/*
 * Roster loads: sessions ask for their roster of --contacts items again and again, each waiting
 * for its answer. Every answer is counted item by item.
 */
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

struct rosters {
	struct load load;
	uint64_t answers;
	uint64_t wrong;
	uint64_t bytes;
	struct hist latency;
	bool is_running;
};

static void ask(struct client *client, uint64_t now_ns)
{
	client->due_ns = now_ns;
	client_send(client, BYTES_LIT("<iq type='get' id='load'>"
				      "<query xmlns='jabber:iq:roster'/></iq>"));
}

static uint32_t count_items(struct bytes element)
{
	struct bytes needle = BYTES_LIT("<item ");
	const char *end = element.ptr + element.len;
	const char *p = element.ptr;
	uint32_t count = 0;

	while ((p = memmem(p, (size_t)(end - p), needle.ptr, needle.len)) != NULL) {
		count++;
		p += needle.len;
	}
	return count;
}

static void ready(struct client *client)
{
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	struct rosters *rosters = client->load->data;

	if (!scan_is(element, "iq") || !bytes_is(scan_attr(element, BYTES_LIT("id")), "load"))
		return;
	if (count_items(element) == rosters->load.opt.contacts)
		rosters->answers++;
	else if (rosters->wrong++ == 0)
		fprintf(stderr, "load: wrong roster: %.*s\n",
			BYTES_ARG(bytes_first(element, 300)));
	rosters->bytes += element.len;
	hist_add(&rosters->latency, now_ns - client->due_ns);
	client->due_ns = 0;
	if (rosters->is_running)
		ask(client, now_ns);
}

static const struct load_ops ops = { ready, stanza };

static void turn_for(struct load *load, double seconds)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	while (clock_ns() < end && load->broken == 0)
		load_turn(load, end);
}

static uint64_t measure(struct rosters *rosters, struct cost *ret_cost)
{
	struct load *load = &rosters->load;
	struct meter meter;

	rosters->is_running = true;
	for (uint32_t i = 0; i < load->count; i++)
		ask(&load->clients[i], clock_ns());
	turn_for(load, load->opt.seconds / 5);
	hist_reset(&rosters->latency);
	uint64_t before = rosters->answers;
	meter_start(&meter, load);
	turn_for(load, load->opt.seconds);
	*ret_cost = meter_stop(&meter);
	uint64_t count = rosters->answers - before;
	rosters->is_running = false;
	load_settle(load, 500, 10000);
	return count;
}

static uint32_t unanswered(const struct load *load)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < load->count; i++)
		count += load->clients[i].due_ns != 0;
	return count;
}

static int run(const struct load_options *opt)
{
	static struct rosters rosters;
	struct cost cost = { 0 };
	struct result result;
	uint64_t count = 0;

	load_init(&rosters.load, opt, opt->users);
	rosters.load.ops = &ops;
	rosters.load.data = &rosters;
	bool is_ok = load_login(&rosters.load, 0, opt->users);
	if (is_ok)
		count = measure(&rosters, &cost);
	uint32_t lost = unanswered(&rosters.load);
	result_begin(&result, &rosters.load, "roster");
	result_u64(&result, "contacts", opt->contacts);
	result_cost(&result, &cost, count);
	result_latency(&result, &rosters.latency);
	result_u64(&result, "lost", lost);
	result_u64(&result, "wrong", rosters.wrong);
	int rc = result_end(&result, &rosters.load, is_ok && rosters.wrong == 0 && lost == 0);
	load_logout(&rosters.load);
	load_fini(&rosters.load);
	return rc;
}

const struct scenario scenario_roster = {
	.name = "roster",
	.summary = "roster loads of --contacts items, one at a time a session",
	.users = 20,
	.run = run,
};
