/* The bottom of every chain of layers: the socket. */
#include "io/conn_impl.h"

#include <errno.h>
#include <unistd.h>

#include "io/metrics.h"

struct metric io_metric_bytes_in = METRIC_COUNTER("bytes_in", "Bytes read from sockets.");
struct metric io_metric_bytes_out = METRIC_COUNTER("bytes_out", "Bytes written to sockets.");

static ssize_t socket_read(struct conn *conn, const struct iovec *iov, int count)
{
	ssize_t n;

	do {
		n = count == 1 ? read(conn->watch.fd, iov->iov_base, iov->iov_len)
			       : readv(conn->watch.fd, iov, count);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	metric_add(&io_metric_bytes_in, n);
	return n;
}

static ssize_t socket_write(struct conn *conn, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
				  .msg_iovlen = (size_t)count };
	ssize_t n;

	do {
		n = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	metric_add(&io_metric_bytes_out, n);
	return n;
}

ssize_t layer_read(struct conn *conn, struct layer *layer, const struct iovec *iov, int count)
{
	return layer ? layer->ops->read(layer, iov, count) : socket_read(conn, iov, count);
}

ssize_t layer_write(struct conn *conn, struct layer *layer, const struct iovec *iov, int count)
{
	return layer ? layer->ops->write(layer, iov, count) : socket_write(conn, iov, count);
}

int layer_push(struct layer *layer)
{
	return layer ? layer->ops->push(layer) : 0;
}

size_t layer_held(const struct layer *layer)
{
	return layer ? layer->ops->held(layer) : 0;
}
