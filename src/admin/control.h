/*
 * The control socket: DATA_DIR/control.sock, where hearthctl talks to the server. It lives on
 * one shard; only the server's own user and root may connect. Commands are rows of commands.def.
 *
 * 	control_open(data_dir, &fd, &err);	(before threads start)
 * 	control_start(fd, &host);		(on the shard that shall serve it)
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "base/err.h"
#include "base/text.h"
#include "io/worker.h"
#include "io/shard.h"

struct admin_call;
struct cJSON;

/* err is NULL when status is 0. */
typedef void admin_host_done_fn(int status, const struct err *err, void *context);

/* What the room above does for commands. All are called on the control socket's shard. */
struct admin_host {
	struct worker_pool *workers;
	/* Reads configuration and certificates again, then as republish. */
	void (*reload)(admin_host_done_fn *done, void *context);
	/*
	 * Serves the domains of the configuration and those stored, except this one
	 * (BYTES_NONE: all; copied), with their certificates; done() when every shard knows.
	 */
	void (*republish)(struct bytes except, admin_host_done_fn *done, void *context);
	/* Can these lines "option=value" be a domain's overrides? 0, or -EINVAL with the
	 * reason. */
	int (*check_overrides)(struct bytes lines, enum text_lang lang, struct err *ret_err);
	/* Begins to stop, as SIGTERM does. */
	void (*stop)(void);
	/* Adds what it knows to the answer of `status`. */
	void (*status)(struct cJSON *result);
};

/*
 * Makes the listening socket with mode 0600, replacing one that a dead server left. 0 or a
 * negative errno. Not thread-safe: it changes the umask for a moment.
 */
int control_open(const char *data_dir, int *ret_fd, struct err *ret_err);
/* Serves fd (borrowed) on the calling shard. host must live as long as the shard. */
int control_start(int fd, const struct admin_host *host);
/* Closes all connections; calls that are still on their way are answered into nothing. */
void control_stop(void);

#endif
