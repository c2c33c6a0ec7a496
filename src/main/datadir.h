/* The data directory: made with mode 0700, and used by one hearthd at a time. */
#ifndef MAIN_DATADIR_H
#define MAIN_DATADIR_H

#include "base/err.h"
#include "base/text.h"

/*
 * Makes the directory if need be and locks it. *ret_lock_fd (close-on-exec) holds the lock
 * until it is closed. 0, or -EBUSY: another hearthd runs there, or what the disk says.
 */
int datadir_lock(const char *path, enum text_lang lang, int *ret_lock_fd, struct err *ret_err);
/* Reads path/name, or makes it (mode 0600) with random bytes. 0 or a negative errno. */
int datadir_secret(const char *path, const char *name, uint8_t *ret_secret, size_t len,
		   struct err *ret_err);

#endif
