#include "core/slots.h"

#include "base/block.h"
#include "base/check.h"
#include "core/registry.h"
#include "core/session.h"
#include "core/shard_state.h"

static void ***slots_of(const struct slot *slot, void *owner)
{
	check(slot->index != 0);
	if (slot->of == SLOT_SHARD)
		return &core_shard()->slots;
	if (slot->of == SLOT_SESSION) {
		struct session *session = owner;
		check_magic(session, SESSION_MAGIC);
		return &session->slots;
	}
	user_check(owner);
	return &((struct user *)owner)->slots;
}

void *slot_get(struct slot *slot, void *session_or_user)
{
	void ***slots = slots_of(slot, session_or_user);

	if (*slots == NULL)
		*slots = block_alloc_zeroed(registry_slot_count(slot->of) * sizeof(void *));
	if ((*slots)[slot->index - 1] == NULL)
		(*slots)[slot->index - 1] = block_alloc_zeroed(slot->size);
	return (*slots)[slot->index - 1];
}

void *slot_find(const struct slot *slot, const void *session_or_user)
{
	void **slots = slot->of == SLOT_SHARD ? core_shard()->slots
		       : slot->of == SLOT_SESSION
			       ? ((const struct session *)session_or_user)->slots
			       : ((const struct user *)session_or_user)->slots;

	return slots == NULL ? NULL : slots[slot->index - 1];
}

void slots_free(enum slot_of of, void ***slots)
{
	if (*slots == NULL)
		return;
	for (unsigned i = 1; i <= registry_slot_count(of); i++) {
		void *state = (*slots)[i - 1];
		const struct slot *slot = registry_slot(of, i);
		if (state != NULL && slot->fini != NULL)
			slot->fini(state);
		block_free(state);
	}
	block_free(*slots);
	*slots = NULL;
}
