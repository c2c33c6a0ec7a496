/*
 * A carrier in memory, for tests, fuzzers and the conversation-script runner: the test holds
 * the client's end. Shards run by hand on one thread; the client may be used from any of them.
 *
 * 	client = memory_connect(&(struct memory_options){ .is_secure = true });
 * 	memory_client_send(client, BYTES_LIT("<stream:stream …>"));
 * 	shards_run_until_idle(shards);
 * 	… memory_client_received(client) …
 * 	memory_client_free(&client);
 */
#ifndef STREAM_CARRIER_MEMORY_H
#define STREAM_CARRIER_MEMORY_H

#include "base/bytes.h"

struct memory_client;

struct memory_options {
	bool is_framed;	      /* RFC 7395 messages */
	bool is_secure;	      /* from the start */
	bool has_starttls;    /* memory_client_handshake() works */
	bool has_bindings;    /* channel binding once secure */
	struct bytes network; /* what limits count by; empty: not limited; at most 16 bytes */
};

/* A new client on the shard the thread has entered; the server may have refused it already. */
struct memory_client *memory_connect(const struct memory_options *options);
/* Breaks the connection if it stands; NULL is accepted. */
void memory_client_free(struct memory_client **client);

/* Queues bytes (framed: one message); the server sees them when its shard turns. */
void memory_client_send(struct memory_client *client, struct bytes bytes);
/* After <proceed/>: the handshake is done when the shard turns. */
void memory_client_handshake(struct memory_client *client);
/* The client breaks the connection. */
void memory_client_cut(struct memory_client *client);
/* A client that does not read: what is sent to it counts as queued. */
void memory_client_stall(struct memory_client *client, bool is_stalled);

/* What the server sent so far and was not consumed; borrowed until the next turn. */
struct bytes memory_client_received(const struct memory_client *client);
void memory_client_consume(struct memory_client *client, size_t len);
/* The server ended the connection. */
bool memory_client_is_closed(const struct memory_client *client);
/* The server asked for the handshake. */
bool memory_client_is_securing(const struct memory_client *client);
/* The shard that serves it now. */
unsigned memory_client_shard(const struct memory_client *client);
/* Bytes sent and not yet consumed by the server. */
size_t memory_client_unread(const struct memory_client *client);
/* What the carrier gives for tls-exporter and tls-server-end-point, for a client's proof. */
struct bytes memory_exporter(void);
struct bytes memory_end_point(void);

#endif
