/*
 * Presence: users on a ring, each with --contacts mutual subscriptions to its neighbours. A
 * session changes its status; the change is over when all contacts have it, and then the next
 * session's turn comes. --window changes are in the air. The operation is one delivered
 * presence stanza (the copy that a server sends back to the sender's own session is checked,
 * not counted).
 */
#include "scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

enum { SETTLE_MS = 1000, SETTLE_MAX_MS = 60000 };

struct ring {
	struct load load;
	struct flow *flows; /* [receiver * contacts + slot of the sender] */
	uint32_t *next_seq;
	uint32_t *awaited; /* deliveries of client i's last change still to come */
	uint32_t turn;	   /* whose change is next */
	struct tally tally;
	struct hist latency;
	bool is_running;
};

static void change(struct ring *ring, uint64_t now_ns)
{
	uint32_t i = ring->turn++ % ring->load.count;
	struct buf *out = client_out(&ring->load.clients[i]);
	struct mark mark = { i, MARK_ALL, ring->next_seq[i]++, now_ns };

	buf_append(out, BYTES_LIT("<presence><show>away</show><status>"));
	mark_write(out, &mark);
	buf_append(out, BYTES_LIT("</status></presence>"));
	ring->awaited[i] += ring->load.opt.contacts;
	ring->tally.sent += ring->load.opt.contacts;
}

/* Neighbours at distance ±1 … ±contacts/2 have slots 0 … contacts - 1; -1 for strangers. */
static int slot_of(const struct ring *ring, uint32_t receiver, uint32_t sender)
{
	uint32_t n = ring->load.count;
	uint32_t half = ring->load.opt.contacts / 2;
	uint32_t ahead = (sender + n - receiver) % n;

	if (ahead >= 1 && ahead <= half)
		return (int)ahead - 1;
	uint32_t behind = n - ahead;
	return behind >= 1 && behind <= half ? (int)(half + behind - 1) : -1;
}

static bool is_from(const struct ring *ring, struct bytes element, uint32_t sender)
{
	char jid[256];
	int n = snprintf(jid, sizeof(jid), "%s%" PRIu32 "@%s/b", ring->load.opt.prefix, sender,
			 ring->load.opt.domain);

	return bytes_equal(scan_attr(element, BYTES_LIT("from")), bytes_make(jid, (size_t)n));
}

static void arrive(struct ring *ring, struct client *client, const struct mark *mark,
		   uint64_t now_ns)
{
	int slot = slot_of(ring, client->index, mark->from);
	size_t flow = client->index * ring->load.opt.contacts + (uint32_t)slot;

	if (slot < 0) {
		ring->tally.misrouted++;
		return;
	}
	if (!flow_arrive(&ring->flows[flow], mark->seq, &ring->tally))
		return;
	hist_add(&ring->latency, now_ns - mark->due_ns);
	if (--ring->awaited[mark->from] == 0 && ring->is_running)
		change(ring, now_ns);
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	struct ring *ring = client->load->data;
	struct mark mark;

	if (!scan_is(element, "presence"))
		return;
	struct bytes status = scan_text(element, BYTES_LIT("<status"));
	if (bytes_is_none(status))
		return; /* the first presence, from before the measurement */
	if (mark_read(status, &mark) != 0 || mark.from >= ring->load.count)
		ring->tally.corrupted++;
	else if (!is_from(ring, element, mark.from))
		ring->tally.misrouted++;
	else if (mark.from != client->index)
		arrive(ring, client, &mark, now_ns);
}

static void ready(struct client *client)
{
}

static const struct load_ops ops = { ready, stanza };

static void turn_for(struct ring *ring, double seconds)
{
	uint64_t end = clock_ns() + (uint64_t)(seconds * 1e9);

	while (clock_ns() < end && ring->load.broken == 0)
		load_turn(&ring->load, end);
}

static void drain(struct ring *ring)
{
	ring->is_running = false;
	load_drain(&ring->load, &ring->tally);
	load_settle(&ring->load, 100, 1000);
}

static void ring_init(struct ring *ring, const struct load_options *opt)
{
	struct load_options with_presence = *opt;

	with_presence.setup |= LOAD_SETUP_ROSTER | LOAD_SETUP_PRESENCE;
	*ring = (struct ring){ 0 };
	load_init(&ring->load, &with_presence, opt->users);
	ring->load.ops = &ops;
	ring->load.data = ring;
	ring->flows = calloc((size_t)opt->users * opt->contacts, sizeof(struct flow));
	ring->next_seq = calloc(opt->users, sizeof(uint32_t));
	ring->awaited = calloc(opt->users, sizeof(uint32_t));
	check(ring->flows && ring->next_seq && ring->awaited);
}

static void ring_fini(struct ring *ring)
{
	load_logout(&ring->load);
	load_fini(&ring->load);
	free(ring->flows);
	free(ring->next_seq);
	free(ring->awaited);
}

static uint64_t measure(struct ring *ring, struct cost *ret_cost)
{
	struct meter meter;
	double seconds = ring->load.opt.seconds;

	ring->is_running = true;
	for (uint32_t i = 0; i < ring->load.opt.window; i++)
		change(ring, clock_ns());
	turn_for(ring, seconds / 5);
	hist_reset(&ring->latency);
	uint64_t before = ring->tally.received;
	meter_start(&meter, &ring->load);
	turn_for(ring, seconds);
	*ret_cost = meter_stop(&meter);
	uint64_t count = ring->tally.received - before;
	drain(ring);
	return count;
}

static int run(const struct load_options *opt)
{
	static struct ring ring;
	struct cost cost = { 0 };
	struct result result;
	uint64_t count = 0;

	check(opt->contacts % 2 == 0 && opt->contacts < opt->users &&
	      opt->window <= opt->users);
	ring_init(&ring, opt);
	bool is_ok = load_login(&ring.load, 0, opt->users);
	if (is_ok) {
		load_settle(&ring.load, SETTLE_MS, SETTLE_MAX_MS);
		count = measure(&ring, &cost);
	}
	result_begin(&result, &ring.load, "presence");
	result_u64(&result, "contacts", opt->contacts);
	result_u64(&result, "window", opt->window);
	result_cost(&result, &cost, count);
	result_latency(&result, &ring.latency);
	result_tally(&result, &ring.tally);
	int rc = result_end(&result, &ring.load, is_ok && tally_is_clean(&ring.tally));
	ring_fini(&ring);
	return rc;
}

const struct scenario scenario_presence = {
	.name = "presence",
	.summary = "status changes to --contacts contacts on a ring of --users",
	.users = 1000,
	.run = run,
};
