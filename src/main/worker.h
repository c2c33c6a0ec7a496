/*
 * The worker: the process that serves. Its main thread starts the shards and waits; everything
 * else happens on shard 0: signals, the control socket, publishing, the watchdog.
 */
#ifndef MAIN_WORKER_H
#define MAIN_WORKER_H

#include "main/args.h"
#include "main/config.h"

/* Serves until told to stop. config is taken. Returns the exit code. */
int worker_run(const struct args *args, struct config *taken_config);

#endif
