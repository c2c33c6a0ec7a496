/* Commands about the server itself: status, reload, stop, log level. */
#include <cjson/cJSON.h>
#include <unistd.h>

#include "admin/call.h"
#include "admin/control_internal.h"
#include "admin/handlers.h"
#include "base/log.h"
#include "base/metric.h"

static void add_metric(const struct metric *metric, int64_t value, void *context)
{
	cJSON_AddNumberToObject(context, metric->name, (double)value);
}

void admin_status(struct admin_call *call)
{
	struct cJSON *result = cJSON_CreateObject();
	cJSON_AddStringToObject(result, "version", HEARTH_VERSION);
	cJSON_AddNumberToObject(result, "pid", getpid());
	cJSON_AddNumberToObject(result, "shards", shard_count());
	control_host()->status(result);
	metric_each(add_metric, cJSON_AddObjectToObject(result, "metrics"));
	admin_call_done(call, result);
}

static void reloaded(int status, const struct err *err, void *context)
{
	struct admin_call *call = context;
	if (status < 0)
		admin_call_fail(call, ADMIN_REFUSED, TEXT_ADMIN_RELOAD_FAILED,
				bytes_of(err->text), BYTES_NONE);
	else
		admin_call_done_text(call, TEXT_ADMIN_RELOADED, BYTES_NONE, BYTES_NONE);
}

void admin_reload(struct admin_call *call)
{
	control_host()->reload(reloaded, call);
}

void admin_stop(struct admin_call *call)
{
	admin_call_done_text(call, TEXT_ADMIN_STOPPING, BYTES_NONE, BYTES_NONE);
	control_host()->stop();
}

void admin_log_level(struct admin_call *call)
{
	struct bytes room = admin_call_word(call, "room");
	struct bytes level = admin_call_word(call, "level");
	if (log_set_level(room, level) < 0)
		admin_call_fail(call, ADMIN_BAD_REQUEST, TEXT_ADMIN_BAD_LOG_LEVEL, room, level);
	else
		admin_call_done_text(call, TEXT_ADMIN_LOG_LEVEL_SET, room, level);
}
