#include "core/entrance.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "core/account.h"
#include "core/dispatch.h"
#include "core/domain.h"
#include "core/phase.h"
#include "core/place.h"
#include "core/sent.h"
#include "core/session.h"
#include "core/throttle.h"

enum conflict { CONFLICT_REPLACE, CONFLICT_REJECT };
static const char *const conflict_words[] = { "replace", "reject", NULL };
struct option entrance_option_conflict =
	OPTION_ENUM("session.conflict", OPTION_DOMAIN, CONFLICT_REPLACE, conflict_words,
		    "What happens when a device name logs in twice: the new session replaces "
		    "the old one, or is rejected.");
struct option entrance_option_sessions =
	OPTION_INT("limits.sessions_per_user", OPTION_DOMAIN, 50, 1, 10000,
		   "How many devices of one account may be connected at once.");

/* --- credentials ----------------------------------------------------------------------- */

static void entrance_credentials_read(struct account_op *op)
{
	struct stream_lookup *lookup = op->context;

	static const struct verifier_list none;

	if (op->status == 0 || op->status == -ENOENT)
		stream_credentials_found(
			lookup, op->account.is_disabled ? &none : &op->account.verifiers);
	else
		stream_credentials_failed(lookup);
}

static void entrance_credentials(const struct domain *domain, struct jid bare,
				 struct stream_lookup *lookup)
{
	(void)domain;
	account_op_send(account_op_new(ACCOUNT_READ, bare, entrance_credentials_read, lookup));
}

static void entrance_upgraded(struct account_op *op)
{
	if (op->status < 0)
		log_event(LOG_CORE, LOG_WARN, "account.upgrade_failed",
			  LOG_BYTES("user", op->jid.full), LOG_INT("status", op->status));
}

static void entrance_upgrade(const struct domain *domain, struct jid bare,
			     struct bytes verifiers)
{
	struct account_op *op =
		account_op_new(ACCOUNT_VERIFIERS, bare, entrance_upgraded, NULL);

	(void)domain;
	check(verifier_list_parse(&op->arena, arena_copy(&op->arena, verifiers),
				  &op->account.verifiers) == 0);
	account_op_send(op);
}

static struct verifier_cost entrance_cost(const struct domain *domain)
{
	return account_cost(domain_settings(domain));
}

static uint32_t entrance_auth_delay_ms(const struct domain *domain, struct jid bare,
				       struct bytes address)
{
	(void)domain;
	return throttle_delay_ms(bare, address);
}

static void entrance_auth_result(const struct domain *domain, struct jid bare,
				 struct bytes address, bool is_ok)
{
	(void)domain;
	throttle_result(bare, address, is_ok);
}

/* --- before authentication -------------------------------------------------------------- */

/* RFC 6120 section 8.2.3, and to nobody but the domain of the stream. */
static bool entrance_may_ask(const struct stream_ask *ask, const struct stanza *stanza)
{
	const struct xnode *child = xnode_first_child(stanza_root(stanza));
	struct jid to;

	if (!bytes_is_none(stanza->to) &&
	    (jid_parse_borrowed(scratch(), stanza->to, &to, NULL) < 0 ||
	     !bytes_equal(to.full, domain_name(stream_ask_domain(ask)))))
		return false;
	return (bytes_is(stanza->type, "get") || bytes_is(stanza->type, "set")) &&
	       !bytes_is_none(stanza->id) && child != NULL && xnode_next(child) == NULL;
}

static void entrance_asked(struct stream_ask *ask, const struct stanza *stanza)
{
	struct stanza_edit edit;
	struct stanza *request;

	if (!entrance_may_ask(ask, stanza)) {
		stream_ask_answer(ask, NULL);
		return;
	}
	stanza_edit_init(&edit, stanza, scratch());
	stanza_edit_set(&edit, STANZA_ATTR_TO, domain_name(stream_ask_domain(ask)));
	stanza_edit_set(&edit, STANZA_ATTR_FROM, BYTES_NONE);
	request = stanza_edit_seal(&edit);
	dispatch_preauth(ask, request);
	stanza_unref(&request);
}

/* --- binding ---------------------------------------------------------------------------- */

/* A bind that waits for the account to be loaded. */
struct bind_wait {
	struct user_wait wait;
	struct stream *stream;
	struct jid full;
	char name[];
};

/* RFC 6120 section 7.7.2.2: the resource is in use. False: the newcomer is refused. */
static bool entrance_make_room(struct user *user, struct bytes resource)
{
	struct session *old = session_find(user, resource);

	if (old == NULL)
		return true;
	if (settings_enum(user->domain->settings, &entrance_option_conflict) == CONFLICT_REJECT)
		return false;
	session_close(old, STREAM_CONDITION_CONFLICT, TEXT_SESSION_REPLACED);
	return true;
}

/* Features hear of it when the client knows its name: what they send comes after. */
static void entrance_open(struct user *user, struct jid full, struct stream *stream)
{
	struct session *session = session_ref(session_new(user, full, stream));

	stream_bound(stream, session, session->jid);
	if (!session->is_gone)
		phase_session_bound(session);
	session_unref(&session);
}

static void entrance_bind_ready(struct user_wait *wait, struct user *user, int status)
{
	struct bind_wait *bind = container_of(wait, struct bind_wait, wait);
	struct stream *stream = bind->stream;

	user->pins++;
	if (stream_is_gone(stream)) { /* it may not push out who has that resource now */
		stream_bind_failed(stream, CONDITION_RESOURCE_CONSTRAINT);
	} else if (status < 0) {
		stream_bind_failed(stream, status == -ENOENT ? CONDITION_NOT_ALLOWED
							     : CONDITION_INTERNAL_SERVER_ERROR);
	} else if (domain_find(jid_domain(user->jid)) == NULL) { /* removed meanwhile */
		stream_bind_failed(stream, CONDITION_ITEM_NOT_FOUND);
	} else if (!entrance_make_room(user, jid_resource(bind->full))) {
		stream_bind_failed(stream, CONDITION_CONFLICT);
	} else if (user->session_count >=
		   settings_int(user->domain->settings, &entrance_option_sessions)) {
		stream_bind_failed(stream, CONDITION_RESOURCE_CONSTRAINT);
	} else {
		entrance_open(user, bind->full, stream);
	}
	block_free(bind);
	user->pins--;
	user_release(user);
}

static void entrance_bind(struct stream *stream, struct jid bare, struct bytes resource)
{
	const struct domain *domain = domain_find(jid_domain(bare));
	size_t len = jid_bare(bare).len + 1 + resource.len;
	struct bind_wait *bind;

	check(place_is_here(bare));
	if (domain == NULL) {
		stream_bind_failed(stream, CONDITION_ITEM_NOT_FOUND);
		return;
	}
	bind = block_alloc(sizeof(*bind) + len);
	memcpy(bind->name, jid_bare(bare).ptr, jid_bare(bare).len);
	bind->name[jid_bare(bare).len] = '/';
	memcpy(bind->name + jid_bare(bare).len + 1, resource.ptr, resource.len);
	bind->full = jid_from_normal(bytes_make(bind->name, len));
	bind->stream = stream;
	bind->wait.run = entrance_bind_ready;
	user_when_ready(user_wake(bare, domain), &bind->wait);
}

/* --- stanzas ---------------------------------------------------------------------------------
 */

static void entrance_stanza(void *session, struct stanza *taken)
{
	sent_stanza(session, taken);
}

static bool entrance_nonza(struct stream *stream, void *session, const struct stanza *element)
{
	(void)stream;
	return session != NULL && dispatch_nonza(session, element);
}

/* An end that waits behind the stanzas that came before it. */
struct end_wait {
	struct user_wait wait;
	struct session *session;
};

static void entrance_end_ready(struct user_wait *wait, struct user *user, int status)
{
	struct end_wait *end = container_of(wait, struct end_wait, wait);

	(void)user;
	(void)status;
	if (!end->session->is_gone)
		session_end(end->session);
	session_unref(&end->session);
	block_free(end);
}

static void entrance_ended(void *context, enum stream_end why)
{
	struct session *session = context;
	struct end_wait *end;

	(void)why;
	if (user_is_ready(session->user)) {
		session_end(session);
		return;
	}
	/* Only a loaded account knows who has to hear of it. */
	session->stream = NULL;
	end = block_alloc(sizeof(*end));
	end->wait.run = entrance_end_ready;
	end->session = session_ref(session);
	user_when_ready(session->user, &end->wait);
}

static void entrance_drained(void *session)
{
	check_magic((struct session *)session, SESSION_MAGIC);
}

const struct stream_host entrance = {
	.domain = domain_find,
	.domain_settings = domain_settings,
	.domain_name = domain_name,
	.home = place_shard,
	.credentials = entrance_credentials,
	.cost = entrance_cost,
	.upgrade = entrance_upgrade,
	.auth_delay_ms = entrance_auth_delay_ms,
	.auth_result = entrance_auth_result,
	.offers = phase_preauth_features,
	.asked = entrance_asked,
	.features = phase_stream_features,
	.bind = entrance_bind,
	.stanza = entrance_stanza,
	.nonza = entrance_nonza,
	.ended = entrance_ended,
	.drained = entrance_drained,
};
