/* People of a domain: who is registered or disabled, page after page; who is online. */
#include "base/block.h"
#include "base/check.h"
#include "core/account.h"
#include "core/deliver.h"
#include "core/domain.h"
#include "core/people.h"
#include "core/shard_state.h"
#include "core/user.h"
#include "xml/build.h"
#include "xml/write.h"

enum { PAGE_OWNERS = 200 };

struct people_search {
	struct errand errand;
	unsigned next_shard;
	struct arena arena;
	const struct domain *domain;
	enum people_which which;
	size_t limit;
	struct people_list list;
	struct bytes announcement; /* <body/>, or NONE */
	struct bytes after;
	bool is_partial;
	uint32_t pending;
	int status;
	people_list_fn *done;
	void *context;
};

static struct people_search *search_new(const struct domain *domain, size_t limit,
					people_list_fn *done, void *context)
{
	struct people_search *it = block_alloc_zeroed(sizeof(*it));

	arena_init(&it->arena, 4096);
	it->domain = domain;
	it->limit = limit;
	it->list.jids = arena_alloc(&it->arena, limit * sizeof(it->list.jids[0]));
	it->done = done;
	it->context = context;
	return it;
}

static void search_end(struct people_search *it)
{
	it->done(it->status, &it->list, it->context);
	arena_fini(&it->arena);
	block_free(it);
}

static void search_found(struct people_search *it, struct bytes jid)
{
	it->list.count++;
	if (it->list.jid_count < it->limit)
		it->list.jids[it->list.jid_count++] = arena_copy(&it->arena, jid);
}

/* --- registered, disabled ------------------------------------------------------------------ */

static void search_page(struct people_search *it);

static void search_page_done(struct people_search *it)
{
	if (--it->pending > 0)
		return;
	if (it->is_partial && it->status == 0)
		search_page(it);
	else
		search_end(it);
}

/* Not every owner of data is an account. */
static void search_account(struct account_op *op)
{
	struct people_search *it = op->context;

	if (op->status == 0 && (it->which == PEOPLE_REGISTERED || op->account.is_disabled))
		search_found(it, op->jid.full);
	search_page_done(it);
}

static void search_read(struct store_read *read, int status, void *context)
{
	struct people_search *it = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;

	it->status = status;
	it->is_partial = status == 0 && store_read_is_partial(read, 0);
	it->pending = 1; /* ours */
	for (; item != NULL; item = item->next) {
		if (item->next == NULL)
			it->after = arena_copy(&it->arena, item->key);
		if (bytes_find_byte(item->key, '@') <= 0)
			continue;
		it->pending++;
		account_op_send(account_op_new(ACCOUNT_READ, jid_from_normal(item->key),
					       search_account, it));
	}
	search_page_done(it);
}

static void search_page(struct people_search *it)
{
	struct bytes name = domain_name(it->domain);
	struct store_read *read = store_read_new(core_store(), name);

	store_read_owners(read, name, it->after, PAGE_OWNERS);
	store_read_submit(&read, search_read, it);
}

/* --- online, announcements ------------------------------------------------------------------
 */

static void announce_to(const struct people_search *it, struct bytes jid)
{
	struct stanza *message =
		stanza_from_parts(STANZA_MESSAGE,
				  &(struct stanza_head){ .from = domain_name(it->domain),
							 .to = jid,
							 .type = BYTES_LIT("headline") },
				  it->announcement);

	deliver_stanza(message);
	stanza_unref(&message);
}

/* A name of this shard's; delivering may change the table that is being walked. */
struct people_name {
	struct people_name *next;
	struct bytes jid;
};

static void search_visit(struct errand *errand)
{
	struct people_search *it = container_of(errand, struct people_search, errand);
	struct people_name *names = NULL;
	uint32_t cursor = 0;
	struct user *user;

	while ((user = user_next(&cursor)) != NULL) {
		struct people_name *name;
		if (user->session_count == 0 ||
		    !bytes_equal(jid_domain(user->jid), domain_name(it->domain)))
			continue;
		search_found(it, user->jid.full);
		if (bytes_is_none(it->announcement))
			continue;
		name = arena_new(scratch(), struct people_name);
		*name = (struct people_name){ names, arena_copy(scratch(), user->jid.full) };
		names = name;
	}
	for (; names != NULL; names = names->next)
		announce_to(it, names->jid);
	errand_return(errand);
}

static void search_back(struct errand *errand)
{
	struct people_search *it = container_of(errand, struct people_search, errand);

	if (++it->next_shard < shard_count())
		errand_send(errand, it->next_shard);
	else
		search_end(it);
}

static void search_visit_all(struct people_search *it)
{
	errand_init(&it->errand, "people.online", search_visit, search_back);
	errand_send(&it->errand, 0);
}

void people_list(const struct domain *domain, enum people_which which, size_t limit,
		 people_list_fn *done, void *context)
{
	struct people_search *it = search_new(domain, limit, done, context);

	it->which = which;
	if (which == PEOPLE_ONLINE)
		search_visit_all(it);
	else
		search_page(it);
}

void people_announce(const struct domain *domain, struct bytes text, people_list_fn *done,
		     void *context)
{
	struct people_search *it = search_new(domain, 0, done, context);
	struct xml_writer w;
	struct buf xml;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_element_text(&w, "body", text);
	xml_writer_fini(&w);
	it->announcement = arena_copy(&it->arena, buf_bytes(&xml));
	buf_fini(&xml);
	search_visit_all(it);
}
