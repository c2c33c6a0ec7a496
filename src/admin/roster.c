/*
 * roster list, add, del; block list: a user's contacts and whom he has blocked, at his home. With
 * --both, add makes two of them: each is asked for by the other, and approved.
 */
#include <cjson/cJSON.h>
#include <errno.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "base/log.h"
#include "core/roster_op.h"

static void fail(struct roster_op *op)
{
	struct admin_call *call = op->context;
	struct bytes user = op->jid.full, contact = op->contact.full;
	if (op->status == -ENOENT && bytes_is_none(contact))
		words_fail_user(call, op->status, user);
	else if (op->status == -ENOENT)
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_CONTACT, contact,
				user);
	else if (op->status == -EINVAL)
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_CONTACT, contact, user);
	else if (op->status == -EPERM)
		admin_call_fail(call, ADMIN_REFUSED, TEXT_ADMIN_CONTACT_SHARED, contact,
				BYTES_NONE);
	else if (op->status == -ENOSPC)
		admin_call_fail(call, ADMIN_REFUSED, TEXT_ADMIN_ROSTER_FULL, user, BYTES_NONE);
	else
		words_fail_user(call, op->status, user);
}

/* --- list --- */

static struct cJSON *groups_of(struct bytes groups)
{
	struct cJSON *list = cJSON_CreateArray();
	while (groups.len > 0) {
		size_t len = (uint8_t)groups.ptr[0] | (size_t)(uint8_t)groups.ptr[1] << 8;
		struct bytes name = bytes_make(groups.ptr + 2, len);
		cJSON_AddItemToArray(list, cJSON_CreateString(arena_cstr(scratch(), name)));
		groups = bytes_skip(groups, 2 + len);
	}
	return list;
}

static void listed(struct roster_op *op)
{
	struct admin_call *call = op->context;
	if (op->status < 0) {
		fail(op);
		return;
	}
	for (const struct roster_row *row = op->rows; row; row = row->next) {
		struct cJSON *object = cJSON_CreateObject();
		words_add(object, "jid", row->jid);
		if (op->verb == ROSTER_OP_LIST) {
			words_add(object, "name", row->name);
			cJSON_AddStringToObject(object, "subscription", row->subscription);
			cJSON_AddBoolToObject(object, "asks", row->is_asking);
			cJSON_AddBoolToObject(object, "shared", row->is_shared);
			cJSON_AddItemToObject(object, "groups", groups_of(row->groups));
		}
		admin_call_row(call, object);
	}
	admin_call_done(call, NULL);
}

static void list(struct admin_call *call, enum roster_op_verb verb)
{
	const struct domain *domain;
	struct jid jid;
	if (words_user(call, &jid, &domain))
		roster_op_send(roster_op_new(verb, jid, JID_NONE, listed, call));
}

void admin_roster_list(struct admin_call *call)
{
	list(call, ROSTER_OP_LIST);
}

void admin_block_list(struct admin_call *call)
{
	list(call, ROSTER_OP_BLOCKED);
}

/* --- add, del --- */

/* The arguments "jid" and "contact"; false: the call has been answered. */
static bool pair(struct admin_call *call, struct jid *ret_user, struct jid *ret_contact)
{
	struct bytes text = admin_call_word(call, "contact");
	const struct domain *domain;
	struct jid user, contact;
	if (!words_user(call, &user, &domain))
		return false;
	if (jid_parse(admin_call_arena(call), text, &contact, NULL) < 0 ||
	    !jid_is_bare(contact)) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_JID, text, BYTES_NONE);
		return false;
	}
	*ret_user = user;
	*ret_contact = contact;
	return true;
}

static void done(struct roster_op *op)
{
	bool is_removed = op->verb == ROSTER_OP_REMOVE;
	if (op->status < 0) {
		fail(op);
		return;
	}
	log_event(LOG_ADMIN, LOG_INFO, is_removed ? "contact.deleted" : "contact.set",
		  LOG_BYTES("user", op->jid.full), LOG_BYTES("contact", op->contact.full));
	admin_call_done_text(op->context,
			     is_removed ? TEXT_ADMIN_CONTACT_DELETED : TEXT_ADMIN_CONTACT_SET,
			     op->contact.full, op->jid.full);
}

static void asked_by_user(struct roster_op *op)
{
	if (op->status < 0) {
		fail(op);
		return;
	}
	/* The other half, with the two exchanged. */
	roster_op_send(
		roster_op_new(ROSTER_OP_BEFRIEND, op->contact, op->jid, done, op->context));
}

static void put(struct roster_op *op)
{
	if (op->status < 0 || !admin_call_flag(op->context, "both")) {
		done(op);
		return;
	}
	roster_op_send(roster_op_new(ROSTER_OP_BEFRIEND, op->jid, op->contact, asked_by_user,
				     op->context));
}

void admin_roster_add(struct admin_call *call)
{
	struct jid user, contact;
	if (!pair(call, &user, &contact))
		return;
	struct roster_op *op = roster_op_new(ROSTER_OP_PUT, user, contact, put, call);
	op->name = arena_copy(&op->arena, admin_call_word(call, "name"));
	op->group = arena_copy(&op->arena, admin_call_word(call, "group"));
	roster_op_send(op);
}

void admin_roster_del(struct admin_call *call)
{
	struct jid user, contact;
	if (pair(call, &user, &contact))
		roster_op_send(roster_op_new(ROSTER_OP_REMOVE, user, contact, done, call));
}
