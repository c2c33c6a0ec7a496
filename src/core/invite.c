#include "core/invite.h"

#include <errno.h>
#include <inttypes.h>

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/place.h"
#include "core/shard_state.h"
#include "xmpp/hash.h"

struct store_decl invite_store =
	STORE_DECL("invite", STORE_MAP, 1, "Open invitations of each domain, by token hash.");

/* --- text ------------------------------------------------------------------------------- */

static const char *const kind_names[INVITE_KINDS] = { "contact", "account" };

struct bytes invite_key(struct arena *arena, struct bytes token)
{
	uint8_t digest[HASH_MAX_BYTES];
	size_t len = hash_bytes(HASH_SHA256);

	hash_digest(HASH_SHA256, token, digest);
	return hex_encode(arena, bytes_make(digest, len));
}

static void format_bytes(struct buf *out, const char *name, struct bytes value)
{
	if (!bytes_is_none(value))
		buf_printf(out, "%s %.*s\n", name, BYTES_ARG(value));
}

struct bytes invite_format(struct arena *arena, const struct invite *invite)
{
	struct bytes text;
	struct buf out;

	buf_init(&out, 0);
	buf_printf(&out, "hearth-invite 1\nkind %s\ncreated %" PRIu64 "\nexpires %" PRIu64 "\n",
		   kind_names[invite->kind], invite->created_us, invite->expires_us);
	format_bytes(&out, "inviter", invite->inviter);
	format_bytes(&out, "username", invite->username);
	if (invite->may_register)
		buf_append_cstr(&out, "register yes\n");
	if (invite->is_befriended)
		buf_append_cstr(&out, "befriend yes\n");
	if (!bytes_is_none(invite->claimant))
		buf_printf(&out, "claimed %" PRIu64 " %.*s\n", invite->claimed_us,
			   BYTES_ARG(invite->claimant));
	text = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return text;
}

static int parse_kind(struct bytes value, enum invite_kind *ret_kind)
{
	for (int kind = 0; kind < INVITE_KINDS; kind++) {
		if (bytes_is(value, kind_names[kind])) {
			*ret_kind = (enum invite_kind)kind;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_line(struct bytes line, struct invite *invite)
{
	struct bytes value = line, key = bytes_cut(&value, ' ');

	if (bytes_is(key, "kind"))
		return parse_kind(value, &invite->kind);
	if (bytes_is(key, "created"))
		return bytes_to_u64(value, &invite->created_us);
	if (bytes_is(key, "expires"))
		return bytes_to_u64(value, &invite->expires_us);
	if (bytes_is(key, "claimed")) {
		struct bytes time = bytes_cut(&value, ' ');
		invite->claimant = value;
		return bytes_to_u64(time, &invite->claimed_us);
	}
	if (bytes_is(key, "inviter"))
		invite->inviter = value;
	else if (bytes_is(key, "username"))
		invite->username = value;
	else if (bytes_is(key, "register"))
		invite->may_register = true;
	else if (bytes_is(key, "befriend"))
		invite->is_befriended = true;
	return 0; /* a later version's line */
}

int invite_parse(struct arena *arena, struct bytes key, struct bytes value,
		 struct invite *ret_invite)
{
	struct bytes rest = arena_copy(arena, value), line = bytes_cut(&rest, '\n');
	struct invite invite = { .key = arena_copy(arena, key) };

	if (!bytes_is(line, "hearth-invite 1"))
		return -EINVAL;
	while ((line = bytes_cut(&rest, '\n')).len > 0)
		if (parse_line(line, &invite) < 0)
			return -EINVAL;
	*ret_invite = invite;
	return 0;
}

/* RFC 5122 section 2.2: what a nodeid of a URI may not hold is percent-encoded. */
static struct bytes uri_local(struct arena *arena, struct bytes local)
{
	struct bytes text;
	struct buf out;

	buf_init(&out, 0);
	for (size_t i = 0; i < local.len; i++) {
		unsigned char c = (unsigned char)local.ptr[i];
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
				c == '~';
		if (is_plain)
			buf_append_byte(&out, (char)c);
		else
			buf_printf(&out, "%%%02X", c);
	}
	text = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return text;
}

struct bytes invite_uri(struct arena *arena, const struct invite *invite, struct bytes domain,
			struct bytes token)
{
	struct bytes local;

	if (invite->kind == INVITE_CONTACT) {
		local = uri_local(arena, jid_local(jid_from_normal(invite->inviter)));
		return arena_printf(arena, "xmpp:%.*s@%.*s?roster;preauth=%.*s%s",
				    BYTES_ARG(local), BYTES_ARG(domain), BYTES_ARG(token),
				    invite->may_register ? ";ibr=y" : "");
	}
	if (bytes_is_none(invite->username))
		return arena_printf(arena, "xmpp:%.*s?register;preauth=%.*s", BYTES_ARG(domain),
				    BYTES_ARG(token));
	local = uri_local(arena, invite->username);
	return arena_printf(arena, "xmpp:%.*s@%.*s?register;preauth=%.*s", BYTES_ARG(local),
			    BYTES_ARG(domain), BYTES_ARG(token));
}

/* --- the desk: one operation at a time ---------------------------------------------------- */

static void desk_next(void);

static void op_finish(struct invite_op *op, int status)
{
	op->status = status;
	list_del(&op->list);
	errand_return(&op->errand);
	desk_next();
}

static void op_committed(int status, uint64_t seq, void *context)
{
	(void)seq;
	op_finish(context, status);
}

static void op_commit(struct invite_op *op, struct store_batch *batch)
{
	store_commit(core_store(), &batch, op_committed, op);
}

static struct invite *rows_find(const struct invite_op *op, struct bytes key)
{
	struct invite *row = op->rows;

	while (row != NULL && !bytes_equal(row->key, key))
		row = row->next;
	return row;
}

static bool is_over(const struct invite *invite)
{
	return invite->expires_us <= clock_real_us();
}

static bool is_forgotten(const struct invite *invite)
{
	return invite->expires_us + INVITE_KEEP_S * 1000000ull <= clock_real_us();
}

/* XEP-0401 section 6.2: a name stays reserved until the token's time is over. */
static bool is_reserved(const struct invite_op *op, struct bytes username, struct bytes key)
{
	for (const struct invite *row = op->rows; row != NULL; row = row->next)
		if (!is_over(row) && !bytes_is_none(row->username) &&
		    bytes_equal(row->username, username) && !bytes_equal(row->key, key))
			return true;
	return false;
}

static struct store_batch *op_batch(const struct invite_op *op)
{
	return store_batch_new(core_store(), op->domain);
}

static void put(struct invite_op *op, struct store_batch *batch, const struct invite *invite)
{
	store_put(batch, &invite_store, invite->key, invite_format(&op->arena, invite));
}

/* --- the verbs, when all rows of the domain are read -------------------------------------- */

static uint32_t count_of(const struct invite_op *op, struct bytes inviter)
{
	uint32_t count = 0;

	for (const struct invite *row = op->rows; row != NULL; row = row->next)
		count += !is_over(row) && !bytes_is_none(row->inviter) &&
			 bytes_equal(row->inviter, inviter);
	return count;
}

static void run_create(struct invite_op *op)
{
	uint8_t raw[INVITE_TOKEN_BYTES];
	struct store_batch *batch;

	if (!bytes_is_none(op->invite.username) &&
	    is_reserved(op, op->invite.username, BYTES_NONE)) {
		op_finish(op, -EEXIST);
		return;
	}
	if (op->limit > 0 && !bytes_is_none(op->invite.inviter) &&
	    count_of(op, op->invite.inviter) >= op->limit) {
		op_finish(op, -EDQUOT);
		return;
	}
	random_fill(raw, sizeof(raw));
	op->token = hex_encode(&op->arena, bytes_make(raw, sizeof(raw)));
	op->invite.key = invite_key(&op->arena, op->token);
	op->invite.created_us = clock_real_us();
	batch = op_batch(op);
	for (const struct invite *row = op->rows; row != NULL; row = row->next)
		if (is_forgotten(row))
			store_del(batch, &invite_store, row->key);
	put(op, batch, &op->invite);
	op_commit(op, batch);
}

static void run_find(struct invite_op *op)
{
	const struct invite *row = rows_find(op, op->key);

	if (row == NULL || is_over(row)) {
		op_finish(op, -ENOENT);
		return;
	}
	op->invite = *row;
	op_finish(op, 0);
}

static void claim_now(struct invite_op *op)
{
	struct store_batch *batch = op_batch(op);

	op->invite.claimant = op->username;
	op->invite.claimed_us = clock_real_us();
	put(op, batch, &op->invite);
	op_commit(op, batch);
}

/* The claim was left behind by a crash: was the account made before it? */
static void claim_judged(struct account_op *account)
{
	struct invite_op *op = account->context;
	struct store_batch *batch;

	if (account->status == -ENOENT) {
		claim_now(op);
		return;
	}
	if (account->status == 0) {
		batch = op_batch(op);
		store_del(batch, &invite_store, op->key);
		store_commit(core_store(), &batch, NULL, NULL);
	}
	op_finish(op, -ENOENT);
}

static void run_claim(struct invite_op *op)
{
	const struct invite *row;
	struct jid jid;

	if (is_reserved(op, op->username, op->key)) {
		op_finish(op, -EEXIST);
		return;
	}
	if (bytes_is_none(op->key)) {
		op_finish(op, 0);
		return;
	}
	row = rows_find(op, op->key);
	if (row == NULL || !row->may_register) {
		op_finish(op, -ENOENT);
		return;
	}
	op->invite = *row;
	if (!bytes_is_none(row->username) && !bytes_equal(row->username, op->username)) {
		op_finish(op, -EPERM);
	} else if (bytes_is_none(row->claimant)) {
		claim_now(op);
	} else if (row->claimed_us + INVITE_CLAIM_S * 1000000ull > clock_real_us()) {
		op_finish(op, -ENOENT);
	} else {
		check(jid_make(&op->arena, row->claimant, op->domain, BYTES_NONE, &jid, NULL) ==
		      0);
		account_op_send(account_op_new(ACCOUNT_READ, jid, claim_judged, op));
	}
}

static void run_settle(struct invite_op *op)
{
	struct store_batch *batch = op_batch(op);

	store_del(batch, &invite_store, op->key);
	op_commit(op, batch);
}

static void run_release(struct invite_op *op)
{
	struct invite *row = rows_find(op, op->key);
	struct store_batch *batch = op_batch(op);

	if (row != NULL) {
		row->claimant = BYTES_NONE;
		put(op, batch, row);
	}
	op_commit(op, batch);
}

static void run_revoke(struct invite_op *op)
{
	const struct invite *found = NULL;

	for (const struct invite *row = op->rows; row != NULL; row = row->next) {
		if (!bytes_has_prefix(row->key, op->key))
			continue;
		if (found != NULL) {
			op_finish(op, -EEXIST);
			return;
		}
		found = row;
	}
	if (found == NULL || op->key.len == 0) {
		op_finish(op, -ENOENT);
		return;
	}
	op->invite = *found;
	op->key = found->key;
	run_settle(op);
}

static void run_list(struct invite_op *op)
{
	struct invite **at = &op->rows;

	while (*at != NULL) {
		if (is_over(*at))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	op_finish(op, 0);
}

static void op_read(struct store_read *read, int status, void *context)
{
	static void (*const verbs[])(struct invite_op *) = {
		[INVITE_CREATE] = run_create,	[INVITE_FIND] = run_find,
		[INVITE_CLAIM] = run_claim,	[INVITE_SETTLE] = run_settle,
		[INVITE_RELEASE] = run_release, [INVITE_REVOKE] = run_revoke,
		[INVITE_LIST] = run_list,
	};
	struct invite_op *op = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;
	struct invite **end = &op->rows;

	for (; item != NULL; item = item->next) {
		struct invite *row = arena_new(&op->arena, struct invite);
		if (invite_parse(&op->arena, item->key, item->value, row) < 0)
			continue; /* nobody can use it; revoking a domain takes it along */
		*end = row;
		end = &row->next;
	}
	if (status < 0)
		op_finish(op, status);
	else
		verbs[op->verb](op);
}

static void desk_next(void)
{
	struct core_shard *core = core_shard();
	struct invite_op *op = list_first(&core->invite_ops, struct invite_op, list);

	core->is_inviting = op != NULL;
	if (op != NULL)
		store_scan(core_store(), op->domain, &invite_store,
			   op->verb == INVITE_FIND ? op->key : BYTES_NONE, op_read, op);
}

static void op_run(struct errand *errand)
{
	struct core_shard *core = core_shard();

	list_add_tail(&core->invite_ops, &container_of(errand, struct invite_op, errand)->list);
	if (!core->is_inviting)
		desk_next();
}

static void op_back(struct errand *errand)
{
	struct invite_op *op = container_of(errand, struct invite_op, errand);

	if (op->done != NULL)
		op->done(op);
	arena_fini(&op->arena);
	block_free(op);
}

struct invite_op *invite_op_new(enum invite_verb verb, struct bytes domain,
				void (*done)(struct invite_op *), void *context)
{
	struct invite_op *op = block_alloc_zeroed(sizeof(*op));

	errand_init(&op->errand, "invite", op_run, op_back);
	arena_init(&op->arena, 2048);
	list_init(&op->list);
	op->verb = verb;
	op->domain = arena_copy(&op->arena, domain);
	op->done = done;
	op->context = context;
	return op;
}

void invite_op_free(struct invite_op **op)
{
	arena_fini(&(*op)->arena);
	block_free(*op);
	*op = NULL;
}

void invite_op_send(struct invite_op *op)
{
	errand_send(&op->errand, place_shard(jid_from_normal(op->domain)));
}
