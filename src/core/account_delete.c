#include "core/account_delete.h"

#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "core/domain.h"
#include "core/handover.h"
#include "core/phase.h"
#include "core/roster.h"
#include "core/session.h"
#include "xml/build.h"

struct farewell {
	struct farewell *next;
	struct stanza *stanza;
	uint64_t number;
};

struct deletion {
	struct account_op *op;
	void (*finish)(struct account_op *, int status);
	struct user *user;
	struct user_wait wait;
	struct gate_output committed; /* then what the asker is told, then: */
	struct gate_output said;
	struct farewell *farewells; /* in the operation's arena */
};

static void deletion_finish(struct deletion *it, int status)
{
	struct farewell *farewell;

	for (farewell = it->farewells; farewell != NULL; farewell = farewell->next)
		stanza_unref(&farewell->stanza);
	it->finish(it->op, status);
	block_free(it);
}

static void deletion_log(const struct deletion *it)
{
	log_event(LOG_CORE, LOG_INFO, "account.deleted", LOG_BYTES("user", it->op->jid.full));
}

/* Nobody may go on talking under a name that is free. */
static void close_sessions(struct user *user)
{
	struct session *session;

	while ((session = user_session_next(user, NULL)) != NULL)
		session_close(session, STREAM_CONDITION_NOT_AUTHORIZED, TEXT_ACCOUNT_DELETED);
}

/* Everybody who saw the user online sees him leave, then loses the subscription. */
static void leave_after_said(struct gate_output *output, int status)
{
	struct deletion *it = container_of(output, struct deletion, said);
	struct user *user = it->user;

	(void)status; /* it is committed: nothing that fails later undoes it */
	user->pins++;
	close_sessions(user);
	for (struct farewell *f = it->farewells; f != NULL; f = f->next)
		handover_post(user, f->stanza, f->number);
	phase_user_deleted(user->domain, user->jid);
	deletion_log(it);
	user_reload(user);
	user->pins--;
	deletion_finish(it, 0);
}

static void leave_committed(struct gate_output *output, int status)
{
	struct deletion *it = container_of(output, struct deletion, committed);

	if (status < 0) { /* the account lives: user.c loads it again */
		deletion_finish(it, status);
		return;
	}
	if (it->op->deleted != NULL)
		it->op->deleted(it->op);
	it->said.leave = leave_after_said;
	gate_pass(&it->user->gate, &it->said);
}

static void owe(struct deletion *it, struct store_batch *batch, struct bytes contact,
		const char *type)
{
	struct farewell *farewell = arena_new(&it->op->arena, struct farewell);

	farewell->stanza = stanza_from_parts(STANZA_PRESENCE,
					     &(struct stanza_head){ .from = it->op->jid.full,
								    .to = contact,
								    .type = bytes_of(type) },
					     BYTES_NONE);
	farewell->number = handover_record(batch, farewell->stanza);
	farewell->next = it->farewells;
	it->farewells = farewell;
}

/* RFC 6121 section 2.5.2, for every contact; a remote one has no home here to hear it. */
static void owe_contacts(struct deletion *it, struct store_batch *batch)
{
	const struct roster *roster = roster_of(it->user);

	for (uint32_t i = roster->count; i-- > 0;) {
		const struct roster_item *item = roster->items[i];
		enum subscription state = (enum subscription)item->state;
		struct jid contact = jid_from_normal(roster_item_jid(item));

		if ((item->flags & ROSTER_REMOVED) != 0 ||
		    domain_find(jid_domain(contact)) == NULL)
			continue;
		if (subscription_has_from(state) || subscription_has_request(state))
			owe(it, batch, contact.full, "unsubscribed");
		if (subscription_has_to(state) || subscription_is_asking(state))
			owe(it, batch, contact.full, "unsubscribe");
	}
}

/* What cannot be loaded, or is not served any more, has nobody to say farewell to. */
static void plainly_deleted(int status, uint64_t seq, void *context)
{
	struct deletion *it = context;

	(void)seq;
	if (status == 0)
		deletion_log(it);
	deletion_finish(it, status);
}

static void delete_plainly(struct deletion *it)
{
	struct store_batch *batch = store_batch_new(core_store(), it->op->jid.full);

	store_delete_owner(batch);
	store_commit(core_store(), &batch, plainly_deleted, it);
}

static void deletion_ready(struct user_wait *wait, struct user *user, int status)
{
	struct deletion *it = container_of(wait, struct deletion, wait);
	struct store_batch *batch;

	if (status < 0) {
		delete_plainly(it);
		return;
	}
	it->user = user;
	batch = store_batch_new(core_store(), user->jid.full);
	store_delete_owner(batch);
	owe_contacts(it, batch);
	user_commit(user, &batch);
	user_leave(user);
	it->committed.leave = leave_committed;
	gate_pass(&user->gate, &it->committed);
}

void account_delete(struct account_op *op, void (*finish)(struct account_op *, int status))
{
	struct deletion *it = block_alloc_zeroed(sizeof(*it));
	const struct domain *domain = domain_find(jid_domain(op->jid));

	it->op = op;
	it->finish = finish;
	it->wait.run = deletion_ready;
	if (domain == NULL)
		delete_plainly(it);
	else
		user_when_ready(user_wake(op->jid, domain), &it->wait);
}
