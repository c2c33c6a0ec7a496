#include "core/enrol.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/domain.h"
#include "core/friend.h"
#include "core/invite.h"
#include "core/people.h"
#include "core/ration.h"

enum { HOUR_S = 3600 };

struct option enrol_option_limit =
	OPTION_INT("limits.registrations_per_hour", OPTION_DOMAIN, 10, 0, 1000000,
		   "How many accounts may be asked for from one network address in an hour; 0: "
		   "any number.");

struct enrolling {
	struct arena arena;
	struct jid jid;
	const struct domain *domain;
	struct secret password;
	struct bytes token; /* NONE: none */
	struct bytes key;
	struct jid inviter; /* of a claimed invitation that befriends */
	int status;
	enrol_done_fn *done;
	void *context;
};

enum enrol_policy enrol_policy(const struct domain *domain)
{
	return (enum enrol_policy)settings_enum(domain_settings(domain),
						&account_option_registration);
}

static void enrol_end(struct enrolling *it, int status)
{
	it->done(status, it->context);
	secret_fini(&it->password);
	arena_fini(&it->arena);
	block_free(it);
}

/* --- SETTLE, RELEASE --- */

static void enrol_settled(struct invite_op *op)
{
	struct enrolling *it = op->context;

	/* The account is made: what became of the invitation cannot unmake it. */
	enrol_end(it, it->status);
}

static void enrol_settle(int status, void *context)
{
	struct enrolling *it = context;
	struct invite_op *op;

	it->status = status;
	if (bytes_is_none(it->token)) {
		enrol_end(it, status);
		return;
	}
	if (status == 0 && !jid_is_none(it->inviter))
		friend_ask(it->jid, it->inviter, it->token);
	op = invite_op_new(status == 0 ? INVITE_SETTLE : INVITE_RELEASE,
			   domain_name(it->domain), enrol_settled, it);
	op->key = arena_copy(&op->arena, it->key);
	invite_op_send(op);
}

/* --- MAKE, CLAIM, LOOK, RATION: each calls the one above --- */

static void enrol_make(struct invite_op *op)
{
	struct enrolling *it = op->context;

	if (op->status < 0) {
		enrol_end(it, op->status);
		return;
	}
	if (op->invite.is_befriended && !bytes_is_none(op->invite.inviter))
		it->inviter = jid_copy(&it->arena, jid_from_normal(op->invite.inviter));
	people_add(it->jid, secret_bytes(&it->password), enrol_settle, it);
}

static void enrol_claim(int status, const struct people_facts *facts, void *context)
{
	struct enrolling *it = context;
	struct invite_op *op;

	(void)facts;
	if (status != -ENOENT) {
		enrol_end(it, status == 0 ? -EEXIST : status);
		return;
	}
	op = invite_op_new(INVITE_CLAIM, domain_name(it->domain), enrol_make, it);
	op->key = arena_copy(&op->arena, it->key);
	op->username = arena_copy(&op->arena, jid_local(it->jid));
	invite_op_send(op);
}

static void enrol_look(bool is_granted, void *context)
{
	struct enrolling *it = context;

	if (is_granted)
		people_read(it->jid, enrol_claim, it);
	else
		enrol_end(it, -EDQUOT);
}

void enrol(const struct enrolment *enrolment, enrol_done_fn *done, void *context)
{
	struct enrolling *it = block_alloc_zeroed(sizeof(*it));
	struct bytes domain = domain_name(enrolment->domain);

	arena_init(&it->arena, 512);
	it->domain = enrolment->domain;
	it->jid = jid_from_normal(arena_printf(
		&it->arena, "%.*s@%.*s", BYTES_ARG(enrolment->username), BYTES_ARG(domain)));
	secret_init(&it->password, enrolment->password);
	it->token = arena_copy(&it->arena, enrolment->token);
	if (!bytes_is_none(it->token))
		it->key = invite_key(&it->arena, it->token);
	it->inviter = JID_NONE;
	it->done = done;
	it->context = context;
	ration_take(arena_printf(scratch(), "register %.*s", BYTES_ARG(domain)),
		    enrolment->network,
		    (uint32_t)settings_int(domain_settings(it->domain), &enrol_option_limit),
		    HOUR_S, enrol_look, it);
}
