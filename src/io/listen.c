#include "io/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/log.h"
#include "io/metrics.h"

struct metric io_metric_accepted = METRIC_COUNTER("accepted", "Connections accepted.");
struct metric io_metric_accept_refused = METRIC_COUNTER(
	"accept_refused", "Connections closed at once because descriptors ran out.");

static int parse_unix(struct bytes path, struct listen_address *ret_address,
		      struct err *ret_err)
{
	struct listen_address address = { .unix_path.sun_family = AF_UNIX };

	if (path.len == 0 || path.len >= sizeof(address.unix_path.sun_path))
		return err_set(ret_err, -EINVAL, "a path after 'unix:' has 1 to %zu bytes",
			       sizeof(address.unix_path.sun_path) - 1);
	memcpy(address.unix_path.sun_path, path.ptr, path.len);
	address.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	*ret_address = address;
	return 0;
}

static int parse_ipv4(const char *host, uint16_t port, struct listen_address *ret_address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return -EINVAL;
	memcpy(&ret_address->storage, &in, sizeof(in));
	ret_address->len = sizeof(in);
	return 0;
}

static int parse_ipv6(const char *host, uint16_t port, struct listen_address *ret_address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return -EINVAL;
	memcpy(&ret_address->storage, &in6, sizeof(in6));
	ret_address->len = sizeof(in6);
	return 0;
}

/* "[…]" is IPv6, "*" is all of both families, anything else IPv4. */
static int parse_host(struct bytes host, uint16_t port, struct listen_address *ret_address)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool is_ipv6 = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

	if (bytes_is(host, "*"))
		return parse_ipv6("::", port, ret_address);
	if (is_ipv6)
		host = bytes_make(host.ptr + 1, host.len - 2);
	if (host.len >= sizeof(text) || bytes_find_byte(host, 0) >= 0)
		return -EINVAL;
	memcpy(text, host.ptr, host.len);
	return is_ipv6 ? parse_ipv6(text, port, ret_address)
		       : parse_ipv4(text, port, ret_address);
}

int listen_parse(struct bytes text, struct listen_address *ret_address, struct err *ret_err)
{
	struct listen_address address = { .storage = { 0 } };
	ptrdiff_t colon = -1;
	uint64_t port;

	if (bytes_has_prefix(text, BYTES_LIT("unix:")))
		return parse_unix(bytes_skip(text, 5), ret_address, ret_err);
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon < 0)
		return err_set(ret_err, -EINVAL,
			       "'%.*s': write address:port, such as [::]:5222",
			       BYTES_ARG(text));
	if (bytes_to_u64(bytes_skip(text, (size_t)colon + 1), &port) < 0 || port > UINT16_MAX)
		return err_set(ret_err, -EINVAL, "'%.*s': the port is a number up to 65535",
			       BYTES_ARG(text));
	if (parse_host(bytes_first(text, (size_t)colon), (uint16_t)port, &address) < 0)
		return err_set(ret_err, -EINVAL,
			       "'%.*s': the address is numeric (127.0.0.1, [::1]) or *",
			       BYTES_ARG(text));
	*ret_address = address;
	return 0;
}

/* A socket file that nobody listens on any more is in the way of ours. */
static void remove_stale(const struct listen_address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, &address->any, address->len) < 0 && errno == ECONNREFUSED)
		unlink(address->unix_path.sun_path);
	close(fd);
}

static int open_socket(const struct listen_address *address, bool is_both)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, only_ipv6 = !is_both;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (address->any.sa_family == AF_UNIX)
		remove_stale(address);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof(only_ipv6));
	if (bind(fd, &address->any, address->len) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

int listen_open(struct bytes text, int *ret_fd, struct err *ret_err)
{
	bool is_both = bytes_has_prefix(text, BYTES_LIT("*:"));
	struct listen_address address = { .storage = { 0 } };
	int fd, r = listen_parse(text, &address, ret_err);

	if (r < 0)
		return r;
	fd = open_socket(&address, is_both);
	if (fd == -EAFNOSUPPORT && is_both) { /* a machine without IPv6 */
		uint16_t port =
			ntohs(((struct sockaddr_in6 *)(void *)&address.storage)->sin6_port);
		parse_ipv4("0.0.0.0", port, &address);
		fd = open_socket(&address, false);
	}
	if (fd < 0)
		return err_set(ret_err, fd, "cannot listen on %.*s: %s", BYTES_ARG(text),
			       strerror(-fd));
	*ret_fd = fd;
	return 0;
}

struct peer listen_bound(int fd)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);

	if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
		return (struct peer){ .kind = PEER_NONE };
	return peer_from_sockaddr((struct sockaddr *)&storage, len);
}

static int accept_one(struct listener *listener, struct peer *ret_peer)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof(storage);
	int fd = accept4(listener->watch.fd, (struct sockaddr *)&storage, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_peer = peer_from_sockaddr((struct sockaddr *)&storage, len);
	return fd;
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * No descriptor is left. The reserve is given up to take one waiting peer and close it, so that
 * it learns at once instead of hanging; then accepting rests a while, since the socket stays
 * readable and the loop would spin.
 */
static void out_of_descriptors(struct listener *listener)
{
	struct peer peer;
	int fd;

	metric_add(&io_metric_accept_refused, 1);
	if (listener->reserve_fd >= 0) {
		close(listener->reserve_fd);
		fd = accept_one(listener, &peer);
		if (fd >= 0)
			close(fd);
		listener->reserve_fd = open_reserve();
	}
	loop_remove(&listener->shard->loop, &listener->watch);
	shard_arm(&listener->retry, LISTEN_RETRY_MS);
	log_event(LOG_IO, LOG_WARN, "listen.no_descriptors",
		  LOG_STR("listener", listener->tag));
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct listener *listener = container_of(watch, struct listener, watch);
	struct peer peer;

	(void)events;
	for (int i = 0; i < LISTEN_ACCEPT_BUDGET && watch_is_added(watch); i++) {
		int fd = accept_one(listener, &peer);
		if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM)
			out_of_descriptors(listener);
		if (fd == -ECONNABORTED ||
		    fd == -EINTR) /* that one gave up: look at the next */
			continue;
		if (fd < 0)
			return;
		metric_add(&io_metric_accepted, 1);
		listener->accepted(listener, fd, &peer);
	}
}

static int watch_again(struct listener *listener)
{
	return loop_add(&listener->shard->loop, &listener->watch, EPOLLIN | EPOLLEXCLUSIVE);
}

static void retry(struct timer *timer)
{
	struct listener *listener = container_of(timer, struct listener, retry);

	if (listener->reserve_fd < 0)
		listener->reserve_fd = open_reserve();
	if (watch_again(listener) < 0)
		shard_arm(&listener->retry, LISTEN_RETRY_MS);
}

void listener_init(struct listener *listener, int fd, const char *tag,
		   void (*accepted)(struct listener *listener, int fd, const struct peer *peer),
		   void *owner)
{
	*listener = (struct listener){
		.tag = tag, .owner = owner, .reserve_fd = -1, .accepted = accepted
	};
	watch_init(&listener->watch, fd, "listener.ready", listener_ready);
	timer_init(&listener->retry, "listener.retry", retry);
}

int listener_start(struct listener *listener)
{
	int flags = fcntl(listener->watch.fd, F_GETFL);

	check(shard_self() != NULL);
	listener->shard = shard_self();
	if (flags < 0 || fcntl(listener->watch.fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	listener->reserve_fd = open_reserve();
	return watch_again(listener);
}

void listener_stop(struct listener *listener)
{
	if (listener->shard)
		loop_remove(&listener->shard->loop, &listener->watch);
	timer_disarm(&listener->retry);
	if (listener->reserve_fd >= 0)
		close(listener->reserve_fd);
	listener->reserve_fd = -1;
}
