/*
 * Roster changes: every session puts --contacts contacts into its roster, one after the other,
 * each when the one before was answered. The operation is one change, with its push.
 */
#include "scenario.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

struct collect {
	struct load load;
	uint32_t *next; /* the contact that session i puts in */
	uint64_t done;
	uint64_t refused;
	struct hist latency;
};

static void put(struct client *client, uint64_t now_ns)
{
	struct collect *collect = client->load->data;
	uint32_t contact = collect->next[client->index]++;

	client->due_ns = now_ns;
	buf_printf(client_out(client),
		   "<iq type='set' id='put'><query xmlns='jabber:iq:roster'>"
		   "<item jid='contact%" PRIu32 "@%s' name='Contact%" PRIu32 "'/></query></iq>",
		   contact, client->load->opt.domain, contact);
}

static void ready(struct client *client)
{
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	struct collect *collect = client->load->data;

	if (!scan_is(element, "iq") || !bytes_is(scan_attr(element, BYTES_LIT("id")), "put"))
		return;
	if (bytes_is(scan_attr(element, BYTES_LIT("type")), "result"))
		collect->done++;
	else if (collect->refused++ == 0)
		fprintf(stderr, "load: refused: %.*s\n", BYTES_ARG(element));
	hist_add(&collect->latency, now_ns - client->due_ns);
	if (collect->next[client->index] < collect->load.opt.contacts)
		put(client, now_ns);
}

static const struct load_ops ops = { ready, stanza };

static bool put_all(struct collect *collect)
{
	struct load *load = &collect->load;
	uint64_t all = (uint64_t)load->count * load->opt.contacts;
	struct stall stall;

	stall_start(&stall, load);
	for (uint32_t i = 0; i < load->count; i++)
		put(&load->clients[i], clock_ns());
	while (collect->done < all) {
		if (collect->refused > 0 || !stall_turn(&stall))
			return false;
	}
	return true;
}

static int run(const struct load_options *opt)
{
	struct load_options with_roster = *opt;
	static struct collect collect;
	struct meter meter;
	struct cost cost = { 0 };
	struct result result;

	with_roster.setup |= LOAD_SETUP_ROSTER;
	load_init(&collect.load, &with_roster, opt->users);
	collect.load.ops = &ops;
	collect.load.data = &collect;
	collect.next = calloc(opt->users, sizeof(uint32_t));
	check(collect.next);
	bool is_ok = load_login(&collect.load, 0, opt->users);
	if (is_ok) {
		meter_start(&meter, &collect.load);
		is_ok = put_all(&collect);
		cost = meter_stop(&meter);
	}
	result_begin(&result, &collect.load, "collect");
	result_u64(&result, "contacts", opt->contacts);
	result_cost(&result, &cost, collect.done);
	result_latency(&result, &collect.latency);
	result_u64(&result, "bounced", collect.refused);
	int rc = result_end(&result, &collect.load, is_ok && collect.refused == 0);
	load_logout(&collect.load);
	load_fini(&collect.load);
	free(collect.next);
	return rc;
}

const struct scenario scenario_collect = {
	.name = "collect",
	.summary = "roster changes: --contacts new contacts, one at a time a session",
	.users = 20,
	.run = run,
};
