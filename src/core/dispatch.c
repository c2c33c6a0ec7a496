#include "core/dispatch.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "core/domain.h"
#include "core/output.h"
#include "core/preauth.h"
#include "core/registry.h"
#include "core/reply.h"
#include "core/router.h"
#include "core/shard_state.h"

enum { BUCKETS = 256, RULES_MAX = 1024, TOKEN_MAGIC = 0x70CE4001, TOKENS_PER_USER_MAX = 64 };

struct dispatch_entry {
	const struct iq_rule *rule;
	uint8_t feature;
	uint16_t next; /* index + 1 in entries, 0 ends */
};

static struct dispatch_entry entries[RULES_MAX];
static uint16_t entry_count;
static uint16_t heads[BUCKETS];

/* FNV-1a: the table is small, fixed at boot, and its keys are ours. */
static unsigned dispatch_hash(struct bytes ns, struct bytes element)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < ns.len; i++)
		hash = (hash ^ (uint8_t)ns.ptr[i]) * 16777619u;
	for (size_t i = 0; i < element.len; i++)
		hash = (hash ^ (uint8_t)element.ptr[i]) * 16777619u;
	return (hash ^ (hash >> 16)) % BUCKETS;
}

static bool rules_collide(const struct iq_rule *a, const struct iq_rule *b)
{
	return (a->types & b->types) != 0 && (a->targets & b->targets) != 0 &&
	       strcmp(a->ns, b->ns) == 0 && strcmp(a->element, b->element) == 0;
}

static int dispatch_add(const struct iq_rule *rule, unsigned feature, struct err *ret_err)
{
	unsigned bucket = dispatch_hash(bytes_of(rule->ns), bytes_of(rule->element));

	for (unsigned i = heads[bucket]; i != 0; i = entries[i - 1].next)
		if (rules_collide(entries[i - 1].rule, rule))
			return err_set(ret_err, -EEXIST,
				       "features %s and %s both answer <%s xmlns='%s'/>",
				       registry_at(entries[i - 1].feature)->name,
				       registry_at(feature)->name, rule->element, rule->ns);
	check(entry_count < RULES_MAX);
	entries[entry_count] = (struct dispatch_entry){ rule, (uint8_t)feature, heads[bucket] };
	heads[bucket] = ++entry_count;
	return 0;
}

int dispatch_build(struct err *ret_err)
{
	memset(heads, 0, sizeof(heads));
	entry_count = 0;
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct iq_rule *rule = registry_at(i)->iq;
		for (; rule != NULL && rule->handle != NULL; rule++) {
			int rc = dispatch_add(rule, i, ret_err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static const struct iq_rule *dispatch_find(const struct iq *iq)
{
	struct bytes ns = xnode_ns(iq->child), name = xnode_name(iq->child);

	for (unsigned i = heads[dispatch_hash(ns, name)]; i != 0; i = entries[i - 1].next) {
		const struct dispatch_entry *entry = &entries[i - 1];
		const struct iq_rule *rule = entry->rule;
		if ((rule->types & iq->type) != 0 && (rule->targets & iq->target) != 0 &&
		    bytes_is(ns, rule->ns) && bytes_is(name, rule->element) &&
		    domain_feature_is_on(iq->domain, entry->feature))
			return rule;
	}
	return NULL;
}

struct dispatch_way {
	enum iq_target target;
	struct user *asked;	/* TO_OTHER; NULL: cold */
	struct stream_ask *ask; /* TO_PREAUTH */
};

/*
 * The answer's way: to the stream of a client that has not authenticated; to the asker's
 * session through its user's gate if the asker lives here and asked the server or itself;
 * otherwise through the asked user's gate into the world.
 */
static void dispatch_answer(const struct stanza *request, const struct dispatch_way *way,
			    const struct stanza *answer)
{
	struct jid asker;

	if (way->target == TO_PREAUTH) {
		stream_ask_answer(way->ask, answer);
		return;
	}
	if (way->target == TO_OTHER) {
		if (way->asked != NULL)
			output_post(way->asked, NULL, answer);
		else
			router_post(answer, NULL);
		return;
	}
	asker = jid_from_normal(request->from);
	struct user *user = user_find(jid_bare(asker));
	struct session *session = user == NULL ? NULL : session_find(user, jid_resource(asker));
	if (session != NULL)
		output_answer(session, answer);
}

static void dispatch_fail(const struct stanza *request, const struct dispatch_way *way,
			  struct verdict verdict)
{
	struct stanza *error = reply_error(request, verdict, text_lang_of(request->lang));

	dispatch_answer(request, way, error);
	stanza_unref(&error);
}

static void dispatch_result(const struct stanza *request, const struct dispatch_way *way,
			    struct bytes child_xml)
{
	struct stanza *result = reply_result(request, child_xml);

	dispatch_answer(request, way, result);
	stanza_unref(&result);
}

static struct verdict dispatch_handle(struct iq *iq)
{
	const struct iq_rule *rule;

	check(iq->child != NULL); /* whoever let the request in has seen to it */
	rule = dispatch_find(iq);
	return rule == NULL ? verdict_pass() : rule->handle(iq);
}

static struct dispatch_way dispatch_way_of(const struct iq *iq)
{
	return (struct dispatch_way){ iq->target, iq->user, iq->ask };
}

void dispatch_iq(const struct passage *passage, enum iq_target target,
		 const struct domain *domain)
{
	const struct stanza *stanza = passage->stanza;
	struct iq iq = {
		.passage = passage,
		.type = bytes_is(stanza->type, "get") ? IQ_GET : IQ_SET,
		.target = target,
		.stanza = stanza,
		.child = xnode_first_child(stanza_root(stanza)),
		.domain = domain,
		.user = passage->user,
		.lang = text_lang_of(stanza->lang),
		.arena = scratch(),
	};
	struct verdict verdict = dispatch_handle(&iq);

	if (verdict.kind == VERDICT_PASS)
		verdict = verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE);
	if (verdict.kind == VERDICT_FAIL)
		dispatch_fail(stanza, &(struct dispatch_way){ target, iq.user, NULL }, verdict);
}

void dispatch_preauth(struct stream_ask *ask, const struct stanza *request)
{
	struct passage passage = { .line = LINE_SENT,
				   .stanza = request,
				   .to = jid_from_normal(request->to),
				   .domain = stream_ask_domain(ask) };
	struct iq iq = {
		.passage = &passage,
		.type = bytes_is(request->type, "get") ? IQ_GET : IQ_SET,
		.target = TO_PREAUTH,
		.stanza = request,
		.child = xnode_first_child(stanza_root(request)),
		.domain = passage.domain,
		.ask = ask,
		.lang = stream_ask_lang(ask),
		.arena = scratch(),
	};
	struct verdict verdict = dispatch_handle(&iq);

	if (verdict.kind == VERDICT_PASS)
		stream_ask_answer(ask, NULL);
	if (verdict.kind == VERDICT_FAIL)
		dispatch_fail(request, &(struct dispatch_way){ TO_PREAUTH, NULL, ask },
			      verdict);
}

struct verdict iq_ok(struct iq *iq)
{
	return iq_result(iq, BYTES_NONE);
}

struct verdict iq_result(struct iq *iq, struct bytes child_xml)
{
	struct dispatch_way way = dispatch_way_of(iq);

	dispatch_result(iq->stanza, &way, child_xml);
	return verdict_done();
}

struct verdict iq_result_buf(struct iq *iq, struct buf *child_xml)
{
	struct verdict verdict =
		child_xml->failed ? verdict_fail(CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE)
				  : iq_result(iq, buf_bytes(child_xml));

	buf_fini(child_xml);
	return verdict;
}

struct iq_token {
	uint32_t magic;
	bool is_expired;
	struct dispatch_way way;
	struct user *user; /* pinned; NULL if the request was to a cold account */
	struct stanza *request;
	struct timer deadline;
};

static void token_expired(struct timer *timer)
{
	struct iq_token *token = container_of(timer, struct iq_token, deadline);

	token->is_expired = true;
	dispatch_fail(token->request, &token->way,
		      verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_NONE));
}

struct verdict iq_later(struct iq *iq, uint32_t deadline_ms, struct iq_token **ret_token)
{
	struct iq_token *token;

	if (iq->user != NULL && iq->user->pins >= TOKENS_PER_USER_MAX)
		return verdict_fail(CONDITION_RESOURCE_CONSTRAINT, TEXT_NONE);
	token = block_alloc_zeroed(sizeof(*token));
	token->magic = TOKEN_MAGIC;
	token->way = dispatch_way_of(iq);
	token->user = iq->user;
	token->request = stanza_ref(iq->stanza);
	if (token->user != NULL)
		token->user->pins++;
	timer_init(&token->deadline, "iq.deadline", token_expired);
	shard_arm(&token->deadline, deadline_ms);
	*ret_token = token;
	return (struct verdict){ .kind = VERDICT_LATER };
}

static void token_free(struct iq_token *token)
{
	timer_disarm(&token->deadline);
	stanza_unref(&token->request);
	if (token->user != NULL) {
		token->user->pins--;
		user_release(token->user);
	}
	token->magic = 0;
	block_free(token);
}

/* Takes the caller's pointer away: a token answers once. */
static struct iq_token *token_take(struct iq_token **token)
{
	struct iq_token *taken = *token;

	check_magic(taken, TOKEN_MAGIC);
	*token = NULL;
	return taken;
}

void iq_token_result(struct iq_token **token, struct bytes child_xml)
{
	struct iq_token *taken = token_take(token);

	if (!taken->is_expired)
		dispatch_result(taken->request, &taken->way, child_xml);
	token_free(taken);
}

void iq_token_fail(struct iq_token **token, enum stanza_condition condition, enum text text)
{
	struct iq_token *taken = token_take(token);

	if (!taken->is_expired)
		dispatch_fail(taken->request, &taken->way, verdict_fail(condition, text));
	token_free(taken);
}

bool iq_token_is_orphan(const struct iq_token *token)
{
	struct jid asker;
	struct user *user;

	check_magic(token, TOKEN_MAGIC);
	if (token->is_expired || token->way.target == TO_OTHER)
		return token->is_expired;
	if (token->way.target == TO_PREAUTH)
		return stream_ask_is_orphan(token->way.ask);
	asker = jid_from_normal(token->request->from);
	user = user_find(jid_bare(asker));
	return user == NULL || session_find(user, jid_resource(asker)) == NULL;
}

/* --- before authentication -------------------------------------------------------------- */

struct bytes preauth_network(const struct iq *iq)
{
	check(iq->target == TO_PREAUTH);
	return stream_ask_network(iq->ask);
}

struct bytes preauth_memory(const struct iq *iq)
{
	check(iq->target == TO_PREAUTH);
	return stream_ask_memory(iq->ask);
}

void preauth_remember(struct iq *iq, struct bytes memory)
{
	check(iq->target == TO_PREAUTH);
	stream_ask_remember(iq->ask, memory);
}

void preauth_remember_later(struct iq_token *token, struct bytes memory)
{
	check_magic(token, TOKEN_MAGIC);
	check(token->way.target == TO_PREAUTH);
	if (!token->is_expired)
		stream_ask_remember(token->way.ask, memory);
}

bool dispatch_nonza(struct session *session, const struct stanza *element)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct nonza_rule *rule = registry_at(i)->nonza;
		if (!domain_feature_is_on(user_domain(session_user(session)), i))
			continue;
		for (; rule != NULL && rule->handle != NULL; rule++) {
			if (!bytes_is(element->name, rule->element) ||
			    !bytes_is(element->ns, rule->ns))
				continue;
			rule->handle(session, element);
			return true;
		}
	}
	return false;
}
