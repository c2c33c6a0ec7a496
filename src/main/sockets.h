/*
 * The listening sockets, which the supervisor keeps: those that systemd hands over, and for
 * every kind of which it hands over none, those that the configuration names.
 */
#ifndef MAIN_SOCKETS_H
#define MAIN_SOCKETS_H

#include "base/option.h"
#include "main/supervise.h"

/*
 * Opens them; ret_fds has room for SUPERVISE_FDS_MAX. 0 or negative with the address in
 * *ret_err; nothing is open then.
 */
int sockets_open(const struct settings *settings, struct inherited_fd *ret_fds,
		 size_t *ret_count, struct err *ret_err);

#endif
