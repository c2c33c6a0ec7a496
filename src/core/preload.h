/*
 * Preloading: one trip to the store for the account itself and everything that features want in
 * memory with it (struct feature.preload).
 */
#ifndef CORE_PRELOAD_H
#define CORE_PRELOAD_H

#include "core/user.h"

/*
 * Reads and hands over to the features, then calls done(user, status) once, later. -ENOENT:
 * there is no such account.
 */
void preload_start(struct user *user, void (*done)(struct user *, int status));

#endif
