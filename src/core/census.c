#include "core/census.h"

#include "base/block.h"
#include "base/check.h"
#include "core/place.h"
#include "core/session.h"
#include "core/shard_state.h"

static void census_add(struct census *census, const struct session *session)
{
	struct census_row *row = arena_new(&census->arena, struct census_row);

	row->jid = arena_copy(&census->arena, session->jid.full);
	row->peer = BYTES_NONE;
	row->carrier = "none";
	if (session->stream != NULL) {
		row->peer = arena_copy(&census->arena, stream_peer(session->stream));
		row->carrier = stream_carrier_name(session->stream);
		row->is_secure = stream_is_secure(session->stream);
	}
	row->bound_at_us = session->bound_at_us;
	row->shard = shard_id();
	row->priority = session->priority;
	row->is_available = session_is_available(session);
	*census->rows_end = row;
	census->rows_end = &row->next;
	census->rows_found++;
}

static void census_visit(struct errand *errand)
{
	struct census *census = container_of(errand, struct census, errand);
	uint32_t cursor = 0;
	struct user *user;

	census->sessions += core_shard()->session_count;
	census->users += table_count(&core_shard()->users);
	census->streams += stream_count();
	while ((user = user_next(&cursor)) != NULL) {
		struct session *session = NULL;
		if (!bytes_is_none(census->bare) && !bytes_equal(census->bare, user->jid.full))
			continue;
		while (census->rows_found < census->limit &&
		       (session = user_session_next(user, session)) != NULL)
			census_add(census, session);
	}
	errand_return(errand);
}

static void census_back(struct errand *errand)
{
	struct census *census = container_of(errand, struct census, errand);

	if (++census->next_shard < shard_count()) {
		errand_send(errand, census->next_shard);
		return;
	}
	census->done(census);
	arena_fini(&census->arena);
	block_free(census);
}

void census_take(struct bytes bare, uint32_t limit, void (*done)(struct census *),
		 void *context)
{
	struct census *census = block_alloc_zeroed(sizeof(*census));

	errand_init(&census->errand, "census", census_visit, census_back);
	arena_init(&census->arena, 4096);
	census->bare = arena_copy(&census->arena, bare);
	census->limit = limit;
	census->rows_end = &census->rows;
	census->done = done;
	census->context = context;
	errand_send(&census->errand, 0);
}

struct kick {
	struct errand errand;
	unsigned count;
	void (*done)(unsigned count, void *context);
	void *context;
	struct jid jid;
	char name[];
};

static void kick_run(struct errand *errand)
{
	struct kick *kick = container_of(errand, struct kick, errand);
	struct user *user = user_find(jid_bare(kick->jid));
	struct session *session, *next;

	if (user != NULL)
		user->pins++;
	for (session = user == NULL ? NULL : user_session_next(user, NULL); session != NULL;
	     session = next) {
		next = user_session_next(user, session);
		if (jid_is_full(kick->jid) && !jid_equal(kick->jid, session->jid))
			continue;
		session_close(session, STREAM_CONDITION_POLICY_VIOLATION, TEXT_SESSION_KICKED);
		kick->count++;
	}
	if (user != NULL) {
		user->pins--;
		user_release(user);
	}
	errand_return(errand);
}

static void kick_back(struct errand *errand)
{
	struct kick *kick = container_of(errand, struct kick, errand);

	kick->done(kick->count, kick->context);
	block_free(kick);
}

void census_kick(struct jid jid, void (*done)(unsigned count, void *context), void *context)
{
	struct kick *kick = block_alloc_zeroed(sizeof(*kick) + jid.full.len);

	errand_init(&kick->errand, "kick", kick_run, kick_back);
	memcpy(kick->name, jid.full.ptr, jid.full.len);
	kick->jid = jid_from_normal(bytes_make(kick->name, jid.full.len));
	kick->done = done;
	kick->context = context;
	errand_send(&kick->errand, place_shard(jid));
}
