/* See supervise.h. One thread, one poll: signals, the worker's words, the back-off timer. */
#include "main/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/blackbox.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "main/supervise_env.h"
#include "main/systemd.h"

enum {
	SUSPECTS_MAX = 64,
	NEVER_READY_MAX = 5,  /* crashes before the first READY: it will not become better */
	STOP_MAX_MS = 30000,  /* after that a stopping worker is killed */
	IDLE_POLL_MS = 10000, /* systemd's watchdog is fed by us while no worker is ready */
};

enum worker_state { WORKER_STATE_DEAD, WORKER_STATE_STARTING, WORKER_STATE_READY };

struct supervisor {
	const struct supervise_plan *plan;
	enum worker_state state;
	pid_t pid;
	int signals;  /* signalfd */
	int words;    /* our end of the worker's pipe, or -1 */
	int blackbox; /* inherited by the worker */
	uint32_t crashes;
	uint64_t started_ms;
	uint64_t restart_ms;		 /* while DEAD */
	uint64_t kill_ms;		 /* while stopping; 0 when not */
	bool was_ready;			 /* some worker has been */
	uint64_t suspects[SUSPECTS_MAX]; /* hashes in hand at one crash */
	uint32_t suspect_next;
	bool is_done;
	int exit_code;
};

uint32_t supervise_backoff_ms(uint32_t crashes)
{
	if (crashes <= 1)
		return 0;
	uint32_t doublings = crashes - 2;
	uint32_t wait_ms = doublings < 5 ? 1000u << doublings : SUPERVISE_BACKOFF_MAX_MS;
	return wait_ms < SUPERVISE_BACKOFF_MAX_MS ? wait_ms : SUPERVISE_BACKOFF_MAX_MS;
}

static void finish(struct supervisor *super, int exit_code)
{
	super->is_done = true;
	super->exit_code = exit_code;
}

/* --- starting --- */

static void keep_across_exec(int fd)
{
	fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) & ~FD_CLOEXEC);
}

/* "blackbox=4,words=7,c2s=5,…": what worker_inherit() reads. */
static void write_environment(const struct supervisor *super, int words)
{
	struct bytes text =
		arena_printf(scratch(), "blackbox=%d,words=%d", super->blackbox, words);
	keep_across_exec(super->blackbox);
	keep_across_exec(words);
	for (size_t i = 0; i < super->plan->fd_count; i++) {
		const struct inherited_fd *fd = &super->plan->fds[i];
		keep_across_exec(fd->fd);
		text = arena_printf(scratch(), "%.*s,%s=%d", BYTES_ARG(text), fd->name, fd->fd);
	}
	setenv(SUPERVISE_ENV, text.ptr, 1);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* In the child. Signals stay blocked: the worker reads them from a signalfd of its own. */
_Noreturn static void become_worker(const struct supervisor *super, int words, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	/* Else a terminal's ^C would reach the worker twice: by the group and through us. */
	setpgid(0, 0);
	write_environment(super, words);
	execv("/proc/self/exe", super->plan->argv);
	_exit(127);
}

static int start_worker(struct supervisor *super)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid_t parent = getpid();
	super->pid = fork();
	if (super->pid == 0)
		become_worker(super, ends[1], parent);
	close(ends[1]);
	if (super->pid < 0) {
		close(ends[0]);
		return -errno;
	}
	super->words = ends[0];
	super->state = WORKER_STATE_STARTING;
	super->started_ms = clock_ms();
	log_event(LOG_MAIN, LOG_DEBUG, "worker.started", LOG_INT("pid", super->pid));
	return 0;
}

static void wait_before_restart(struct supervisor *super)
{
	super->state = WORKER_STATE_DEAD;
	super->restart_ms = clock_ms() + supervise_backoff_ms(super->crashes);
}

static void start_when_due(struct supervisor *super)
{
	if (super->is_done || super->state != WORKER_STATE_DEAD ||
	    clock_ms() < super->restart_ms)
		return;
	int status = start_worker(super);
	if (status == 0)
		return;
	log_event(LOG_MAIN, LOG_ERROR, "worker.start_failed",
		  LOG_STR("error", strerror(-status)));
	super->crashes++;
	wait_before_restart(super);
}

/* --- dying --- */

static bool was_suspect(struct supervisor *super, uint64_t hash)
{
	for (size_t i = 0; i < SUSPECTS_MAX; i++)
		if (super->suspects[i] == hash)
			return true;
	super->suspects[super->suspect_next++ % SUSPECTS_MAX] = hash;
	return false;
}

/* For the person who looks for the bug. It is somebody's message: nobody else may read it. */
static void write_poison(const char *dir, const struct blackbox_record *record)
{
	struct bytes path = arena_printf(scratch(), "%s/%016" PRIx64 ".xml", dir, record->hash);
	mkdir(dir, 0700);
	int fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, record->kept.ptr, record->kept.len) < 0)
		log_event(LOG_MAIN, LOG_ERROR, "stanza.not_written", LOG_BYTES("file", path),
			  LOG_STR("error", strerror(errno)));
	if (fd >= 0)
		close(fd);
	log_event(LOG_MAIN, LOG_ERROR, "stanza.set_aside", LOG_BYTES("file", path),
		  LOG_UINT("bytes", record->len), LOG_UINT("shard", record->shard));
}

static void judge_record(const struct blackbox_record *record, void *context)
{
	struct supervisor *super = context;
	if (!was_suspect(super, record->hash))
		return;
	blackbox_set_aside(record->hash);
	write_poison(super->plan->poison_dir, record);
}

static void log_death(const struct supervisor *super, int status)
{
	uint32_t wait_ms = supervise_backoff_ms(super->crashes);
	if (WIFSIGNALED(status))
		log_event(LOG_MAIN, LOG_ERROR, "worker.died",
			  LOG_STR("signal", sigabbrev_np(WTERMSIG(status))),
			  LOG_UINT("restart_ms", wait_ms), LOG_UINT("crashes", super->crashes));
	else
		log_event(LOG_MAIN, LOG_ERROR, "worker.died",
			  LOG_INT("exit_code", WEXITSTATUS(status)),
			  LOG_UINT("restart_ms", wait_ms), LOG_UINT("crashes", super->crashes));
}

/* A worker that gave up by itself before any was ready has said why: it would say so again. */
static bool is_final(const struct supervisor *super, int status)
{
	if (super->kill_ms != 0)
		return true;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0 || !super->was_ready;
	return !super->was_ready && super->crashes + 1 >= NEVER_READY_MAX;
}

static void worker_died(struct supervisor *super, int status)
{
	close(super->words);
	super->words = -1;
	super->pid = -1;
	if (is_final(super, status)) {
		if (!WIFEXITED(status))
			log_death(super, status);
		finish(super, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		return;
	}
	if (clock_ms() - super->started_ms >= SUPERVISE_FORGIVE_MS)
		super->crashes = 0;
	super->crashes++;
	log_death(super, status);
	blackbox_collect(judge_record, super);
	wait_before_restart(super);
}

/* --- what comes in --- */

static void hear_word(struct supervisor *super, char word)
{
	switch (word) {
	case WORKER_READY:
		super->state = WORKER_STATE_READY;
		super->was_ready = true;
		systemd_notify("READY=1");
		break;
	case WORKER_ALIVE:
		systemd_notify("WATCHDOG=1");
		break;
	case WORKER_RELOADING:
		systemd_notify_reloading();
		break;
	case WORKER_STOPPING:
		systemd_notify("STOPPING=1");
		break;
	default:
		break;
	}
}

static void hear_words(struct supervisor *super)
{
	char words[64];
	ssize_t n = read(super->words, words, sizeof(words));
	for (ssize_t i = 0; i < n; i++)
		hear_word(super, words[i]);
}

static void reap(struct supervisor *super)
{
	int status;
	if (super->pid > 0 && waitpid(super->pid, &status, WNOHANG) == super->pid) {
		hear_words(super);
		worker_died(super, status);
	}
}

static void stop(struct supervisor *super)
{
	systemd_notify("STOPPING=1");
	if (super->pid <= 0) {
		finish(super, 0);
		return;
	}
	if (super->kill_ms == 0)
		super->kill_ms = clock_ms() + STOP_MAX_MS;
	kill(super->pid, SIGTERM);
}

static void hear_signal(struct supervisor *super)
{
	struct signalfd_siginfo info;
	if (read(super->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(super);
	else if (info.ssi_signo == SIGHUP && super->pid > 0)
		kill(super->pid, SIGHUP);
	else if (info.ssi_signo != SIGHUP)
		stop(super);
}

static int poll_timeout_ms(const struct supervisor *super)
{
	uint64_t now = clock_ms(), due = now + IDLE_POLL_MS;
	if (super->state == WORKER_STATE_DEAD && super->restart_ms < due)
		due = super->restart_ms;
	if (super->kill_ms != 0 && super->kill_ms < due)
		due = super->kill_ms;
	return due > now ? (int)(due - now) : 0;
}

static void turn(struct supervisor *super)
{
	struct pollfd fds[] = { { super->signals, POLLIN, 0 }, { super->words, POLLIN, 0 } };
	if (poll(fds, array_len(fds), poll_timeout_ms(super)) < 0 && errno != EINTR)
		check(errno == ENOMEM);
	if (fds[1].revents & POLLIN)
		hear_words(super);
	if (fds[0].revents & POLLIN)
		hear_signal(super);
	if (super->state != WORKER_STATE_READY)
		systemd_notify("WATCHDOG=1");
	if (super->kill_ms != 0 && clock_ms() >= super->kill_ms && super->pid > 0)
		kill(super->pid, SIGKILL);
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int supervise_run(const struct supervise_plan *plan)
{
	struct supervisor super = { .plan = plan, .pid = -1, .words = -1, .signals = -1 };
	systemd_init();
	super.signals = open_signals();
	int status = super.signals < 0 ? -errno : blackbox_create(&super.blackbox);
	if (status < 0) {
		log_event(LOG_MAIN, LOG_ERROR, "supervisor.failed",
			  LOG_STR("error", strerror(-status)));
		return 1;
	}
	for (start_when_due(&super); !super.is_done; start_when_due(&super)) {
		turn(&super);
		arena_reset(scratch());
	}
	close(super.signals);
	close(super.blackbox);
	return super.exit_code;
}
