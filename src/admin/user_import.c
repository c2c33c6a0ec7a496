/*
 * user import: many accounts at once. hearthctl sends lines "user@domain password" in parts of
 * some hundred; a part is cut into portions, each derived on a worker in one go (PBKDF2 is what
 * costs) and then stored account by account, which the store commits in groups.
 */
#include <cjson/cJSON.h>
#include <errno.h>

#include "admin/control_internal.h"
#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/check.h"
#include "core/account.h"

enum { PORTION_LINES = 25 };

/* One part: the call, counted down to its answer. */
struct import {
	struct admin_call *call;
	bool is_hashed;	  /* the second word is no password but hashes of one */
	uint32_t pending; /* lines without a result yet */
	uint32_t added;
	uint32_t failed;
};

struct import_line {
	struct portion *portion;
	unsigned number;
	struct bytes password;
	struct jid jid;
	struct verifier_cost cost;
	struct verifier_list keys;
	int status;
};

struct portion {
	struct work work;
	struct import *import;
	struct arena arena;
	uint32_t pending;
	uint32_t count;
	struct import_line lines[PORTION_LINES];
};

static void settle(struct import *import, uint32_t lines)
{
	import->pending -= lines;
	if (import->pending > 0)
		return;
	struct cJSON *result = cJSON_CreateObject();
	cJSON_AddNumberToObject(result, "added", import->added);
	cJSON_AddNumberToObject(result, "failed", import->failed);
	admin_call_done(import->call, result);
	block_free(import);
}

/* A line that was refused becomes a row: its number, whose it was, and why. Never the password.
 */
static void report(struct import *import, unsigned number, struct bytes who, enum text why,
		   struct bytes arg)
{
	struct bytes text =
		text_format(scratch(), why, admin_call_lang(import->call), arg, BYTES_NONE);
	struct cJSON *row = cJSON_CreateObject();
	cJSON_AddNumberToObject(row, "line", number);
	words_add(row, "jid", who);
	words_add(row, "error", text);
	admin_call_row(import->call, row);
	import->failed++;
}

static void report_status(struct import *import, const struct import_line *line, int status)
{
	if (status == -EEXIST)
		report(import, line->number, line->jid.full, TEXT_ADMIN_USER_EXISTS,
		       line->jid.full);
	else if (status == -EINVAL)
		report(import, line->number, line->jid.full, TEXT_ADMIN_BAD_PASSWORD,
		       BYTES_NONE);
	else
		report(import, line->number, line->jid.full, TEXT_ADMIN_FAILED,
		       bytes_of(strerror(-status)));
}

/* --- portions --- */

static void line_done(struct import_line *line, int status)
{
	struct portion *portion = line->portion;
	struct import *import = portion->import;
	if (status == 0)
		import->added++;
	else
		report_status(import, line, status);
	if (--portion->pending == 0) {
		arena_fini(&portion->arena);
		block_free(portion);
	}
	settle(import, 1);
}

static void stored(struct account_op *op)
{
	line_done(op->context, op->status);
}

static void derive(struct work *work)
{
	struct portion *portion = container_of(work, struct portion, work);
	for (uint32_t i = 0; i < portion->count; i++) {
		struct import_line *line = &portion->lines[i];
		line->status = work_is_unwanted(work)
				       ? -ECANCELED
				       : verifier_list_make(&portion->arena, line->password,
							    &line->cost, &line->keys);
	}
	arena_reset(scratch());
}

static void store_line(struct import_line *line)
{
	struct account_op *op = account_op_new(ACCOUNT_CREATE, line->jid, stored, line);
	op->account.verifiers = line->keys;
	account_op_send(op);
}

static void derived(struct work *work)
{
	struct portion *portion = container_of(work, struct portion, work);
	uint32_t count = portion->count; /* the last refused line frees the portion */
	for (uint32_t i = 0; i < count; i++) {
		struct import_line *line = &portion->lines[i];
		if (line->status < 0)
			line_done(line, line->status);
		else
			store_line(line);
	}
}

static void post(struct portion *portion)
{
	portion->pending = portion->count;
	work_init(&portion->work, "admin.import", derive, derived);
	if (portion->import->is_hashed) {
		derived(&portion->work);
		return;
	}
	int status = worker_post(control_host()->workers, &portion->work);
	for (uint32_t i = 0, count = portion->count; status < 0 && i < count; i++)
		line_done(&portion->lines[i], status);
}

static struct portion *portion_new(struct import *import)
{
	struct portion *portion = block_alloc_zeroed(sizeof(*portion));
	portion->import = import;
	arena_init(&portion->arena, 4096);
	return portion;
}

/* --- reading lines --- */

/* Cuts at the first blank; the password is the rest, blanks inside included. */
static struct bytes cut_word(struct bytes *rest)
{
	size_t len = 0;
	while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
		len++;
	struct bytes word = bytes_first(*rest, len);
	*rest = bytes_trim(bytes_skip(*rest, len));
	return word;
}

/* One hash, or several of the same password, parted by blanks. */
static int read_hashes(struct arena *arena, struct bytes words, struct verifier_list *ret_keys)
{
	struct verifier *items = arena_alloc(arena, VERIFIER_LIST_MAX * sizeof(*items));
	size_t count = 0;
	while (words.len > 0) {
		struct verifier_list one;
		if (count == VERIFIER_LIST_MAX ||
		    verifier_list_import(arena, cut_word(&words), &one) < 0)
			return -EINVAL;
		items[count++] = one.items[0];
	}
	*ret_keys = (struct verifier_list){ items, count };
	return 0;
}

/* True if the line is an account to make; else it has been counted or reported. */
static bool read_line(struct import *import, struct bytes text, struct import_line *line)
{
	struct arena *arena = admin_call_arena(import->call);
	struct bytes rest = bytes_trim(text);
	struct bytes who = cut_word(&rest);
	if (who.len == 0 || who.ptr[0] == '#')
		return false;
	if (jid_parse(arena, who, &line->jid, NULL) < 0 || !jid_is_bare(line->jid) ||
	    jid_is_domain(line->jid)) {
		report(import, line->number, who, TEXT_ADMIN_BAD_JID, who);
		return false;
	}
	if (rest.len == 0) {
		report(import, line->number, who, TEXT_ADMIN_IMPORT_FORM, BYTES_NONE);
		return false;
	}
	const struct domain *domain = domain_find(jid_domain(line->jid));
	if (!domain) {
		report(import, line->number, who, TEXT_ADMIN_NO_SUCH_DOMAIN,
		       jid_domain(line->jid));
		return false;
	}
	if (import->is_hashed && read_hashes(arena, rest, &line->keys) < 0) {
		report(import, line->number, line->jid.full, TEXT_ADMIN_BAD_HASH, BYTES_NONE);
		return false;
	}
	line->password = rest;
	line->cost = account_cost(domain_settings(domain));
	return true;
}

static void read_lines(struct import *import, const struct cJSON *lines, unsigned number)
{
	struct portion *portion = NULL;
	const struct cJSON *item;
	cJSON_ArrayForEach(item, lines)
	{
		struct import_line line = { .number = number++ };
		if (!read_line(import, bytes_of(item->valuestring), &line))
			continue;
		if (!portion)
			portion = portion_new(import);
		line.portion = portion;
		portion->lines[portion->count++] = line;
		import->pending++;
		if (portion->count < PORTION_LINES)
			continue;
		post(portion);
		portion = NULL;
	}
	if (portion)
		post(portion);
}

void admin_user_import(struct admin_call *call)
{
	const struct cJSON *first = admin_call_arg(call, "first_line");
	struct import *import = block_alloc_zeroed(sizeof(*import));
	import->call = call;
	import->is_hashed = admin_call_flag(call, "hashed");
	import->pending = 1; /* ours: nothing ends while lines are read */
	read_lines(import, admin_call_arg(call, "users"),
		   cJSON_IsNumber(first) && first->valuedouble >= 1 &&
				   first->valuedouble < UINT32_MAX
			   ? (unsigned)first->valuedouble
			   : 1);
	settle(import, 1);
}
