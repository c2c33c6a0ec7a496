#include "core/user.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "core/phase.h"
#include "core/preload.h"
#include "core/session.h"
#include "core/shard_state.h"
#include "core/slots.h"

void user_check(const struct user *user)
{
	check_magic(user, USER_MAGIC);
	check(user->shard == shard_id());
}

struct user *user_find(struct bytes bare)
{
	return table_find(&core_shard()->users, bare);
}

struct user *user_next(uint32_t *cursor)
{
	return table_next(&core_shard()->users, cursor);
}

static void user_loaded(struct user *user, int status);

/* Reads what the features want to have in memory; with nothing to read, ready at once. */
static void user_load(struct user *user)
{
	user->state = USER_LOADING;
	user->pins++;
	preload_start(user, user_loaded);
}

struct user *user_wake(struct jid bare, const struct domain *domain)
{
	struct user *user = user_find(jid_bare(bare));
	struct bytes name = jid_bare(bare);

	if (user != NULL)
		return user;
	user = block_alloc_zeroed(sizeof(*user) + name.len);
	user->magic = USER_MAGIC;
	user->shard = (uint8_t)shard_id();
	memcpy(user->name, name.ptr, name.len);
	user->jid = jid_from_normal(bytes_make(user->name, name.len));
	user->domain = domain;
	gate_init(&user->gate);
	list_init(&user->sessions);
	list_init(&user->waits);
	table_put(&core_shard()->users, user->jid.full, user);
	user_load(user);
	return user;
}

/* Runs what waited, in order, as long as the account stays ready. */
static void user_run_waits(struct user *user, int status)
{
	struct user_wait *wait;

	while ((user->state == USER_READY || status < 0) &&
	       (wait = list_first(&user->waits, struct user_wait, list)) != NULL) {
		list_del(&wait->list);
		wait->run(wait, user, status);
	}
}

/* Half an account in memory would overwrite the whole one: nobody may work with it. */
static void user_load_failed(struct user *user, int status)
{
	struct session *session;

	user->state = USER_BROKEN;
	if (status != -ENOENT) /* anybody may ask for an account that is not there */
		log_event(LOG_CORE, LOG_ERROR, "user.load_failed",
			  LOG_BYTES("user", user->jid.full), LOG_INT("status", status));
	user_run_waits(user, status);
	while ((session = user_session_next(user, NULL)) != NULL)
		session_close(session, STREAM_CONDITION_INTERNAL_SERVER_ERROR, TEXT_NONE);
}

static void user_loaded(struct user *user, int status)
{
	user_check(user);
	if (user->is_stale) {
		user->is_stale = false;
		slots_free(SLOT_USER, &user->slots);
		user_load(user);
	} else if (status < 0) {
		user_load_failed(user, status);
	} else {
		user->state = USER_READY;
		phase_user_loaded(user);
		user_run_waits(user, 0);
	}
	user->pins--;
	user_release(user);
}

void user_when_ready(struct user *user, struct user_wait *wait)
{
	user_check(user);
	if (user_is_ready(user)) {
		user->pins++;
		wait->run(wait, user, 0);
		user->pins--;
		user_release(user);
		return;
	}
	list_add_tail(&user->waits, &wait->list);
	if (user->state == USER_BROKEN)
		user_load(user);
}

void user_reload(struct user *user)
{
	user_check(user);
	if (user->state == USER_LOADING) {
		user->is_stale = true;
	} else if (user->state != USER_FAILED) { /* FAILED: will be loaded anyway */
		slots_free(SLOT_USER, &user->slots);
		user_load(user);
	}
}

void user_release(struct user *user)
{
	if (user->pins > 0 || user->session_count > 0 || !list_is_empty(&user->sessions) ||
	    user->gate.issued != user->gate.completed || !list_is_empty(&user->gate.held) ||
	    !list_is_empty(&user->waits))
		return;
	table_del(&core_shard()->users, user->jid.full);
	slots_free(SLOT_USER, &user->slots);
	user->magic = 0;
	block_free(user);
}

/* A batch of this account came back. */
static void user_committed(int status, uint64_t seq, void *context)
{
	struct user *user = context;
	bool is_over;

	user_check(user);
	user->pins++;
	if (status < 0) {
		log_event(LOG_CORE, LOG_ERROR, "user.commit_failed",
			  LOG_BYTES("user", user->jid.full), LOG_INT("status", status),
			  LOG_UINT("batch", seq));
		user->state = USER_FAILED;
	}
	is_over = gate_complete(&user->gate, status);
	user->pins--;
	if (is_over) {
		/* Memory was built on what did not happen: forget it and read the truth. */
		slots_free(SLOT_USER, &user->slots);
		user_load(user);
		return;
	}
	user_release(user);
}

void user_leave(struct user *user)
{
	user_check(user);
	check(user->state == USER_READY);
	user->state = USER_LEAVING;
}

void user_commit(struct user *user, struct store_batch **batch)
{
	user_check(user);
	if (user->state == USER_LEAVING) { /* its data are gone already */
		store_batch_free(batch);
		return;
	}
	gate_issue(&user->gate);
	store_commit(core_store(), batch, user_committed, user);
}

struct jid user_jid(const struct user *user)
{
	return user->jid;
}

const struct domain *user_domain(const struct user *user)
{
	return user->domain;
}

struct session *user_session_next(const struct user *user, const struct session *after)
{
	struct list *next = after == NULL ? user->sessions.next : after->list.next;

	return next == &user->sessions ? NULL : list_entry(next, struct session, list);
}
