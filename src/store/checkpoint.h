/*
 * Checkpoints without stalls: a thread copies most of a write-ahead log back into its database
 * while the writer goes on, and the writer then copies the little that has come since, which
 * lets the log begin anew. Another thread alone would never catch up under load, and the log would
 * grow; the writer alone would stop for as long as the disk takes.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <sqlite3.h>

#include "base/err.h"

struct checkpointer;

/* One database of the writer's. */
struct checkpoint;

int checkpointer_new(struct checkpointer **ret_checkpointer, struct err *ret_err);
/* Ends the thread. All its checkpoints must have been freed. */
void checkpointer_free(struct checkpointer **checkpointer);

/* db: the writer's connection; counts the log's pages by its WAL hook. */
struct checkpoint *checkpoint_new(struct checkpointer *checkpointer, sqlite3 *db,
				  const char *path);
/* Waits for the thread if it is at work on this one. */
void checkpoint_free(struct checkpoint **checkpoint);
/* The writer, after each commit: begins or ends what is due. */
void checkpoint_turn(struct checkpoint *checkpoint);
/* The writer, when it has nothing else to do. */
void checkpoint_idle(struct checkpoint *checkpoint);

#endif
