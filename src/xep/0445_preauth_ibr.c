/*
 * XEP-0445 Pre-Authenticated In-Band Registration: whoever has an invitation shows it before
 * making an account (XEP-0077). Version 0.2.0. The token is checked here; it is used up when
 * the account is made (core/enrol.h).
 */
#include "core/enrol.h"
#include "core/feature.h"
#include "core/invite.h"
#include "core/preauth.h"

#define NS_PARS "urn:xmpp:pars:0"
#define NS_IBR_TOKEN "urn:xmpp:ibr-token:0"

enum { TOKEN_BYTES_MAX = 256, WAIT_MS = 30000 };

/* A token that is being looked up. */
struct lookup {
	struct iq_token *asker;
	struct bytes token; /* in the operation's arena */
};

/* Section 4: its time is looked at now, and not again. */
static void found(struct invite_op *op)
{
	struct lookup *it = op->context;

	if (op->status < 0 || !op->invite.may_register) {
		iq_token_fail(&it->asker, CONDITION_ITEM_NOT_FOUND, TEXT_REGISTER_INVITE_BAD);
		return;
	}
	preauth_remember_later(it->asker, it->token);
	iq_token_result(&it->asker, BYTES_NONE);
}

static struct verdict show_token(struct iq *iq)
{
	struct bytes token = xnode_attr(iq->child, "token");
	struct iq_token *asker;
	struct invite_op *op;
	struct lookup *it;
	struct verdict verdict;

	if (enrol_policy(iq->domain) == ENROL_CLOSED)
		return verdict_fail(CONDITION_SERVICE_UNAVAILABLE, TEXT_NONE);
	if (token.len == 0)
		return verdict_fail(CONDITION_BAD_REQUEST, TEXT_NONE);
	if (token.len > TOKEN_BYTES_MAX)
		return verdict_fail(CONDITION_ITEM_NOT_FOUND, TEXT_REGISTER_INVITE_BAD);
	verdict = iq_later(iq, WAIT_MS, &asker);
	if (verdict.kind != VERDICT_LATER)
		return verdict;
	op = invite_op_new(INVITE_FIND, domain_name(iq->domain), found, NULL);
	it = arena_new(&op->arena, struct lookup);
	*it = (struct lookup){ asker, arena_copy(&op->arena, token) };
	op->key = invite_key(&op->arena, token);
	op->context = it;
	invite_op_send(op);
	return verdict;
}

/* Section 3. */
static void preauth_features(const struct domain *domain, struct buf *out)
{
	if (enrol_policy(domain) != ENROL_CLOSED)
		buf_append_cstr(out, "<register xmlns='" NS_IBR_TOKEN "'/>");
}

const struct feature feature_preauth_ibr = {
	FEATURE_ABI,
	.name = "preauth_ibr",
	.xep = "0445",
	.version = "0.2.0",
	.summary = "Make an account with an invitation.",
	.iq =
		(const struct iq_rule[]){
			{ IQ_SET, TO_PREAUTH, NS_PARS, "preauth", show_token },
			{ 0 },
		},
	.preauth_features = preauth_features,
};
