/* The XMPP client of the load generator: RFC 6120 login with SCRAM-SHA-1, then its setup. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

static void header(struct client *client)
{
	const struct load_options *opt = &client->load->opt;

	scan_reset(&client->scan);
	client->state = CLIENT_FEATURES;
	buf_printf(client_out(client),
		   "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "
		   "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
		   opt->domain);
}

/*
 * The relay's login has as many round trips as the real one, so that its figure is the floor
 * under a login: 5, and 2 more with STARTTLS.
 */
static void relay_hello(struct client *client)
{
	client->state = CLIENT_RELAY;
	buf_printf(client_out(client), "%-8" PRIu32 "%-4" PRIu32 "%-150s\n", client->index,
		   client->rounds_left, "");
}

void client_start(struct client *client)
{
	if (!client->load->opt.is_relay) {
		header(client);
		return;
	}
	client->rounds_left = client->load->opt.tls == LOAD_TLS_STARTTLS ? 6 : 4;
	relay_hello(client);
}

static void become_ready(struct client *client)
{
	client->state = CLIENT_READY;
	client->load->pending--;
	client->load->ready++;
	arena_fini(&client->arena);
	client->load->ops->ready(client);
}

void client_relay_input(struct client *client, struct bytes line)
{
	if (line.ptr[line.len - 1] != '\n')
		return;
	if (client->rounds_left-- > 0) {
		relay_hello(client);
		return;
	}
	scan_reset(&client->scan);
	client->scan.depth = 1;
	become_ready(client);
}

static void authenticate(struct client *client)
{
	char user[64];

	snprintf(user, sizeof(user), "%s%" PRIu32, client->load->opt.prefix, client->index);
	struct bytes first = scram_first(&client->scram, &client->arena, user);
	buf_printf(client_out(client),
		   "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>"
		   "%.*s</auth>",
		   BYTES_ARG(first));
	client->state = CLIENT_CHALLENGE;
}

static bool offers_sm(struct bytes features)
{
	struct bytes ns = BYTES_LIT("urn:xmpp:sm:3");

	return memmem(features.ptr, features.len, ns.ptr, ns.len) != NULL;
}

static void on_features(struct client *client, struct bytes element)
{
	if (!scan_is(element, "stream:features")) {
		client_break(client, "expected features", element);
	} else if (client->load->opt.tls == LOAD_TLS_STARTTLS && !client->ssl) {
		client_send(client,
			    BYTES_LIT("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
		client->state = CLIENT_PROCEED;
	} else if (!client->is_authenticated) {
		authenticate(client);
	} else if (client->load->opt.setup & LOAD_SETUP_SM && !offers_sm(element)) {
		client_break(client, "stream management is not offered", element);
	} else {
		client_send(client, BYTES_LIT("<iq type='set' id='bind'>"
					      "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
					      "<resource>b</resource></bind></iq>"));
		client->state = CLIENT_BIND;
	}
}

static void on_proceed(struct client *client, struct bytes element)
{
	if (scan_is(element, "proceed"))
		client_start_tls(client);
	else
		client_break(client, "STARTTLS refused", element);
}

static void on_challenge(struct client *client, struct bytes element)
{
	struct bytes response;
	struct bytes text = scan_text(element, BYTES_LIT("<challenge"));

	if (bytes_is_none(text) ||
	    scram_answer(&client->scram, client->load->scram, client->load->opt.password, text,
			 &response) != 0) {
		client_break(client, "no usable challenge", element);
		return;
	}
	buf_printf(client_out(client),
		   "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%.*s</response>",
		   BYTES_ARG(response));
	client->state = CLIENT_SUCCESS;
}

static void on_success(struct client *client, struct bytes element)
{
	if (!scan_is(element, "success") ||
	    !scram_is_server(&client->scram, scan_text(element, BYTES_LIT("<success")))) {
		client_break(client, "login refused", element);
		return;
	}
	client->is_authenticated = true;
	header(client);
}

/* Everything is sent at once; the answer to the ping says that all of it was handled. */
static void send_setup(struct client *client)
{
	uint32_t setup = client->load->opt.setup;

	if (setup & LOAD_SETUP_SM)
		client_send(client, BYTES_LIT("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
	if (setup & LOAD_SETUP_ROSTER)
		client_send(client, BYTES_LIT("<iq type='get' id='roster'>"
					      "<query xmlns='jabber:iq:roster'/></iq>"));
	if (setup & LOAD_SETUP_CARBONS)
		client_send(client, BYTES_LIT("<iq type='set' id='carbons'>"
					      "<enable xmlns='urn:xmpp:carbons:2'/></iq>"));
	if (setup & LOAD_SETUP_PRESENCE)
		client_send(client,
			    BYTES_LIT("<presence><c xmlns='http://jabber.org/protocol/caps' "
				      "hash='sha-1' node='https://hearth.example/bench' "
				      "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>"));
	buf_printf(client_out(client),
		   "<iq type='get' id='setup' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		   client->load->opt.domain);
	client->state = CLIENT_SETUP;
}

static void on_bind(struct client *client, struct bytes element)
{
	char jid[256];
	const struct load_options *opt = &client->load->opt;

	int n = snprintf(jid, sizeof(jid), "%s%" PRIu32 "@%s/b", opt->prefix, client->index,
			 opt->domain);
	if (!bytes_equal(scan_text(element, BYTES_LIT("<jid")), bytes_make(jid, (size_t)n)))
		client_break(client, "bind failed", element);
	else if (opt->setup)
		send_setup(client);
	else
		become_ready(client);
}

static void on_setup(struct client *client, struct bytes element)
{
	struct bytes id = scan_attr(element, BYTES_LIT("id"));

	if (scan_is(element, "failed")) {
		client_break(client, "stream management refused", element);
	} else if (bytes_is(id, "carbons") &&
		   !bytes_is(scan_attr(element, BYTES_LIT("type")), "result")) {
		client_break(client, "carbons refused", element);
	} else if (scan_is(element, "iq") && bytes_is(id, "setup")) {
		become_ready(client);
	}
}

/* Answers what belongs to the stream (XEP-0198); true if the element was of that kind. */
static bool manage_stream(struct client *client, struct bytes element)
{
	if (scan_is(element, "r")) {
		buf_printf(client_out(client), "<a xmlns='urn:xmpp:sm:3' h='%" PRIu32 "'/>",
			   client->sm_in);
		return true;
	}
	if (scan_is(element, "a"))
		return true;
	if (scan_is(element, "enabled")) {
		client->has_sm = true;
		client->sm_in = 0;
		return true;
	}
	if (client->has_sm)
		client->sm_in++;
	return false;
}

/* What a server may ask: a roster push is taken note of, anything else is not known. */
static bool answer_request(struct client *client, struct bytes element)
{
	if (!scan_is(element, "iq"))
		return false;
	struct bytes type = scan_attr(element, BYTES_LIT("type"));
	struct bytes id = scan_attr(element, BYTES_LIT("id"));
	struct bytes from = scan_attr(element, BYTES_LIT("from"));
	if (bytes_is(type, "set"))
		buf_printf(client_out(client), "<iq type='result' id='%.*s'/>", BYTES_ARG(id));
	else if (bytes_is(type, "get"))
		buf_printf(client_out(client),
			   "<iq type='error' id='%.*s' to='%.*s'><error type='cancel'>"
			   "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
			   "</error></iq>",
			   BYTES_ARG(id), BYTES_ARG(from));
	else
		return false;
	return true;
}

static void on_stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	if (manage_stream(client, element) || answer_request(client, element))
		return;
	if (client->state == CLIENT_SETUP)
		on_setup(client, element);
	else
		client->load->ops->stanza(client, element, now_ns);
}

void client_input(struct client *client, enum scan_kind kind, struct bytes element,
		  uint64_t now_ns)
{
	if (client->state == CLIENT_CLOSING)
		return;
	if (kind == SCAN_HEADER)
		return;
	if (kind == SCAN_CLOSE || scan_is(element, "stream:error")) {
		client_break(client, "the server ended the stream", element);
		return;
	}
	switch (client->state) {
	case CLIENT_FEATURES:
		on_features(client, element);
		break;
	case CLIENT_PROCEED:
		on_proceed(client, element);
		break;
	case CLIENT_CHALLENGE:
		on_challenge(client, element);
		break;
	case CLIENT_SUCCESS:
		on_success(client, element);
		break;
	case CLIENT_BIND:
		on_bind(client, element);
		break;
	case CLIENT_SETUP:
	case CLIENT_READY:
		on_stanza(client, element, now_ns);
		break;
	default:
		check(false);
	}
}
