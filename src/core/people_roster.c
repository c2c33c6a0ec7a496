/* A look at somebody's contacts, at their home. */
#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "core/domain.h"
#include "core/errand.h"
#include "core/people.h"
#include "core/place.h"
#include "core/roster.h"
#include "core/user.h"

struct people_look {
	struct errand errand;
	struct user_wait wait;
	struct arena arena;
	struct jid jid;
	int status;
	struct buf items;
	uint32_t count;
	people_roster_fn *done;
	void *context;
};

static void write_items(struct people_look *it, struct user *user)
{
	struct xml_writer w;

	xml_writer_init(&w, &it->items);
	roster_write_all(&w, user);
	xml_writer_fini(&w);
}

static void look_ready(struct user_wait *wait, struct user *user, int status)
{
	struct people_look *it = container_of(wait, struct people_look, wait);

	it->status = status;
	if (status == 0) {
		write_items(it, user);
		it->count = roster_size(roster_of(user));
	}
	errand_return(&it->errand);
}

static void look_run(struct errand *errand)
{
	struct people_look *it = container_of(errand, struct people_look, errand);
	const struct domain *domain = domain_find(jid_domain(it->jid));

	if (domain != NULL) {
		user_when_ready(user_wake(it->jid, domain), &it->wait);
		return;
	}
	it->status = -ENOENT;
	errand_return(errand);
}

static void look_back(struct errand *errand)
{
	struct people_look *it = container_of(errand, struct people_look, errand);

	it->done(it->status, buf_bytes(&it->items), it->count, it->context);
	buf_fini(&it->items);
	arena_fini(&it->arena);
	block_free(it);
}

void people_roster(struct jid bare, people_roster_fn *done, void *context)
{
	struct people_look *it = block_alloc_zeroed(sizeof(*it));

	errand_init(&it->errand, "people.roster", look_run, look_back);
	arena_init(&it->arena, 256);
	buf_init(&it->items, 0);
	it->wait.run = look_ready;
	it->jid = jid_copy(&it->arena, jid_to_bare(bare));
	it->done = done;
	it->context = context;
	errand_send(&it->errand, place_shard(bare));
}
