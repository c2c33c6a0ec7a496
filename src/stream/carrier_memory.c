#include "stream/carrier_memory.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "io/shard.h"
#include "stream/carrier.h"

enum { LOW_MARK_BYTES = 16384, NETWORK_MAX_BYTES = 16 };

/*
 * Both ends in one object: the server's carrier and the client's handle. It goes when both have
 * let go of it.
 */
struct memory_client {
	struct carrier base;
	struct memory_options options;
	uint8_t network[NETWORK_MAX_BYTES];
	struct shard *shard;
	struct buf input;    /* sent by the client, not consumed; framed: length and bytes */
	struct buf received; /* sent by the server */
	size_t queued;	     /* of received: sent while the client was stalled */
	struct call pump;
	struct mail mail;
	bool is_secure;
	bool is_securing;   /* start_tls was called */
	bool is_handshaken; /* the client did its part */
	bool is_paused;
	bool is_moving;
	bool is_cut; /* by the client while it was moving */
	bool is_stalled;
	bool is_drain_due;
	bool is_closed; /* the server has let go */
	bool is_orphan; /* the client has let go */
};

static struct memory_client *client_of(const struct carrier *carrier)
{
	return container_of((void *)(uintptr_t)carrier, struct memory_client, base);
}

static void collect(struct memory_client *client)
{
	if (!client->is_closed || !client->is_orphan)
		return;
	call_cancel(&client->pump);
	buf_fini(&client->input);
	buf_fini(&client->received);
	block_free(client);
}

/* Runs pump() when the serving shard turns. */
static void wake(struct memory_client *client)
{
	if (!client->is_closed && !client->is_moving)
		loop_defer(&client->shard->loop, &client->pump);
}

/* --- downcalls of the stream */

static void memory_send(struct carrier *carrier, struct bytes head,
			const struct stanza *tail_of)
{
	struct memory_client *client = client_of(carrier);
	size_t before = client->received.len;

	buf_append(&client->received, head);
	if (tail_of)
		buf_append(&client->received, stanza_tail(tail_of));
	if (client->is_stalled)
		client->queued += client->received.len - before;
}

static void memory_close(struct carrier *carrier)
{
	struct memory_client *client = client_of(carrier);

	client->is_closed = true;
	call_cancel(&client->pump);
	collect(client);
}

static void memory_pause(struct carrier *carrier, bool paused)
{
	struct memory_client *client = client_of(carrier);

	client->is_paused = paused;
	if (!paused)
		wake(client);
}

static size_t memory_queued_bytes(const struct carrier *carrier)
{
	return client_of(carrier)->queued;
}

static int memory_start_tls(struct carrier *carrier, const struct domain *domain)
{
	struct memory_client *client = client_of(carrier);

	(void)domain;
	client->is_securing = true;
	return 0;
}

static bool memory_can_start_tls(const struct carrier *carrier)
{
	const struct memory_client *client = client_of(carrier);

	return client->options.has_starttls && !client->is_secure;
}

static bool memory_is_secure(const struct carrier *carrier)
{
	return client_of(carrier)->is_secure;
}

static int memory_channel_binding(const struct carrier *carrier, enum sasl_binding binding,
				  struct arena *arena, struct bytes *ret_data)
{
	const struct memory_client *client = client_of(carrier);

	if (!client->is_secure || !client->options.has_bindings ||
	    binding == SASL_BINDING_TLS_UNIQUE)
		return -ENOENT;
	*ret_data =
		arena_copy(arena, binding == SASL_BINDING_TLS_EXPORTER ? memory_exporter()
								       : memory_end_point());
	return 0;
}

static struct bytes memory_peer(const struct carrier *carrier, struct arena *arena)
{
	(void)carrier;
	(void)arena;
	return BYTES_LIT("memory");
}

static struct bytes memory_network(const struct carrier *carrier)
{
	return client_of(carrier)->options.network;
}

static void arrive(struct mail *mail)
{
	struct memory_client *client = container_of(mail, struct memory_client, mail);

	client->is_moving = false;
	client->shard = shard_self();
	stream_on_moved(client->base.stream);
	if (client->is_closed)
		return;
	if (client->is_cut)
		memory_client_cut(client);
	else
		wake(client);
}

static void memory_move(struct carrier *carrier, unsigned shard)
{
	struct memory_client *client = client_of(carrier);

	call_cancel(&client->pump);
	client->is_moving = true;
	client->mail = (struct mail){ .name = "memory.move", .deliver = arrive };
	mailbox_post(shard, &client->mail);
}

#define MEMORY_OPS(is_framed_)                                                        \
	{                                                                             \
		.name = "memory", .is_framed = (is_framed_), .send = memory_send,     \
		.close = memory_close, .pause = memory_pause,                         \
		.queued_bytes = memory_queued_bytes, .start_tls = memory_start_tls,   \
		.can_start_tls = memory_can_start_tls, .is_secure = memory_is_secure, \
		.channel_binding = memory_channel_binding, .peer = memory_peer,       \
		.network = memory_network, .move = memory_move,                       \
	}

static const struct carrier_ops memory_ops = MEMORY_OPS(false);
static const struct carrier_ops framed_ops = MEMORY_OPS(true);

/* --- upcalls */

static void pump_bytes(struct memory_client *client)
{
	/* What comes during the upcall (another pump, a handshake) must not move the window. */
	struct buf window = client->input;
	size_t used;

	buf_init(&client->input, 0);
	used = stream_on_bytes(client->base.stream, buf_bytes(&window));
	check(used <= window.len);
	if (!client->is_closed && !client->is_securing) {
		buf_consume(&window, used);
		buf_append(&window, buf_bytes(&client->input));
		buf_fini(&client->input);
		client->input = window;
		return;
	}
	buf_fini(&window);
}

static void pump_messages(struct memory_client *client)
{
	while (client->input.len > 0 && !client->is_paused && !client->is_closed) {
		struct arena_mark mark = arena_mark(scratch());
		struct bytes message;
		uint32_t len;

		memcpy(&len, client->input.ptr, sizeof(len));
		message =
			arena_copy(scratch(), bytes_make(client->input.ptr + sizeof(len), len));
		buf_consume(&client->input, sizeof(len) + len);
		stream_on_message(client->base.stream, message);
		arena_release(scratch(), mark);
	}
}

static void finish_handshake(struct memory_client *client)
{
	client->is_securing = client->is_handshaken = false;
	client->is_secure = true;
	stream_on_secured(client->base.stream);
}

static void pump(struct call *call)
{
	struct memory_client *client = container_of(call, struct memory_client, pump);
	bool was_orphan = client->is_orphan;

	/* Kept while upcalls run, whatever they close. */
	client->is_orphan = false;
	if (client->is_handshaken && client->is_securing)
		finish_handshake(client);
	if (!client->is_closed && client->is_drain_due) {
		client->is_drain_due = false;
		stream_on_drained(client->base.stream);
	}
	if (!client->is_closed && !client->is_paused && !client->is_securing &&
	    client->input.len > 0) {
		if (client->options.is_framed)
			pump_messages(client);
		else
			pump_bytes(client);
	}
	client->is_orphan = was_orphan;
	collect(client);
}

/* --- the client's end */

struct memory_client *memory_connect(const struct memory_options *options)
{
	struct memory_client *client = block_alloc_zeroed(sizeof(*client));

	check(options->network.len <= NETWORK_MAX_BYTES);
	client->options = *options;
	if (options->network.len > 0)
		memcpy(client->network, options->network.ptr, options->network.len);
	client->options.network = bytes_make(client->network, options->network.len);
	client->is_secure = options->is_secure;
	client->base.ops = options->is_framed ? &framed_ops : &memory_ops;
	client->shard = shard_self();
	buf_init(&client->input, 0);
	buf_init(&client->received, 0);
	call_init(&client->pump, pump);
	if (!stream_new(&client->base, STREAM_START_PLAIN))
		client->is_closed = true;
	return client;
}

void memory_client_free(struct memory_client **client)
{
	if (!*client)
		return;
	memory_client_cut(*client);
	(*client)->is_orphan = true;
	collect(*client);
	*client = NULL;
}

void memory_client_send(struct memory_client *client, struct bytes bytes)
{
	uint32_t len = (uint32_t)bytes.len;

	if (client->options.is_framed)
		buf_append(&client->input, bytes_make(&len, sizeof(len)));
	buf_append(&client->input, bytes);
	wake(client);
}

void memory_client_handshake(struct memory_client *client)
{
	client->is_handshaken = true;
	wake(client);
}

void memory_client_cut(struct memory_client *client)
{
	struct shard *before;

	if (client->is_closed)
		return;
	client->is_cut = true;
	if (client->is_moving)
		return;
	before = shard_enter(client->shard);
	client->is_closed = true;
	call_cancel(&client->pump);
	stream_on_lost(client->base.stream);
	shard_enter(before);
	collect(client);
}

void memory_client_stall(struct memory_client *client, bool is_stalled)
{
	client->is_stalled = is_stalled;
	if (is_stalled)
		return;
	client->is_drain_due = client->queued > LOW_MARK_BYTES;
	client->queued = 0;
	wake(client);
}

struct bytes memory_client_received(const struct memory_client *client)
{
	return bytes_make(client->received.ptr ? client->received.ptr : "",
			  client->received.len);
}

void memory_client_consume(struct memory_client *client, size_t len)
{
	buf_consume(&client->received, len);
}

bool memory_client_is_closed(const struct memory_client *client)
{
	return client->is_closed;
}

bool memory_client_is_securing(const struct memory_client *client)
{
	return client->is_securing;
}

unsigned memory_client_shard(const struct memory_client *client)
{
	return client->shard->id;
}

size_t memory_client_unread(const struct memory_client *client)
{
	return client->input.len;
}

struct bytes memory_exporter(void)
{
	return BYTES_LIT("memory-exporter-32-bytes-of-data");
}

struct bytes memory_end_point(void)
{
	return BYTES_LIT("memory-end-point-hash-of-the-crt");
}
