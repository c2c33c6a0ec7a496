#include "store/checkpoint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"

enum {
	HELP_PAGES = 1000,    /* so many new ones are worth a round of the thread */
	REST_PAGES = 500,     /* more than that came meanwhile: it copies again first */
	FINISH_PAGES = 12000, /* from here on the writer ends it: 48 MiB */
	ALONE_PAGES = 30000,  /* from here on alone, whoever waits */
	STACK_BYTES = 256 << 10,
};

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted, done;
	struct list queue;
	struct checkpoint *current;
	bool is_stopping;
};

struct checkpoint {
	struct list link;
	struct checkpointer *checkpointer;
	sqlite3 *db;
	char *path;
	int pages;
	int asked_pages;       /* when the thread was asked */
	uint32_t rounds;       /* how often it has been */
	atomic_bool is_wanted; /* queued or at work */
	atomic_bool is_helped; /* the thread has been here; the rest is the writer's */
};

/* A connection that is the last one to close would copy everything back: not this one. */
static void copy_back(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
	    SQLITE_OK) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
		sqlite3_exec(db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	sqlite3_close(db);
}

static void *run(void *context)
{
	struct checkpointer *self = context;
	struct checkpoint *checkpoint;

	pthread_setname_np(pthread_self(), "store-copier");
	pthread_mutex_lock(&self->lock);
	while (!self->is_stopping) {
		checkpoint = list_first(&self->queue, struct checkpoint, link);
		if (!checkpoint) {
			pthread_cond_wait(&self->wanted, &self->lock);
			continue;
		}
		list_del(&checkpoint->link);
		self->current = checkpoint;
		pthread_mutex_unlock(&self->lock);
		copy_back(checkpoint->path);
		atomic_store(&checkpoint->is_wanted, false);
		pthread_mutex_lock(&self->lock);
		self->current = NULL;
		pthread_cond_broadcast(&self->done);
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

int checkpointer_new(struct checkpointer **ret_checkpointer, struct err *ret_err)
{
	struct checkpointer *self = calloc(1, sizeof(*self));
	pthread_attr_t attr;
	int error;

	check(self != NULL);
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->wanted, NULL);
	pthread_cond_init(&self->done, NULL);
	list_init(&self->queue);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = pthread_create(&self->thread, &attr, run, self);
	pthread_attr_destroy(&attr);
	if (error) {
		free(self);
		return err_set(ret_err, -error, "cannot start the thread that copies back");
	}
	*ret_checkpointer = self;
	return 0;
}

void checkpointer_free(struct checkpointer **self_at)
{
	struct checkpointer *self = *self_at;

	*self_at = NULL;
	if (!self)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_stopping = true;
	pthread_mutex_unlock(&self->lock);
	pthread_cond_signal(&self->wanted);
	pthread_join(self->thread, NULL);
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->wanted);
	pthread_cond_destroy(&self->done);
	free(self);
}

static int wal_grew(void *context, sqlite3 *db, const char *name, int pages)
{
	struct checkpoint *checkpoint = context;

	(void)db;
	(void)name;
	checkpoint->pages = pages;
	return SQLITE_OK;
}

struct checkpoint *checkpoint_new(struct checkpointer *checkpointer, sqlite3 *db,
				  const char *path)
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));

	check(checkpoint != NULL);
	list_init(&checkpoint->link);
	checkpoint->checkpointer = checkpointer;
	checkpoint->db = db;
	checkpoint->path = strdup(path);
	check(checkpoint->path != NULL);
	sqlite3_wal_hook(db, wal_grew, checkpoint);
	return checkpoint;
}

void checkpoint_free(struct checkpoint **checkpoint_at)
{
	struct checkpoint *checkpoint = *checkpoint_at;
	struct checkpointer *self;

	*checkpoint_at = NULL;
	if (!checkpoint)
		return;
	self = checkpoint->checkpointer;
	pthread_mutex_lock(&self->lock);
	list_del(&checkpoint->link);
	while (self->current == checkpoint)
		pthread_cond_wait(&self->done, &self->lock);
	pthread_mutex_unlock(&self->lock);
	sqlite3_wal_hook(checkpoint->db, NULL, NULL);
	free(checkpoint->path);
	free(checkpoint);
}

static void ask_for_help(struct checkpoint *checkpoint)
{
	struct checkpointer *self = checkpoint->checkpointer;

	checkpoint->asked_pages = checkpoint->pages;
	atomic_store(&checkpoint->is_wanted, true);
	pthread_mutex_lock(&self->lock);
	list_add_tail(&self->queue, &checkpoint->link);
	pthread_mutex_unlock(&self->lock);
	pthread_cond_signal(&self->wanted);
}

/* A reader in an old snapshot keeps the log from beginning anew: past a bound it is waited for. */
static void finish(struct checkpoint *checkpoint, int mode)
{
	checkpoint->pages = checkpoint->asked_pages = 0;
	sqlite3_wal_checkpoint_v2(checkpoint->db, NULL, mode, NULL, NULL);
}

/*
 * The end costs two waits for the disk, so it comes seldom; and it comes when the thread has just
 * been there, so that they are short.
 */
void checkpoint_turn(struct checkpoint *checkpoint)
{
	int rest = checkpoint->pages - checkpoint->asked_pages;

	if (rest <= 0 || atomic_load(&checkpoint->is_wanted))
		return;
	if (checkpoint->pages >= ALONE_PAGES)
		finish(checkpoint, SQLITE_CHECKPOINT_RESTART);
	else if (checkpoint->pages >= FINISH_PAGES && rest <= REST_PAGES)
		finish(checkpoint, SQLITE_CHECKPOINT_PASSIVE);
	else if (rest >= HELP_PAGES || (checkpoint->pages >= FINISH_PAGES && rest > REST_PAGES))
		ask_for_help(checkpoint);
}

void checkpoint_idle(struct checkpoint *checkpoint)
{
	if (checkpoint->pages >= HELP_PAGES && !atomic_load(&checkpoint->is_wanted))
		finish(checkpoint, SQLITE_CHECKPOINT_PASSIVE);
}
