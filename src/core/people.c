#include "core/people.h"

#include <errno.h>

#include "base/block.h"
#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/domain.h"
#include "io/shard.h"
#include "io/worker.h"
#include "stream/stream.h"

/* One request: first on a worker if there is a password, then at the account's home. */
struct people_job {
	struct work work;
	enum account_verb verb;
	struct arena arena;
	struct jid jid;
	struct secret password;
	struct verifier_cost cost;
	struct verifier_list keys;
	bool is_disabled;
	int status;
	void (*gone)(void *);
	people_done_fn *done;
	people_facts_fn *facts;
	void *context;
};

static struct people_job *job_new(enum account_verb verb, struct jid bare, people_done_fn *done,
				  void *context)
{
	struct people_job *job = block_alloc_zeroed(sizeof(*job));

	arena_init(&job->arena, 1024);
	job->verb = verb;
	job->jid = jid_copy(&job->arena, jid_to_bare(bare));
	job->done = done;
	job->context = context;
	return job;
}

static void job_free(struct people_job *job)
{
	secret_fini(&job->password);
	arena_fini(&job->arena);
	block_free(job);
}

static void job_answer(struct people_job *job, const struct account_op *op)
{
	struct people_facts facts;

	if (job->facts == NULL) {
		job->done(job->status, job->context);
		return;
	}
	if (job->status == 0 && op != NULL)
		facts = (struct people_facts){
			.created_us = op->account.created_us,
			.is_administrator = op->account.role == ACCOUNT_ADMIN,
			.is_disabled = op->account.is_disabled,
		};
	job->facts(job->status, job->status == 0 && op != NULL ? &facts : NULL, job->context);
}

static void job_log(const struct people_job *job)
{
	static const char *const events[] = {
		[ACCOUNT_CREATE] = "account.created",
		[ACCOUNT_VERIFIERS] = "account.password_changed",
		[ACCOUNT_DISABLE] = "account.disabled_changed",
		[ACCOUNT_DELETE] = NULL, /* logged where it happens */
	};
	const char *event = job->verb < array_len(events) ? events[job->verb] : NULL;

	if (job->status == 0 && event != NULL)
		log_event(LOG_CORE, LOG_INFO, event, LOG_BYTES("user", job->jid.full));
}

static void job_stored(struct account_op *op)
{
	struct people_job *job = op->context;

	job->status = op->status;
	job_log(job);
	job_answer(job, op);
	job_free(job);
}

static void job_gone(struct account_op *op)
{
	struct people_job *job = op->context;

	job->gone(job->context);
}

static void job_store(struct people_job *job)
{
	struct account_op *op = account_op_new(job->verb, job->jid, job_stored, job);

	op->account.verifiers = job->keys;
	op->account.is_disabled = job->is_disabled;
	op->deleted = job->gone == NULL ? NULL : job_gone;
	account_op_send(op);
}

/* On a worker. */
static void job_derive(struct work *work)
{
	struct people_job *job = container_of(work, struct people_job, work);

	job->status = verifier_list_make(&job->arena, secret_bytes(&job->password), &job->cost,
					 &job->keys);
	secret_fini(&job->password);
	arena_reset(scratch());
}

static void job_derived(struct work *work)
{
	struct people_job *job = container_of(work, struct people_job, work);

	if (job->status == 0) {
		job_store(job);
		return;
	}
	job_answer(job, NULL);
	job_free(job);
}

/* Nothing can be derived now: says so, later as everything. */
static void job_refused(struct errand *errand)
{
	errand_return(errand);
}

struct people_refusal {
	struct errand errand;
	struct people_job *job;
};

static void job_refused_back(struct errand *errand)
{
	struct people_refusal *refusal = container_of(errand, struct people_refusal, errand);

	job_answer(refusal->job, NULL);
	job_free(refusal->job);
	block_free(refusal);
}

static void job_refuse(struct people_job *job, int status)
{
	struct people_refusal *refusal = block_alloc_zeroed(sizeof(*refusal));

	job->status = status;
	refusal->job = job;
	errand_init(&refusal->errand, "people.refused", job_refused, job_refused_back);
	errand_send(&refusal->errand, shard_id());
}

static void job_with_password(enum account_verb verb, struct jid bare, struct bytes password,
			      people_done_fn *done, void *context)
{
	struct people_job *job = job_new(verb, bare, done, context);
	const struct domain *domain = domain_find(jid_domain(bare));
	int status;

	if (domain == NULL) {
		job_refuse(job, -ENOENT);
		return;
	}
	job->cost = account_cost(domain_settings(domain));
	secret_init(&job->password, password);
	work_init(&job->work, "people.derive", job_derive, job_derived);
	status = stream_workers() == NULL ? -EAGAIN : worker_post(stream_workers(), &job->work);
	if (status < 0)
		job_refuse(job, status);
}

void people_add(struct jid bare, struct bytes password, people_done_fn *done, void *context)
{
	job_with_password(ACCOUNT_CREATE, bare, password, done, context);
}

void people_set_password(struct jid bare, struct bytes password, people_done_fn *done,
			 void *context)
{
	job_with_password(ACCOUNT_VERIFIERS, bare, password, done, context);
}

void people_read(struct jid bare, people_facts_fn *done, void *context)
{
	struct people_job *job = job_new(ACCOUNT_READ, bare, NULL, context);

	job->facts = done;
	job_store(job);
}

void people_disable(struct jid bare, bool is_disabled, people_done_fn *done, void *context)
{
	struct people_job *job = job_new(ACCOUNT_DISABLE, bare, done, context);

	job->is_disabled = is_disabled;
	job_store(job);
}

void people_delete(struct jid bare, void (*gone)(void *context), people_done_fn *done,
		   void *context)
{
	struct people_job *job = job_new(ACCOUNT_DELETE, bare, done, context);

	job->gone = gone;
	job_store(job);
}
