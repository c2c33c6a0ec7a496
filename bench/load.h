/*
 * The load generator: one thread, one epoll, any number of XMPP clients. A scenario (see
 * scenario.h) decides who connects and what is sent; this header is what it stands on.
 *
 * A client's life: load_connect() -> the login (client.c) -> ops.ready() -> ops.stanza() for
 * each message, presence and iq -> client_close(). A server that closes or misbehaves is
 * counted in load->broken, with the first reason on stderr, and the run fails.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "proc.h"
#include "scan.h"
#include "scram.h"

enum load_tls { LOAD_TLS_NONE, LOAD_TLS_STARTTLS, LOAD_TLS_DIRECT };

/* What a client does between bind and ops.ready(). */
enum {
	LOAD_SETUP_ROSTER = 1,
	LOAD_SETUP_CARBONS = 2,
	LOAD_SETUP_SM = 4,
	LOAD_SETUP_PRESENCE = 8, /* with entity capabilities (XEP-0115) */
};

struct load_options {
	const char *server; /* its name in the results */
	const char *version;
	const char *host;
	const char *domain;
	const char *prefix; /* user i is <prefix><i>@<domain>, resource "b" */
	const char *password;
	const char *out;   /* results file, appended; NULL: only stdout */
	const char *cache; /* of salted passwords */
	const char *label; /* the case's name in the results */
	struct proc_set procs;
	uint16_t port;
	enum load_tls tls;
	bool is_relay;	  /* speak to bench/relay instead of a server */
	bool to_full_jid; /* chat: address the session, not the account */
	uint32_t setup;
	uint32_t users;
	uint32_t window;
	uint32_t rate; /* messages a second */
	uint32_t body_bytes;
	uint32_t concurrency; /* logins at a time */
	uint32_t contacts;
	double seconds;
	double patience_s; /* at the end, without any arrival */
};

enum client_state {
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_HANDSHAKE,
	CLIENT_FEATURES,  /* wait for the header and <stream:features/> */
	CLIENT_PROCEED,	  /* <starttls/> sent */
	CLIENT_CHALLENGE, /* <auth/> sent */
	CLIENT_SUCCESS,	  /* <response/> sent */
	CLIENT_BIND,
	CLIENT_SETUP,
	CLIENT_READY,
	CLIENT_RELAY, /* saying hello to the relay */
	CLIENT_CLOSING,
};

struct client {
	struct load *load;
	uint32_t index;
	enum client_state state;
	int fd;
	SSL *ssl;
	struct scan scan;
	struct buf in;	/* an unfinished stanza */
	struct buf out; /* written at the end of the loop's turn */
	bool is_dirty;
	bool wants_out;
	bool is_authenticated;
	bool has_sm;
	uint32_t sm_in; /* stanzas received since <enabled/> (XEP-0198) */
	uint32_t rounds_left;
	uint64_t due_ns; /* for the scenario */
	struct scram scram;
	struct arena arena; /* of the login */
};

struct load_ops {
	void (*ready)(struct client *client);
	/* The stanza is borrowed for the call. now_ns: when its bytes were read. */
	void (*stanza)(struct client *client, struct bytes stanza, uint64_t now_ns);
};

struct load {
	struct load_options opt;
	const struct load_ops *ops;
	void *data; /* the scenario's */
	int epoll;
	SSL_CTX *tls;
	struct scram_cache *scram;
	struct client *clients;
	uint32_t count;
	struct client **dirty;
	uint32_t dirty_count;
	uint32_t ready;	  /* clients in CLIENT_READY */
	uint32_t pending; /* clients on their way there */
	uint32_t broken;
	uint64_t reads; /* non-empty reads so far: a scenario sees whether anything still comes
			 */
	char tls_name[64];
	char *chunk; /* what a read fills */
};

/* --- net.c: sockets, TLS, the loop --- */

/* Room for `count` clients, none connected. Ends with load_fini. */
void load_init(struct load *load, const struct load_options *opt, uint32_t count);
void load_fini(struct load *load);
/* Opens the connection of client `index`; the login follows by itself. */
void load_connect(struct load *load, uint32_t index);
/*
 * Waits for input until `until_ns` (clock_ns), handles what came, writes what was queued.
 * Returns the number of events, 0 when time is up.
 */
int load_turn(struct load *load, uint64_t until_ns);
/* Queues bytes; they leave at the end of the turn. */
void client_send(struct client *client, struct bytes bytes);
/* The buffer behind client_send, for writing into it directly. */
struct buf *client_out(struct client *client);
/* Starts TLS on the connection, as the client. */
void client_start_tls(struct client *client);
/* Closes the socket at once. */
void client_close(struct client *client);
/* Counts a broken client, tells why (the first ten times), closes it. */
void client_break(struct client *client, const char *why, struct bytes detail);

/* --- client.c: the XMPP login --- */

/* TCP (and direct TLS) are up: say hello. */
void client_start(struct client *client);
/* One element came in. */
void client_input(struct client *client, enum scan_kind kind, struct bytes element,
		  uint64_t now_ns);
/* Bytes of the relay came in before it is ready; raw relaying is scanned like a stream. */
void client_relay_input(struct client *client, struct bytes line);

/* --- run.c: what scenarios share --- */

/* Connects clients first … first + count - 1 and waits until all are ready. False: some broke.
 */
bool load_login(struct load *load, uint32_t first, uint32_t count);
/* Turns until nothing has come for quiet_ms, at most max_ms. */
void load_settle(struct load *load, uint32_t quiet_ms, uint32_t max_ms);
/* Ends all streams politely and closes. */
void load_logout(struct load *load);

#endif
