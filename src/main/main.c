/*
 * hearthd. It is executed twice: by a person, who gets a supervisor, and by the supervisor, who
 * gets a worker. Both read arguments and configuration in the same way. Exit codes: 0 stopped
 * as asked, 1 could not serve, 2 wrong arguments.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/lang.h"
#include "base/check.h"
#include "base/log.h"
#include "core/registry.h"
#include "main/args.h"
#include "main/config.h"
#include "main/datadir.h"
#include "main/options.h"
#include "main/privileges.h"
#include "main/sockets.h"
#include "main/supervise.h"
#include "main/worker.h"

enum { EXIT_STOPPED = 0, EXIT_CANNOT_SERVE = 1, EXIT_USAGE = 2 };

static int fail(int code, const char *text)
{
	fprintf(stderr, "hearthd: %s\n", text);
	return code;
}

/* --- what only prints --- */

static struct bytes joined(struct bytes list, struct bytes item)
{
	return arena_printf(scratch(), "%.*s%s%.*s", BYTES_ARG(list), list.len ? ", " : "",
			    BYTES_ARG(item));
}

static struct bytes list_of(const struct settings *settings, const struct option *option)
{
	size_t count;
	const struct bytes *items = settings_list(settings, option, &count);
	struct bytes list = BYTES_LIT("");
	for (size_t i = 0; i < count; i++)
		list = joined(list, items[i]);
	return list.len ? list : BYTES_LIT("-");
}

static void print(enum text text, enum text_lang lang, struct bytes arg0, struct bytes arg1)
{
	printf("%.*s\n", BYTES_ARG(text_format(scratch(), text, lang, arg0, arg1)));
}

static int check_config(const struct args *args, const struct config *config,
			enum text_lang lang)
{
	char path[PATH_MAX];
	const char *absolute = realpath(args->data_dir, path);
	struct bytes names = BYTES_LIT("");
	for (size_t i = 0; i < config->domain_count; i++)
		names = joined(names, config->domains[i].name);
	print(TEXT_CHECK_CONFIG, lang,
	      bytes_of(args->config_path ? args->config_path
					 : text_get(TEXT_CHECK_NO_FILE, lang)),
	      BYTES_NONE);
	print(TEXT_CHECK_DATA_DIR, lang, bytes_of(absolute ? absolute : args->data_dir),
	      BYTES_NONE);
	print(TEXT_CHECK_DOMAINS, lang, names, BYTES_NONE);
	print(TEXT_CHECK_LISTEN, lang, list_of(config->server, &opt_listen_c2s),
	      list_of(config->server, &opt_listen_c2s_tls));
	print(TEXT_CHECK_WEB, lang, list_of(config->server, &opt_listen_http),
	      list_of(config->server, &opt_listen_https));
	return EXIT_STOPPED;
}

static void print_protocols(void)
{
	static const struct {
		const char *name, *specification, *version, *sentence;
	} protocols[] = {
#define PROTOCOL(name, specification, version, sentence) \
	{ name, specification, version, sentence },
#include "core/protocols.def"
#undef PROTOCOL
	};

	for (size_t i = 0; i < array_len(protocols); i++)
		printf("%-16s %-9s %-7s %s\n", protocols[i].name, protocols[i].specification,
		       protocols[i].version, protocols[i].sentence);
}

static int print_features(void)
{
	print_protocols();
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct feature *feature = registry_at(i);
		printf("%-16s %-9s %-7s %s\n", feature->name,
		       feature->xep ? arena_printf(scratch(), "XEP-%s", feature->xep).ptr : "-",
		       feature->version ? feature->version : "-",
		       feature->summary ? feature->summary : "");
	}
	return EXIT_STOPPED;
}

/* --- serving --- */

static int supervise(char *const *argv, const struct args *args, const struct config *config,
		     enum text_lang lang)
{
	struct inherited_fd fds[SUPERVISE_FDS_MAX];
	struct supervise_plan plan = { .argv = argv, .fds = fds };
	struct err err;
	int lock;
	if (datadir_lock(args->data_dir, lang, &lock, &err) < 0 ||
	    sockets_open(config->server, fds, &plan.fd_count, &err) < 0 ||
	    privileges_drop(config->server, args->data_dir, &err) < 0)
		return fail(EXIT_CANNOT_SERVE, err.text);
	struct arena arena; /* scratch() is the supervisor's */
	arena_init(&arena, 256);
	plan.poison_dir = arena_printf(&arena, "%s/poison", args->data_dir).ptr;
	int code = supervise_run(&plan);
	arena_fini(&arena);
	for (size_t i = 0; i < plan.fd_count; i++)
		close(fds[i].fd);
	close(lock);
	return code;
}

static int with_config(char *const *argv, const struct args *args, struct config **config,
		       enum text_lang lang)
{
	struct err err;
	if (options_apply_log((*config)->server, &err) < 0)
		return fail(EXIT_CANNOT_SERVE, err.text);
	if (args->action == ARGS_CHECK_CONFIG)
		return check_config(args, *config, lang);
	if (!worker_is_supervised())
		return supervise(argv, args, *config, lang);
	struct config *taken = *config;
	*config = NULL;
	return worker_run(args, taken);
}

static int act(char *const *argv, const struct args *args, enum text_lang lang)
{
	struct config *config;
	struct err err;
	if (options_register(args->plugins, args->plugin_count, &err) < 0)
		return fail(EXIT_CANNOT_SERVE, err.text);
	if (args->action == ARGS_FEATURES)
		return print_features();
	if (args->action == ARGS_SAMPLE_CONFIG) {
		config_write_sample(stdout, lang);
		return EXIT_STOPPED;
	}
	if (config_load(args->config_path, args->sets, args->set_count, lang, &config, &err) <
	    0)
		return fail(EXIT_CANNOT_SERVE, err.text);
	int code = with_config(argv, args, &config, lang);
	config_free(&config);
	return code;
}

int main(int argc, char **argv)
{
	enum text_lang lang = lang_of_environment();
	struct args args;
	struct err err;
	int code = EXIT_STOPPED;
	umask(0077); /* what is kept here is somebody's messages */
	if (args_parse(argc, argv, lang, &args, &err) < 0) {
		fail(EXIT_USAGE, err.text);
		fprintf(stderr, "%s\n", text_get(TEXT_ARGS_USAGE, lang));
		return EXIT_USAGE;
	}
	if (args.action == ARGS_VERSION)
		printf("hearthd %s\n", HEARTH_VERSION);
	else if (args.action == ARGS_HELP)
		printf("%s\n", text_get(TEXT_ARGS_USAGE, lang));
	else
		code = act(argv, &args, lang);
	scratch_fini();
	return fflush(stdout) == 0 ? code : EXIT_CANNOT_SERVE;
}
