/* See publish.h. */
#include "main/publish.h"

#include <errno.h>
#include <stdlib.h>

#include "admin/lang.h"
#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "core/domain_store.h"
#include "io/tls.h"
#include "io/worker.h"
#include "main/everywhere.h"
#include "stream/c2s.h"

/* A publication that waits or runs. */
struct publication {
	struct list list;
	struct work work;
	bool is_reload;
	struct bytes except; /* in the arena */
	struct arena arena;
	struct config *config; /* read again, not yet in force; or NULL */
	struct domain_set *set;
	struct c2s_domain *domains; /* for the certificates */
	struct tls_set *tls;
	int status;
	struct err err;
	admin_host_done_fn *done;
	void *context;
};

/* Domains keep pointing into every configuration that ever was. */
struct old_config {
	struct old_config *next;
	struct config *config;
};

static struct {
	struct publisher_host host;
	struct config *config; /* in force */
	struct old_config *old;
	struct domain_set *set; /* published last */
	struct list queue;	/* struct publication; the first one runs */
} publisher;

static void step_begin(struct publication *it);

/* --- sets --- */

static void keep_config(struct config *config)
{
	struct old_config *old = calloc(1, sizeof(*old));
	check(old);
	*old = (struct old_config){ publisher.old, config };
	publisher.old = old;
}

/* The domains of a configuration, which gives their settings away. */
static struct domain_set *set_of(struct config *config)
{
	struct domain_set *set = domain_set_new(NULL, config->server);
	for (size_t i = 0; i < config->domain_count; i++) {
		struct config_domain *domain = &config->domains[i];
		check(domain_set_add(set, domain->name, domain->settings, false) == 0);
		domain->settings = NULL;
	}
	return set;
}

int publish_apply_overrides(struct settings *settings, struct bytes lines, enum text_lang lang,
			    struct err *ret_err)
{
	for (struct bytes rest = lines; rest.len > 0;) {
		struct bytes line = bytes_cut(&rest, '\n');
		if (line.len == 0)
			continue;
		int status = config_set_for_domain(settings, line, lang, ret_err);
		if (status < 0)
			return status;
	}
	return 0;
}

/* --- the end --- */

static void finish(struct publication *it, int status)
{
	struct list *next;
	if (status < 0)
		log_event(LOG_MAIN, LOG_ERROR, "publish.failed",
			  LOG_STR("error", it->err.text));
	list_del(&it->list);
	it->done(status, status < 0 ? &it->err : NULL, it->context);
	tls_set_unref(&it->tls);
	config_free(&it->config);
	arena_fini(&it->arena);
	free(it->domains);
	free(it);
	next = publisher.queue.next;
	if (next != &publisher.queue)
		step_begin(list_entry(next, struct publication, list));
}

/* --- DOMAINS, TLS --- */

static void secure_here(void *context)
{
	const struct publication *it = context;
	publisher.host.secure(it->tls);
}

static void secured(void *context)
{
	finish(context, 0);
}

static void step_secure(void *context)
{
	everywhere_run(secure_here, secured, context);
}

static void step_tls(int status, void *context)
{
	struct publication *it = context;
	(void)status; /* domain_publish does not fail */
	publisher.host.published(step_secure, it);
}

static void step_domains(struct publication *it)
{
	if (it->config) {
		keep_config(publisher.config);
		publisher.config = it->config;
		it->config = NULL;
		publisher.host.configured(publisher.config);
	}
	publisher.set = it->set;
	domain_publish(it->set, step_tls, it);
}

/* --- CERTIFICATES --- */

static void load_certificates(struct work *work)
{
	struct publication *it = container_of(work, struct publication, work);
	it->status = c2s_tls_load(it->domains, domain_set_count(it->set),
				  publisher.host.args->data_dir, publisher.host.tickets,
				  &it->tls, &it->err);
	arena_reset(scratch());
}

static void certificates_loaded(struct work *work)
{
	struct publication *it = container_of(work, struct publication, work);
	if (it->status < 0)
		finish(it, it->status);
	else
		step_domains(it);
}

static void post(struct publication *it, const char *name, void (*run)(struct work *),
		 void (*done)(struct work *))
{
	work_init(&it->work, name, run, done);
	int status = worker_post(publisher.host.workers, &it->work);
	if (status < 0)
		finish(it, err_set(&it->err, status, "workers: %s", strerror(-status)));
}

static void step_certificates(int status, void *context)
{
	struct publication *it = context;
	if (status < 0) {
		finish(it, err_set(&it->err, status, "domains: %s", strerror(-status)));
		return;
	}
	size_t count = domain_set_count(it->set);
	it->domains = calloc(count + 1, sizeof(*it->domains));
	check(it->domains);
	for (size_t i = 0; i < count; i++) {
		const struct domain *domain = domain_set_at(it->set, i);
		it->domains[i] = (struct c2s_domain){ domain->name, domain->settings };
	}
	post(it, "publish.certificates", load_certificates, certificates_loaded);
}

/* --- STORED --- */

/* What a later version no longer accepts must not keep the whole server from starting. */
static void add_stored(struct bytes name, struct bytes overrides, void *context)
{
	struct publication *it = context;
	struct config *config = it->config ? it->config : publisher.config;
	struct err err;
	if (bytes_equal(name, it->except) || domain_set_find(it->set, name))
		return;
	struct settings *settings = settings_new(config->server);
	if (publish_apply_overrides(settings, overrides, TEXT_LANG_EN, &err) < 0)
		log_event(LOG_MAIN, LOG_WARN, "domain.override_ignored",
			  LOG_BYTES("domain", name), LOG_STR("error", err.text));
	check(domain_set_add(it->set, name, settings, true) == 0);
}

static void step_stored(struct publication *it)
{
	it->set = it->is_reload ? set_of(it->config)
				: domain_set_new(publisher.set, publisher.config->server);
	domain_set_remove(it->set, it->except);
	domain_store_each(add_stored, step_certificates, it);
}

/* --- CONFIG --- */

static void read_config(struct work *work)
{
	struct publication *it = container_of(work, struct publication, work);
	const struct args *args = publisher.host.args;
	it->status = config_load(args->config_path, args->sets, args->set_count,
				 lang_of_environment(), &it->config, &it->err);
	arena_reset(scratch());
}

static void config_read(struct work *work)
{
	struct publication *it = container_of(work, struct publication, work);
	if (it->status < 0)
		finish(it, it->status);
	else
		step_stored(it);
}

static void step_begin(struct publication *it)
{
	if (it->is_reload)
		post(it, "publish.config", read_config, config_read);
	else
		step_stored(it);
}

/* --- public --- */

void publisher_init(const struct publisher_host *host, struct config *taken_config)
{
	publisher.host = *host;
	publisher.config = taken_config;
	publisher.set = set_of(taken_config);
	list_init(&publisher.queue);
}

struct domain_set *publisher_first_set(void)
{
	return publisher.set;
}

const struct config *publisher_config(void)
{
	return publisher.config;
}

static void enqueue(bool is_reload, struct bytes except, admin_host_done_fn *done,
		    void *context)
{
	struct publication *it = calloc(1, sizeof(*it));
	check(it);
	arena_init(&it->arena, 256);
	it->is_reload = is_reload;
	it->except = arena_copy(&it->arena, except);
	it->done = done;
	it->context = context;
	bool is_first = list_is_empty(&publisher.queue);
	list_add_tail(&publisher.queue, &it->list);
	if (is_first)
		step_begin(it);
}

void publish(struct bytes except, admin_host_done_fn *done, void *context)
{
	enqueue(false, except, done, context);
}

void publish_reload(admin_host_done_fn *done, void *context)
{
	enqueue(true, BYTES_NONE, done, context);
}

void publisher_fini(void)
{
	config_free(&publisher.config);
	while (publisher.old) {
		struct old_config *old = publisher.old;
		publisher.old = old->next;
		config_free(&old->config);
		free(old);
	}
}
