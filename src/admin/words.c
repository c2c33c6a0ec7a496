/* See words.h. */
#include "admin/words.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "xmpp/datetime.h"

bool words_user(struct admin_call *call, struct jid *ret_jid, const struct domain **ret_domain)
{
	struct bytes text = admin_call_word(call, "jid");
	struct jid jid;
	if (jid_parse(admin_call_arena(call), text, &jid, NULL) < 0 || !jid_is_bare(jid) ||
	    jid_is_domain(jid)) {
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_JID, text, BYTES_NONE);
		return false;
	}
	const struct domain *domain = domain_find(jid_domain(jid));
	if (!domain) {
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_DOMAIN,
				jid_domain(jid), BYTES_NONE);
		return false;
	}
	*ret_jid = jid;
	*ret_domain = domain;
	return true;
}

bool words_domain(struct admin_call *call, struct bytes *ret_name)
{
	struct bytes text = admin_call_word(call, "domain");
	if (jid_prepare_domain(admin_call_arena(call), text, ret_name) == 0)
		return true;
	admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_DOMAIN, text, BYTES_NONE);
	return false;
}

void words_add(struct cJSON *object, const char *name, struct bytes value)
{
	if (bytes_is_none(value))
		cJSON_AddNullToObject(object, name);
	else
		cJSON_AddStringToObject(object, name, arena_cstr(scratch(), value));
}

void words_add_time(struct cJSON *object, const char *name, uint64_t real_us)
{
	char text[DATETIME_MAX_BYTES];
	words_add(object, name, real_us == 0 ? BYTES_NONE : datetime_format(text, real_us, 0));
}

void words_fail_user(struct admin_call *call, int status, struct bytes bare)
{
	if (status == -ENOENT)
		admin_call_fail(call, ADMIN_NOT_FOUND, TEXT_ADMIN_NO_SUCH_USER, bare,
				BYTES_NONE);
	else if (status == -EEXIST)
		admin_call_fail(call, ADMIN_EXISTS, TEXT_ADMIN_USER_EXISTS, bare, BYTES_NONE);
	else if (status == -EINVAL)
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_PASSWORD, bare,
				BYTES_NONE);
	else
		admin_call_fail(call, ADMIN_INTERNAL, TEXT_ADMIN_FAILED,
				bytes_of(strerror(-status)), BYTES_NONE);
}
