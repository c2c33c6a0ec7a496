/*
 * user list: domain after domain, a page of owners at a time; each owner's account is asked
 * for, because not every owner of data is an account. The next page waits until the asker has
 * read.
 */
#include <cjson/cJSON.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/check.h"
#include "core/account.h"
#include "core/shard_state.h"
#include "store/store.h"

enum { PAGE_OWNERS = 500 };

struct listing {
	struct admin_call *call;
	const struct domain_set *set; /* never freed: core/domain.h */
	const struct domain *only;    /* or NULL */
	size_t domain;		      /* index in the set */
	struct arena arena;	      /* of one page */
	struct bytes after;	      /* the last owner of the page; in `last` */
	char last[JID_MAX_BYTES];
	bool is_partial;
	uint32_t pending;
	uint32_t count;
	struct cJSON *rows[PAGE_OWNERS];
};

static void next_page(struct admin_call *call, void *context);

static void finish(struct listing *listing)
{
	struct admin_call *call = listing->call;
	arena_fini(&listing->arena);
	block_free(listing);
	admin_call_done(call, NULL);
}

static void page_done(struct listing *listing)
{
	for (uint32_t i = 0; i < listing->count; i++)
		if (listing->rows[i])
			admin_call_row(listing->call, listing->rows[i]);
	arena_reset(&listing->arena);
	if (!listing->is_partial) {
		listing->domain++;
		listing->after = BYTES_NONE;
	}
	if (admin_call_is_orphan(listing->call))
		finish(listing);
	else
		admin_call_pace(listing->call, next_page, listing);
}

struct place {
	struct listing *listing;
	uint32_t index;
};

static void account_read(struct account_op *op)
{
	struct place *place = op->context;
	struct listing *listing = place->listing;
	if (op->status == 0) {
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "jid", op->jid.full);
		cJSON_AddStringToObject(row, "role", account_role_name(op->account.role));
		words_add_time(row, "created", op->account.created_us);
		listing->rows[place->index] = row;
	}
	if (--listing->pending == 0)
		page_done(listing);
}

static void ask_for(struct listing *listing, struct bytes owner)
{
	struct place *place = arena_new(&listing->arena, struct place);
	*place = (struct place){ listing, listing->count };
	listing->rows[listing->count++] = NULL;
	listing->pending++;
	account_op_send(
		account_op_new(ACCOUNT_READ, jid_from_normal(owner), account_read, place));
}

static void page_read(struct store_read *read, int status, void *context)
{
	struct listing *listing = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;
	listing->count = 0;
	listing->pending = 1; /* ours */
	listing->is_partial = status == 0 && store_read_is_partial(read, 0);
	for (; item; item = item->next) {
		check(item->key.len <= sizeof(listing->last));
		memcpy(listing->last, item->key.ptr, item->key.len);
		listing->after = bytes_make(listing->last, item->key.len);
		if (bytes_find_byte(item->key, '@') > 0)
			ask_for(listing, item->key);
	}
	if (--listing->pending == 0)
		page_done(listing);
}

static void next_page(struct admin_call *call, void *context)
{
	struct listing *listing = context;
	(void)call;
	const struct domain *domain = NULL;
	if (listing->domain < domain_set_count(listing->set))
		domain = domain_set_at(listing->set, listing->domain);
	if (listing->only)
		domain = listing->domain == 0 ? listing->only : NULL;
	if (!domain) {
		finish(listing);
		return;
	}
	struct store_read *read = store_read_new(core_store(), domain_name(domain));
	store_read_owners(read, domain_name(domain), listing->after, PAGE_OWNERS);
	store_read_submit(&read, page_read, listing);
}

void admin_user_list(struct admin_call *call)
{
	const struct domain *only = NULL;
	if (!bytes_is_none(admin_call_word(call, "domain"))) {
		struct bytes name;
		if (!words_domain(call, &name))
			return;
		only = domain_find(name);
		if (!only) {
			admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_DOMAIN, name,
					BYTES_NONE);
			return;
		}
	}
	struct listing *listing = block_alloc_zeroed(sizeof(*listing));
	listing->call = call;
	listing->set = domain_current();
	listing->only = only;
	arena_init(&listing->arena, 16384);
	next_page(call, listing);
}
