#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/option.h"
#include "base/secret.h"

static const char *const engine_words[] = { "sqlite", "memory", NULL };
static const char *const durability_words[] = { "process", "power", NULL };

static struct option opt_engine =
	OPTION_ENUM("store.engine", OPTION_SERVER, 0, engine_words,
		    "Where data lives: sqlite, in the data directory, or memory, for trials: "
		    "everything is gone at the end.");
static struct option opt_durability = OPTION_ENUM(
	"durability", OPTION_SERVER, STORE_PROCESS, durability_words,
	"What an acknowledged write survives: process, a crash of the server; power, "
	"also a power cut, at the price of slower writes.");
static struct option opt_cache_kib =
	OPTION_INT("store.cache_kib", OPTION_SERVER, 2048, 64, 4194304,
		   "Page cache of each database connection, in KiB; more helps a server whose "
		   "active accounts do not fit.");
static struct option opt_log_cache_kib =
	OPTION_INT("store.log_cache_kib", OPTION_SERVER, 1024, 64, 4194304,
		   "Page cache of each month of the message log that is open, in KiB; the "
		   "system's own cache stands behind it.");
static struct option opt_log_memory_kib =
	OPTION_INT("store.log_memory_kib", OPTION_SERVER, 32768, 256, 4194304,
		   "Memory for the newest messages' place in the log before it is sorted into "
		   "the index, in KiB; more makes writing cheaper and starting slower.");
static struct option opt_readers =
	OPTION_INT("store.readers", OPTION_SERVER, 1, 1, 16,
		   "Threads that read from the database; more helps slow disks.");
static struct option opt_backlog_kib =
	OPTION_INT("store.backlog_kib", OPTION_SERVER, 65536, 1024, 4194304,
		   "Writes that may wait for the disk, in KiB, before requests that store "
		   "something are refused.");

struct option *const store_options[] = {
	&opt_engine,	     &opt_durability, &opt_cache_kib,	&opt_log_cache_kib,
	&opt_log_memory_kib, &opt_readers,    &opt_backlog_kib, NULL,
};

void store_config_init(struct store_config *config, const struct settings *settings)
{
	*config = (struct store_config){
		.engine = engine_words[settings_enum(settings, &opt_engine)],
		.durability = (enum store_durability)settings_enum(settings, &opt_durability),
		.cache_kib = (uint32_t)settings_int(settings, &opt_cache_kib),
		.log_cache_kib = (uint32_t)settings_int(settings, &opt_log_cache_kib),
		.log_memory_kib = (uint32_t)settings_int(settings, &opt_log_memory_kib),
		.readers = (uint32_t)settings_int(settings, &opt_readers),
		.backlog_bytes = (uint64_t)settings_int(settings, &opt_backlog_kib) << 10,
	};
}

static const struct engine_class *find_engine(const char *name)
{
	static const struct engine_class *const engines[] = { &engine_sqlite, &engine_memory };

	for (size_t i = 0; i < array_len(engines); i++) {
		if (name && strcmp(engines[i]->name, name) == 0)
			return engines[i];
	}
	return NULL;
}

static int check_shapes(const struct engine_class *class, struct err *ret_err)
{
	static const char *const shape_names[] = { "doc", "map", "log", "blob" };
	const struct store_decl *decl;
	uint32_t cursor = 0;

	while ((decl = store_next(&cursor))) {
		if (!(class->shapes & 1u << decl->shape))
			return err_set(ret_err, -ENOTSUP,
				       "store %s is a %s, which the engine %s does not offer",
				       decl->name, shape_names[decl->shape], class->name);
	}
	return 0;
}

static char *path_in(const char *dir, const char *name)
{
	char *path = NULL;

	check(asprintf(&path, "%s/%s", dir, name) >= 0);
	return path;
}

/* The lock goes with the process, however that ends. */
static int lock_dir(struct store *store, struct err *ret_err)
{
	char *path = path_in(store->data_dir, "store.lock");
	int status = 0;

	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		status = err_set(ret_err, -errno, "cannot open %s: %s", path, strerror(errno));
	else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
		status = err_set(ret_err, -EBUSY,
				 "%s is in use by another process (it holds %s)",
				 store->data_dir, path);
	free(path);
	return status;
}

static int write_key(const char *path, const uint8_t key[16])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, key, 16) != 16 || fsync(fd) < 0)
		status = errno ? -errno : -EIO;
	close(fd);
	return status;
}

/* Written under another name first: a half-written key must never be read as one. */
static int create_key(struct store *store, const char *path, struct err *ret_err)
{
	char *fresh = path_in(store->data_dir, "hash.key.new");
	int status;

	random_fill(store->bucket_key, sizeof(store->bucket_key));
	unlink(fresh);
	status = write_key(fresh, store->bucket_key);
	if (status == 0 && rename(fresh, path) < 0)
		status = -errno;
	if (status < 0)
		err_set(ret_err, status, "cannot write %s: %s", path, strerror(-status));
	free(fresh);
	return status;
}

static int load_key(struct store *store, struct err *ret_err)
{
	char *path = path_in(store->data_dir, "hash.key");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status = 0;

	if (fd < 0 && errno == ENOENT)
		status = create_key(store, path, ret_err);
	else if (fd < 0)
		status = err_set(ret_err, -errno, "cannot read %s: %s", path, strerror(errno));
	else if (read(fd, store->bucket_key, 16) != 16)
		status = err_set(ret_err, -EIO, "%s is shorter than 16 bytes", path);
	if (fd >= 0)
		close(fd);
	free(path);
	return status;
}

static int open_dir(struct store *store, struct err *ret_err)
{
	int status;

	if (!store->data_dir) {
		if (store->class != &engine_memory)
			return err_set(ret_err, -EINVAL, "no data directory");
		random_fill(store->bucket_key, sizeof(store->bucket_key));
		return 0;
	}
	status = lock_dir(store, ret_err);
	if (status == 0)
		status = load_key(store, ret_err);
	return status;
}

static void store_free(struct store **store_at)
{
	struct store *store = *store_at;

	*store_at = NULL;
	store_desks_flush(store);
	store->class->close(store);
	store_desks_free(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->data_dir);
	store->magic = 0;
	free(store);
}

static struct store *store_new(const struct engine_class *class,
			       const struct store_config *config)
{
	struct store *store = calloc(1, sizeof(*store));

	check(store != NULL);
	store->magic = STORE_MAGIC;
	store->class = class;
	store->config = *config;
	store->lock_fd = -1;
	if (config->data_dir) {
		store->data_dir = strdup(config->data_dir);
		check(store->data_dir != NULL);
	}
	store->config.data_dir = store->data_dir;
	if (store->config.backlog_bytes == 0)
		store->config.backlog_bytes = (uint64_t)opt_backlog_kib.default_int << 10;
	if (store->config.cache_kib == 0)
		store->config.cache_kib = (uint32_t)opt_cache_kib.default_int;
	if (store->config.log_cache_kib == 0)
		store->config.log_cache_kib = (uint32_t)opt_log_cache_kib.default_int;
	if (store->config.log_memory_kib == 0)
		store->config.log_memory_kib = (uint32_t)opt_log_memory_kib.default_int;
	if (store->config.readers == 0)
		store->config.readers = 1;
	return store;
}

int store_open(const struct store_config *config, struct store **ret_store, struct err *ret_err)
{
	const struct engine_class *class = find_engine(config->engine);
	struct store *store;
	int status;

	if (!class)
		return err_set(ret_err, -EINVAL, "no storage engine is called %s",
			       config->engine ? config->engine : "(nothing)");
	status = check_shapes(class, ret_err);
	if (status < 0)
		return status;
	store_metrics_register();
	store = store_new(class, config);
	status = open_dir(store, ret_err);
	if (status == 0)
		status = class->open(store, ret_err);
	if (status < 0)
		store_free(&store);
	else
		*ret_store = store;
	return status;
}

void store_close(struct store **store)
{
	if (!*store)
		return;
	check_magic(*store, STORE_MAGIC);
	store_free(store);
}

bool store_has_shape(const struct store *store, enum store_shape shape)
{
	return store->class->shapes & 1u << shape;
}

uint32_t store_bucket(const struct store *store, struct bytes owner)
{
	return (uint32_t)(siphash(store->bucket_key, owner) % STORE_BUCKETS);
}

struct bytes store_domain_of(struct bytes owner)
{
	ptrdiff_t at = bytes_find_byte(owner, '@');

	return at < 0 ? owner : bytes_skip(owner, (size_t)at + 1);
}
