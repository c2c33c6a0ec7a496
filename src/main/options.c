/* See options.h. */
#include "main/options.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "core/core.h"
#include "core/registry.h"
#include "io/shard.h"
#include "store/open.h"
#include "stream/stream.h"

static const char *const log_formats[] = { "text", "json", NULL };
static const char *const log_level_words[] = { "error", "warn", "info", "debug", NULL };

struct option opt_listen_c2s =
	OPTION_LIST("listen.c2s", OPTION_SERVER, "*:5222",
		    "Where clients connect that encrypt by STARTTLS: address:port, * for all "
		    "addresses.");
struct option opt_listen_c2s_tls = OPTION_LIST(
	"listen.c2s_tls", OPTION_SERVER, "*:5223",
	"Where clients connect that encrypt from the first byte (direct TLS, XEP-0368): "
	"address:port, * for all addresses.");
struct option opt_listen_http = OPTION_LIST("listen.http", OPTION_SERVER, "127.0.0.1:5280",
					    "Where HTTP and WebSocket are served in the clear, "
					    "for a proxy on this machine that speaks "
					    "TLS for them: address:port.");
struct option opt_listen_https = OPTION_LIST("listen.https", OPTION_SERVER, "*:5443",
					     "Where HTTP, WebSocket and XMPP share one TLS "
					     "port, so that browsers and clients behind "
					     "strict firewalls can connect (443 is the port "
					     "that passes everywhere): address:port, * "
					     "for all addresses.");
struct option opt_shards = OPTION_INT(
	"shards", OPTION_SERVER, 0, 0, 64,
	"Threads that serve clients; 0 for one per processor. May change at any start.");
struct option opt_workers = OPTION_INT(
	"workers", OPTION_SERVER, 0, 0, 64,
	"Threads for slow work such as checking passwords; 0 for one per processor.");
struct option opt_log_format =
	OPTION_ENUM("log.format", OPTION_SERVER, LOG_FORMAT_WORD_TEXT, log_formats,
		    "How log lines on stderr are written: for people or for programs.");
struct option opt_log_level = OPTION_ENUM(
	"log.level", OPTION_SERVER, LOG_INFO, log_level_words,
	"How much is logged: what fails, what is suspicious, what happens, or everything.");
struct option opt_log_levels = OPTION_LIST(
	"log.levels", OPTION_SERVER, NULL,
	"Parts of the server that log otherwise than log.level says, each as room=level: "
	"stream=debug.");
struct option opt_server_user =
	OPTION_STRING("server.user", OPTION_SERVER, NULL,
		      "The system user that hearthd becomes when it was started by root.");
struct option opt_server_group =
	OPTION_STRING("server.group", OPTION_SERVER, NULL,
		      "The system group that hearthd becomes when it was started by root; the "
		      "user's own unless it is named.");

static void register_main(void)
{
	struct option *const options[] = {
		&opt_listen_c2s, &opt_listen_c2s_tls, &opt_listen_http,	 &opt_listen_https,
		&opt_shards,	 &opt_workers,	      &opt_log_format,	 &opt_log_level,
		&opt_log_levels, &opt_server_user,    &opt_server_group,
	};
	/* Sockets, threads and identity are made once; logging may change at a reload. */
	struct option *const at_restart[] = {
		&opt_listen_c2s, &opt_listen_c2s_tls, &opt_listen_http, &opt_listen_https,
		&opt_shards,	 &opt_workers,	      &opt_server_user, &opt_server_group,
	};
	for (size_t i = 0; i < array_len(at_restart); i++)
		at_restart[i]->applies = "restart";
	for (size_t i = 0; i < array_len(options); i++)
		option_register(options[i]);
}

int options_register(const char *const *plugins, size_t plugin_count, struct err *ret_err)
{
	register_main();
	io_register_metrics();
	stream_register();
	for (size_t i = 0; store_options[i]; i++)
		option_register(store_options[i]);
	for (size_t i = 0; i < plugin_count; i++) {
		int status = registry_load(plugins[i], ret_err);
		if (status < 0)
			return status;
	}
	return core_register(ret_err);
}

static unsigned processors(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count < 1 ? 1 : count > 64 ? 64 : (unsigned)count;
}

unsigned options_shards(const struct settings *settings)
{
	int64_t count = settings_int(settings, &opt_shards);
	return count > 0 ? (unsigned)count : processors();
}

unsigned options_workers(const struct settings *settings)
{
	int64_t count = settings_int(settings, &opt_workers);
	return count > 0 ? (unsigned)count : processors();
}

int options_apply_log(const struct settings *settings, struct err *ret_err)
{
	bool is_json = settings_enum(settings, &opt_log_format) == LOG_FORMAT_WORD_JSON;
	log_setup(STDERR_FILENO, is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
	const char *level = log_level_words[settings_enum(settings, &opt_log_level)];
	check(log_set_level(BYTES_LIT("all"), bytes_of(level)) == 0);
	size_t count;
	const struct bytes *items = settings_list(settings, &opt_log_levels, &count);
	for (size_t i = 0; i < count; i++) {
		struct bytes word = items[i];
		struct bytes room = bytes_cut(&word, '=');
		if (log_set_level(room, word) < 0)
			return err_set(ret_err, -EINVAL, "log.levels: %.*s",
				       BYTES_ARG(items[i]));
	}
	return 0;
}
