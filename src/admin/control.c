/* See control.h. */
#include "admin/control.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/control_internal.h"
#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/listen.h"

struct control {
	struct listener listener;
	struct list clients;
	const struct admin_host *host;
};

static struct control *self(void)
{
	return shard_context(shard_self(), SHARD_ADMIN);
}

const struct admin_host *control_host(void)
{
	return self()->host;
}

/* --- one connection --- */

void control_client_settle(struct control_client *client)
{
	if (client->calls > 0)
		return;
	if (client->conn && client->is_ended) {
		conn_close(client->conn, CONN_CLOSE_FLUSH);
		client->conn = NULL;
	}
	if (client->conn)
		return;
	list_del(&client->list);
	call_cancel(&client->pace);
	client->magic = 0;
	block_free(client);
}

static void client_closed(struct conn *conn, enum conn_reason reason)
{
	(void)reason;
	struct control_client *client = conn_owner(conn);
	client->conn = NULL;
	loop_defer(shard_loop(), &client->pace);
	control_client_settle(client);
}

static void client_drained(struct conn *conn)
{
	call_resume(conn_owner(conn));
}

static void run_pace(struct call *call)
{
	call_resume(container_of(call, struct control_client, pace));
}

static void client_ended(struct conn *conn)
{
	struct control_client *client = conn_owner(conn);
	client->is_ended = true;
	control_client_settle(client);
}

static void handle_line(struct control_client *client, struct bytes line)
{
	struct admin_request request;
	struct admin_fault fault;
	if (bytes_trim(line).len == 0)
		return;
	if (admin_request_parse(line, &request, &fault) == 0)
		call_begin(client, &request);
	else
		call_refuse(client, &fault);
}

static size_t refuse_rest(struct control_client *client, size_t len)
{
	call_refuse(client, &(struct admin_fault){ .text = TEXT_ADMIN_LINE_TOO_LONG });
	client->is_ended = true;
	return len;
}

static size_t client_data(struct conn *conn, char *ptr, size_t len)
{
	struct control_client *client = conn_owner(conn);
	struct bytes all = bytes_make(ptr, len);
	size_t used = 0;
	client->calls++; /* a handler that answers at once must not end us under our feet */
	while (!client->is_ended) {
		ptrdiff_t end = bytes_find_byte(bytes_skip(all, used), '\n');
		if (end < 0)
			break;
		handle_line(client, bytes_make(ptr + used, (size_t)end));
		secret_wipe(ptr + used, (size_t)end); /* there may have been a password */
		used += (size_t)end + 1;
	}
	if (!client->is_ended && len - used > ADMIN_LINE_MAX)
		used = refuse_rest(client, len);
	client->calls--;
	control_client_settle(client);
	return used;
}

static const struct conn_ops client_ops = {
	.data = client_data,
	.closed = client_closed,
	.drained = client_drained,
	.ended = client_ended,
};

/* --- the socket --- */

static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	return who.uid == 0 || who.uid == geteuid();
}

static void accepted(struct listener *listener, int fd, const struct peer *peer)
{
	struct control *control = listener->owner;
	if (!is_allowed(fd)) {
		log_event(LOG_ADMIN, LOG_WARN, "control.refused");
		close(fd);
		return;
	}
	struct control_client *client = block_alloc_zeroed(sizeof(*client));
	client->magic = CONTROL_CLIENT_MAGIC;
	list_init(&client->paced);
	call_init(&client->pace, run_pace);
	list_add_tail(&control->clients, &client->list);
	client->conn = conn_new(fd, peer, &client_ops, client);
}

/* sun_path holds 107 bytes; a directory's descriptor makes any path short. */
static int open_in(int dir, const char *data_dir, int *ret_fd, struct err *ret_err)
{
	struct bytes address =
		arena_printf(scratch(), "unix:/proc/self/fd/%d/%s", dir, ADMIN_SOCKET_NAME);
	if (unlinkat(dir, ADMIN_SOCKET_NAME, 0) < 0 && errno != ENOENT)
		return err_set(ret_err, -errno, "%s/%s: %s", data_dir, ADMIN_SOCKET_NAME,
			       strerror(errno));
	mode_t before = umask(0177);
	int status = listen_open(address, ret_fd, ret_err);
	umask(before);
	return status;
}

int control_open(const char *data_dir, int *ret_fd, struct err *ret_err)
{
	int dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(ret_err, -errno, "%s: %s", data_dir, strerror(errno));
	int status = open_in(dir, data_dir, ret_fd, ret_err);
	close(dir);
	return status;
}

int control_start(int fd, const struct admin_host *host)
{
	struct control *control = block_alloc_zeroed(sizeof(*control));
	list_init(&control->clients);
	control->host = host;
	shard_set_context(shard_self(), SHARD_ADMIN, control);
	listener_init(&control->listener, fd, "control", accepted, control);
	return listener_start(&control->listener);
}

void control_stop(void)
{
	struct control *control = self();
	struct list *pos, *tmp;
	listener_stop(&control->listener);
	list_for_each_safe (pos, tmp, &control->clients) {
		struct control_client *client = list_entry(pos, struct control_client, list);
		if (client->conn)
			conn_close(client->conn, CONN_CLOSE_FLUSH);
		client->conn = NULL;
		control_client_settle(client);
	}
	/* Clients whose calls are still on their way stay; they find no list to leave. */
	list_del(&control->clients);
	shard_set_context(shard_self(), SHARD_ADMIN, NULL);
	block_free(control);
}
