/*
 * hearthctl's end of the control socket: lines out, lines in, blocking.
 */
#ifndef ADMIN_CTL_LINK_H
#define ADMIN_CTL_LINK_H

#include "base/buf.h"

struct cJSON;

struct ctl_link {
	int fd;
	struct buf in;
	size_t used; /* of in: the line last given out */
};

/* Connects to data_dir/control.sock. 0 or a negative errno (-ENOENT, -ECONNREFUSED: no server).
 */
int ctl_link_open(const char *data_dir, struct ctl_link *ret_link);
void ctl_link_close(struct ctl_link *link);
/* Sends one request; values (NULL: none) is borrowed. 0 or a negative errno. */
int ctl_link_send(struct ctl_link *link, unsigned id, const char *command,
		  const struct cJSON *values, struct bytes lang);
/* The next answer, owned by the caller. 0, -ECONNRESET at the end, or a negative errno. */
int ctl_link_receive(struct ctl_link *link, struct cJSON **ret_answer);

#endif
