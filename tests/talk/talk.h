/* The conversation-script runner: see README.md. Single-threaded; errors end the program. */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "base/arena.h"
#include "base/table.h"
#include "xml/stanza.h"

/* --- the server under test (world.c) ----------------------------------------------------- */

struct world_options {
	unsigned shards;
	uint64_t seed;		/* of the order inside phases; 0: as registered */
	const char *plugins[8]; /* .so files to load */
	unsigned plugin_count;
	uint64_t mail_soft_bytes, mail_hard_bytes; /* 0: as the server's */
	const char *data_dir;			   /* sqlite there; NULL: the memory engine */
};

/* Once per process: features, options. */
void world_register(const struct world_options *options);
/* A fresh server; ends the one before. */
void world_start(void);
void world_add_domain(struct bytes name);
/* domain NONE: of the server. Before world_open(). */
void world_set_option(struct bytes domain, struct bytes name, struct bytes value);
/* Starts the shards with what was said; idempotent. */
void world_open(void);
void world_end(void);
/* Turns all shards until nothing happens. */
void world_settle(void);
void world_clock(uint64_t ms);
void world_add_account(struct bytes jid);
void world_delete_account(struct bytes jid);
/* Docs and map items that the store has of this account. */
int world_count_rows(struct bytes jid);
void world_set_administrator(struct bytes jid, bool is_administrator);
/* The same, not waiting until it is done. */
void world_begin_delete(struct bytes jid);
/* While it runs: serves one more domain, or one less. */
void world_publish(struct bytes name, bool is_served);
/* Ends the sessions of a full or bare JID; returns how many. */
unsigned world_kick(struct bytes jid);
/* All sessions end, and the server comes up again with the same store. */
void world_restart(void);
/* One side of a subscription is lost, as by a restored backup. */
void world_lose_contact(struct bytes owner, struct bytes contact);
/* Shared groups, as an administrator changes them; 0 or what core says. */
int world_group_put(struct bytes domain, struct bytes name, struct bytes display,
		    bool is_everybody);
int world_group_del(struct bytes domain, struct bytes name);
int world_group_member(struct bytes domain, struct bytes name, struct bytes jid, bool is_added);
bool world_has_plugin(void);
struct store *world_store(void);
/* For unit tests, which turn single shards. */
struct shards *world_shards(void);

/* --- clients (client.c) ---------------------------------------------------------------------
 */

struct client;

struct client *client_new(struct bytes name, struct bytes jid);
void client_free(struct client **client);
struct bytes client_name(const struct client *client);
/* These attributes stand in the stream headers of its connections from now on. */
void client_declare(struct client *client, struct bytes attributes);
/* A connection on which nothing was said. */
void client_dial(struct client *client);
/* Up to where it may bind; and the request for that, not waiting for the answer. */
bool client_authenticate(struct client *client, const char **ret_reason);
void client_ask_bind(struct client *client);
/* A connection with a stream header on it; the features are there to be received. */
void client_begin(struct client *client);
void client_set_password(struct client *client, struct bytes password);
/* At most 16 bytes. */
void client_set_network(struct client *client, struct bytes network);
/* True if it is bound now; false: the server refused, *ret_reason says at what. */
bool client_connect(struct client *client, const char **ret_reason);
/* What the server said when it refused; lives as long as the client. */
struct bytes client_surprise(const struct client *client);
void client_send(struct client *client, struct bytes xml);
/* The next element received, a new reference; NULL if there is none. */
struct stanza *client_take(struct client *client);
/* Where it is served. */
unsigned client_shard(const struct client *client);
/* Bytes that it sent and that the server has not taken yet. */
size_t client_unread(const struct client *client);
bool client_is_closed(struct client *client);
void client_close(struct client *client);
void client_cut(struct client *client);
void client_stall(struct client *client, bool is_stalled);

/* --- matching (match.c) ----------------------------------------------------------------------
 */

/* A variable bound by a match. */
struct variables {
	struct table by_name;
	struct arena arena;
};

void variables_init(struct variables *variables);
void variables_fini(struct variables *variables);
void variable_set(struct variables *variables, struct bytes name, struct bytes value);
/*
 * {x} replaced by its value where it is bound, {text*N} by N times text; in the arena of the
 * variables.
 */
struct bytes variables_fill(struct variables *variables, struct bytes text);

/* The elements of a block, in an array that lives in the arena; fails on bad XML (false). */
bool match_parse_block(struct arena *arena, struct bytes xml, struct stanza ***ret_elements,
		       size_t *ret_count);
/* True if the element is as expected; binds variables only then. */
bool match_element(const struct xnode *expected, const struct xnode *actual,
		   struct variables *variables);
/* The whole element as text, for people. */
struct bytes match_show(struct arena *arena, const struct stanza *stanza);

/* --- scripts (script.c)
 * ------------------------------------------------------------------------- */

enum script_result { SCRIPT_FAILED, SCRIPT_PASSED, SCRIPT_SKIPPED };

/* Plays one script. Reports failures to stderr as file:line. */
enum script_result script_play(const char *path);

#endif
