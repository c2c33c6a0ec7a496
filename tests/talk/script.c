#include "talk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "store/memory.h"

enum { CLIENTS_MAX = 64 };

struct script {
	const char *path;
	struct bytes rest; /* not yet read */
	unsigned line;	   /* of the command in hand */
	unsigned next_line;
	bool has_failed;
	bool is_skipped;
	unsigned times; /* of the command in hand */
	struct arena arena;
	struct variables variables;
	struct client *clients[CLIENTS_MAX];
	size_t client_count;
};

static void script_fail(struct script *script, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void script_fail(struct script *script, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", script->path, script->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	script->has_failed = true;
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	char part[4096];
	size_t n;

	if (file == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		buf_append(out, bytes_make(part, n));
	fclose(file);
	return true;
}

static struct bytes script_next_line(struct script *script)
{
	script->line = script->next_line++;
	return bytes_cut(&script->rest, '\n');
}

/* The lines that follow and begin with a tab. */
static struct bytes script_block(struct script *script)
{
	struct buf block;
	struct bytes text;

	buf_init(&block, 0);
	while (!bytes_is_none(script->rest) && script->rest.len > 0 &&
	       script->rest.ptr[0] == '\t') {
		buf_append(&block, bytes_skip(bytes_cut(&script->rest, '\n'), 1));
		script->next_line++;
	}
	text = arena_copy(&script->arena, buf_bytes(&block));
	buf_fini(&block);
	return text;
}

static struct client *script_client(struct script *script, struct bytes name)
{
	for (size_t i = 0; i < script->client_count; i++)
		if (bytes_equal(client_name(script->clients[i]), name))
			return script->clients[i];
	return NULL;
}

/* The account of each client of the script; none for a visitor. */
static char made[CLIENTS_MAX][256];

/* "NAME is JID": several devices may share an account. */
static void command_client(struct script *script, struct bytes args)
{
	struct bytes rest = args, name = bytes_cut(&rest, ' ');
	struct bytes is = bytes_cut(&rest, ' '), jid = rest, bare = bytes_cut(&jid, '/');

	if (!bytes_is(is, "is") || script->client_count == CLIENTS_MAX) {
		script_fail(script, "say: client NAME is JID");
		return;
	}
	world_open();
	bool is_new = true;
	for (size_t i = 0; i < script->client_count; i++)
		is_new &= !bytes_is(bare, made[i]);
	snprintf(made[script->client_count], sizeof(made[0]), "%.*s", BYTES_ARG(bare));
	if (is_new)
		world_add_account(bare);
	script->clients[script->client_count++] = client_new(name, rest);
}

/* "NAME at JID", "NAME at JID from NETWORK": there is no such account. */
static void command_visitor(struct script *script, struct bytes args)
{
	struct bytes rest = args, name = bytes_cut(&rest, ' ');
	struct bytes at = bytes_cut(&rest, ' '), jid = bytes_cut(&rest, ' ');

	if (!bytes_is(at, "at") || script->client_count == CLIENTS_MAX) {
		script_fail(script, "say: visitor NAME at JID");
		return;
	}
	world_open();
	made[script->client_count][0] = '\0';
	script->clients[script->client_count] = client_new(name, jid);
	if (bytes_is(bytes_cut(&rest, ' '), "from"))
		client_set_network(script->clients[script->client_count], rest);
	script->client_count++;
}

static void command_option(struct script *script, struct bytes args)
{
	struct bytes value = args, name = bytes_trim(bytes_cut(&value, '='));
	ptrdiff_t space = bytes_find_byte(name, ' ');
	struct bytes domain = BYTES_NONE;

	(void)script;
	if (space > 0) {
		domain = bytes_first(name, (size_t)space);
		name = bytes_trim(bytes_skip(name, (size_t)space));
	}
	world_set_option(domain, name, bytes_trim(value));
}

static void command_domain(struct script *script, struct bytes args)
{
	struct bytes name = args, verb = bytes_cut(&name, ' ');

	(void)script;
	if (bytes_is_none(name))
		world_add_domain(args);
	else
		world_publish(name, bytes_is(verb, "comes"));
}

static void command_kick(struct script *script, struct bytes args)
{
	if (world_kick(args) == 0)
		script_fail(script, "nobody to kick");
}

static void command_needs(struct script *script, struct bytes args)
{
	(void)args;
	script->is_skipped = !world_has_plugin();
}

static uint64_t number_of(struct script *script, struct bytes text)
{
	uint64_t number = 0;

	if (bytes_to_u64(text, &number) < 0)
		script_fail(script, "not a number: %.*s", BYTES_ARG(text));
	return number;
}

static void command_clock(struct script *script, struct bytes args)
{
	world_clock(1000 * number_of(script, bytes_skip(args, 1)));
}

static void command_store(struct script *script, struct bytes args)
{
	struct bytes rest = args, verb = bytes_cut(&rest, ' ');
	struct store *store = world_store();

	if (bytes_is(verb, "holds"))
		store_memory_hold(store);
	else if (bytes_is(verb, "resumes"))
		store_memory_resume(store);
	else if (bytes_is(verb, "releases"))
		store_memory_release(store, bytes_is(rest, "all") ? SIZE_MAX
								  : number_of(script, rest));
	else if (bytes_is(verb, "shuffles"))
		store_memory_release_shuffled(store, number_of(script, rest));
	else if (bytes_is(verb, "fails") && bytes_is(bytes_first(rest, 6), "reads "))
		store_memory_fail_reads(store, (uint32_t)number_of(script, bytes_skip(rest, 6)),
					-EIO);
	else if (bytes_is(verb, "fails"))
		store_memory_fail_commits(store, (uint32_t)number_of(script, rest), -EIO);
	else
		script_fail(script, "the store cannot \"%.*s\"", BYTES_ARG(args));
	world_settle();
}

static void script_expect_no_rows(struct script *script, struct bytes jid)
{
	int rows = world_count_rows(jid);

	if (rows > 0)
		script_fail(script, "the store has %d rows of %.*s", rows, BYTES_ARG(jid));
}

static void command_account(struct script *script, struct bytes args)
{
	struct bytes rest = args;

	struct bytes verb = bytes_cut(&rest, ' ');

	if (bytes_is(verb, "deletes"))
		world_delete_account(rest);
	else if (bytes_is(verb, "adds"))
		world_add_account(rest);
	else if (bytes_is(verb, "promotes"))
		world_set_administrator(rest, true);
	else if (bytes_is(verb, "left") && bytes_has_prefix(rest, BYTES_LIT("nothing ")))
		script_expect_no_rows(script, bytes_skip(rest, strlen("nothing ")));
	else if (bytes_is(verb, "demotes"))
		world_set_administrator(rest, false);
	else if (bytes_is(verb, "begins") && bytes_has_prefix(rest, BYTES_LIT("to delete ")))
		world_begin_delete(bytes_skip(rest, strlen("to delete ")));
	else
		script_fail(script, "say: account adds/promotes/deletes/begins to delete JID");
}

static void command_server(struct script *script, struct bytes args)
{
	if (bytes_is(args, "restarts"))
		world_restart();
	else
		script_fail(script, "say: server restarts");
}

/* "JID loses CONTACT" */
static void command_roster(struct script *script, struct bytes args)
{
	struct bytes rest = args, owner = bytes_cut(&rest, ' ');

	if (bytes_is(bytes_cut(&rest, ' '), "loses"))
		world_lose_contact(owner, rest);
	else
		script_fail(script, "say: roster JID loses CONTACT");
}

/* "DOMAIN NAME shows DISPLAY", "… is everybody DISPLAY", "… gains JID", "… loses JID", "… ends" */
static void command_group(struct script *script, struct bytes args)
{
	struct bytes rest = args, domain = bytes_cut(&rest, ' '), name = bytes_cut(&rest, ' ');
	struct bytes verb = bytes_cut(&rest, ' ');
	int status = -EINVAL;

	world_open();
	if (bytes_is(verb, "shows"))
		status = world_group_put(domain, name, rest, false);
	else if (bytes_is(verb, "is") && bytes_is(bytes_cut(&rest, ' '), "everybody"))
		status = world_group_put(domain, name, rest, true);
	else if (bytes_is(verb, "gains") || bytes_is(verb, "loses"))
		status = world_group_member(domain, name, rest, bytes_is(verb, "gains"));
	else if (bytes_is(verb, "ends"))
		status = world_group_del(domain, name);
	if (status < 0)
		script_fail(script, "the group cannot: %s", strerror(-status));
}

/* --- what a client does ----------------------------------------------------------------------
 */

static void client_connects(struct script *script, struct client *client)
{
	const char *at;

	if (!client_connect(client, &at))
		script_fail(script, "%.*s could not connect: refused at %s with %.*s",
			    BYTES_ARG(client_name(client)), at,
			    BYTES_ARG(client_surprise(client)));
}

static void client_fails(struct script *script, struct client *client)
{
	const char *at;

	if (client_connect(client, &at))
		script_fail(script, "%.*s connected", BYTES_ARG(client_name(client)));
	while (true) {
		struct stanza *stanza = client_take(client);
		if (stanza == NULL)
			break;
		stanza_unref(&stanza);
	}
}

/* {n} counts the turns of "N times". */
static void script_count(struct script *script, unsigned n)
{
	variable_set(&script->variables, BYTES_LIT("n"), arena_printf(&script->arena, "%u", n));
}

static void client_sends(struct script *script, struct client *client)
{
	struct bytes block = script_block(script);

	for (unsigned n = 1; n <= script->times; n++) {
		script_count(script, n);
		client_send(client, variables_fill(&script->variables, block));
	}
	world_settle();
}

static void client_sends_bytes(struct script *script, struct client *client)
{
	struct bytes block = variables_fill(&script->variables, script_block(script));

	for (size_t i = 0; i < block.len; i++) {
		client_send(client, bytes_make(block.ptr + i, 1));
		world_settle();
	}
}

static void client_dials(struct script *script, struct client *client)
{
	(void)script;
	client_dial(client);
	world_settle();
}

static void client_begins(struct script *script, struct client *client)
{
	(void)script;
	client_begin(client);
	world_settle();
}

static void client_has_password(struct script *script, struct client *client)
{
	client_set_password(client, bytes_trim(script_block(script)));
}

static void client_declares(struct script *script, struct client *client)
{
	client_declare(client, script_block(script));
}

static void show(struct script *script, const char *what, const struct stanza *stanza)
{
	struct bytes text =
		stanza == NULL ? BYTES_LIT("(nothing)") : match_show(&script->arena, stanza);

	fprintf(stderr, "    %s %.*s\n", what, BYTES_ARG(text));
}

static void report_mismatch(struct script *script, struct client *client,
			    const struct stanza *expected, const struct stanza *actual)
{
	script_fail(script, "%.*s received something else", BYTES_ARG(client_name(client)));
	show(script, "expected:", expected);
	show(script, "received:", actual);
}

static bool parse_expected(struct script *script, struct bytes block, struct stanza ***ret,
			   size_t *ret_count)
{
	if (match_parse_block(&script->arena, block, ret, ret_count))
		return true;
	script_fail(script, "the block is not well-formed");
	return false;
}

static void client_receives_once(struct script *script, struct client *client,
				 struct bytes block)
{
	struct stanza **expected;
	size_t count;

	if (!parse_expected(script, block, &expected, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct stanza *actual = client_take(client);
		if (actual == NULL || !match_element(stanza_root(expected[i]),
						     stanza_root(actual), &script->variables))
			report_mismatch(script, client, expected[i], actual);
		stanza_unref(&actual);
		stanza_unref(&expected[i]);
	}
}

static void client_receives(struct script *script, struct client *client)
{
	struct bytes block = script_block(script);

	for (unsigned n = 1; n <= script->times && !script->has_failed; n++) {
		script_count(script, n);
		client_receives_once(script, client, variables_fill(&script->variables, block));
	}
}

static void client_receives_any_order(struct script *script, struct client *client)
{
	struct stanza **expected;
	size_t count;

	if (!parse_expected(script, variables_fill(&script->variables, script_block(script)),
			    &expected, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct stanza *actual = client_take(client);
		size_t at = 0;
		while (actual != NULL && at < count &&
		       (expected[at] == NULL ||
			!match_element(stanza_root(expected[at]), stanza_root(actual),
				       &script->variables)))
			at++;
		if (actual == NULL || at == count)
			report_mismatch(script, client, NULL, actual);
		else
			stanza_unref(&expected[at]);
		stanza_unref(&actual);
	}
	for (size_t i = 0; i < count; i++) {
		if (expected[i] != NULL)
			show(script, "missing: ", expected[i]);
		stanza_unref(&expected[i]);
	}
}

static void client_receives_nothing(struct script *script, struct client *client)
{
	struct stanza *stanza = client_take(client);

	if (stanza != NULL)
		report_mismatch(script, client, NULL, stanza);
	stanza_unref(&stanza);
}

static void client_forgets(struct script *script, struct client *client)
{
	struct stanza *stanza;

	(void)script;
	while ((stanza = client_take(client)) != NULL)
		stanza_unref(&stanza);
}

static void client_must_be_closed(struct script *script, struct client *client)
{
	if (!client_is_closed(client))
		script_fail(script, "%.*s is still connected", BYTES_ARG(client_name(client)));
}

static void client_closes(struct script *script, struct client *client)
{
	(void)script;
	client_close(client);
	world_settle();
}

static void client_is_cut(struct script *script, struct client *client)
{
	(void)script;
	client_cut(client);
	world_settle();
}

static void client_stalls(struct script *script, struct client *client)
{
	(void)script;
	client_stall(client, true);
}

static void client_reads(struct script *script, struct client *client)
{
	(void)script;
	client_stall(client, false);
	world_settle();
}

static const struct {
	const char *words;
	void (*run)(struct script *, struct client *);
} client_verbs[] = {
	{ "connects", client_connects },
	{ "fails to connect", client_fails },
	{ "dials", client_dials },
	{ "begins", client_begins },
	{ "has the password", client_has_password },
	{ "declares", client_declares },
	{ "sends", client_sends },
	{ "sends byte by byte", client_sends_bytes },
	{ "receives", client_receives },
	{ "receives in any order", client_receives_any_order },
	{ "receives nothing", client_receives_nothing },
	{ "forgets", client_forgets },
	{ "is closed", client_must_be_closed },
	{ "closes", client_closes },
	{ "is cut", client_is_cut },
	{ "stalls", client_stalls },
	{ "reads", client_reads },
};

static const struct {
	const char *word;
	void (*run)(struct script *, struct bytes args);
} commands[] = {
	{ "visitor", command_visitor }, { "client", command_client },
	{ "option", command_option },	{ "domain", command_domain },
	{ "clock", command_clock },	{ "store", command_store },
	{ "account", command_account }, { "kick", command_kick },
	{ "needs", command_needs },	{ "server", command_server },
	{ "roster", command_roster },	{ "group", command_group },
};

/* "sends 5 times" is "sends" with times = 5. */
static struct bytes script_times(struct script *script, struct bytes verb)
{
	struct bytes rest = verb, word = bytes_cut(&rest, ' '), count = bytes_cut(&rest, ' ');
	uint64_t times;

	script->times = 1;
	if (!bytes_is(rest, "times") || bytes_to_u64(count, &times) < 0)
		return verb;
	script->times = (unsigned)times;
	return word;
}

static void script_run_client(struct script *script, struct client *client, struct bytes said)
{
	struct bytes verb = script_times(script, said);

	for (size_t i = 0; i < array_len(client_verbs); i++) {
		if (bytes_is(verb, client_verbs[i].words)) {
			client_verbs[i].run(script, client);
			return;
		}
	}
	script_fail(script, "a client cannot \"%.*s\"", BYTES_ARG(verb));
}

static void script_run(struct script *script, struct bytes line)
{
	struct bytes rest = line, word = bytes_cut(&rest, ' ');
	struct client *client = script_client(script, word);

	if (client != NULL) {
		script_run_client(script, client, bytes_trim(rest));
		return;
	}
	for (size_t i = 0; i < array_len(commands); i++) {
		if (bytes_is(word, commands[i].word)) {
			commands[i].run(script, bytes_trim(rest));
			return;
		}
	}
	script_fail(script, "unknown client or command \"%.*s\"", BYTES_ARG(word));
}

/* Nobody may have received what the script does not name. */
static void script_check_silence(struct script *script)
{
	for (size_t i = 0; !script->has_failed && i < script->client_count; i++)
		client_receives_nothing(script, script->clients[i]);
}

static void script_fini(struct script *script)
{
	for (size_t i = 0; i < script->client_count; i++)
		client_free(&script->clients[i]);
	world_end();
	variables_fini(&script->variables);
	arena_fini(&script->arena);
}

enum script_result script_play(const char *path)
{
	struct script script = { .path = path, .next_line = 1 };
	struct buf text;

	buf_init(&text, 0);
	arena_init(&script.arena, 8192);
	variables_init(&script.variables);
	world_start();
	if (!read_file(path, &text))
		script_fail(&script, "cannot be read");
	script.rest = buf_bytes(&text);
	while (!script.has_failed && !script.is_skipped && !bytes_is_none(script.rest)) {
		struct bytes line = script_next_line(&script);
		if (bytes_trim(line).len > 0 && line.ptr[0] != '#')
			script_run(&script, bytes_trim(line));
		arena_reset(scratch());
	}
	script_check_silence(&script);
	script_fini(&script);
	buf_fini(&text);
	if (script.has_failed)
		return SCRIPT_FAILED;
	return script.is_skipped ? SCRIPT_SKIPPED : SCRIPT_PASSED;
}
