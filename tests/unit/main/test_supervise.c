/*
 * The supervisor with a tiny worker: this very program, executed again. It serves one
 * connection after the other on the inherited socket; a byte says what it does.
 *
 * 	'p' answers its process id   'c' crashes   'x' crashes with a stanza in hand
 * 	'q' asks whether that stanza is set aside  'e' exits with 3
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/blackbox.h"
#include "base/clock.h"
#include "base/log.h"
#include "main/supervise.h"

#define POISON BYTES_LIT("<message to='a@b'><body>poison</body></message>")

/* --- the worker --- */

static void crash(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void obey(int conn, char order)
{
	char answer[32] = { 0 };
	snprintf(answer, sizeof(answer), "%d", (int)getpid());
	if (order == 'q')
		snprintf(answer, sizeof(answer), "%s",
			 blackbox_begin(1, POISON) ? "taken" : "refused");
	if (order == 'q')
		blackbox_end(1);
	if (order == 'x' && !blackbox_begin(0, POISON))
		order = 'p';
	if (order == 'e')
		exit(3);
	if (order == 'c' || order == 'x')
		crash();
	if (write(conn, answer, sizeof(answer)) < 0)
		exit(4);
}

static int be_worker(const char *how)
{
	struct inherited_fd fds[SUPERVISE_FDS_MAX];
	struct err err;
	size_t count;
	sigset_t none;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	sigemptyset(&none);
	if (worker_inherit(fds, &count, &err) < 0 || count != 1 ||
	    strcmp(fds[0].name, "c2s") != 0)
		return 7;
	if (strcmp(how, "useless") == 0)
		return 5;
	if (strcmp(how, "hopeless") == 0)
		crash();
	sigprocmask(SIG_SETMASK, &none, NULL);
	worker_say(WORKER_READY);
	for (;;) {
		char order;
		int conn = accept(fds[0].fd, NULL, NULL);
		if (conn >= 0 && read(conn, &order, 1) == 1)
			obey(conn, order);
		close(conn);
	}
}

/* --- the supervisor, in a process of its own --- */

struct rig {
	char dir[40];
	int listen;
	struct sockaddr_un address;
	int notify; /* systemd's end */
	pid_t supervisor;
};

static void listen_at(struct rig *rig)
{
	rig->address.sun_family = AF_UNIX;
	snprintf(rig->address.sun_path, sizeof(rig->address.sun_path), "%s/c2s", rig->dir);
	rig->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(rig->listen, (struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
	assert_int_equal(listen(rig->listen, 16), 0);
}

static void notify_at(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", rig->dir);
	rig->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(rig->notify, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void start(struct rig *rig, const char *how)
{
	strcpy(rig->dir, "/tmp/hearth-supervise-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	listen_at(rig);
	notify_at(rig);
	rig->supervisor = fork();
	if (rig->supervisor == 0) {
		char name[] = "test", poison[64], what[32];
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test leaves nothing behind */
		snprintf(poison, sizeof(poison), "%s/poison", rig->dir);
		snprintf(what, sizeof(what), "%s", how);
		char *const argv[] = { name, what, NULL };
		struct inherited_fd fd = { "c2s", rig->listen };
		log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT);
		_exit(supervise_run(&(struct supervise_plan){ argv, &fd, 1, poison }));
	}
	unsetenv("NOTIFY_SOCKET");
	close(rig->listen); /* only the supervisor keeps it now */
}

static int exit_code(struct rig *rig)
{
	int status;
	char command[80];
	assert_int_equal(waitpid(rig->supervisor, &status, 0), rig->supervisor);
	close(rig->notify);
	snprintf(command, sizeof(command), "rm -rf %s", rig->dir);
	assert_int_equal(system(command), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop(struct rig *rig)
{
	kill(rig->supervisor, SIGTERM);
	return exit_code(rig);
}

/* One order, one answer; -1 if the worker hung up instead. */
static ssize_t order(struct rig *rig, char what, char answer[32])
{
	int conn = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memset(answer, 0, 32);
	assert_int_equal(connect(conn, (struct sockaddr *)&rig->address, sizeof(rig->address)),
			 0);
	assert_int_equal(send(conn, &what, 1, MSG_NOSIGNAL), 1);
	ssize_t n = recv(conn, answer, 32, MSG_WAITALL);
	close(conn);
	return n == 32 ? n : -1;
}

static void assert_heard(struct rig *rig, const char *expected)
{
	struct pollfd fd = { rig->notify, POLLIN, 0 };
	char text[200] = { 0 };
	do {
		assert_int_equal(poll(&fd, 1, 10000), 1);
		ssize_t n = recv(rig->notify, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
	} while (strcmp(text, "WATCHDOG=1") == 0);
	assert_string_equal(text, expected);
}

/* --- tests --- */

static void a_crash_is_survived_within_two_seconds(void **state)
{
	struct rig rig;
	char first[32], again[32];
	(void)state;
	start(&rig, "serve");
	assert_int_equal(order(&rig, 'p', first), 32);
	assert_heard(&rig, "READY=1");
	uint64_t before = clock_ms();
	assert_int_equal(order(&rig, 'c', again), -1);
	assert_int_equal(order(&rig, 'p', again), 32);
	assert_true(clock_ms() - before < 2000);
	assert_string_not_equal(first, again);
	assert_heard(&rig, "READY=1");
	assert_int_equal(stop(&rig), 1); /* this worker dies of SIGTERM */
}

static void killed_from_outside_it_comes_back(void **state)
{
	struct rig rig;
	char first[32], again[32];
	(void)state;
	start(&rig, "serve");
	assert_int_equal(order(&rig, 'p', first), 32);
	kill((pid_t)strtol(first, NULL, 10), SIGKILL);
	/* The dying one may still take a connection with it. */
	while (order(&rig, 'p', again) != 32)
		continue;
	assert_string_not_equal(first, again);
	stop(&rig);
}

static void the_stanza_of_two_crashes_is_set_aside(void **state)
{
	struct rig rig;
	char answer[32], path[80], text[100] = { 0 };
	(void)state;
	start(&rig, "serve");
	order(&rig, 'q', answer);
	assert_string_equal(answer, "taken");
	assert_int_equal(order(&rig, 'x', answer), -1);
	order(&rig, 'q', answer);
	assert_string_equal(answer, "taken");
	assert_int_equal(order(&rig, 'x', answer), -1);
	order(&rig, 'q', answer);
	assert_string_equal(answer, "refused");
	assert_int_equal(order(&rig, 'x', answer), 32);
	snprintf(path, sizeof(path), "cat %s/poison/*.xml", rig.dir);
	FILE *pipe = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text), pipe) > 0);
	pclose(pipe);
	assert_memory_equal(text, POISON.ptr, POISON.len);
	stop(&rig);
}

static void a_worker_that_cannot_start_ends_it_all(void **state)
{
	struct rig rig;
	(void)state;
	start(&rig, "useless");
	assert_int_equal(exit_code(&rig), 5);
}

static void a_worker_that_never_lives_is_given_up(void **state)
{
	struct rig rig;
	(void)state;
	start(&rig, "hopeless");
	assert_int_equal(exit_code(&rig), 1);
}

static void an_exit_code_after_ready_is_a_crash(void **state)
{
	struct rig rig;
	char answer[32];
	(void)state;
	start(&rig, "serve");
	assert_int_equal(order(&rig, 'e', answer), -1);
	assert_int_equal(order(&rig, 'p', answer), 32);
	stop(&rig);
}

static void back_off_grows_and_is_bounded(void **state)
{
	const uint32_t expected[] = { 0, 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	(void)state;
	for (uint32_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(supervise_backoff_ms(i), expected[i]);
	assert_int_equal(supervise_backoff_ms(UINT32_MAX), 30000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_is_survived_within_two_seconds),
		cmocka_unit_test(killed_from_outside_it_comes_back),
		cmocka_unit_test(the_stanza_of_two_crashes_is_set_aside),
		cmocka_unit_test(a_worker_that_cannot_start_ends_it_all),
		cmocka_unit_test(a_worker_that_never_lives_is_given_up),
		cmocka_unit_test(an_exit_code_after_ready_is_a_crash),
		cmocka_unit_test(back_off_grows_and_is_bounded),
	};
	if (worker_is_supervised())
		return be_worker(argc > 1 ? argv[1] : "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
