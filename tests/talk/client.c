#include "talk.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/codec.h"
#include "stream/carrier_memory.h"
#include "xml/framer.h"
#include "xml/parse.h"
#include "xmpp/hash.h"
#include "xmpp/jid.h"

struct client {
	struct memory_client *memory;
	struct framer framer;
	struct arena arena;
	struct jid jid;
	struct bytes surprise; /* came when something else was expected */
	struct bytes declared; /* more attributes of its stream headers */
	struct bytes password;
	struct bytes network; /* what limits count it by; empty: nothing */
	char name[64];
};

struct client *client_new(struct bytes name, struct bytes jid)
{
	struct client *client = calloc(1, sizeof(*client));

	check(client != NULL && name.len < sizeof(client->name));
	memcpy(client->name, name.ptr, name.len);
	arena_init(&client->arena, 1024);
	check(jid_parse(&client->arena, jid, &client->jid, NULL) == 0);
	client->password = BYTES_LIT("secret");
	client->network = BYTES_LIT("");
	return client;
}

void client_free(struct client **client)
{
	if (*client == NULL)
		return;
	memory_client_free(&(*client)->memory);
	arena_fini(&(*client)->arena);
	free(*client);
	*client = NULL;
}

struct bytes client_name(const struct client *client)
{
	return bytes_of(client->name);
}

struct bytes client_surprise(const struct client *client)
{
	return client->surprise;
}

void client_send(struct client *client, struct bytes xml)
{
	memory_client_send(client->memory, xml);
}

static void client_open(struct client *client)
{
	framer_init(&client->framer, 1 << 24, 200);
	client_send(client,
		    arena_printf(scratch(),
				 "<?xml version='1.0'?><stream:stream to='%.*s' version='1.0' "
				 "xmlns='jabber:client' "
				 "xmlns:stream='http://etherx.jabber.org/streams' %.*s>",
				 BYTES_ARG(jid_domain(client->jid)),
				 BYTES_ARG(client->declared)));
	world_settle();
}

/* Skips the server's stream header; its end leaves the queue for client_is_closed. */
struct stanza *client_take(struct client *client)
{
	static const struct xml_binding binding = { BYTES_LIT("stream"),
						    BYTES_LIT(XML_NS_STREAMS) };
	struct parse_context context = { .default_ns = BYTES_LIT(XML_NS_CLIENT),
					 .content_ns = BYTES_LIT(XML_NS_CLIENT),
					 .bindings = &binding,
					 .binding_count = 1 };
	struct stanza *stanza = NULL;
	struct frame frame;
	int kind;

	while (client->memory != NULL && stanza == NULL) {
		struct bytes window = memory_client_received(client->memory);
		kind = framer_next(&client->framer, window, &frame);
		check(kind >= FRAME_MORE);
		if (kind == FRAME_MORE || kind == FRAME_CLOSE)
			break;
		if (kind == FRAME_STANZA)
			check(parse_element(&context,
					    bytes_make(window.ptr + frame.offset, frame.len),
					    &stanza, NULL) == 0);
		memory_client_consume(client->memory, frame.offset + frame.len);
		if (stanza != NULL && bytes_is(stanza->name, "success"))
			framer_init(&client->framer, 1 << 24, 200); /* another stream */
	}
	return stanza;
}

/* What came instead of what was hoped for, for the report. */
static void client_remember(struct client *client, const struct stanza *stanza)
{
	client->surprise =
		stanza == NULL ? BYTES_LIT("nothing") : match_show(&client->arena, stanza);
}

static bool client_expect(struct client *client, const char *name, struct bytes *ret_text)
{
	struct stanza *stanza;
	bool is_it;

	world_settle();
	stanza = client_take(client);
	is_it = stanza != NULL && bytes_is(stanza->name, name);
	if (!is_it)
		client_remember(client, stanza);
	if (is_it && ret_text != NULL)
		*ret_text =
			arena_copy(&client->arena, xnode_text(stanza_root(stanza), scratch()));
	stanza_unref(&stanza);
	return is_it;
}

/* The client's side of SCRAM-SHA-1 (RFC 5802 section 3), without channel binding. */
static struct bytes client_proof(struct arena *arena, struct bytes password,
				 struct bytes first_bare, struct bytes server_first)
{
	struct bytes rest = server_first, salt = BYTES_NONE, nonce = BYTES_NONE;
	uint8_t salted[20], key[20], stored[20], signature[20];
	struct bytes part, without_proof;
	uint64_t rounds = 0;

	while (!bytes_is_none(part = bytes_cut(&rest, ',')) && part.len > 2) {
		struct bytes value = bytes_skip(part, 2);
		if (part.ptr[0] == 'r')
			nonce = value;
		else if (part.ptr[0] == 's')
			check(base64_decode(arena, value, &salt) == 0);
		else if (part.ptr[0] == 'i')
			check(bytes_to_u64(value, &rounds) == 0);
	}
	without_proof = arena_printf(arena, "c=biws,r=%.*s", BYTES_ARG(nonce));
	struct bytes message = arena_printf(arena, "%.*s,%.*s,%.*s", BYTES_ARG(first_bare),
					    BYTES_ARG(server_first), BYTES_ARG(without_proof));
	hash_pbkdf2(HASH_SHA1, password, salt, (uint32_t)rounds, salted, 20);
	hash_hmac(HASH_SHA1, bytes_make(salted, 20), BYTES_LIT("Client Key"), key);
	hash_digest(HASH_SHA1, bytes_make(key, 20), stored);
	hash_hmac(HASH_SHA1, bytes_make(stored, 20), message, signature);
	for (int i = 0; i < 20; i++)
		key[i] ^= signature[i];
	struct bytes proof = base64_encode(arena, bytes_make(key, 20));
	return arena_printf(arena, "%.*s,p=%.*s", BYTES_ARG(without_proof), BYTES_ARG(proof));
}

static bool client_login(struct client *client)
{
	struct arena *arena = &client->arena;
	struct bytes bare =
		arena_printf(arena, "n=%.*s,r=clientnonce", BYTES_ARG(jid_local(client->jid)));
	struct bytes first =
		base64_encode(arena, arena_printf(arena, "n,,%.*s", BYTES_ARG(bare)));
	struct bytes challenge, server_first;

	client_send(client, arena_printf(arena,
					 "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
					 "mechanism='SCRAM-SHA-1'>%.*s</auth>",
					 BYTES_ARG(first)));
	if (!client_expect(client, "challenge", &challenge))
		return false;
	check(base64_decode(arena, challenge, &server_first) == 0);
	struct bytes final =
		base64_encode(arena, client_proof(arena, client->password, bare, server_first));
	client_send(client, arena_printf(arena,
					 "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
					 "%.*s</response>",
					 BYTES_ARG(final)));
	return client_expect(client, "success", NULL);
}

void client_ask_bind(struct client *client)
{
	client_send(client,
		    arena_printf(scratch(),
				 "<iq type='set' id='bind'><bind "
				 "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%.*s"
				 "</resource></bind></iq>",
				 BYTES_ARG(jid_resource(client->jid))));
}

static bool client_bind(struct client *client)
{
	struct stanza *result;
	bool is_bound;

	client_ask_bind(client);
	world_settle();
	result = client_take(client);
	is_bound = result != NULL && bytes_is(result->type, "result");
	if (!is_bound)
		client_remember(client, result);
	stanza_unref(&result);
	return is_bound;
}

void client_declare(struct client *client, struct bytes attributes)
{
	client->declared = arena_copy(&client->arena, attributes);
}

void client_dial(struct client *client)
{
	memory_client_free(&client->memory);
	client->memory = memory_connect(
		&(struct memory_options){ .is_secure = true, .network = client->network });
	framer_init(&client->framer, 1 << 24, 200);
}

bool client_authenticate(struct client *client, const char **ret_reason)
{
	client_dial(client);
	client_open(client);
	*ret_reason = "stream";
	if (!client_expect(client, "features", NULL))
		return false;
	*ret_reason = "login";
	if (!client_login(client))
		return false;
	*ret_reason = "second stream";
	client_open(client);
	return client_expect(client, "features", NULL);
}

void client_begin(struct client *client)
{
	client_dial(client);
	client_open(client);
}

void client_set_password(struct client *client, struct bytes password)
{
	client->password = arena_copy(&client->arena, password);
}

void client_set_network(struct client *client, struct bytes network)
{
	client->network = arena_copy(&client->arena, network);
}

bool client_connect(struct client *client, const char **ret_reason)
{
	if (!client_authenticate(client, ret_reason))
		return false;
	*ret_reason = "bind";
	return client_bind(client);
}

unsigned client_shard(const struct client *client)
{
	return memory_client_shard(client->memory);
}

size_t client_unread(const struct client *client)
{
	return memory_client_unread(client->memory);
}

bool client_is_closed(struct client *client)
{
	return client->memory == NULL || memory_client_is_closed(client->memory);
}

void client_close(struct client *client)
{
	client_send(client, BYTES_LIT("</stream:stream>"));
}

void client_cut(struct client *client)
{
	memory_client_cut(client->memory);
}

void client_stall(struct client *client, bool is_stalled)
{
	memory_client_stall(client->memory, is_stalled);
}
