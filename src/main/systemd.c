/* See systemd.h. */
#include "main/systemd.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static struct sockaddr_un notify_address;
static socklen_t notify_address_len; /* 0: nobody listens */

void systemd_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	if (len > 1 && len < sizeof(notify_address.sun_path) && strchr("/@", path[0])) {
		notify_address.sun_family = AF_UNIX;
		memcpy(notify_address.sun_path, path, len);
		if (path[0] == '@') /* the abstract namespace */
			notify_address.sun_path[0] = '\0';
		notify_address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	unsetenv("NOTIFY_SOCKET");
}

void systemd_notify(const char *state)
{
	if (notify_address_len == 0)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	       (const struct sockaddr *)&notify_address, notify_address_len);
	close(fd);
}

void systemd_notify_reloading(void)
{
	char state[80];
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 clock_ns() / 1000);
	systemd_notify(state);
}

size_t systemd_listen_fds(struct bytes *ret_names)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	uint64_t pid_number, count_number;
	if (!pid || bytes_to_u64(bytes_of(pid), &pid_number) < 0 ||
	    pid_number != (uint64_t)getpid())
		return 0;
	if (!count || bytes_to_u64(bytes_of(count), &count_number) < 0 || count_number > 1024)
		return 0;
	*ret_names = bytes_of(getenv("LISTEN_FDNAMES"));
	return (size_t)count_number;
}
