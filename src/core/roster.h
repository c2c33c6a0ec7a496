/*
 * Rosters (RFC 6121 section 2): an account's contacts in memory at its home, loaded with the
 * account, each change committed through the gate. Items are sorted by JID; one costs a pointer
 * and a block of 24 bytes plus its texts.
 *
 * Every change has a number, and a removed item leaves a tombstone with its number, so that a
 * client that knows version N gets exactly what changed since (section 2.6), also after a
 * restart. Old tombstones are dropped; who knows less than the floor gets the whole roster.
 */
#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include "core/feature.h"
#include "core/group_set.h"
#include "core/subscription.h"

enum {
	ROSTER_JID_MAX = 1023,	    /* bytes of a contact's JID: a key of the store */
	ROSTER_NAME_MAX = 1023,	    /* bytes of a name or group (not-acceptable above) */
	ROSTER_GROUPS_MAX = 100,    /* groups of one item */
	ROSTER_REQUEST_MAX = 4096,  /* bytes kept of a subscription request */
	ROSTER_TOMBSTONES_MAX = 200 /* removed items remembered */
};

enum roster_flag {
	ROSTER_IN_LIST = 1,  /* put there by the user, or by a subscription: clients see it */
	ROSTER_APPROVED = 2, /* pre-approved (section 3.4) */
	ROSTER_REMOVED = 4,  /* a tombstone */
};

struct roster_item {
	uint64_t version;
	uint8_t state; /* enum subscription */
	uint8_t flags; /* enum roster_flag */
	uint16_t jid_len;
	uint16_t name_len;
	uint16_t groups_len;  /* each: two bytes of length, little-endian, then the name */
	uint32_t request_len; /* the kept request's content */
	char text[];	      /* jid, name, groups, request */
};

struct roster {
	struct roster_item **items; /* sorted by JID; tombstones included */
	uint32_t count;
	uint32_t capacity;
	uint32_t tombstones;
	uint32_t unlisted; /* requests of strangers: kept, but no contacts */
	bool is_kept;	   /* the id is in the store */
	uint64_t id;	   /* random, of this roster's life: a new roster has other versions */
	uint64_t version;  /* of the last change */
	uint64_t floor;	   /* deltas are known from here on */
};

/* What an item should become; slices are borrowed. groups as in struct roster_item. */
struct roster_change {
	struct bytes jid;
	enum subscription state;
	unsigned flags;
	struct bytes name;
	struct bytes groups;
	struct bytes request;
};

extern const struct feature feature_roster;
extern struct slot roster_slot;
extern struct store_decl roster_store;
extern struct option roster_option_items;

/* The store's answer while an account is loaded (struct preload). */
void roster_loaded(struct user *user, struct bytes key, struct bytes value);
/* The roster of a loaded user, made at first use. */
struct roster *roster_of(struct user *user);
/* Tombstones are not found. */
struct roster_item *roster_find(const struct roster *roster, struct bytes jid);
/* Items that clients see. */
static inline uint32_t roster_size(const struct roster *roster)
{
	return roster->count - roster->tombstones - roster->unlisted;
}
/* Below limits.roster_items. */
bool roster_has_room(struct user *user);

static inline struct bytes roster_item_jid(const struct roster_item *item)
{
	return bytes_make(item->text, item->jid_len);
}

static inline struct bytes roster_item_name(const struct roster_item *item)
{
	return bytes_make(item->text + item->jid_len, item->name_len);
}

static inline struct bytes roster_item_groups(const struct roster_item *item)
{
	return bytes_make(item->text + item->jid_len + item->name_len, item->groups_len);
}

static inline struct bytes roster_item_request(const struct roster_item *item)
{
	return bytes_make(item->text + item->jid_len + item->name_len + item->groups_len,
			  item->request_len);
}

/* The item as it is; slices are borrowed from it. */
struct roster_change roster_item_change(const struct roster_item *item);
/* The item as it is, to be changed; for a JID without one: NONE, not listed. */
struct roster_change roster_change_of(const struct roster *roster, struct bytes jid);

/*
 * Puts the change into memory and the batch: an item that is neither listed nor pending nor
 * approved becomes a tombstone. True if clients see a difference: push it (roster_push).
 */
bool roster_apply(struct user *user, const struct roster_change *change,
		  struct store_batch *batch);
/* Makes sure that versions told to clients mean something after the account was cold. */
void roster_keep_id(struct user *user);
/* Pushes the item (or its removal) to the interested sessions (section 2.1.6). */
void roster_push(struct user *user, struct bytes jid);
/* The same with the version of the domain's shared groups that it leads to. */
void roster_push_as(struct user *user, struct bytes jid, uint64_t groups);

/* What user and contact are to each other, by subscription or by a shared group. */
enum subscription roster_state(struct user *user, struct bytes bare);

/* Iterates all contacts once, the account's own and those of its shared groups. */
struct roster_cursor {
	struct user *user;
	struct group_view view;
	uint32_t item;
	struct group_cursor shared;
};
void roster_cursor_init(struct roster_cursor *cursor, struct user *user);
bool roster_cursor_next(struct roster_cursor *cursor, struct bytes *ret_jid,
			enum subscription *ret_state);
/* True if a shared group makes it a contact: clients cannot take it out. */
bool roster_is_shared(const struct user *user, struct bytes bare);
/* Groups as in struct roster_item without the names of groups shared with the contact. */
struct bytes roster_own_groups(const struct user *user, struct bytes bare, struct bytes groups);

/* A version: of the roster's own items, and of the domain's shared groups. */
struct roster_point {
	uint64_t own;
	uint64_t groups;
};

/* Writes <item …/> of one contact, or of a JID that is not there any more (removed). */
void roster_write_item(struct xml_writer *w, struct user *user, struct bytes jid);
/* All items, also those of shared groups. */
void roster_write_all(struct xml_writer *w, struct user *user);
/* The version of now. */
struct roster_point roster_now(struct user *user);
/* As clients see it, in the arena. */
struct bytes roster_version(struct arena *arena, const struct roster *roster,
			    struct roster_point point);
/*
 * What a client that knows `version` lacks: true and *ret_since, or false if it needs all.
 */
bool roster_since(struct user *user, struct bytes version, struct roster_point *ret_since);

#endif
