/*
 * domain add, del, list. What is made here is stored and then published; the certificate comes
 * with it. A domain of the configuration file is not deleted here: it would be back at the next
 * start.
 *
 * 	add:  check -> store -> publish -> answer
 * 	del:  check -> publish without it -> delete its data and its entry -> answer
 */
#include <cjson/cJSON.h>

#include "admin/control_internal.h"
#include "admin/handlers.h"
#include "admin/words.h"
#include "base/block.h"
#include "base/log.h"
#include "core/domain_store.h"

/* A change on its way. */
struct change {
	struct admin_call *call;
	struct bytes name; /* in the call's arena */
};

static struct change *change_new(struct admin_call *call, struct bytes name)
{
	struct change *change = block_alloc(sizeof(*change));
	*change = (struct change){ call, arena_copy(admin_call_arena(call), name) };
	return change;
}

static void change_failed(struct change *change, struct bytes why)
{
	admin_call_fail(change->call, ADMIN_INTERNAL, TEXT_ADMIN_FAILED, why, BYTES_NONE);
	block_free(change);
}

static void change_done(struct change *change, const char *event, enum text text)
{
	log_event(LOG_ADMIN, LOG_INFO, event, LOG_BYTES("domain", change->name));
	admin_call_done_text(change->call, text, change->name, BYTES_NONE);
	block_free(change);
}

/* --- add --- */

static void add_published(int status, const struct err *err, void *context)
{
	if (status < 0)
		change_failed(context, bytes_of(err->text));
	else
		change_done(context, "domain.added", TEXT_ADMIN_DOMAIN_ADDED);
}

static void add_stored(int status, void *context)
{
	if (status < 0)
		change_failed(context, bytes_of(strerror(-status)));
	else
		control_host()->republish(BYTES_NONE, add_published, context);
}

/* The --set arguments as lines. */
static struct bytes overrides_of(struct admin_call *call)
{
	struct arena *arena = admin_call_arena(call);
	struct bytes lines = BYTES_LIT("");
	const struct cJSON *item;
	cJSON_ArrayForEach(item, admin_call_arg(call, "set")) lines =
		arena_printf(arena, "%.*s%s\n", BYTES_ARG(lines), item->valuestring);
	return lines;
}

void admin_domain_add(struct admin_call *call)
{
	struct bytes name, overrides = overrides_of(call);
	struct err err;
	if (!words_domain(call, &name))
		return;
	if (domain_find(name)) {
		admin_call_fail(call, ADMIN_EXISTS, TEXT_ADMIN_DOMAIN_EXISTS, name, BYTES_NONE);
		return;
	}
	if (control_host()->check_overrides(overrides, admin_call_lang(call), &err) < 0) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_CONFIG_PLAIN, bytes_of(err.text),
				BYTES_NONE);
		return;
	}
	domain_store_put(name, overrides, add_stored, change_new(call, name));
}

/* --- del --- */

static void del_erased(int status, void *context)
{
	if (status < 0)
		change_failed(context, bytes_of(strerror(-status)));
	else
		change_done(context, "domain.deleted", TEXT_ADMIN_DOMAIN_DELETED);
}

static void del_published(int status, const struct err *err, void *context)
{
	struct change *change = context;
	if (status < 0)
		change_failed(change, bytes_of(err->text));
	else
		domain_store_del(change->name, del_erased, change);
}

void admin_domain_del(struct admin_call *call)
{
	struct bytes name;
	if (!words_domain(call, &name))
		return;
	const struct domain *domain = domain_find(name);
	if (!domain)
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_DOMAIN, name,
				BYTES_NONE);
	else if (!domain->is_stored)
		admin_call_fail(call, ADMIN_REFUSED, TEXT_ADMIN_DOMAIN_CONFIGURED, name,
				BYTES_NONE);
	else if (!admin_call_flag(call, "yes"))
		admin_call_fail(call, ADMIN_REFUSED, TEXT_ADMIN_DOMAIN_NEEDS_YES, name,
				BYTES_NONE);
	else
		control_host()->republish(name, del_published, change_new(call, name));
}

/* --- list --- */

void admin_domain_list(struct admin_call *call)
{
	const struct domain_set *set = domain_current();
	for (size_t i = 0; i < domain_set_count(set); i++) {
		const struct domain *domain = domain_set_at(set, i);
		struct cJSON *row = cJSON_CreateObject();
		words_add(row, "domain", domain->name);
		cJSON_AddStringToObject(row, "from",
					domain->is_stored ? "hearthctl" : "configuration");
		admin_call_row(call, row);
	}
	admin_call_done(call, NULL);
}
