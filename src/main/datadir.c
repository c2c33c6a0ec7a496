/* See datadir.h. */
#include "main/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static int open_in(const char *path, const char *name, int flags)
{
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	int fd = openat(dir, name, flags | O_CLOEXEC, 0600);
	int status = fd < 0 ? -errno : fd;
	close(dir);
	return status;
}

static int fail(int status, const char *path, struct err *ret_err)
{
	return err_set(ret_err, status, "%s: %s", path, strerror(-status));
}

int datadir_lock(const char *path, enum text_lang lang, int *ret_lock_fd, struct err *ret_err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(-errno, path, ret_err);
	int fd = open_in(path, "lock", O_RDWR | O_CREAT);
	if (fd < 0)
		return fail(fd, path, ret_err);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret_lock_fd = fd;
		return 0;
	}
	int status = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	if (status != -EBUSY)
		return fail(status, path, ret_err);
	struct bytes words =
		text_format(scratch(), TEXT_DATADIR_BUSY, lang, bytes_of(path), BYTES_NONE);
	return err_set(ret_err, status, "%.*s", BYTES_ARG(words));
}

static int make_secret(const char *path, const char *name, uint8_t *ret_secret, size_t len)
{
	int fd = open_in(path, name, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	random_fill(ret_secret, len);
	ssize_t n = write(fd, ret_secret, len);
	int status = n == (ssize_t)len && fsync(fd) == 0 ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return status;
}

int datadir_secret(const char *path, const char *name, uint8_t *ret_secret, size_t len,
		   struct err *ret_err)
{
	int fd = open_in(path, name, O_RDONLY);
	int status = fd;
	if (fd == -ENOENT) {
		status = make_secret(path, name, ret_secret, len);
	} else if (fd >= 0) {
		status = read(fd, ret_secret, len) == (ssize_t)len ? 0 : -EIO;
		close(fd);
	}
	return status < 0 ? err_set(ret_err, status, "%s/%s: %s", path, name, strerror(-status))
			  : 0;
}
