/* See sockets.h. */
#include "main/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "io/listen.h"
#include "main/options.h"
#include "main/systemd.h"

static const struct {
	const char *name; /* also the FileDescriptorName= of a .socket unit */
	const struct option *option;
	uint16_t port; /* tells the kind of an unnamed socket of systemd's */
} kinds[] = {
	{ "c2s", &opt_listen_c2s, 5222 },
	{ "c2s_tls", &opt_listen_c2s_tls, 5223 },
	{ "http", &opt_listen_http, 5280 },
	{ "https", &opt_listen_https, 5443 },
};

struct opening {
	struct inherited_fd *fds;
	size_t count;
	struct err *err;
};

static int add(struct opening *opening, const char *name, int fd)
{
	if (opening->count == SUPERVISE_FDS_MAX)
		return err_set(opening->err, -E2BIG, "listen: too many sockets");
	struct inherited_fd *slot = &opening->fds[opening->count++];
	*slot = (struct inherited_fd){ .fd = fd };
	check(strlen(name) < sizeof(slot->name));
	memcpy(slot->name, name, strlen(name));
	return 0;
}

static void log_bound(const char *name, int fd, const char *from)
{
	struct peer bound = listen_bound(fd);
	log_event(LOG_MAIN, LOG_INFO, "listen.bound", LOG_STR("kind", name),
		  LOG_BYTES("address", peer_text(&bound, scratch())), LOG_STR("from", from));
}

/* --- systemd --- */

static const char *kind_of(struct bytes name, int fd)
{
	struct peer bound = listen_bound(fd);
	for (size_t i = 0; i < array_len(kinds); i++)
		if (bytes_is(name, kinds[i].name))
			return kinds[i].name;
	for (size_t i = 0; i < array_len(kinds); i++)
		if (bound.port == kinds[i].port)
			return kinds[i].name;
	return NULL;
}

static int take_systemd(struct opening *opening)
{
	struct bytes names = BYTES_NONE;
	size_t count = systemd_listen_fds(&names);
	for (size_t i = 0; i < count; i++) {
		int fd = SYSTEMD_FIRST_FD + (int)i;
		const char *name = kind_of(bytes_cut(&names, ':'), fd);
		if (!name)
			return err_set(
				opening->err, -EINVAL,
				"systemd: socket %d: FileDescriptorName=c2s, c2s_tls, http or "
				"https is missing",
				fd);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		int status = add(opening, name, fd);
		if (status < 0)
			return status;
		log_bound(name, fd, "systemd");
	}
	return 0;
}

/* --- the configuration --- */

static int open_kind(struct opening *opening, const struct settings *settings, size_t kind)
{
	size_t count;
	const struct bytes *items = settings_list(settings, kinds[kind].option, &count);
	for (size_t i = 0; i < count; i++) {
		struct err why;
		int fd;
		int status = listen_open(items[i], &fd, &why);
		if (status < 0)
			return err_set(opening->err, status, "listen.%s: %s", kinds[kind].name,
				       why.text);
		status = add(opening, kinds[kind].name, fd);
		if (status < 0) {
			close(fd);
			return status;
		}
		log_bound(kinds[kind].name, fd, "configuration");
	}
	return 0;
}

static bool has_kind(const struct opening *opening, const char *name)
{
	for (size_t i = 0; i < opening->count; i++)
		if (strcmp(opening->fds[i].name, name) == 0)
			return true;
	return false;
}

int sockets_open(const struct settings *settings, struct inherited_fd *ret_fds,
		 size_t *ret_count, struct err *ret_err)
{
	struct opening opening = { ret_fds, 0, ret_err };
	int status = take_systemd(&opening);
	bool has[array_len(kinds)];
	for (size_t i = 0; i < array_len(kinds); i++)
		has[i] = has_kind(&opening, kinds[i].name);
	for (size_t i = 0; status == 0 && i < array_len(kinds); i++)
		if (!has[i])
			status = open_kind(&opening, settings, i);
	if (status == 0)
		*ret_count = opening.count;
	for (size_t i = 0; status < 0 && i < opening.count; i++)
		close(opening.fds[i].fd);
	return status;
}
