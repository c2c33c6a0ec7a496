/* Root is needed for low ports only: what was opened stays, the identity goes. */
#ifndef MAIN_PRIVILEGES_H
#define MAIN_PRIVILEGES_H

#include "base/option.h"

/*
 * Becomes server.user and server.group for good, if this is root and they are set; the data
 * directory is given to that user first. 0 or negative. Warns when root stays root.
 */
int privileges_drop(const struct settings *settings, const char *data_dir, struct err *ret_err);

#endif
