/* Marked messages between pairs. */
#include "chat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

enum { SETTLE_MS = 300, SETTLE_MAX_MS = 10000 };

static void ready(struct client *client)
{
}

static bool is_from(struct chat *chat, struct bytes stanza, uint32_t sender)
{
	if (chat->load.opt.is_relay)
		return true;
	return bytes_has_prefix(scan_attr(stanza, BYTES_LIT("from")), chat->jids[sender]);
}

/* The message ends with the body that everybody sends; servers may add elements after it. */
static bool has_body(struct chat *chat, struct bytes stanza)
{
	size_t body_bytes = chat->body.len - strlen("</message>");

	return memmem(stanza.ptr, stanza.len, chat->body.ptr, body_bytes) != NULL;
}

static void stanza(struct client *client, struct bytes element, uint64_t now_ns)
{
	struct chat *chat = client->load->data;
	struct mark mark;

	if (!scan_is(element, "message"))
		return;
	if (bytes_is(scan_attr(element, BYTES_LIT("type")), "error")) {
		if (chat->tally.bounced++ == 0)
			fprintf(stderr, "load: bounced: %.*s\n", BYTES_ARG(element));
		return;
	}
	if (mark_read(scan_attr(element, BYTES_LIT("id")), &mark) != 0 ||
	    mark.from >= chat->load.count || !has_body(chat, element)) {
		chat->tally.corrupted++;
		return;
	}
	if (mark.to != client->index || mark.from != (client->index ^ 1) ||
	    !is_from(chat, element, mark.from)) {
		chat->tally.misrouted++;
		return;
	}
	if (!flow_arrive(&chat->flows[client->index], mark.seq, &chat->tally))
		return;
	hist_add(&chat->latency, now_ns > mark.due_ns ? now_ns - mark.due_ns : 0);
	if (chat->has_echo)
		chat_say(chat, client->index, now_ns);
}

static const struct load_ops ops = { ready, stanza };

void chat_say(struct chat *chat, uint32_t from, uint64_t due_ns)
{
	struct buf *out = client_out(&chat->load.clients[from]);
	struct mark mark = { from, from ^ 1, chat->next_seq[from]++, due_ns };

	buf_append(out, chat->heads[from]);
	mark_write(out, &mark);
	buf_append(out, BYTES_LIT("'><body>"));
	buf_append(out, chat->body);
	chat->tally.sent++;
}

/* A sentence as people write it, in the two languages of our users. */
static struct bytes make_body(struct arena *arena, uint32_t body_bytes)
{
	struct bytes tail = BYTES_LIT("</body></message>");
	struct bytes text = BYTES_LIT("Shall we meet at seven, as always? 老地方，七点见。 ");
	char *body = arena_alloc(arena, body_bytes + tail.len);
	size_t len = 0;

	while (len + text.len <= body_bytes) {
		memcpy(body + len, text.ptr, text.len);
		len += text.len;
	}
	while (len < body_bytes)
		body[len++] = '.';
	memcpy(body + len, tail.ptr, tail.len);
	return bytes_make(body, len + tail.len);
}

static void make_texts(struct chat *chat, const struct load_options *opt)
{
	struct arena *arena = &chat->arena;

	chat->body = make_body(arena, opt->body_bytes);
	chat->jids = arena_alloc(arena, opt->users * sizeof(struct bytes));
	chat->heads = arena_alloc(arena, opt->users * sizeof(struct bytes));
	chat->flows = arena_alloc(arena, opt->users * sizeof(struct flow));
	chat->next_seq = arena_alloc(arena, opt->users * sizeof(uint32_t));
	for (uint32_t i = 0; i < opt->users; i++) {
		chat->jids[i] =
			arena_printf(arena, "%s%" PRIu32 "@%s/", opt->prefix, i, opt->domain);
		chat->heads[i] = arena_printf(
			arena, "<message to='%s%" PRIu32 "@%s%s' type='chat' id='", opt->prefix,
			i ^ 1, opt->domain, opt->to_full_jid ? "/b" : "");
	}
}

bool chat_init(struct chat *chat, const struct load_options *opt)
{
	struct load_options with_presence = *opt;

	if (!opt->to_full_jid && !opt->is_relay)
		with_presence.setup |= LOAD_SETUP_PRESENCE;
	load_init(&chat->load, &with_presence, opt->users & ~1U);
	chat->load.ops = &ops;
	chat->load.data = chat;
	arena_init(&chat->arena, 1 << 16);
	chat->tally = (struct tally){ 0 };
	chat->has_echo = false;
	hist_reset(&chat->latency);
	make_texts(chat, opt);
	if (!load_login(&chat->load, 0, chat->load.count))
		return false;
	load_settle(&chat->load, SETTLE_MS, SETTLE_MAX_MS);
	return true;
}

void chat_drain(struct chat *chat)
{
	chat->has_echo = false;
	load_drain(&chat->load, &chat->tally);
	/* A duplicate would come now. */
	load_settle(&chat->load, 100, 1000);
}

void chat_fini(struct chat *chat)
{
	load_logout(&chat->load);
	load_fini(&chat->load);
	arena_fini(&chat->arena);
}
