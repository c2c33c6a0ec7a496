/* See protocol.h. */
#include "admin/protocol.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/secret.h"
#include "base/utf8.h"

/* Depth is bounded by cJSON's CJSON_NESTING_LIMIT. */
static void wipe(struct cJSON *json)
{
	if (json->valuestring)
		secret_wipe(json->valuestring, strlen(json->valuestring));
	for (struct cJSON *child = json->child; child; child = child->next)
		wipe(child);
}

void admin_json_wipe(struct cJSON **json)
{
	if (*json)
		wipe(*json);
	cJSON_Delete(*json);
	*json = NULL;
}

static int fail(struct admin_fault *fault, enum text text, struct bytes arg)
{
	fault->text = text;
	fault->arg = arena_copy(scratch(), arg);
	return -EINVAL;
}

static struct bytes string_of(const struct cJSON *object, const char *name)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsString(item) ? bytes_of(item->valuestring) : BYTES_NONE;
}

static bool is_list_of_strings(const struct cJSON *item)
{
	const struct cJSON *element;
	if (!cJSON_IsArray(item))
		return false;
	cJSON_ArrayForEach(element, item) if (!cJSON_IsString(element)) return false;
	return true;
}

static bool is_of_kind(const struct cJSON *item, enum admin_arg_kind kind)
{
	switch (kind) {
	case ADMIN_ARG_FLAG:
		return cJSON_IsBool(item);
	case ADMIN_ARG_LINES:
	case ADMIN_ARG_VALUES:
		return is_list_of_strings(item);
	default:
		return cJSON_IsString(item);
	}
}

static bool is_required(enum admin_arg_kind kind)
{
	return kind == ADMIN_ARG_WORD || kind == ADMIN_ARG_NEW_PASSWORD ||
	       kind == ADMIN_ARG_LINES;
}

static int check_args(const struct admin_request *request, struct admin_fault *fault)
{
	for (const struct admin_arg *arg = request->command->args; arg->kind; arg++) {
		const struct cJSON *item =
			cJSON_GetObjectItemCaseSensitive(request->args, arg->name);
		if (!item && is_required(arg->kind))
			return fail(fault, TEXT_ADMIN_ARG_MISSING, bytes_of(arg->name));
		if (item && !is_of_kind(item, arg->kind))
			return fail(fault, TEXT_ADMIN_ARG_BAD, bytes_of(arg->name));
	}
	return 0;
}

static int read_request(struct admin_request *request, struct admin_fault *fault)
{
	const struct cJSON *id = cJSON_GetObjectItemCaseSensitive(request->json, "id");
	if (cJSON_IsNumber(id) && isfinite(id->valuedouble))
		request->id = fault->id = id->valuedouble;
	request->lang = fault->lang = text_lang_of(string_of(request->json, "lang"));
	struct bytes name = string_of(request->json, "command");
	if (bytes_is_none(name))
		return fail(fault, TEXT_ADMIN_NOT_REQUEST, BYTES_NONE);
	request->command = admin_command_find(name);
	if (!request->command)
		return fail(fault, TEXT_ADMIN_UNKNOWN_COMMAND, name);
	request->args = cJSON_GetObjectItemCaseSensitive(request->json, "args");
	return check_args(request, fault);
}

int admin_request_parse(struct bytes line, struct admin_request *ret_request,
			struct admin_fault *ret_fault)
{
	struct admin_request request = { 0 };
	struct admin_fault fault = { 0 };
	int status;
	if (utf8_is_valid(line) && line.len <= ADMIN_LINE_MAX)
		request.json = cJSON_ParseWithLength(line.ptr, line.len);
	if (cJSON_IsObject(request.json))
		status = read_request(&request, &fault);
	else
		status = fail(&fault, TEXT_ADMIN_NOT_REQUEST, BYTES_NONE);
	if (status < 0) {
		*ret_fault = fault;
		admin_request_fini(&request);
		return status;
	}
	*ret_request = request;
	return 0;
}

void admin_request_fini(struct admin_request *request)
{
	admin_json_wipe(&request->json);
	request->args = NULL;
}
