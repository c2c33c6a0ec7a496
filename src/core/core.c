#include "core/core.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "core/account.h"
#include "core/deliver.h"
#include "core/domain_store.h"
#include "core/enrol.h"
#include "core/entrance.h"
#include "core/group.h"
#include "core/handover.h"
#include "core/invite.h"
#include "core/presence.h"
#include "core/ration.h"
#include "core/registry.h"
#include "core/roster.h"
#include "core/session.h"
#include "core/shard_state.h"
#include "core/slots.h"
#include "core/subscribe.h"
#include "core/throttle.h"

static struct store *the_store;

struct store *core_store(void)
{
	return the_store;
}

int core_register(struct err *ret_err)
{
	struct option *const options[] = {
		&account_option_registration, &account_option_iterations,
		&enrol_option_limit,	      &deliver_option_all,
		&entrance_option_conflict,    &entrance_option_sessions,
		&group_option_members,	      &presence_option_directed,
		&subscribe_option_auto,	      &subscribe_option_max,
	};

	for (size_t i = 0; i < array_len(options); i++)
		option_register(options[i]);
	store_register(&account_store);
	store_register(&domain_store);
	store_register(&group_store);
	store_register(&handover_store);
	store_register(&invite_store);
	if (registry_add(&feature_roster, ret_err) < 0)
		return -EEXIST;
	for (size_t i = 0; i < registry_builtin_count; i++) {
		int rc = registry_add(registry_builtin[i], ret_err);
		if (rc < 0)
			return rc;
	}
	return registry_seal(ret_err);
}

void core_start(struct store *store)
{
	the_store = store;
	stream_set_host(&entrance);
}

void core_shard_start(const struct domain_set *set)
{
	struct core_shard *core = calloc(1, sizeof(*core));

	check(core != NULL);
	table_init(&core->users);
	table_init(&core->throttle);
	table_init(&core->account_ops);
	list_init(&core->throttle_by_age);
	table_init(&core->rations);
	list_init(&core->rations_by_age);
	list_init(&core->invite_ops);
	list_init(&core->paused);
	buf_init(&core->head, 0);
	shard_set_context(shard_self(), SHARD_CORE, core);
	group_shard_start();
	domain_adopt(set);
}

void core_shard_end_sessions(void)
{
	uint32_t cursor = 0;
	struct user *user;

	while ((user = user_next(&cursor)) != NULL) {
		struct session *session;
		user->pins++;
		while ((session = user_session_next(user, NULL)) != NULL)
			session_close(session, STREAM_CONDITION_SYSTEM_SHUTDOWN, TEXT_NONE);
		user->pins--;
		user_release(user);
	}
}

void core_shard_stop(void)
{
	struct core_shard *core = core_shard();

	core_shard_end_sessions();
	timer_disarm(&core->unpause);
	slots_free(SLOT_SHARD, &core->slots);
	throttle_fini();
	group_shard_stop();
	ration_fini();
	buf_fini(&core->head);
	table_fini(&core->users);
	table_fini(&core->account_ops);
	shard_set_context(shard_self(), SHARD_CORE, NULL);
	free(core);
}
