/* report list: what users of a domain reported when they blocked somebody (XEP-0377). */
#include <cjson/cJSON.h>

#include "admin/handlers.h"
#include "admin/words.h"
#include "core/domain.h"
#include "core/shard_state.h"
#include "store/store.h"

/* A stored report: lines "word value" up to an empty one, then the report as it came. */
static void add_row(struct admin_call *call, struct bytes value)
{
	struct cJSON *row = cJSON_CreateObject();
	struct bytes line;

	while ((line = bytes_cut(&value, '\n')).len > 0) {
		struct bytes word = bytes_cut(&line, ' ');
		words_add(row, arena_cstr(admin_call_arena(call), word), line);
	}
	admin_call_row(call, row);
}

static void found(struct store_read *read, int status, void *context)
{
	struct admin_call *call = context;
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;

	if (status < 0) {
		words_fail_user(call, status, BYTES_NONE);
		return;
	}
	for (; item != NULL; item = item->next)
		add_row(call, item->value);
	admin_call_done(call, NULL);
}

void admin_report_list(struct admin_call *call)
{
	const struct store_decl *reports = store_find(BYTES_LIT("report"));
	struct bytes domain;

	if (!words_domain(call, &domain))
		return;
	if (domain_find(domain) == NULL)
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_DOMAIN, domain,
				BYTES_NONE);
	else if (reports == NULL) /* built without that feature */
		admin_call_done(call, NULL);
	else
		store_scan(core_store(), BYTES_LIT(""), reports,
			   arena_printf(admin_call_arena(call), "%.*s ", BYTES_ARG(domain)),
			   found, call);
}
