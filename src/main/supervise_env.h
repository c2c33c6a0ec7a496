/* The environment variable by which a supervisor tells its worker what it inherits. */
#ifndef MAIN_SUPERVISE_ENV_H
#define MAIN_SUPERVISE_ENV_H

#define SUPERVISE_ENV "HEARTH_WORKER"

#endif
