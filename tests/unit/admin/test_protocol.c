#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/protocol.h"
#include "base/arena.h"

static void a_request_has_its_arguments(void **state)
{
	struct admin_request request;
	struct admin_fault fault;
	(void)state;
	assert_int_equal(
		admin_request_parse(BYTES_LIT("{\"id\":7,\"command\":\"user show\",\"args\":"
					      "{\"jid\":\"a@b\"},\"lang\":\"zh-CN\"}"),
				    &request, &fault),
		0);
	assert_true(request.id == 7);
	assert_string_equal(request.command->name, "user show");
	assert_int_equal(request.lang, TEXT_LANG_ZH);
	assert_string_equal(cJSON_GetObjectItem(request.args, "jid")->valuestring, "a@b");
	admin_request_fini(&request);
	admin_request_fini(&request);
}

static const struct {
	const char *line;
	enum text why;
	const char *arg;
} faults[] = {
	{ "", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "status", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "[]", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "{\"command\":1}", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "{\"command\":\"status\"", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "{\"command\":\"\xff\"}", TEXT_ADMIN_NOT_REQUEST, "" },
	{ "{\"command\":\"users\"}", TEXT_ADMIN_UNKNOWN_COMMAND, "users" },
	{ "{\"command\":\"user show\"}", TEXT_ADMIN_ARG_MISSING, "jid" },
	{ "{\"command\":\"user show\",\"args\":[]}", TEXT_ADMIN_ARG_MISSING, "jid" },
	{ "{\"command\":\"user show\",\"args\":{\"jid\":5}}", TEXT_ADMIN_ARG_BAD, "jid" },
	{ "{\"command\":\"domain del\",\"args\":{\"domain\":\"x\",\"yes\":\"yes\"}}",
	  TEXT_ADMIN_ARG_BAD, "yes" },
	{ "{\"command\":\"user import\",\"args\":{\"users\":[1]}}", TEXT_ADMIN_ARG_BAD,
	  "users" },
	{ "{\"command\":\"user import\",\"args\":{\"users\":\"a\"}}", TEXT_ADMIN_ARG_BAD,
	  "users" },
};

static void faults_say_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct admin_request request;
		struct admin_fault fault = { 0 };
		assert_int_equal(
			admin_request_parse(bytes_of(faults[i].line), &request, &fault),
			-EINVAL);
		assert_int_equal(fault.text, faults[i].why);
		assert_true(bytes_equal(fault.arg, bytes_of(faults[i].arg)));
	}
}

static void depth_and_length_are_bounded(void **state)
{
	char *deep = malloc(ADMIN_LINE_MAX + 2);
	struct admin_request request;
	struct admin_fault fault;
	(void)state;
	memset(deep, '[', ADMIN_LINE_MAX + 2);
	assert_int_equal(admin_request_parse(bytes_make(deep, 100000), &request, &fault),
			 -EINVAL);
	memset(deep, ' ', ADMIN_LINE_MAX + 2);
	memcpy(deep, "{\"command\":\"status\"}", 20);
	assert_int_equal(
		admin_request_parse(bytes_make(deep, ADMIN_LINE_MAX), &request, &fault), 0);
	admin_request_fini(&request);
	assert_int_equal(
		admin_request_parse(bytes_make(deep, ADMIN_LINE_MAX + 1), &request, &fault),
		-EINVAL);
	free(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_its_arguments),
		cmocka_unit_test(faults_say_why),
		cmocka_unit_test(depth_and_length_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
