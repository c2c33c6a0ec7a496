/*
 * XEP-0077 In-Band Registration: people make an account, change its password and cancel it from
 * their client. Version 2.4. Who may make one is the option `registration` (closed, open, or by
 * invitation: XEP-0445). Left out: data forms (the fields of section 3.1 say all that is asked),
 * redirection, <key/>, error codes of before RFC 3920, and echoes of requests in errors, which
 * would repeat passwords.
 */
#include <errno.h>

#include "base/block.h"
#include "core/enrol.h"
#include "core/feature.h"
#include "core/people.h"
#include "core/preauth.h"
#include "xmpp/ns.h"

enum { WAIT_MS = 30000 };

static struct option option_password =
	OPTION_BOOL("account.change_password", OPTION_DOMAIN, true,
		    "Let people change their password from a client.");
static struct option option_cancel =
	OPTION_BOOL("account.cancel", OPTION_DOMAIN, true,
		    "Let people delete their account from a client.");

static struct metric registered =
	METRIC_COUNTER("accounts_registered", "Accounts that were made from a client.");
static struct metric refused =
	METRIC_COUNTER("registrations_refused", "Attempts to make an account that failed.");

/* --- the request ------------------------------------------------------------------------- */

/* Trimmed text of a child of the query; BYTES_NONE if it is absent or empty. */
static struct bytes field(const struct iq *iq, const char *name)
{
	const struct xnode *node = xnode_find(iq->child, name, NS_REGISTER);
	struct bytes text = node == NULL ? BYTES_NONE : xnode_text(node, iq->arena);

	return text.len == 0 ? BYTES_NONE : text;
}

static bool has_remove(const struct iq *iq)
{
	return xnode_find(iq->child, "remove", NS_REGISTER) != NULL;
}

static void write_fields(struct xml_writer *w, enum text instructions, enum text_lang lang,
			 struct bytes username)
{
	xml_element_text(w, "instructions", bytes_of(text_get(instructions, lang)));
	xml_element_text(w, "username", bytes_is_none(username) ? BYTES_LIT("") : username);
	xml_element_empty(w, "password", NULL);
}

/* --- section 3.1.1: before authentication -------------------------------------------------- */

/* What the stream remembers: "+" when it has made an account, else an accepted token. */
static bool has_registered(const struct iq *iq)
{
	return bytes_is(preauth_memory(iq), "+");
}

static struct verdict may_register(const struct iq *iq)
{
	enum enrol_policy policy = enrol_policy(iq->domain);

	if (policy == ENROL_CLOSED)
		return verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE);
	if (has_registered(iq))
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_ONCE);
	if (policy == ENROL_INVITED && bytes_is_none(preauth_memory(iq)))
		return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_REGISTER_INVITE_NEEDED);
	return verdict_pass();
}

/* Section 3.1, example 2. */
static struct verdict fields_get(struct iq *iq)
{
	struct verdict verdict = may_register(iq);
	struct xml_writer w;
	struct buf xml;

	if (verdict.kind != VERDICT_PASS)
		return verdict;
	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_REGISTER);
	write_fields(&w, TEXT_REGISTER_INSTRUCTIONS, iq->lang, BYTES_NONE);
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

/* Why the account was not made, as section 3.1 and XEP-0445 section 4 would have it. */
static void fail_enrolment(struct iq_token **token, int status)
{
	metric_add(&refused, 1);
	switch (status) {
	case -EEXIST:
		iq_token_fail(token, CONDITION_CONFLICT, TEXT_NONE);
		break;
	case -EDQUOT:
		iq_token_fail(token, CONDITION_RESOURCE_CONSTRAINT, TEXT_REGISTER_TOO_MANY);
		break;
	case -ENOENT:
		iq_token_fail(token, CONDITION_NOT_ALLOWED, TEXT_REGISTER_INVITE_BAD);
		break;
	case -EPERM:
		iq_token_fail(token, CONDITION_NOT_ALLOWED, TEXT_REGISTER_INVITE_NAME);
		break;
	case -EINVAL:
		iq_token_fail(token, CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_PASSWORD_BAD);
		break;
	case -EAGAIN:
		iq_token_fail(token, CONDITION_RESOURCE_CONSTRAINT, TEXT_REGISTER_BUSY);
		break;
	default:
		iq_token_fail(token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	}
}

static void enrolled(int status, void *context)
{
	struct iq_token *token = context;

	if (status < 0) {
		fail_enrolment(&token, status);
		return;
	}
	metric_add(&registered, 1);
	preauth_remember_later(token, BYTES_LIT("+"));
	iq_token_result(&token, BYTES_NONE);
}

static struct verdict registration_set(struct iq *iq)
{
	struct enrolment enrolment = { .domain = iq->domain,
				       .password = field(iq, "password"),
				       .network = preauth_network(iq),
				       .token = preauth_memory(iq) };
	struct bytes username = field(iq, "username");
	struct verdict verdict = may_register(iq);
	struct iq_token *token;

	if (verdict.kind != VERDICT_PASS)
		return verdict;
	if (has_remove(iq)) /* section 3.2, table: nobody to remove */
		return verdict_fail(CONDITION_UNEXPECTED_REQUEST, TEXT_NONE);
	if (bytes_is_none(username) || bytes_is_none(enrolment.password))
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_INCOMPLETE);
	if (jid_prepare_local(iq->arena, username, &enrolment.username) < 0)
		return verdict_fail(CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_NAME_BAD);
	verdict = iq_later(iq, WAIT_MS, &token);
	if (verdict.kind == VERDICT_LATER)
		enrol(&enrolment, enrolled, token);
	return verdict;
}

static void preauth_features(const struct domain *domain, struct buf *out)
{
	if (enrol_policy(domain) != ENROL_CLOSED)
		buf_append_cstr(out, "<register xmlns='" NS_REGISTER_FEATURE "'/>");
}

/* --- after authentication: one's own account ---------------------------------------------- */

/* Section 3.1, example 3. */
static struct verdict registered_get(struct iq *iq)
{
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_REGISTER);
	xml_element_empty(&w, "registered", NULL);
	write_fields(&w, TEXT_REGISTERED_INSTRUCTIONS, iq->lang, jid_local(user_jid(iq->user)));
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

static void password_set(int status, void *context)
{
	struct iq_token *token = context;

	if (status == 0)
		iq_token_result(&token, BYTES_NONE);
	else if (status == -EINVAL)
		iq_token_fail(&token, CONDITION_NOT_ACCEPTABLE, TEXT_REGISTER_PASSWORD_BAD);
	else if (status == -EAGAIN)
		iq_token_fail(&token, CONDITION_RESOURCE_CONSTRAINT, TEXT_REGISTER_BUSY);
	else
		iq_token_fail(&token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
}

/* Section 3.3. An empty password never replaces one. */
static struct verdict change_password(struct iq *iq)
{
	struct bytes username = field(iq, "username"), password = field(iq, "password");
	struct bytes local;
	struct iq_token *token;
	struct verdict verdict;

	if (bytes_is_none(username) || bytes_is_none(password))
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_REGISTER_INCOMPLETE);
	if (jid_prepare_local(iq->arena, username, &local) < 0 ||
	    !bytes_equal(local, jid_local(user_jid(iq->user))) ||
	    !settings_bool(domain_settings(iq->domain), &option_password))
		return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_NONE);
	verdict = iq_later(iq, WAIT_MS, &token);
	if (verdict.kind == VERDICT_LATER)
		people_set_password(user_jid(iq->user), password, password_set, token);
	return verdict;
}

/* A cancellation: its result is the last word to the client before its stream ends. */
struct cancellation {
	struct iq_token *token; /* NULL: answered */
};

static void account_gone(void *context)
{
	struct cancellation *it = context;

	iq_token_result(&it->token, BYTES_NONE);
}

static void cancelled(int status, void *context)
{
	struct cancellation *it = context;

	(void)status;
	if (it->token != NULL)
		iq_token_fail(&it->token, CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
	block_free(it);
}

/* Section 3.2. */
static struct verdict cancel(struct iq *iq)
{
	struct cancellation *it;
	struct iq_token *token;
	struct verdict verdict;

	if (xnode_next(xnode_first_child(iq->child)) != NULL)
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (!settings_bool(domain_settings(iq->domain), &option_cancel))
		return verdict_fail(CONDITION_NOT_ALLOWED, TEXT_NONE);
	verdict = iq_later(iq, WAIT_MS, &token);
	if (verdict.kind != VERDICT_LATER)
		return verdict;
	it = block_alloc(sizeof(*it));
	it->token = token;
	people_delete(user_jid(iq->user), account_gone, cancelled, it);
	return verdict;
}

/* The server that may be asked about an account is the account's own. */
static bool is_home(const struct iq *iq)
{
	return iq->user != NULL && iq->domain == user_domain(iq->user);
}

static struct verdict own_get(struct iq *iq)
{
	return is_home(iq) ? registered_get(iq)
			   : verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE);
}

static struct verdict own_set(struct iq *iq)
{
	if (!is_home(iq)) /* section 3.2, table */
		return verdict_fail(CONDITION_REGISTRATION_REQUIRED, TEXT_NONE);
	return has_remove(iq) ? cancel(iq) : change_password(iq);
}

const struct feature feature_registration = {
	FEATURE_ABI,
	.name = "registration",
	.xep = "0077",
	.version = "2.4",
	.summary = "Make an account, change its password and cancel it from a client.",
	.disco = (const char *const[]){ NS_REGISTER, NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_PREAUTH, NS_REGISTER, "query", fields_get },
			{ IQ_SET, TO_PREAUTH, NS_REGISTER, "query", registration_set },
			{ IQ_GET, TO_SERVER | TO_ACCOUNT, NS_REGISTER, "query", own_get },
			{ IQ_SET, TO_SERVER | TO_ACCOUNT, NS_REGISTER, "query", own_set },
			{ 0 },
		},
	.preauth_features = preauth_features,
	.options = (struct option *const[]){ &option_password, &option_cancel, NULL },
	.metrics = (struct metric *const[]){ &registered, &refused, NULL },
};
