/* Checking a PLAIN password takes milliseconds: it happens on a worker. */
#include <errno.h>
#include <stdatomic.h>

#include "base/block.h"
#include "base/secret.h"
#include "io/shard.h"
#include "io/worker.h"
#include "stream/inside.h"

enum { VERIFY_ARENA_BYTES = 1024 };

/* Owns copies of everything, so that the stream may go away meanwhile. */
struct verification {
	struct work work;
	struct stream *stream;	/* NULL: it has gone. The shard's; the worker does not look */
	_Atomic bool is_orphan; /* the same, for the worker */
	struct arena arena;
	struct verifier_list list;
	struct verifier_cost cost;
	struct secret password;
	bool is_right;
	struct bytes upgraded; /* BYTES_NONE: nothing to store */
};

/* Set at boot, before there are streams. */
static struct worker_pool *workers;

void stream_set_workers(struct worker_pool *pool)
{
	workers = pool;
}

struct worker_pool *stream_workers(void)
{
	return workers;
}

/* On a worker. An unknown user (an empty list) costs as much as a wrong password. */
static void run(struct work *work)
{
	struct verification *job = container_of(work, struct verification, work);
	struct bytes password = secret_bytes(&job->password);
	struct verifier_list fresh;

	/* Else who comes and goes at once would keep all others waiting. */
	if (atomic_load_explicit(&job->is_orphan, memory_order_relaxed))
		return;
	job->is_right = verifier_list_check(&job->list, &job->cost, password);
	if (job->is_right && verifier_list_wants_upgrade(&job->list, &job->cost) &&
	    verifier_list_make(&job->arena, password, &job->cost, &fresh) == 0)
		job->upgraded = verifier_list_format(&job->arena, &fresh);
}

static void job_free(struct verification *job)
{
	secret_fini(&job->password);
	arena_fini(&job->arena);
	block_free(job);
}

/* On the stream's shard again: it does not move while it waits. */
static void done(struct work *work)
{
	struct verification *job = container_of(work, struct verification, work);
	struct stream *stream = job->stream;
	struct login *login;

	if (stream) {
		check(stream->state == STREAM_SASL_WAIT);
		login = stream->login;
		login->verification = NULL;
		if (!bytes_is_none(job->upgraded))
			stream_host()->upgrade(stream->domain, sasl_user(login->exchange),
					       job->upgraded);
		login_continue(stream, sasl_verified(login->exchange, job->is_right));
	}
	job_free(job);
}

int verification_start(struct login *login, const struct verifier_list *verifiers)
{
	struct verification *job = block_alloc_zeroed(sizeof(*job));
	int result;

	work_init(&job->work, "stream.verify", run, done);
	arena_init(&job->arena, VERIFY_ARENA_BYTES);
	job->stream = login->stream;
	job->cost = login->sasl.cost;
	job->list = verifier_list_copy(&job->arena, verifiers);
	secret_init(&job->password, sasl_password(login->exchange));
	result = workers ? worker_post(workers, &job->work) : -EAGAIN;
	if (result < 0)
		job_free(job);
	else
		login->verification = job;
	return result;
}

void verification_orphan(struct verification *verification)
{
	verification->stream = NULL;
	atomic_store_explicit(&verification->is_orphan, true, memory_order_relaxed);
}
