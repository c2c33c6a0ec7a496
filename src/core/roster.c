#include "core/roster.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/roster_code.h"
#include "core/session.h"
#include "xml/build.h"

/* The key of the roster's own record; no JID starts so. */
#define ROSTER_HEAD BYTES_LIT("\x01")

struct store_decl roster_store =
	STORE_DECL("roster", STORE_MAP, 1, "Contact lists, with subscriptions and versions.");

static void roster_slot_fini(void *state)
{
	struct roster *roster = state;

	for (uint32_t i = 0; i < roster->count; i++)
		block_free(roster->items[i]);
	block_free(roster->items);
}

struct slot roster_slot = {
	.of = SLOT_USER,
	.size = sizeof(struct roster),
	.is_lost = true, /* it is in the store */
	.fini = roster_slot_fini,
};

struct roster *roster_of(struct user *user)
{
	struct roster *roster = slot_get(&roster_slot, user);

	if (roster->id == 0)
		roster->id = random_u64() | 1;
	return roster;
}

/* Where the JID is, or would be. */
static uint32_t roster_index(const struct roster *roster, struct bytes jid, bool *ret_found)
{
	uint32_t low = 0, high = roster->count;

	/* Items are loaded in order: the common case is the end. */
	if (high > 0 && bytes_compare(roster_item_jid(roster->items[high - 1]), jid) < 0)
		low = high;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = bytes_compare(roster_item_jid(roster->items[middle]), jid);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

struct roster_item *roster_find(const struct roster *roster, struct bytes jid)
{
	bool is_found;
	uint32_t at = roster_index(roster, jid, &is_found);

	if (!is_found || (roster->items[at]->flags & ROSTER_REMOVED) != 0)
		return NULL;
	return roster->items[at];
}

static void roster_grow(struct roster *roster)
{
	uint32_t capacity = roster->capacity == 0 ? 8 : roster->capacity + roster->capacity / 2;
	struct roster_item **items = block_alloc(capacity * sizeof(items[0]));

	if (roster->count > 0)
		memcpy(items, roster->items, roster->count * sizeof(items[0]));
	block_free(roster->items);
	roster->items = items;
	roster->capacity = (uint32_t)(block_capacity(items) / sizeof(items[0]));
}

static void roster_count(struct roster *roster, const struct roster_item *item, int by)
{
	if ((item->flags & ROSTER_REMOVED) != 0)
		roster->tombstones += (uint32_t)by;
	else if ((item->flags & ROSTER_IN_LIST) == 0)
		roster->unlisted += (uint32_t)by;
}

/* Takes the item; it replaces one of the same JID. */
static void roster_put_item(struct roster *roster, struct roster_item *item)
{
	bool is_found;
	uint32_t at = roster_index(roster, roster_item_jid(item), &is_found);

	if (is_found) {
		roster_count(roster, roster->items[at], -1);
		block_free(roster->items[at]);
	} else {
		if (roster->count == roster->capacity)
			roster_grow(roster);
		memmove(&roster->items[at + 1], &roster->items[at],
			(roster->count - at) * sizeof(roster->items[0]));
		roster->count++;
	}
	roster->items[at] = item;
	roster_count(roster, item, 1);
}

static struct roster_item *roster_item_new(const struct roster_change *change, uint64_t version)
{
	struct roster_item *item =
		block_alloc(sizeof(*item) + change->jid.len + change->name.len +
			    change->groups.len + change->request.len);
	const struct bytes texts[] = { change->jid, change->name, change->groups,
				       change->request };
	char *at = item->text;

	*item = (struct roster_item){ .version = version,
				      .state = (uint8_t)change->state,
				      .flags = (uint8_t)change->flags,
				      .jid_len = (uint16_t)change->jid.len,
				      .name_len = (uint16_t)change->name.len,
				      .groups_len = (uint16_t)change->groups.len,
				      .request_len = (uint32_t)change->request.len };
	for (size_t i = 0; i < array_len(texts); i++) {
		if (texts[i].len > 0)
			memcpy(at, texts[i].ptr, texts[i].len);
		at += texts[i].len;
	}
	return item;
}

/* The store hands over one key after another, in order of bytes. */
void roster_loaded(struct user *user, struct bytes key, struct bytes value)
{
	struct roster *roster = slot_get(&roster_slot, user);
	struct roster_change change;
	uint64_t version;

	if (bytes_is_none(key))
		return;
	if (bytes_equal(key, ROSTER_HEAD) && roster_head_decode(value, roster) == 0)
		roster->is_kept = true;
	else if (roster_code_decode(key, value, &change, &version) == 0)
		roster_put_item(roster, roster_item_new(&change, version));
	else /* a damaged row is one contact lost, not all of them, nor the server */
		log_event(LOG_CORE, LOG_ERROR, "roster.unreadable",
			  LOG_BYTES("user", user->jid.full), LOG_BYTES("contact", key));
}

struct roster_change roster_item_change(const struct roster_item *item)
{
	return (struct roster_change){
		.jid = roster_item_jid(item),
		.state = (enum subscription)item->state,
		.flags = item->flags,
		.name = roster_item_name(item),
		.groups = roster_item_groups(item),
		.request = roster_item_request(item),
	};
}

struct roster_change roster_change_of(const struct roster *roster, struct bytes jid)
{
	const struct roster_item *item = roster_find(roster, jid);

	return item != NULL ? roster_item_change(item)
			    : (struct roster_change){ .jid = jid, .state = SUBSCRIPTION_NONE };
}

static bool change_is_shown(const struct roster_change *change)
{
	return (change->flags & (ROSTER_IN_LIST | ROSTER_APPROVED)) != 0 ||
	       subscription_is_asking(change->state) || subscription_has_to(change->state) ||
	       subscription_has_from(change->state);
}

static bool change_is_empty(const struct roster_change *change)
{
	return !change_is_shown(change) && (change->flags & ROSTER_APPROVED) == 0 &&
	       !subscription_has_request(change->state);
}

/* The oldest tombstone goes; who knows less than it asks for the whole roster. */
static void roster_drop_tombstone(struct roster *roster, struct store_batch *batch)
{
	uint32_t oldest = UINT32_MAX;

	for (uint32_t i = 0; i < roster->count; i++)
		if ((roster->items[i]->flags & ROSTER_REMOVED) != 0 &&
		    (oldest == UINT32_MAX ||
		     roster->items[i]->version < roster->items[oldest]->version))
			oldest = i;
	check(oldest != UINT32_MAX);
	roster->floor = roster->items[oldest]->version;
	store_del(batch, &roster_store, roster_item_jid(roster->items[oldest]));
	block_free(roster->items[oldest]);
	roster->count--;
	roster->tombstones--;
	memmove(&roster->items[oldest], &roster->items[oldest + 1],
		(roster->count - oldest) * sizeof(roster->items[0]));
}

static bool same_to_clients(const struct roster_change *a, const struct roster_change *b)
{
	return change_is_shown(a) == change_is_shown(b) &&
	       subscription_word(a->state) == subscription_word(b->state) &&
	       subscription_is_asking(a->state) == subscription_is_asking(b->state) &&
	       ((a->flags ^ b->flags) & (ROSTER_APPROVED | ROSTER_IN_LIST)) == 0 &&
	       bytes_equal(a->name, b->name) && bytes_equal(a->groups, b->groups);
}

bool roster_apply(struct user *user, const struct roster_change *change,
		  struct store_batch *batch)
{
	struct roster *roster = roster_of(user);
	struct roster_change before = roster_change_of(roster, change->jid);
	struct roster_change after = *change;
	bool is_pushed = (change_is_shown(&before) || change_is_shown(&after)) &&
			 !same_to_clients(&before, &after);
	struct roster_item *item;

	if (change_is_shown(&after))
		after.flags |= ROSTER_IN_LIST;
	if (change_is_empty(&after))
		after = (struct roster_change){ .jid = change->jid, .flags = ROSTER_REMOVED };
	item = roster_item_new(&after, ++roster->version);
	store_put(batch, &roster_store, after.jid,
		  roster_code_encode(scratch(), &after, item->version));
	roster_put_item(roster, item);
	if (roster->tombstones > ROSTER_TOMBSTONES_MAX)
		roster_drop_tombstone(roster, batch);
	store_put(batch, &roster_store, ROSTER_HEAD, roster_head_encode(scratch(), roster));
	roster->is_kept = true;
	return is_pushed;
}

void roster_keep_id(struct user *user)
{
	struct roster *roster = roster_of(user);
	struct store_batch *batch;

	if (roster->is_kept)
		return;
	batch = store_batch_new(core_store(), user->jid.full);
	store_put(batch, &roster_store, ROSTER_HEAD, roster_head_encode(scratch(), roster));
	roster->is_kept = true;
	user_commit(user, &batch);
}
