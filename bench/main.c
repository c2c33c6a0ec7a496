/* load: the load generator's command line. See README.md beside this file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "scenario.h"

static const struct scenario *const scenarios[] = {
	&scenario_process, &scenario_idle,   &scenario_login,
	&scenario_chat,	   &scenario_rate,   &scenario_subscribe,
	&scenario_collect, &scenario_roster, &scenario_presence,
};

static const char usage[] =
	"usage: load SCENARIO [option…]\n"
	"  --host ADDRESS --port N      where the server listens (127.0.0.1, 5222)\n"
	"  --domain NAME                (localhost)\n"
	"  --tls none|starttls|direct   (none)\n"
	"  --pid N                      the server's process, with its children; repeatable\n"
	"  --server NAME --version TEXT --case TEXT   for the results\n"
	"  --relay                      talk to bench/relay\n"
	"  --prefix TEXT --password TEXT --users N    accounts TEXT0 … (u, benchmark)\n"
	"  --setup LIST                 after bind: roster,carbons,sm,presence\n"
	"  --seconds S --window N --rate N --body-bytes N --concurrency N --contacts N\n"
	"  --full-jid                   chat with sessions, not accounts\n"
	"  --out FILE                   append the result, a JSON line\n"
	"  --patience S                 what has not come after so long is lost (10)\n"
	"  --cache FILE                 keep salted passwords between runs\n"
	"scenarios:\n";

enum {
	OPT_HOST = 256,
	OPT_PORT,
	OPT_DOMAIN,
	OPT_TLS,
	OPT_PID,
	OPT_SERVER,
	OPT_VERSION,
	OPT_CASE,
	OPT_RELAY,
	OPT_PREFIX,
	OPT_PASSWORD,
	OPT_USERS,
	OPT_SETUP,
	OPT_SECONDS,
	OPT_WINDOW,
	OPT_RATE,
	OPT_BODY,
	OPT_CONCURRENCY,
	OPT_CONTACTS,
	OPT_FULL_JID,
	OPT_OUT,
	OPT_CACHE,
	OPT_PATIENCE,
};

static const struct option long_options[] = {
	{ "host", required_argument, NULL, OPT_HOST },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "tls", required_argument, NULL, OPT_TLS },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "version", required_argument, NULL, OPT_VERSION },
	{ "case", required_argument, NULL, OPT_CASE },
	{ "relay", no_argument, NULL, OPT_RELAY },
	{ "prefix", required_argument, NULL, OPT_PREFIX },
	{ "password", required_argument, NULL, OPT_PASSWORD },
	{ "users", required_argument, NULL, OPT_USERS },
	{ "setup", required_argument, NULL, OPT_SETUP },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "body-bytes", required_argument, NULL, OPT_BODY },
	{ "concurrency", required_argument, NULL, OPT_CONCURRENCY },
	{ "contacts", required_argument, NULL, OPT_CONTACTS },
	{ "full-jid", no_argument, NULL, OPT_FULL_JID },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "patience", required_argument, NULL, OPT_PATIENCE },
	{ NULL, 0, NULL, 0 },
};

_Noreturn static void fail_usage(const char *what, const char *value)
{
	if (what)
		fprintf(stderr, "load: %s: %s\n", what, value);
	fputs(usage, stderr);
	for (size_t i = 0; i < array_len(scenarios); i++)
		fprintf(stderr, "  %-10s %s\n", scenarios[i]->name, scenarios[i]->summary);
	exit(2);
}

static uint32_t parse_number(const char *text)
{
	uint64_t n;

	if (bytes_to_u64(bytes_of(text), &n) != 0 || n > 100000000)
		fail_usage("not a number", text);
	return (uint32_t)n;
}

static enum load_tls parse_tls(const char *text)
{
	struct bytes name = bytes_of(text);

	if (bytes_is(name, "none"))
		return LOAD_TLS_NONE;
	if (bytes_is(name, "starttls"))
		return LOAD_TLS_STARTTLS;
	if (!bytes_is(name, "direct"))
		fail_usage("unknown --tls", text);
	return LOAD_TLS_DIRECT;
}

static uint32_t parse_setup(const char *text)
{
	struct bytes rest = bytes_of(text);
	uint32_t setup = 0;

	while (rest.len > 0) {
		struct bytes word = bytes_cut(&rest, ',');
		if (bytes_is(word, "roster"))
			setup |= LOAD_SETUP_ROSTER;
		else if (bytes_is(word, "carbons"))
			setup |= LOAD_SETUP_CARBONS;
		else if (bytes_is(word, "sm"))
			setup |= LOAD_SETUP_SM;
		else if (bytes_is(word, "presence"))
			setup |= LOAD_SETUP_PRESENCE;
		else
			fail_usage("unknown --setup", text);
	}
	return setup;
}

static void add_pid(struct proc_set *procs, const char *text)
{
	if (procs->count == PROC_ROOTS_MAX)
		fail_usage("too many --pid", text);
	procs->roots[procs->count++] = (pid_t)parse_number(text);
}

static void set_option(struct load_options *opt, int option, const char *value)
{
	switch (option) {
	case OPT_HOST:
		opt->host = value;
		break;
	case OPT_PORT:
		opt->port = (uint16_t)parse_number(value);
		break;
	case OPT_DOMAIN:
		opt->domain = value;
		break;
	case OPT_TLS:
		opt->tls = parse_tls(value);
		break;
	case OPT_PID:
		add_pid(&opt->procs, value);
		break;
	case OPT_SERVER:
		opt->server = value;
		break;
	case OPT_VERSION:
		opt->version = value;
		break;
	case OPT_CASE:
		opt->label = value;
		break;
	case OPT_RELAY:
		opt->is_relay = true;
		break;
	case OPT_PREFIX:
		opt->prefix = value;
		break;
	case OPT_PASSWORD:
		opt->password = value;
		break;
	case OPT_USERS:
		opt->users = parse_number(value);
		break;
	case OPT_SETUP:
		opt->setup = parse_setup(value);
		break;
	case OPT_SECONDS:
		opt->seconds = atof(value);
		break;
	case OPT_WINDOW:
		opt->window = parse_number(value);
		break;
	case OPT_RATE:
		opt->rate = parse_number(value);
		break;
	case OPT_BODY:
		opt->body_bytes = parse_number(value);
		break;
	case OPT_CONCURRENCY:
		opt->concurrency = parse_number(value);
		break;
	case OPT_CONTACTS:
		opt->contacts = parse_number(value);
		break;
	case OPT_FULL_JID:
		opt->to_full_jid = true;
		break;
	case OPT_OUT:
		opt->out = value;
		break;
	case OPT_CACHE:
		opt->cache = value;
		break;
	case OPT_PATIENCE:
		opt->patience_s = atof(value);
		break;
	default:
		fail_usage(NULL, NULL);
	}
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < array_len(scenarios); i++) {
		if (strcmp(scenarios[i]->name, name) == 0)
			return scenarios[i];
	}
	fail_usage("unknown scenario", name);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct load_options opt = {
		.server = "unknown",
		.version = "",
		.label = "",
		.host = "127.0.0.1",
		.domain = "localhost",
		.prefix = "u",
		.password = "benchmark",
		.port = 5222,
		.window = 1,
		.rate = 1000,
		.body_bytes = 140,
		.concurrency = 16,
		.contacts = 50,
		.seconds = 5,
		.patience_s = 10,
	};

	int option = getopt_long(argc, argv, "", long_options, NULL);
	for (; option != -1; option = getopt_long(argc, argv, "", long_options, NULL))
		set_option(&opt, option, optarg);
	if (optind + 1 != argc)
		fail_usage("expected", "one scenario");
	const struct scenario *scenario = find_scenario(argv[optind]);
	if (opt.is_relay && !scenario->has_relay)
		fail_usage("the relay cannot do", scenario->name);
	if (opt.users == 0)
		opt.users = scenario->users;
	if (opt.rate == 0 || opt.window == 0 || opt.concurrency == 0)
		fail_usage("must not be 0", "--rate, --window, --concurrency");
	raise_file_limit();
	setvbuf(stdout, NULL, _IOLBF, 0);
	return scenario->run(&opt);
}
