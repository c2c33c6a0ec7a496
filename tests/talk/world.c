#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/account.h"
#include "core/census.h"
#include "core/core.h"
#include "core/domain.h"
#include "core/domain_store.h"
#include "core/group.h"
#include "core/handover.h"
#include "core/place.h"
#include "core/registry.h"
#include "core/roster.h"
#include "core/session.h"
#include "io/shard.h"
#include "io/worker.h"
#include "store/memory.h"
#include "store/open.h"
#include "stream/stream.h"

enum { WORLD_DOMAINS = 2000, START_US_2026 = 1767225600 };

struct world_domain {
	char name[256];
	struct settings *settings;
};

static struct shards_config shards_wanted;
static const char *data_dir;
static uint8_t bucket_key[16]; /* of the seed: where accounts live is the same in each run */
static struct shards *shards;
static struct store *store;
static struct worker_pool *workers;
static struct settings *server_settings;
static struct world_domain domains[WORLD_DOMAINS];
static size_t domain_count;
static bool is_open;
static bool has_plugin;

static void world_die(const char *what, const struct err *err)
{
	fprintf(stderr, "talk: %s: %s\n", what, err->text);
	exit(1);
}

void world_register(const struct world_options *options)
{
	struct err err;

	shards_wanted = (struct shards_config){ .count = options->shards,
						.mail_soft_bytes = options->mail_soft_bytes,
						.mail_hard_bytes = options->mail_hard_bytes };
	data_dir = options->data_dir;
	for (unsigned i = 0; i < options->plugin_count; i++)
		if (registry_load(options->plugins[i], &err) < 0)
			world_die("plugin", &err);
	has_plugin = options->plugin_count > 0;
	io_register_metrics();
	stream_register();
	for (size_t i = 0; store_options[i] != NULL; i++)
		option_register(store_options[i]);
	if (core_register(&err) < 0)
		world_die("features", &err);
	registry_shuffle(options->seed);
	memcpy(bucket_key, &options->seed, sizeof(options->seed));
	log_set_level(BYTES_LIT("all"), BYTES_LIT("error"));
}

static struct world_domain *world_domain(struct bytes name)
{
	for (size_t i = 0; i < domain_count; i++)
		if (bytes_is(name, domains[i].name))
			return &domains[i];
	return NULL;
}

void world_add_domain(struct bytes name)
{
	struct world_domain *domain = &domains[domain_count++];

	check(!is_open && domain_count <= WORLD_DOMAINS);
	snprintf(domain->name, sizeof(domain->name), "%.*s", BYTES_ARG(name));
	domain->settings = settings_new(server_settings);
}

void world_set_option(struct bytes domain, struct bytes name, struct bytes value)
{
	const struct option *option = option_find(name);
	struct settings *settings =
		bytes_is_none(domain) ? server_settings : world_domain(domain)->settings;
	struct err err = { 0 };

	check(!is_open);
	if (option == NULL || settings_set(settings, option, value, &err) < 0)
		world_die("option", &err);
}

void world_start(void)
{
	struct err err;

	world_end();
	clock_fake_start(START_US_2026 * 1000000ull);
	server_settings = settings_new(NULL);
	if (settings_set(server_settings, option_find(BYTES_LIT("tls.required")),
			 BYTES_LIT("no"), &err) < 0)
		world_die("tls.required", &err);
	world_add_domain(BYTES_LIT("localhost"));
}

void world_open(void)
{
	struct store_config config;
	struct domain_set *set;
	struct err err;

	if (is_open)
		return;
	is_open = true;
	check(shards_new(&shards_wanted, &shards) == 0);
	check(worker_pool_new(0, 1000, &workers) == 0);
	stream_set_workers(workers);
	store_config_init(&config, server_settings);
	config.engine = data_dir == NULL ? "memory" : "sqlite";
	config.data_dir = data_dir;
	config.workers = workers;
	if (store_open(&config, &store, &err) < 0)
		world_die("store", &err);
	if (data_dir == NULL)
		store_memory_set_bucket_key(store, bucket_key);
	core_start(store);
	if (registry_start(&err) < 0)
		world_die("start", &err);
	set = domain_set_new(NULL, server_settings);
	for (size_t i = 0; i < domain_count; i++)
		domain_set_add(set, bytes_of(domains[i].name), domains[i].settings, false);
	for (unsigned i = 0; i < shards->count; i++) {
		shard_enter(shards->shards[i]);
		core_shard_start(set);
	}
	shard_enter(shards->shards[0]);
}

static void world_marked(struct store_read *read, int status, void *context)
{
	(void)read;
	(void)status;
	++*(unsigned *)context;
}

/*
 * The disk's threads have nothing to say any more: all commits are complete, and reads asked for
 * last have come back, behind all others. Returns how many handlers ran besides.
 */
static unsigned world_hear_disk(void)
{
	unsigned handled = shards_run_until_idle(shards), marks = 0;

	for (unsigned i = 0; i < shards->count; i++) {
		unsigned wanted = marks + 1;
		shard_enter(shards->shards[i]);
		while (store_in_flight(store) > 0)
			handled += shard_turn(1);
		store_get(store, BYTES_LIT(""), &domain_store, BYTES_LIT("-"), world_marked,
			  &marks);
		while (marks < wanted)
			handled += shard_turn(1);
	}
	/* Of each shard: the call that hands the read over, and the mail that brings it back. */
	return handled - 2 * shards->count;
}

void world_settle(void)
{
	struct shard *before = shard_self();
	unsigned quiet = 0;

	shards_run_until_idle(shards);
	while (data_dir != NULL && quiet < 3)
		quiet = world_hear_disk() == 0 ? quiet + 1 : 0;
	shard_enter(before);
}

void world_clock(uint64_t ms)
{
	shards_advance(shards, ms);
}

struct store *world_store(void)
{
	return store;
}

struct shards *world_shards(void)
{
	return shards;
}

static void world_drained(void *context)
{
	++*(unsigned *)context;
}

void world_end(void)
{
	unsigned drained = 0;

	if (server_settings == NULL)
		return;
	if (is_open) {
		if (data_dir == NULL)
			store_memory_resume(store);
		for (unsigned i = 0; i < shards->count; i++) {
			shard_enter(shards->shards[i]);
			stream_drain(1000, world_drained, &drained);
		}
		world_settle();
		world_clock(60000);
		check(drained == shards->count);
		for (unsigned i = 0; i < shards->count; i++) {
			shard_enter(shards->shards[i]);
			uint32_t cursor = 0;
			check(user_next(&cursor) == NULL);
			core_shard_stop();
		}
		shard_enter(NULL);
		store_close(&store);
		worker_pool_free(&workers);
		shards_free(&shards);
	} else {
		for (size_t i = 0; i < domain_count; i++)
			settings_free(&domains[i].settings);
	}
	domain_forget_all();
	domain_count = 0;
	settings_free(&server_settings);
	is_open = false;
}

/* A shard that goes down in good order: its clients are told, and nothing of core's is left. */
static void world_close_sessions(void)
{
	uint32_t cursor = 0;
	struct user *user;
	struct session *session;

	while ((user = user_next(&cursor)) != NULL) {
		user->pins++;
		while ((session = user_session_next(user, NULL)) != NULL)
			session_close(session, STREAM_CONDITION_SYSTEM_SHUTDOWN, TEXT_NONE);
		user->pins--;
		user_release(user);
	}
}

void world_restart(void)
{
	const struct domain_set *set = domain_current();

	check(is_open);
	for (unsigned i = 0; i < shards->count; i++) {
		shard_enter(shards->shards[i]);
		world_close_sessions();
	}
	world_settle();
	for (unsigned i = 0; i < shards->count; i++) {
		uint32_t cursor = 0;
		shard_enter(shards->shards[i]);
		check(user_next(&cursor) == NULL);
		core_shard_stop();
		core_shard_start(set);
	}
	shard_enter(shards->shards[0]);
	handover_resume();
	group_load(NULL, NULL);
	world_settle();
}

static void world_lost(int status, uint64_t seq, void *context)
{
	(void)seq;
	*(int *)context = status;
}

void world_lose_contact(struct bytes owner, struct bytes contact)
{
	struct shard *before = shard_self();
	struct jid jid = jid_from_normal(owner);
	struct store_batch *batch;
	int status = 1;

	shard_enter(shards->shards[place_shard(jid)]);
	batch = store_batch_new(store, owner);
	store_del(batch, &roster_store, contact);
	store_commit(store, &batch, world_lost, &status);
	world_settle();
	check(status == 0);
	if (user_find(owner) != NULL)
		user_reload(user_find(owner));
	world_settle();
	shard_enter(before);
}

static void world_group_done(int status, void *context)
{
	*(int *)context = status;
}

int world_group_put(struct bytes domain, struct bytes name, struct bytes display,
		    bool is_everybody)
{
	int status = 1;

	group_put(domain, name, display, is_everybody, world_group_done, &status);
	world_settle();
	check(status <= 0);
	return status;
}

int world_group_del(struct bytes domain, struct bytes name)
{
	int status = 1;

	group_del(domain, name, world_group_done, &status);
	world_settle();
	check(status <= 0);
	return status;
}

int world_group_member(struct bytes domain, struct bytes name, struct bytes jid, bool is_added)
{
	int status = 1;

	(is_added ? group_add_member : group_del_member)(domain, name, jid_from_normal(jid),
							 world_group_done, &status);
	world_settle();
	check(status <= 0);
	return status;
}

bool world_has_plugin(void)
{
	return has_plugin;
}

static void world_published(int status, void *context)
{
	*(int *)context = status;
}

void world_publish(struct bytes name, bool is_served)
{
	struct domain_set *set = domain_set_new(domain_current(), server_settings);
	int status = 1;

	check(is_open);
	if (is_served)
		check(domain_set_add(set, name, settings_new(server_settings), true) == 0);
	else
		check(domain_set_remove(set, name) == 0);
	domain_publish(set, world_published, &status);
	world_settle();
	check(status == 0);
}

static void world_kicked(unsigned count, void *context)
{
	*(unsigned *)context = count;
}

unsigned world_kick(struct bytes jid)
{
	unsigned count = UINT32_MAX;
	struct jid parsed;

	check(jid_parse(scratch(), jid, &parsed, NULL) == 0);
	census_kick(parsed, world_kicked, &count);
	world_settle();
	check(count != UINT32_MAX);
	return count;
}

static void account_done(struct account_op *op)
{
	*(int *)op->context = op->status;
}

/* One PBKDF2 round: the scripts test conversations, not the hash. */
void world_add_account(struct bytes jid)
{
	struct jid parsed;
	struct account_op *op;
	struct bytes prepared;
	struct verifier *verifier;
	int status = 1;

	check(jid_parse(scratch(), jid, &parsed, NULL) == 0);
	op = account_op_new(ACCOUNT_CREATE, parsed, account_done, &status);
	check(verifier_prepare_password(&op->arena, BYTES_LIT("secret"), &prepared) == 0);
	verifier = arena_new(&op->arena, struct verifier);
	*verifier = verifier_make_scram(&op->arena, prepared, HASH_SHA1,
					BYTES_LIT("saltsaltsaltsalt"), 1);
	op->account.verifiers = (struct verifier_list){ verifier, 1 };
	account_op_send(op);
	world_settle();
	check(status == 0);
}

static void account_forget(struct account_op *op)
{
	(void)op;
}

void world_begin_delete(struct bytes jid)
{
	struct jid parsed;

	check(jid_parse(scratch(), jid, &parsed, NULL) == 0);
	account_op_send(account_op_new(ACCOUNT_DELETE, parsed, account_forget, NULL));
	world_settle();
}

void world_set_administrator(struct bytes jid, bool is_administrator)
{
	struct jid parsed;
	struct account_op *op;
	int status = 1;

	check(jid_parse(scratch(), jid, &parsed, NULL) == 0);
	op = account_op_new(ACCOUNT_SET_ROLE, parsed, account_done, &status);
	op->account.role = is_administrator ? ACCOUNT_ADMIN : ACCOUNT_USER;
	account_op_send(op);
	world_settle();
	check(status == 0);
}

static void rows_counted(struct store_read *read, int status, void *context)
{
	const struct store_item *item = store_read_items(read, 0);
	int rows = 0;

	check(status == 0);
	for (; item != NULL; item = item->next)
		rows++;
	*(int *)context = rows;
}

int world_count_rows(struct bytes jid)
{
	struct store_read *read = store_read_new(store, jid);
	int rows = -1;

	store_read_each(read);
	store_read_submit(&read, rows_counted, &rows);
	world_settle();
	check(rows >= 0);
	return rows;
}

void world_delete_account(struct bytes jid)
{
	struct jid parsed;
	int status = 1;

	check(jid_parse(scratch(), jid, &parsed, NULL) == 0);
	account_op_send(account_op_new(ACCOUNT_DELETE, parsed, account_done, &status));
	world_settle();
	check(status == 0);
}
