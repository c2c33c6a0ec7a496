/*
 * systemd's two small protocols, without its library: sd_notify(3) messages to NOTIFY_SOCKET
 * and sd_listen_fds(3) socket activation. Outside systemd both do nothing. Supervisor only.
 */
#ifndef MAIN_SYSTEMD_H
#define MAIN_SYSTEMD_H

#include "base/bytes.h"

/* Remembers NOTIFY_SOCKET and takes it out of the environment, so that no child speaks. */
void systemd_init(void);
/* Sends one state such as "READY=1"; silently nothing when it cannot. */
void systemd_notify(const char *state);
/* "RELOADING=1" with the clock that Type=notify-reload asks for. */
void systemd_notify_reloading(void);

enum { SYSTEMD_FIRST_FD = 3 };

/*
 * Number of sockets handed over at SYSTEMD_FIRST_FD and up, for this very process; 0 for none.
 * *ret_names: LISTEN_FDNAMES, colon-separated, borrowed from the environment, or BYTES_NONE.
 */
size_t systemd_listen_fds(struct bytes *ret_names);

#endif
