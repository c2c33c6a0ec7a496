/* The control socket, its shard turned by hand, spoken to through hearthctl's own link. */
#include "unit.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/control.h"
#include "admin/call.h"
#include "admin/ctl_link.h"
#include "admin/protocol.h"
#include "base/log.h"
#include "io/shard.h"

static struct {
	char dir[40];
	int fd;
	struct shards *shards;
	int stops;
	admin_host_done_fn *reload_done;
	void *reload_context;
} rig;

static void note_stop(void)
{
	rig.stops++;
}

static void add_status(struct cJSON *result)
{
	cJSON_AddNumberToObject(result, "domains", 3);
}

static void keep_reload(admin_host_done_fn *done, void *context)
{
	rig.reload_done = done;
	rig.reload_context = context;
}

static const struct admin_host host = {
	.reload = keep_reload,
	.stop = note_stop,
	.status = add_status,
};

static int begin(void **state)
{
	struct err err;
	(void)state;
	memset(&rig, 0, sizeof(rig));
	strcpy(rig.dir, "/tmp/hearth-control-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	assert_int_equal(shards_new(&(struct shards_config){ .count = 1 }, &rig.shards), 0);
	assert_int_equal(control_open(rig.dir, &rig.fd, &err), 0);
	shard_enter(rig.shards->shards[0]);
	assert_int_equal(control_start(rig.fd, &host), 0);
	return 0;
}

static int end(void **state)
{
	char path[80];
	(void)state;
	control_stop();
	shards_run_until_idle(rig.shards);
	shard_enter(NULL);
	shards_free(&rig.shards);
	close(rig.fd);
	snprintf(path, sizeof(path), "%s/%s", rig.dir, ADMIN_SOCKET_NAME);
	unlink(path);
	rmdir(rig.dir);
	return 0;
}

static struct ctl_link link_up(void)
{
	struct ctl_link link;
	assert_int_equal(ctl_link_open(rig.dir, &link), 0);
	shards_run_until_idle(rig.shards);
	return link;
}

static void say(struct ctl_link *link, const char *text)
{
	assert_int_equal(send(link->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	shards_run_until_idle(rig.shards);
}

static void assert_answer(struct ctl_link *link, const char *expected)
{
	struct cJSON *answer;
	assert_int_equal(ctl_link_receive(link, &answer), 0);
	char *text = cJSON_PrintUnformatted(answer);
	assert_string_equal(text, expected);
	cJSON_free(text);
	cJSON_Delete(answer);
}

static void commands_are_answered(void **state)
{
	struct ctl_link link = link_up();
	(void)state;
	say(&link, "{\"id\":1,\"command\":\"stop\"}\n");
	assert_answer(&link, "{\"id\":1,\"ok\":true,\"text\":\"The server stops.\"}");
	assert_int_equal(rig.stops, 1);
	ctl_link_close(&link);
}

static void several_requests_and_halves_of_them(void **state)
{
	struct ctl_link link = link_up();
	(void)state;
	say(&link, "{\"id\":1,\"command\":\"sto");
	assert_int_equal(rig.stops, 0);
	say(&link, "p\"}\n\n{\"id\":2,\"command\":\"stop\",\"lang\":\"zh\"}\n{\"id\":3");
	assert_answer(&link, "{\"id\":1,\"ok\":true,\"text\":\"The server stops.\"}");
	assert_answer(&link, "{\"id\":2,\"ok\":true,\"text\":\"服务器正在停止。\"}");
	assert_int_equal(rig.stops, 2);
	ctl_link_close(&link);
}

static void nonsense_is_refused_and_the_next_line_served(void **state)
{
	struct ctl_link link = link_up();
	(void)state;
	say(&link, "GET / HTTP/1.1\n{\"id\":4,\"command\":\"log "
		   "level\",\"args\":{\"room\":\"kitchen\","
		   "\"level\":\"debug\"}}\n{\"id\":5,\"command\":\"stop\"}\n");
	assert_answer(&link,
		      "{\"id\":0,\"ok\":false,\"code\":\"bad-request\",\"text\":\"This is not "
		      "a request: expected one JSON object with \\\"command\\\".\"}");
	assert_answer(&link,
		      "{\"id\":4,\"ok\":false,\"code\":\"bad-request\",\"text\":\"No such room "
		      "or level: kitchen debug. Rooms: all, io, store, stream, core, feature, "
		      "admin, main; levels: error, warn, info, debug.\"}");
	assert_answer(&link, "{\"id\":5,\"ok\":true,\"text\":\"The server stops.\"}");
	ctl_link_close(&link);
}

static void a_line_without_end_is_cut_off(void **state)
{
	struct ctl_link link = link_up();
	static char much[65536];
	struct cJSON *answer;
	int status = 0;
	(void)state;
	memset(much, 'x', sizeof(much));
	for (int i = 0; i < 40; i++) {
		if (send(link.fd, much, sizeof(much), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		shards_run_until_idle(rig.shards);
	}
	assert_answer(&link,
		      "{\"id\":0,\"ok\":false,\"code\":\"bad-request\",\"text\":\"The line is "
		      "longer than 1 MiB.\"}");
	status = ctl_link_receive(&link, &answer);
	assert_true(status < 0);
	ctl_link_close(&link);
}

static void an_answer_may_come_later(void **state)
{
	struct ctl_link link = link_up();
	struct err err = { -EINVAL, "h.yaml:1:1: no" };
	(void)state;
	say(&link, "{\"id\":1,\"command\":\"reload\"}\n{\"id\":2,\"command\":\"stop\"}\n");
	assert_answer(&link, "{\"id\":2,\"ok\":true,\"text\":\"The server stops.\"}");
	rig.reload_done(-EINVAL, &err, rig.reload_context);
	shards_run_until_idle(rig.shards);
	assert_answer(&link,
		      "{\"id\":1,\"ok\":false,\"code\":\"refused\",\"text\":\"Nothing was "
		      "changed: h.yaml:1:1: no\"}");
	ctl_link_close(&link);
}

static void who_hangs_up_is_not_missed(void **state)
{
	struct ctl_link link = link_up();
	(void)state;
	say(&link, "{\"id\":1,\"command\":\"reload\"}\n");
	ctl_link_close(&link);
	shards_run_until_idle(rig.shards);
	rig.reload_done(0, NULL, rig.reload_context);
	shards_run_until_idle(rig.shards);
}

static void who_ends_only_his_side_gets_the_answer(void **state)
{
	struct ctl_link link = link_up();
	struct cJSON *answer;
	(void)state;
	say(&link, "{\"id\":1,\"command\":\"reload\"}\n");
	shutdown(link.fd, SHUT_WR);
	shards_run_until_idle(rig.shards);
	rig.reload_done(0, NULL, rig.reload_context);
	shards_run_until_idle(rig.shards);
	assert_answer(&link,
		      "{\"id\":1,\"ok\":true,\"text\":\"Configuration and certificates were "
		      "read again.\"}");
	assert_true(ctl_link_receive(&link, &answer) < 0);
	ctl_link_close(&link);
}

static void too_many_calls_at_once_are_refused(void **state)
{
	struct ctl_link link = link_up();
	admin_host_done_fn *done[ADMIN_CALLS_MAX];
	void *contexts[ADMIN_CALLS_MAX];
	(void)state;
	for (int i = 0; i < ADMIN_CALLS_MAX; i++) {
		say(&link, "{\"id\":1,\"command\":\"reload\"}\n");
		done[i] = rig.reload_done;
		contexts[i] = rig.reload_context;
	}
	say(&link, "{\"id\":9,\"command\":\"stop\"}\n");
	assert_answer(&link,
		      "{\"id\":9,\"ok\":false,\"code\":\"bad-request\",\"text\":\"Too many "
		      "commands at once on this connection.\"}");
	assert_int_equal(rig.stops, 0);
	for (int i = 0; i < ADMIN_CALLS_MAX; i++)
		done[i](0, NULL, contexts[i]);
	ctl_link_close(&link);
}

static void only_the_owner_may_open_it(void **state)
{
	char path[80];
	struct stat facts;
	(void)state;
	snprintf(path, sizeof(path), "%s/%s", rig.dir, ADMIN_SOCKET_NAME);
	assert_int_equal(stat(path, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_are_answered, begin, end),
		cmocka_unit_test_setup_teardown(several_requests_and_halves_of_them, begin,
						end),
		cmocka_unit_test_setup_teardown(nonsense_is_refused_and_the_next_line_served,
						begin, end),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_cut_off, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_may_come_later, begin, end),
		cmocka_unit_test_setup_teardown(who_hangs_up_is_not_missed, begin, end),
		cmocka_unit_test_setup_teardown(who_ends_only_his_side_gets_the_answer, begin,
						end),
		cmocka_unit_test_setup_teardown(too_many_calls_at_once_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(only_the_owner_may_open_it, begin, end),
	};
	log_levels[LOG_ADMIN] = LOG_ERROR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
