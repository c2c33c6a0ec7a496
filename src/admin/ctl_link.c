/* See ctl_link.h. */
#include "admin/ctl_link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/protocol.h"
#include "base/arena.h"
#include "base/secret.h"

enum { READ_BYTES = 16384 };

int ctl_link_open(const char *data_dir, struct ctl_link *ret_link)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* By way of the directory, because sun_path is short. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		 ADMIN_SOCKET_NAME);
	int status = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		status = -errno;
	close(dir);
	if (status < 0) {
		if (fd >= 0)
			close(fd);
		return status;
	}
	*ret_link = (struct ctl_link){ .fd = fd };
	buf_init(&ret_link->in, 0);
	return 0;
}

void ctl_link_close(struct ctl_link *link)
{
	close(link->fd);
	buf_fini(&link->in);
}

static int send_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t n = send(fd, data.ptr, data.len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			data = bytes_skip(data, (size_t)n);
	}
	return 0;
}

int ctl_link_send(struct ctl_link *link, unsigned id, const char *command,
		  const struct cJSON *values, struct bytes lang)
{
	struct cJSON *request = cJSON_CreateObject();
	cJSON_AddNumberToObject(request, "id", id);
	cJSON_AddStringToObject(request, "command", command);
	cJSON_AddStringToObject(request, "lang", arena_cstr(scratch(), lang));
	if (values)
		cJSON_AddItemToObject(request, "args", cJSON_Duplicate(values, true));
	char *text = cJSON_PrintUnformatted(request);
	size_t len = strlen(text);
	text[len] = '\n'; /* cJSON's buffer ends with the NUL that this replaces */
	int status = send_all(link->fd, bytes_make(text, len + 1));
	secret_wipe(text, len);
	cJSON_free(text);
	admin_json_wipe(&request);
	return status;
}

static int read_more(struct ctl_link *link)
{
	buf_consume(&link->in, link->used);
	link->used = 0;
	if (buf_reserve(&link->in, READ_BYTES) < 0)
		return -ENOBUFS;
	ssize_t n = read(link->fd, link->in.ptr + link->in.len, READ_BYTES);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	link->in.len += (size_t)n;
	return 0;
}

int ctl_link_receive(struct ctl_link *link, struct cJSON **ret_answer)
{
	for (;;) {
		struct bytes left = bytes_skip(buf_bytes(&link->in), link->used);
		ptrdiff_t end = left.len > 0 ? bytes_find_byte(left, '\n') : -1;
		if (end >= 0) {
			link->used += (size_t)end + 1;
			*ret_answer = cJSON_ParseWithLength(left.ptr, (size_t)end);
			return *ret_answer ? 0 : -EPROTO;
		}
		int status = read_more(link);
		if (status < 0)
			return status;
	}
}
