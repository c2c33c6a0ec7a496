/* See worker.h. */
#include "main/worker.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "admin/control.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/core.h"
#include "core/domain.h"
#include "core/group.h"
#include "core/handover.h"
#include "core/registry.h"
#include "io/listen.h"
#include "io/shard.h"
#include "io/tls.h"
#include "io/worker.h"
#include "main/datadir.h"
#include "main/everywhere.h"
#include "main/options.h"
#include "main/publish.h"
#include "main/supervise.h"
#include "store/open.h"
#include "stream/c2s.h"
#include "stream/stream.h"

enum {
	WORKER_QUEUE_MAX = 4096,
	DRAIN_MS = 2000,  /* for clients to read the end of their stream */
	SETTLE_MS = 5000, /* for the disk to answer */
	TICKET_KEY_MS = 4 * 3600 * 1000,
};

/* The one worker of this process: set by its main thread, then shard 0's. */
static struct {
	const struct args *args;
	struct store *store;
	struct worker_pool *workers;
	struct shards *shards;
	struct tls_tickets *tickets;
	struct inherited_fd fds[SUPERVISE_FDS_MAX];
	size_t fd_count;
	struct c2s_listen listens[SUPERVISE_FDS_MAX];
	int control_fd;
	struct watch signals;
	struct timer alive;
	uint32_t alive_ms;
	struct timer new_ticket_key;
	uint64_t started_ms;
	bool is_stopping;
	int exit_code;
	sem_t over;
} worker = { .control_fd = -1, .signals = { .fd = -1 } };

/* --- stopping --- */

static void is_over(void *context)
{
	(void)context;
	sem_post(&worker.over);
}

static void drained_here(void *context)
{
	everywhere_visited(context);
}

static void drain_here(struct everywhere_visit *visit, void *context)
{
	(void)context;
	c2s_shard_stop();
	stream_drain(DRAIN_MS, drained_here, visit);
}

/* Asked for the second time, it does not wait for clients any more. */
static void stop(void)
{
	if (worker.is_stopping) {
		is_over(NULL);
		return;
	}
	worker.is_stopping = true;
	worker_say(WORKER_STOPPING);
	log_event(LOG_MAIN, LOG_INFO, "server.stopping");
	timer_disarm(&worker.alive);
	timer_disarm(&worker.new_ticket_key);
	everywhere_begin(drain_here, is_over, NULL);
}

static void give_up(void)
{
	worker.exit_code = 1;
	worker.is_stopping = true;
	is_over(NULL);
}

/* --- publishing --- */

/* On every shard. The first time is the beginning of service there. */
static void secure(struct tls_set *set)
{
	static const char started;
	struct shard *shard = shard_self();
	if (shard_context(shard, SHARD_MAIN)) {
		c2s_shard_set_tls(set);
		return;
	}
	shard_set_context(shard, SHARD_MAIN, (void *)(uintptr_t)&started);
	int status = c2s_shard_start(worker.listens, worker.fd_count, set);
	if (status < 0)
		log_event(LOG_MAIN, LOG_ERROR, "listen.failed",
			  LOG_STR("error", strerror(-status)));
}

/* The first publication, which waits until everything is there that clients may see. */
struct opening {
	void (*go_on)(void *context);
	void *context;
};

static void groups_loaded(int status, void *context)
{
	struct opening *opening = context;

	(void)status; /* said by who read them */
	opening->go_on(opening->context);
	free(opening);
}

/* What the last worker had not handed over goes its way before anybody is let in. */
static void published(void (*go_on)(void *context), void *context)
{
	struct opening *opening;

	if (shard_context(shard_self(), SHARD_MAIN)) {
		go_on(context);
		return;
	}
	opening = malloc(sizeof(*opening));
	check(opening);
	*opening = (struct opening){ go_on, context };
	handover_resume();
	group_load(groups_loaded, opening);
}

static void configured(const struct config *config)
{
	struct err err;
	if (options_apply_log(config->server, &err) < 0)
		log_event(LOG_MAIN, LOG_WARN, "log.unknown_level", LOG_STR("error", err.text));
}

static void log_reloaded(int status)
{
	if (status == 0)
		log_event(LOG_MAIN, LOG_INFO, "config.reloaded");
	worker_say(WORKER_READY);
}

static void reloaded_by_signal(int status, const struct err *err, void *context)
{
	(void)err; /* logged by the publisher */
	(void)context;
	log_reloaded(status);
}

struct reload {
	admin_host_done_fn *done;
	void *context;
};

static void reloaded_by_admin(int status, const struct err *err, void *context)
{
	struct reload *reload = context;
	log_reloaded(status);
	reload->done(status, err, reload->context);
	free(reload);
}

static void reload_for_admin(admin_host_done_fn *done, void *context)
{
	struct reload *reload = malloc(sizeof(*reload));
	check(reload);
	*reload = (struct reload){ done, context };
	worker_say(WORKER_RELOADING);
	publish_reload(reloaded_by_admin, reload);
}

/* --- signals, watchdog --- */

static void hear_signal(struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo info;
	(void)events;
	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP) {
		stop();
		return;
	}
	worker_say(WORKER_RELOADING);
	publish_reload(reloaded_by_signal, NULL);
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void visit_alive(void *context)
{
	(void)context;
}

static void all_alive(void *context)
{
	(void)context;
	worker_say(WORKER_ALIVE);
	if (!worker.is_stopping)
		shard_arm(&worker.alive, worker.alive_ms);
}

static void ask_alive(struct timer *timer)
{
	(void)timer;
	everywhere_run(visit_alive, all_alive, NULL);
}

static void make_ticket_key(struct timer *timer)
{
	tls_tickets_rotate(worker.tickets);
	shard_arm(timer, TICKET_KEY_MS);
}

/* --- the control socket's host --- */

static int check_overrides(struct bytes lines, enum text_lang lang, struct err *ret_err)
{
	struct settings *settings = settings_new(publisher_config()->server);
	int status = publish_apply_overrides(settings, lines, lang, ret_err);
	settings_free(&settings);
	return status;
}

static void add_status(struct cJSON *result)
{
	uint64_t uptime_seconds = (clock_ms() - worker.started_ms) / 1000;
	cJSON_AddNumberToObject(result, "uptime_seconds", (double)uptime_seconds);
	cJSON_AddNumberToObject(result, "domains", (double)domain_set_count(domain_current()));
	struct cJSON *listens = cJSON_AddObjectToObject(result, "listen");
	for (size_t i = 0; i < worker.fd_count; i++) {
		struct peer bound = listen_bound(worker.fds[i].fd);
		struct bytes text = peer_text(&bound, scratch());
		cJSON_AddStringToObject(listens, worker.fds[i].name,
					arena_cstr(scratch(), text));
	}
}

static struct admin_host admin_host = {
	.reload = reload_for_admin,
	.republish = publish,
	.check_overrides = check_overrides,
	.stop = stop,
	.status = add_status,
};

/* --- starting --- */

static void serving(int status, const struct err *err, void *context)
{
	(void)err;
	(void)context;
	if (status < 0) {
		give_up();
		return;
	}
	worker_say(WORKER_READY);
	log_event(LOG_MAIN, LOG_INFO, "server.ready", LOG_STR("version", HEARTH_VERSION),
		  LOG_UINT("domains", domain_set_count(domain_current())),
		  LOG_UINT("shards", shard_count()),
		  LOG_UINT("start_ms", clock_ms() - worker.started_ms));
}

/* On shard 0, before anybody is let in. */
static void begin(void)
{
	int status = loop_add(shard_loop(), &worker.signals, EPOLLIN);
	if (status == 0)
		status = control_start(worker.control_fd, &admin_host);
	if (status < 0) {
		log_event(LOG_MAIN, LOG_ERROR, "control.failed",
			  LOG_STR("error", strerror(-status)));
		give_up();
		return;
	}
	timer_init(&worker.new_ticket_key, "main.ticket_key", make_ticket_key);
	shard_arm(&worker.new_ticket_key, TICKET_KEY_MS);
	timer_init(&worker.alive, "main.alive", ask_alive);
	worker.alive_ms = worker_watchdog_ms();
	if (worker.alive_ms > 0)
		shard_arm(&worker.alive, worker.alive_ms);
	publish(BYTES_NONE, serving, NULL);
}

static void shard_started(struct shard *shard, void *first_set)
{
	core_shard_start(first_set);
	if (shard->id == 0)
		begin();
}

static int open_store(const struct settings *settings, struct err *ret_err)
{
	struct store_config config;
	store_config_init(&config, settings);
	config.data_dir = worker.args->data_dir;
	config.workers = worker.workers;
	int status = store_open(&config, &worker.store, ret_err);
	return status < 0 ? status : registry_start(ret_err);
}

static int open_secret(struct err *ret_err)
{
	uint8_t secret[SASL_SECRET_BYTES];
	int status = datadir_secret(worker.args->data_dir, "sasl.key", secret, sizeof(secret),
				    ret_err);
	if (status == 0)
		stream_set_secret(secret);
	return status;
}

static int open_sockets(struct err *ret_err)
{
	int status = worker_inherit(worker.fds, &worker.fd_count, ret_err);
	if (status < 0)
		return status;
	for (size_t i = 0; i < worker.fd_count; i++)
		worker.listens[i] = (struct c2s_listen){
			.fd = worker.fds[i].fd,
			.is_direct_tls = strcmp(worker.fds[i].name, "c2s_tls") == 0 ||
					 strcmp(worker.fds[i].name, "https") == 0,
			.is_web = strncmp(worker.fds[i].name, "http", 4) == 0,
		};
	return control_open(worker.args->data_dir, &worker.control_fd, ret_err);
}

static int prepare(struct config *config, struct err *ret_err)
{
	const struct settings *settings = config->server;
	struct shards_config shape = { .count = options_shards(settings) };
	int fd = open_signals();
	int status = fd < 0 ? err_set(ret_err, fd, "signals: %s", strerror(-fd)) : 0;
	if (status == 0) {
		watch_init(&worker.signals, fd, "main.signals", hear_signal);
		status = open_sockets(ret_err);
	}
	if (status == 0)
		status = open_secret(ret_err);
	if (status < 0)
		return status;
	status = worker_pool_new(options_workers(settings), WORKER_QUEUE_MAX, &worker.workers);
	if (status == 0)
		status = shards_new(&shape, &worker.shards);
	if (status < 0)
		return err_set(ret_err, status, "threads: %s", strerror(-status));
	stream_set_workers(worker.workers);
	admin_host.workers = worker.workers;
	worker.tickets = tls_tickets_new();
	return open_store(settings, ret_err);
}

static void end_shard(struct shard *shard)
{
	shard_enter(shard);
	if (shard_context(shard, SHARD_ADMIN))
		control_stop();
	if (shard->id == 0)
		loop_remove(&shard->loop, &worker.signals);
	if (shard_context(shard, SHARD_CORE))
		core_shard_end_sessions();
	shard_enter(NULL);
}

static void stop_shard(struct shard *shard)
{
	shard_enter(shard);
	if (shard_context(shard, SHARD_CORE))
		core_shard_stop();
	shard_enter(NULL);
}

static void turn_first_shard(void)
{
	shard_enter(worker.shards->shards[0]);
	shard_turn(1);
	shard_enter(NULL);
}

/* What was begun comes to its end: whoever waits for the disk hears of it and lets go. */
static void settle(void)
{
	uint64_t until_ms = clock_ms() + SETTLE_MS;
	shards_run_until_idle(worker.shards);
	while (worker.store && store_is_busy(worker.store) && clock_ms() < until_ms) {
		turn_first_shard();
		shards_run_until_idle(worker.shards);
	}
}

static void stop_shards(struct shards *shards)
{
	for (unsigned i = 0; i < shards->count; i++)
		end_shard(shards->shards[i]);
	settle();
	for (unsigned i = 0; i < shards->count; i++)
		stop_shard(shards->shards[i]);
}

/* Order: nothing may be freed that something below it still points to. */
static void tear_down(void)
{
	if (worker.workers)
		worker_pool_end(worker.workers);
	if (worker.shards)
		stop_shards(worker.shards);
	if (worker.store)
		store_close(&worker.store);
	worker_pool_free(&worker.workers);
	shards_free(&worker.shards);
	if (worker.tickets)
		tls_tickets_unref(&worker.tickets);
	domain_forget_all();
	publisher_fini();
}

static int serve(struct config *config, struct err *ret_err)
{
	int status = prepare(config, ret_err);
	if (status < 0) {
		config_free(&config);
		return status;
	}
	core_start(worker.store);
	publisher_init(&(struct publisher_host){ worker.args, worker.workers, worker.tickets,
						 published, secure, configured },
		       config);
	sem_init(&worker.over, 0, 0);
	/* Read here: shard 0 may publish the next set before the last shard has begun. */
	status = shards_start(worker.shards, shard_started, publisher_first_set());
	if (status < 0)
		return err_set(ret_err, status, "threads: %s", strerror(-status));
	while (sem_wait(&worker.over) < 0)
		check(errno == EINTR);
	shards_stop(worker.shards);
	return 0;
}

int worker_run(const struct args *args, struct config *taken_config)
{
	struct err err;
	worker.args = args;
	worker.started_ms = clock_ms();
	int status = serve(taken_config, &err);
	if (status < 0)
		log_event(LOG_MAIN, LOG_ERROR, "server.failed", LOG_STR("error", err.text));
	tear_down();
	if (status == 0)
		log_event(LOG_MAIN, LOG_INFO, "server.stopped");
	return status < 0 ? 1 : worker.exit_code;
}
