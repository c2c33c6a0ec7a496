/* See call.h: a command on its way, and how it is answered. */
#include "admin/call.h"

#include <cjson/cJSON.h>

#include "admin/control_internal.h"
#include "admin/handlers.h"
#include "base/block.h"
#include "base/check.h"
#include "base/log.h"

static void (*const handlers[])(struct admin_call *) = {
#define COMMAND(name, function, help, args) admin_##function,
#include "admin/commands.def"
#undef COMMAND
};

static const char *const code_names[] = {
	[ADMIN_BAD_REQUEST] = "bad-request", [ADMIN_NOT_FOUND] = "not-found",
	[ADMIN_EXISTS] = "exists",	     [ADMIN_REFUSED] = "refused",
	[ADMIN_INTERNAL] = "internal",
};

/* --- writing --- */

/* Takes json. */
static void send_json(struct control_client *client, struct cJSON *json)
{
	char *text = client->conn ? cJSON_PrintUnformatted(json) : NULL;
	if (text) {
		conn_send(client->conn, bytes_of(text));
		conn_send(client->conn, BYTES_LIT("\n"));
	}
	cJSON_free(text);
	cJSON_Delete(json);
}

static struct cJSON *answer_new(double id)
{
	struct cJSON *answer = cJSON_CreateObject();
	cJSON_AddNumberToObject(answer, "id", id);
	return answer;
}

static struct cJSON *error_new(double id, enum admin_code code, struct bytes text)
{
	struct cJSON *answer = answer_new(id);
	cJSON_AddFalseToObject(answer, "ok");
	cJSON_AddStringToObject(answer, "code", code_names[code]);
	cJSON_AddStringToObject(answer, "text", text.ptr);
	return answer;
}

void call_refuse(struct control_client *client, const struct admin_fault *fault)
{
	struct bytes text =
		text_format(scratch(), fault->text, fault->lang, fault->arg, BYTES_NONE);
	send_json(client, error_new(fault->id, ADMIN_BAD_REQUEST, text));
}

/* --- life --- */

void call_begin(struct control_client *client, struct admin_request *request)
{
	if (client->calls > ADMIN_CALLS_MAX) {
		struct admin_fault fault = { .id = request->id,
					     .lang = request->lang,
					     .text = TEXT_ADMIN_TOO_MANY_CALLS };
		admin_request_fini(request);
		call_refuse(client, &fault);
		return;
	}
	struct admin_call *call = block_alloc_zeroed(sizeof(*call));
	call->magic = ADMIN_CALL_MAGIC;
	call->client = client;
	call->request = *request;
	arena_init(&call->arena, 1024);
	list_init(&call->paced);
	client->calls++;
	log_event(LOG_ADMIN, LOG_DEBUG, "control.command",
		  LOG_STR("command", request->command->name));
	handlers[request->command - admin_commands](call);
}

/* The answer is taken and leaves; the call is over. */
static void end(struct admin_call *call, struct cJSON *answer)
{
	check_magic(call, ADMIN_CALL_MAGIC);
	struct control_client *client = call->client;
	send_json(client, answer);
	admin_request_fini(&call->request);
	arena_fini(&call->arena);
	call->magic = 0;
	block_free(call);
	client->calls--;
	control_client_settle(client);
}

/* --- call.h --- */

const struct cJSON *admin_call_arg(const struct admin_call *call, const char *name)
{
	check_magic(call, ADMIN_CALL_MAGIC);
	return cJSON_GetObjectItemCaseSensitive(call->request.args, name);
}

struct bytes admin_call_word(const struct admin_call *call, const char *name)
{
	const struct cJSON *item = admin_call_arg(call, name);
	return item ? bytes_of(item->valuestring) : BYTES_NONE;
}

bool admin_call_flag(const struct admin_call *call, const char *name)
{
	return cJSON_IsTrue(admin_call_arg(call, name));
}

enum text_lang admin_call_lang(const struct admin_call *call)
{
	return call->request.lang;
}

struct arena *admin_call_arena(struct admin_call *call)
{
	return &call->arena;
}

bool admin_call_is_orphan(const struct admin_call *call)
{
	return call->client->conn == NULL;
}

void admin_call_pace(struct admin_call *call,
		     void (*next)(struct admin_call *call, void *context), void *context)
{
	struct control_client *client = call->client;
	call->next = next;
	call->next_context = context;
	list_add_tail(&client->paced, &call->paced);
	if (client->conn)
		conn_want_drained(client->conn, CONTROL_PACE_BYTES);
	else
		loop_defer(shard_loop(), &client->pace);
}

void call_resume(struct control_client *client)
{
	struct list due, *pos, *tmp;
	list_init(&due);
	list_splice_tail(&due, &client->paced);
	list_for_each_safe (pos, tmp, &due) {
		struct admin_call *call = list_entry(pos, struct admin_call, paced);
		list_del(&call->paced);
		call->next(call, call->next_context);
	}
}

void admin_call_row(struct admin_call *call, struct cJSON *taken_row)
{
	struct cJSON *answer = answer_new(call->request.id);
	cJSON_AddItemToObject(answer, "row", taken_row);
	send_json(call->client, answer);
}

void admin_call_done(struct admin_call *call, struct cJSON *taken_result)
{
	struct cJSON *answer = answer_new(call->request.id);
	cJSON_AddTrueToObject(answer, "ok");
	if (taken_result)
		cJSON_AddItemToObject(answer, "result", taken_result);
	end(call, answer);
}

void admin_call_done_text(struct admin_call *call, enum text text, struct bytes arg0,
			  struct bytes arg1)
{
	struct bytes words = text_format(&call->arena, text, call->request.lang, arg0, arg1);
	struct cJSON *answer = answer_new(call->request.id);
	cJSON_AddTrueToObject(answer, "ok");
	cJSON_AddStringToObject(answer, "text", words.ptr);
	end(call, answer);
}

void admin_call_fail(struct admin_call *call, enum admin_code code, enum text text,
		     struct bytes arg0, struct bytes arg1)
{
	struct bytes words = text_format(&call->arena, text, call->request.lang, arg0, arg1);
	end(call, error_new(call->request.id, code, words));
}
