/*
 * The test's feature: does a little in every place where a feature may do something, so that
 * the scripts can see core's side of each. Built as a plugin, with nothing but the headers.
 */
#include <stdlib.h>

#include "base/check.h"
#include "core/adhoc.h"
#include "core/feature.h"
#include "core/service.h"
#include "xml/build.h"

#define NS "urn:hearth:test"

enum { NOTES_MAX = 32, TOKENS_MAX = 8, NOTE_BYTES = 64, LATER_MS = 5000 };

extern const struct feature hearth_feature;

static struct store_decl note_store =
	STORE_DECL("test_notes", STORE_MAP, 1, "Notes of the test's feature.");

static struct option option_greets =
	OPTION_BOOL("test.greets", OPTION_DOMAIN, false,
		    "Greet each device that binds, so that a test sees when that happens.");

static struct metric metric_deleted =
	METRIC_COUNTER("test_deleted", "Accounts that the test's feature saw going.");

struct note {
	char key[NOTE_BYTES], value[NOTE_BYTES];
};

/* What the account's notes are in memory: must be what the store says. */
struct notes {
	unsigned count;
	struct note notes[NOTES_MAX];
	unsigned token_count;
	struct iq_token *tokens[TOKENS_MAX];
};

static struct slot notes_slot = { .of = SLOT_USER, .size = sizeof(struct notes) };

struct written {
	unsigned count;
};

static struct slot written_slot = { .of = SLOT_SESSION, .size = sizeof(struct written) };

static void note_copy(char to[NOTE_BYTES], struct bytes from)
{
	check(from.len < NOTE_BYTES);
	memcpy(to, from.ptr, from.len);
	to[from.len] = '\0';
}

static struct note *note_find(struct user *user, struct bytes key)
{
	struct notes *notes = slot_get(&notes_slot, user);

	for (unsigned i = 0; i < notes->count; i++)
		if (bytes_is(key, notes->notes[i].key))
			return &notes->notes[i];
	return NULL;
}

static void note_remember(struct user *user, struct bytes key, struct bytes value)
{
	struct notes *notes = slot_get(&notes_slot, user);
	struct note *note = note_find(user, key);

	if (note == NULL) {
		check(notes->count < NOTES_MAX);
		note = &notes->notes[notes->count++];
		note_copy(note->key, key);
	}
	note_copy(note->value, value);
}

static void note_loaded(struct user *user, struct bytes key, struct bytes value)
{
	if (!bytes_is_none(key))
		note_remember(user, key, value);
}

/* In memory at once, in the store when the commit comes through. */
static void note_put(struct user *user, struct bytes key, struct bytes value)
{
	struct store_batch *batch = store_batch_new(core_store(), user_jid(user).full);

	store_put(batch, &note_store, key, value);
	user_commit(user, &batch);
	note_remember(user, key, value);
}

/* --- requests ---------------------------------------------------------------------------- */

static struct verdict put(struct iq *iq)
{
	note_put(iq->user, xnode_attr(iq->child, "key"), xnode_text(iq->child, iq->arena));
	return iq_ok(iq);
}

/* Many commits that one answer depends on. */
static struct verdict put_many(struct iq *iq)
{
	for (int i = 0; i < 5; i++)
		note_put(iq->user, xnode_attr(iq->child, "key"),
			 arena_printf(iq->arena, "%d", i));
	return iq_ok(iq);
}

static struct verdict answer_note(struct iq *iq, struct bytes value)
{
	struct buf xml;
	struct xml_writer w;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "value", NS);
	xml_text(&w, value);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* From memory. Of somebody else only while the account is loaded. */
static struct verdict get(struct iq *iq)
{
	struct note *note;

	if (iq->user == NULL)
		return verdict_pass();
	note = note_find(iq->user, xnode_attr(iq->child, "key"));
	if (note == NULL)
		return verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	return answer_note(iq, bytes_of(note->value));
}

static void stored_read(struct store_read *read, int status, void *context)
{
	struct iq_token *token = context;
	struct bytes value = status < 0 ? BYTES_NONE : store_read_value(read, 0);

	if (bytes_is_none(value))
		iq_token_fail(&token, CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	else
		iq_token_result(&token,
				arena_printf(scratch(), "<value xmlns='" NS "'>%.*s</value>",
					     BYTES_ARG(value)));
}

/* From the store. */
static struct verdict stored(struct iq *iq)
{
	struct iq_token *token;
	struct verdict verdict = iq_later(iq, LATER_MS, &token);

	if (verdict.kind == VERDICT_LATER)
		store_get(core_store(), user_jid(iq->user).full, &note_store,
			  xnode_attr(iq->child, "key"), stored_read, token);
	return verdict;
}

static struct verdict later(struct iq *iq)
{
	struct notes *notes = slot_get(&notes_slot, iq->user);
	struct verdict verdict;

	if (notes->token_count == TOKENS_MAX)
		return verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_NONE);
	verdict = iq_later(iq, LATER_MS, &notes->tokens[notes->token_count]);
	if (verdict.kind == VERDICT_LATER)
		notes->token_count++;
	return verdict;
}

static void answer_tokens(struct user *user)
{
	struct notes *notes = slot_get(&notes_slot, user);

	while (notes->token_count > 0) {
		struct iq_token **token = &notes->tokens[--notes->token_count];
		if (iq_token_is_orphan(*token))
			iq_token_fail(token, CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
		else
			iq_token_result(token, BYTES_LIT("<late xmlns='" NS "'/>"));
	}
}

/* Answers what waits, then itself: both orders pass the gate. */
static struct verdict answer(struct iq *iq)
{
	answer_tokens(iq->user);
	return iq_ok(iq);
}

static struct verdict fail(struct iq *iq)
{
	(void)iq;
	return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
}

static struct verdict pass(struct iq *iq)
{
	(void)iq;
	return verdict_pass();
}

static struct verdict written(struct iq *iq)
{
	const struct written *written = slot_find(&written_slot, iq->passage->session);

	return answer_note(iq, arena_printf(iq->arena, "%u", written ? written->count : 0));
}

/* What core knows of the asking client (service_supports). */
static struct verdict supports(struct iq *iq)
{
	bool is_known = service_supports(iq->passage->session, xnode_attr(iq->child, "var"));

	return answer_note(iq, bytes_of(is_known ? "yes" : "no"));
}

/* --- phases ------------------------------------------------------------------------------- */

static const struct xnode *child_of(const struct passage *passage, const char *name)
{
	return xnode_find(stanza_root(passage->stanza), name, NS);
}

static bool body_is(const struct passage *passage, const char *text)
{
	const struct xnode *body = xnode_find(stanza_root(passage->stanza), "body", NULL);

	return body != NULL && bytes_is(xnode_text(body, scratch()), text);
}

static struct verdict check_sent(const struct passage *passage)
{
	if (body_is(passage, "forbidden"))
		return verdict_fail(CONDITION_POLICY_VIOLATION, TEXT_NONE);
	return body_is(passage, "to nowhere") ? verdict_drop() : verdict_pass();
}

static struct verdict check_received(const struct passage *passage)
{
	if (body_is(passage, "unwelcome"))
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_NONE);
	return body_is(passage, "unheard") ? verdict_drop() : verdict_pass();
}

static void stamp_sent(const struct passage *passage, struct stanza_edit *edit)
{
	if (child_of(passage, "stamp") != NULL) {
		stanza_edit_remove(edit, "stamp", NS);
		stanza_edit_append(edit, BYTES_LIT("<stamped xmlns='" NS "' line='sent'/>"));
	}
}

static void stamp_received(const struct passage *passage, struct stanza_edit *edit)
{
	if (child_of(passage, "stamped") != NULL)
		stanza_edit_append(edit,
				   BYTES_LIT("<stamped xmlns='" NS "' line='received'/>"));
}

/* <note key='…'/> on a message is stored at the sender's, <keep key='…'/> at the recipient's.
 */
static void record_note(const struct passage *passage, const char *name)
{
	const struct xnode *node = child_of(passage, name);

	if (node != NULL && passage->user != NULL)
		note_put(passage->user, xnode_attr(node, "key"), BYTES_LIT("noted"));
}

static void record_sent(const struct passage *passage)
{
	record_note(passage, "note");
}

static void record_received(const struct passage *passage)
{
	record_note(passage, "keep");
}

static bool keep(const struct passage *passage)
{
	return child_of(passage, "kept") != NULL;
}

static enum copy copy(const struct passage *passage, const struct session *session)
{
	(void)session;
	return child_of(passage, "copy") != NULL ? COPY_PLAIN : COPY_NONE;
}

static struct verdict rewrite(const struct passage *passage, struct stanza_edit *edit)
{
	if (child_of(passage, "rewrite") == NULL)
		return verdict_pass();
	stanza_edit_remove(edit, "rewrite", NS);
	stanza_edit_remove(edit, "body", "jabber:client");
	stanza_edit_append(edit, BYTES_LIT("<body>rewritten</body>"));
	return verdict_pass();
}

static void count_written(struct session *session, const struct stanza *stanza,
			  struct bytes head)
{
	struct written *counted = slot_get(&written_slot, session);

	(void)stanza;
	(void)head;
	counted->count++;
}

/* --- sessions ----------------------------------------------------------------------------- */

static void greet(struct session *session, const char *child)
{
	struct builder builder;

	builder_init(&builder, STANZA_MESSAGE,
		     &(struct stanza_head){ .to = session_jid(session).full,
					    .from = user_jid(session_user(session)).full,
					    .type = BYTES_LIT("headline") });
	xml_element_empty(&builder.xml, child, NS);
	struct stanza *stanza = builder_seal(&builder);
	session_send(session, stanza);
	stanza_unref(&stanza);
}

static struct verdict poke(struct session *session, const struct stanza *element)
{
	(void)element;
	greet(session, "poked");
	return verdict_done();
}

static void bound(struct session *session)
{
	const struct domain *domain = user_domain(session_user(session));

	if (settings_bool(domain_settings(domain), &option_greets))
		greet(session, "welcome");
}

/* Nobody else would answer them. */
static void gone(struct session *session)
{
	struct user *user = session_user(session);

	if (user_session_next(user, NULL) == session &&
	    user_session_next(user, session) == NULL)
		answer_tokens(user);
}

static void deleted(const struct domain *domain, struct jid bare)
{
	(void)domain;
	(void)bare;
	metric_add(&metric_deleted, 1);
}

static void stream_features(const struct domain *domain, struct buf *out)
{
	(void)domain;
	buf_append_cstr(out, "<test xmlns='" NS "'/>");
}

/* --- commands: those of XEP-0050's examples ------------------------------------------------- */

static const struct form_option services[] = { { "httpd", TEXT_NONE },
					       { "jabberd", TEXT_NONE },
					       { 0 } };
static const struct form_option states[] = { { "off", TEXT_NONE }, { "on", TEXT_NONE }, { 0 } };

static const struct form_field service_fields[] = {
	{ .var = "service",
	  .type = FORM_LIST_SINGLE,
	  .is_required = true,
	  .options = services },
	{ 0 },
};
static const struct form_field state_fields[] = {
	{ .var = "state", .type = FORM_LIST_SINGLE, .options = states, .preset = "off" },
	{ 0 },
};
static const struct form_spec service_form = { .fields = service_fields };
static const struct form_spec state_form = { .fields = state_fields };

static void configure(struct adhoc *run)
{
	struct bytes service = form_value(adhoc_form(run, 0), "service");
	struct bytes state = form_value(adhoc_form(run, 1), "state");

	adhoc_complete(&run, arena_printf(scratch(), "<note type='info'>%.*s is %.*s</note>",
					  BYTES_ARG(service), BYTES_ARG(state)));
}

static void list_services(struct adhoc *run)
{
	adhoc_complete(&run, BYTES_NONE);
}

static void refuse(struct adhoc *run)
{
	adhoc_fail(&run, CONDITION_CONFLICT, TEXT_NONE);
}

static bool is_hidden(const struct domain *domain)
{
	(void)domain;
	return false;
}

static const struct adhoc_command commands[] = {
	{ "list", TEXT_ADHOC_COMMANDS, ADHOC_EVERYBODY, { NULL }, list_services, NULL },
	{ "config",
	  TEXT_ADHOC_COMMANDS,
	  ADHOC_EVERYBODY,
	  { &service_form, &state_form },
	  configure,
	  NULL },
	{ "reset", TEXT_ADHOC_COMMANDS, ADHOC_ADMINISTRATORS, { NULL }, refuse, NULL },
	{ "hidden", TEXT_ADHOC_COMMANDS, ADHOC_EVERYBODY, { NULL }, refuse, is_hidden },
	{ 0 },
};

const struct feature hearth_feature = {
	FEATURE_ABI,
	.name = "test",
	.summary = "Lets the conversation scripts reach every place of a feature.",
	.disco = (const char *const[]){ NS, NULL },
	.disco_account = (const char *const[]){ NS, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_SET, TO_ACCOUNT, NS, "put", put },
			{ IQ_SET, TO_ACCOUNT, NS, "put-many", put_many },
			{ IQ_GET, TO_ACCOUNT | TO_OTHER, NS, "get", get },
			{ IQ_GET, TO_ACCOUNT, NS, "stored", stored },
			{ IQ_GET, TO_ACCOUNT, NS, "later", later },
			{ IQ_SET, TO_ACCOUNT, NS, "answer", answer },
			{ IQ_GET, TO_ACCOUNT | TO_SERVER | TO_OTHER, NS, "fail", fail },
			{ IQ_GET, TO_ACCOUNT | TO_SERVER | TO_OTHER, NS, "pass", pass },
			{ IQ_GET, TO_ACCOUNT, NS, "written", written },
			{ IQ_GET, TO_ACCOUNT, NS, "supports", supports },
			{ 0 },
		},
	.commands = commands,
	.nonza = (const struct nonza_rule[]){ { NS, "poke", false, poke }, { 0 } },
	.message = { .sent = { check_sent, stamp_sent, record_sent },
		     .received = { check_received, stamp_received, record_received } },
	.copy = copy,
	.keep = keep,
	.claims = { .rewrite = rewrite, .wire_count = count_written },
	.stream_features = stream_features,
	.session_bound = bound,
	.session_gone = gone,
	.user_deleted = deleted,
	.options = (struct option *const[]){ &option_greets, NULL },
	.metrics = (struct metric *const[]){ &metric_deleted, NULL },
	.stores = (struct store_decl *const[]){ &note_store, NULL },
	.slots = (struct slot *const[]){ &notes_slot, &written_slot, NULL },
	.preload = (const struct preload[]){ { &note_store, note_loaded }, { 0 } },
};
