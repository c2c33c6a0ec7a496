/*
 * The supervisor: a small process that keeps the listening sockets and starts the worker again
 * when it dies. It parses nothing that a peer sent. The worker is executed anew each time, so
 * that its memory layout differs after every crash and nobody can probe it by crashing it.
 *
 * 	           start                  WORKER_READY
 * 	(none) ──────────────> STARTING ──────────────> READY ──┐ exit 0: done
 * 	   ^                       │                      │     │
 * 	   └──── back-off timer ── DEAD <── died ─────────┴─────┘
 *
 * First restart at once, then after 1, 2, 4 … 30 s; a minute of life forgives. SIGTERM, SIGINT
 * and SIGHUP are passed on. systemd hears READY, RELOADING, STOPPING and WATCHDOG from here,
 * driven by what the worker says through a pipe: one byte of enum worker_word at a time.
 */
#ifndef MAIN_SUPERVISE_H
#define MAIN_SUPERVISE_H

#include "base/bytes.h"
#include "base/err.h"

enum { SUPERVISE_FDS_MAX = 64, SUPERVISE_BACKOFF_MAX_MS = 30000, SUPERVISE_FORGIVE_MS = 60000 };

/* What a worker says to its supervisor. */
enum worker_word {
	WORKER_READY = 'R',
	WORKER_ALIVE = 'A', /* all shards have answered since the last time */
	WORKER_RELOADING = 'L',
	WORKER_STOPPING = 'S',
};

/* A listening socket by the name of its option without "listen.": "c2s", "c2s_tls". */
struct inherited_fd {
	char name[32];
	int fd;
};

struct supervise_plan {
	char *const *argv; /* of the worker; executed from /proc/self/exe */
	const struct inherited_fd *fds;
	size_t fd_count;
	const char *poison_dir; /* made when needed; a stanza of two crashes is written there */
};

/* Runs until the worker has ended for good; returns the exit code of the program. */
int supervise_run(const struct supervise_plan *plan);
/* Milliseconds to wait before the restart that follows `crashes` deaths in a row (1, 2, …). */
uint32_t supervise_backoff_ms(uint32_t crashes);

/* --- in the worker --- */

/* True in a process that supervise_run() executed. */
bool worker_is_supervised(void);
/*
 * Takes what was inherited out of the environment: attaches the black box, keeps the pipe,
 * fills ret_fds (at most SUPERVISE_FDS_MAX) and their number. 0, or a negative errno.
 */
int worker_inherit(struct inherited_fd *ret_fds, size_t *ret_count, struct err *ret_err);
/* Tells the supervisor; nothing happens in a process without one. Any thread. */
void worker_say(enum worker_word word);
/* Milliseconds between two WORKER_ALIVE that systemd's WATCHDOG_USEC asks for; 0 for none. */
uint32_t worker_watchdog_ms(void);

#endif
