#include "core/adhoc.h"

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/domain.h"
#include "core/registry.h"
#include "core/session.h"
#include "xmpp/ns.h"

enum { ID_BYTES = 12, ID_CHARS = 2 * ID_BYTES, WAIT_MS = 60000 };

/* --- who may do what --------------------------------------------------------------------- */

static bool is_offered(const struct adhoc_command *command, const struct domain *domain)
{
	return command->is_offered == NULL || command->is_offered(domain);
}

static const struct adhoc_command *command_find(const struct domain *domain, struct bytes node)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct adhoc_command *command = registry_at(i)->commands;
		if (!domain_feature_is_on(domain, i))
			continue;
		for (; command != NULL && command->node != NULL; command++)
			if (bytes_is(node, command->node) && is_offered(command, domain))
				return command;
	}
	return NULL;
}

static bool may_run(const struct iq *iq, const struct adhoc_command *command)
{
	if (iq->user == NULL || iq->user->domain != iq->domain)
		return false;
	return command->who == ADHOC_EVERYBODY || iq->user->role == ACCOUNT_ADMIN;
}

/* --- discovery (sections 2.1 and 2.2) ------------------------------------------------------ */

static void write_identity(struct xml_writer *w, const char *type, enum text name,
			   enum text_lang lang)
{
	xml_open(w, "identity", NULL);
	xml_attr(w, "category", BYTES_LIT("automation"));
	xml_attr(w, "type", bytes_of(type));
	xml_attr(w, "name", bytes_of(text_get(name, lang)));
	xml_close(w);
}

static void write_feature(struct xml_writer *w, const char *ns)
{
	xml_open(w, "feature", NULL);
	xml_attr(w, "var", bytes_of(ns));
	xml_close(w);
}

static void write_item(struct iq *iq, const struct adhoc_command *command, struct xml_writer *w)
{
	xml_open(w, "item", NULL);
	xml_attr(w, "jid", domain_name(iq->domain));
	xml_attr(w, "node", bytes_of(command->node));
	xml_attr(w, "name", bytes_of(text_get(command->name, iq->lang)));
	xml_close(w);
}

/* The list shows what the asker may run. */
static void write_items(struct iq *iq, struct xml_writer *w)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct adhoc_command *command = registry_at(i)->commands;
		if (!domain_feature_is_on(iq->domain, i))
			continue;
		for (; command != NULL && command->node != NULL; command++)
			if (is_offered(command, iq->domain) && may_run(iq, command))
				write_item(iq, command, w);
	}
}

struct verdict adhoc_disco(struct iq *iq, struct bytes node, struct xml_writer *writer)
{
	bool is_items = bytes_is(xnode_ns(iq->child), NS_DISCO_ITEMS);
	const struct adhoc_command *command;

	if (bytes_is(node, NS_COMMANDS)) {
		if (is_items)
			write_items(iq, writer);
		else
			write_identity(writer, "command-list", TEXT_ADHOC_COMMANDS, iq->lang);
		return verdict_done();
	}
	command = command_find(iq->domain, node);
	if (command == NULL)
		return verdict_pass();
	if (!may_run(iq, command))
		return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
	if (!is_items) {
		write_identity(writer, "command-node", command->name, iq->lang);
		write_feature(writer, NS_COMMANDS);
		write_feature(writer, NS_DATA_FORM);
	}
	return verdict_done();
}

/* --- unfinished runs, of a session ------------------------------------------------------------
 */

struct sitting {
	const struct adhoc_command *command; /* NULL: free */
	char id[ID_CHARS];
	unsigned stage; /* whose form the client has */
	enum text_lang lang;
	uint64_t used_at_ms;
	struct stanza *stages[ADHOC_STAGES_MAX]; /* what was submitted */
};

struct sittings {
	struct sitting all[ADHOC_RUNS_MAX];
};

static void sitting_end(struct sitting *sitting)
{
	for (size_t i = 0; i < array_len(sitting->stages); i++)
		stanza_unref(&sitting->stages[i]);
	sitting->command = NULL;
}

static void sittings_fini(void *state)
{
	struct sittings *sittings = state;

	for (size_t i = 0; i < array_len(sittings->all); i++)
		sitting_end(&sittings->all[i]);
}

struct slot adhoc_slot = {
	.of = SLOT_SESSION,
	.size = sizeof(struct sittings),
	.is_lost = true, /* a form is soon filled in again */
	.fini = sittings_fini,
};

static struct bytes sitting_id(const struct sitting *sitting)
{
	return bytes_make(sitting->id, sizeof(sitting->id));
}

static bool is_expired(const struct sitting *sitting)
{
	return clock_ms() - sitting->used_at_ms > ADHOC_EXPIRE_S * 1000ull;
}

/* A free place, or that of the one not used for longest. */
static struct sitting *sitting_new(struct session *session, const struct adhoc_command *command,
				   enum text_lang lang)
{
	struct sittings *sittings = slot_get(&adhoc_slot, session);
	struct sitting *place = &sittings->all[0];
	uint8_t raw[ID_BYTES];
	struct bytes id;

	for (size_t i = 1; i < array_len(sittings->all) && place->command != NULL; i++)
		if (sittings->all[i].command == NULL ||
		    sittings->all[i].used_at_ms < place->used_at_ms)
			place = &sittings->all[i];
	sitting_end(place);
	random_fill(raw, sizeof(raw));
	id = hex_encode(scratch(), bytes_make(raw, sizeof(raw)));
	memcpy(place->id, id.ptr, sizeof(place->id));
	place->command = command;
	place->stage = 0;
	place->lang = lang;
	place->used_at_ms = clock_ms();
	return place;
}

static struct sitting *sitting_find(const struct session *session, struct bytes id)
{
	struct sittings *sittings = slot_find(&adhoc_slot, session);

	for (size_t i = 0; sittings != NULL && i < array_len(sittings->all); i++)
		if (sittings->all[i].command != NULL &&
		    bytes_equal(sitting_id(&sittings->all[i]), id))
			return &sittings->all[i];
	return NULL;
}

static unsigned stage_count(const struct adhoc_command *command)
{
	unsigned count = 0;

	while (count < ADHOC_STAGES_MAX && command->stages[count] != NULL)
		count++;
	return count;
}

/* --- answers ------------------------------------------------------------------------------- */

static void command_open(struct xml_writer *w, struct bytes node, struct bytes id,
			 const char *status, enum text_lang lang)
{
	xml_open(w, "command", NS_COMMANDS);
	xml_attr(w, "node", node);
	xml_attr(w, "sessionid", id);
	xml_attr(w, "status", bytes_of(status));
	xml_attr(w, "xml:lang", text_lang_tag(lang));
}

/* Section 3.4: what may be done at this stage. */
static void write_actions(struct xml_writer *w, const struct sitting *sitting)
{
	const char *onward =
		sitting->stage + 1 < stage_count(sitting->command) ? "next" : "complete";

	xml_open(w, "actions", NULL);
	xml_attr(w, "execute", bytes_of(onward));
	if (sitting->stage > 0)
		xml_element_empty(w, "prev", NULL);
	xml_element_empty(w, onward, NULL);
	xml_close(w);
}

static struct verdict answer_stage(struct iq *iq, const struct sitting *sitting)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	command_open(&w, bytes_of(sitting->command->node), sitting_id(sitting), "executing",
		     sitting->lang);
	write_actions(&w, sitting);
	form_write(&w, sitting->command->stages[sitting->stage], sitting->lang);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

static struct verdict answer_cancelled(struct iq *iq, struct sitting *sitting)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	command_open(&w, bytes_of(sitting->command->node), sitting_id(sitting), "canceled",
		     sitting->lang);
	xml_close(&w);
	xml_writer_fini(&w);
	sitting_end(sitting);
	return iq_result_buf(iq, &xml);
}

/* Section 4.4. */
static struct verdict refuse(enum stanza_condition condition, const char *specific)
{
	struct verdict verdict = verdict_fail(condition, TEXT_NONE);

	verdict.extra = arena_printf(scratch(), "<%s xmlns='" NS_COMMANDS "'/>", specific);
	return verdict;
}

/* --- carrying out --------------------------------------------------------------------------- */

struct adhoc {
	struct iq_token *token;
	struct arena arena;
	const struct adhoc_command *command;
	const struct domain *domain;
	struct user *user; /* inside run() */
	struct jid asker;
	enum text_lang lang;
	struct bytes id;
	struct stanza *stages[ADHOC_STAGES_MAX];
	struct form forms[ADHOC_STAGES_MAX];
};

struct jid adhoc_asker(const struct adhoc *run)
{
	return run->asker;
}

const struct domain *adhoc_domain(const struct adhoc *run)
{
	return run->domain;
}

enum text_lang adhoc_lang(const struct adhoc *run)
{
	return run->lang;
}

struct arena *adhoc_arena(struct adhoc *run)
{
	return &run->arena;
}

struct user *adhoc_user(const struct adhoc *run)
{
	check(run->user != NULL);
	return run->user;
}

const struct form *adhoc_form(const struct adhoc *run, unsigned stage)
{
	check(stage < stage_count(run->command));
	return &run->forms[stage];
}

static void adhoc_free(struct adhoc **run)
{
	for (size_t i = 0; i < array_len((*run)->stages); i++)
		stanza_unref(&(*run)->stages[i]);
	arena_fini(&(*run)->arena);
	block_free(*run);
	*run = NULL;
}

void adhoc_complete(struct adhoc **run, struct bytes payload)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	command_open(&w, bytes_of((*run)->command->node), (*run)->id, "completed",
		     (*run)->lang);
	xml_raw(&w, payload);
	xml_close(&w);
	xml_writer_fini(&w);
	iq_token_result(&(*run)->token, buf_bytes(&xml));
	buf_fini(&xml);
	adhoc_free(run);
}

void adhoc_complete_buf(struct adhoc **run, struct buf *payload)
{
	if (payload->failed)
		adhoc_fail(run, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	else
		adhoc_complete(run, buf_bytes(payload));
	buf_fini(payload);
}

void adhoc_fail(struct adhoc **run, enum stanza_condition condition, enum text text)
{
	iq_token_fail(&(*run)->token, condition, text);
	adhoc_free(run);
}

/* Section 3.5.1: a cancelled form counts as a submitted one. */
static int read_stage(struct arena *arena, const struct stanza *stanza,
		      const struct form_spec *spec, struct form *ret_form)
{
	const struct xnode *command = xnode_first_child(stanza_root(stanza));
	const struct form_field *wrong;

	if (form_read(arena, xnode_find(command, "x", NS_DATA_FORM), ret_form) < 0)
		return -1;
	if (ret_form->kind == FORM_KIND_CANCEL)
		ret_form->kind = FORM_KIND_SUBMIT;
	return form_check(arena, ret_form, spec, &wrong);
}

static struct verdict carry_out(struct iq *iq, struct sitting *sitting)
{
	struct iq_token *token;
	struct verdict verdict = iq_later(iq, WAIT_MS, &token);
	struct adhoc *run;

	if (verdict.kind != VERDICT_LATER)
		return verdict;
	run = block_alloc_zeroed(sizeof(*run));
	arena_init(&run->arena, 1024);
	run->token = token;
	run->command = sitting->command;
	run->domain = iq->domain;
	run->user = iq->user;
	run->asker = jid_copy(&run->arena, iq->user->jid);
	run->lang = sitting->lang;
	run->id = arena_copy(&run->arena, sitting_id(sitting));
	for (unsigned i = 0; i < stage_count(sitting->command); i++) {
		run->stages[i] = stanza_ref(sitting->stages[i]);
		check(read_stage(&run->arena, run->stages[i], sitting->command->stages[i],
				 &run->forms[i]) == 0);
	}
	sitting_end(sitting);
	run->command->run(run);
	return verdict;
}

/* --- requests ------------------------------------------------------------------------------- */

/* Section 4.1, table; EXECUTE is what the stage makes of it. */
enum action {
	ACTION_EXECUTE,
	ACTION_CANCEL,
	ACTION_PREV,
	ACTION_NEXT,
	ACTION_COMPLETE,
	ACTIONS
};

static bool read_action(const struct iq *iq, enum action *ret_action)
{
	static const char *const names[ACTIONS] = { "execute", "cancel", "prev", "next",
						    "complete" };
	struct bytes name = xnode_attr(iq->child, "action");

	*ret_action = ACTION_EXECUTE;
	if (bytes_is_none(name))
		return true;
	for (int i = 0; i < ACTIONS; i++) {
		if (bytes_is(name, names[i])) {
			*ret_action = (enum action)i;
			return true;
		}
	}
	return false;
}

static struct verdict begin(struct iq *iq, const struct adhoc_command *command,
			    enum action action)
{
	struct sitting *sitting;

	if (action != ACTION_EXECUTE)
		return refuse(CONDITION_BAD_REQUEST, "bad-action");
	sitting = sitting_new(iq->passage->session, command, iq->lang);
	return stage_count(command) == 0 ? carry_out(iq, sitting) : answer_stage(iq, sitting);
}

static struct verdict submit(struct iq *iq, struct sitting *sitting)
{
	struct form form;

	if (iq->stanza->size_bytes > ADHOC_STAGE_BYTES ||
	    read_stage(scratch(), iq->stanza, sitting->command->stages[sitting->stage], &form) <
		    0)
		return refuse(CONDITION_BAD_REQUEST, "bad-payload");
	stanza_unref(&sitting->stages[sitting->stage]);
	sitting->stages[sitting->stage] = stanza_ref(iq->stanza);
	if (sitting->stage + 1 == stage_count(sitting->command))
		return carry_out(iq, sitting);
	sitting->stage++;
	return answer_stage(iq, sitting);
}

static struct verdict go_on(struct iq *iq, struct sitting *sitting, enum action action)
{
	bool is_last = sitting->stage + 1 == stage_count(sitting->command);

	sitting->used_at_ms = clock_ms();
	if (action == ACTION_CANCEL)
		return answer_cancelled(iq, sitting);
	if (action == ACTION_PREV && sitting->stage > 0) {
		sitting->stage--;
		return answer_stage(iq, sitting);
	}
	if (action == ACTION_PREV || (action == ACTION_NEXT && is_last) ||
	    (action == ACTION_COMPLETE && !is_last))
		return refuse(CONDITION_BAD_REQUEST, "bad-action");
	return submit(iq, sitting);
}

/* Ours, but no longer active, or never ours (section 4.4). */
static struct verdict refuse_id(struct bytes id)
{
	struct bytes raw;

	if (id.len == ID_CHARS && hex_decode(scratch(), id, &raw) == 0)
		return refuse(CONDITION_NOT_ALLOWED, "session-expired");
	return refuse(CONDITION_BAD_REQUEST, "bad-sessionid");
}

struct verdict adhoc_request(struct iq *iq)
{
	struct bytes node = xnode_attr(iq->child, "node");
	struct bytes id = xnode_attr(iq->child, "sessionid");
	const struct adhoc_command *command = command_find(iq->domain, node);
	struct sitting *sitting;
	enum action action;

	if (bytes_is_none(node))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (command == NULL)
		return verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_NONE);
	if (iq->passage->session == NULL || !may_run(iq, command))
		return verdict_fail(CONDITION_FORBIDDEN, TEXT_NONE);
	if (!read_action(iq, &action))
		return refuse(CONDITION_BAD_REQUEST, "malformed-action");
	if (bytes_is_none(id))
		return begin(iq, command, action);
	sitting = sitting_find(iq->passage->session, id);
	if (sitting != NULL && is_expired(sitting)) {
		sitting_end(sitting);
		sitting = NULL;
	}
	if (sitting == NULL)
		return refuse_id(id);
	if (sitting->command != command)
		return refuse(CONDITION_BAD_REQUEST, "bad-sessionid");
	return go_on(iq, sitting, action);
}
