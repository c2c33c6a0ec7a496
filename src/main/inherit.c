/* The worker's half of supervise.h. */
#include "main/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/blackbox.h"
#include "main/supervise_env.h"

static int words_fd = -1;

bool worker_is_supervised(void)
{
	return getenv(SUPERVISE_ENV) != NULL;
}

/* One "name=fd" of the list. */
static int take_fd(struct bytes name, int fd, struct inherited_fd *fds, size_t *count,
		   struct err *ret_err)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (bytes_is(name, "words")) {
		words_fd = fd;
		return 0;
	}
	if (bytes_is(name, "blackbox")) {
		int status = blackbox_attach(fd);
		close(fd);
		return status < 0 ? err_set(ret_err, status, "blackbox: %s", strerror(-status))
				  : 0;
	}
	if (*count == SUPERVISE_FDS_MAX || name.len >= sizeof(fds->name))
		return err_set(ret_err, -E2BIG, SUPERVISE_ENV ": too many sockets");
	struct inherited_fd *slot = &fds[(*count)++];
	*slot = (struct inherited_fd){ .fd = fd };
	memcpy(slot->name, name.ptr, name.len);
	return 0;
}

int worker_inherit(struct inherited_fd *ret_fds, size_t *ret_count, struct err *ret_err)
{
	struct bytes rest = bytes_of(getenv(SUPERVISE_ENV));
	size_t count = 0;
	int status = 0;
	while (status == 0 && !bytes_is_none(rest)) {
		struct bytes number = bytes_cut(&rest, ',');
		struct bytes name = bytes_cut(&number, '=');
		uint64_t fd;
		if (bytes_is_none(number) || bytes_to_u64(number, &fd) < 0 || fd > INT32_MAX)
			status = err_set(ret_err, -EINVAL, SUPERVISE_ENV ": malformed");
		else
			status = take_fd(name, (int)fd, ret_fds, &count, ret_err);
	}
	unsetenv(SUPERVISE_ENV);
	/* Else it would be called "exe", after what the supervisor executed. */
	prctl(PR_SET_NAME, "hearthd");
	if (status == 0)
		*ret_count = count;
	return status;
}

void worker_say(enum worker_word word)
{
	char byte = (char)word;
	/* A full or broken pipe is the supervisor's trouble: it will notice our end by SIGCHLD.
	 */
	if (words_fd >= 0 && write(words_fd, &byte, 1) < 0)
		return;
}

uint32_t worker_watchdog_ms(void)
{
	uint64_t us;
	struct bytes text = bytes_of(getenv("WATCHDOG_USEC"));
	if (bytes_is_none(text) || bytes_to_u64(text, &us) < 0 || us / 2000 > UINT32_MAX)
		return 0;
	return (uint32_t)(us / 2000);
}
