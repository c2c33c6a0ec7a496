/* hearthd's command line. */
#ifndef MAIN_ARGS_H
#define MAIN_ARGS_H

#include "base/err.h"
#include "base/text.h"

enum { ARGS_SETS_MAX = 256, ARGS_PLUGINS_MAX = 32 };

enum args_action {
	ARGS_SERVE,
	ARGS_CHECK_CONFIG,
	ARGS_SAMPLE_CONFIG,
	ARGS_FEATURES,
	ARGS_VERSION,
	ARGS_HELP,
};

/* Points into argv. */
struct args {
	enum args_action action;
	const char *config_path; /* NULL: none */
	const char *data_dir;	 /* "data" unless said */
	const char *sets[ARGS_SETS_MAX];
	size_t set_count;
	const char *plugins[ARGS_PLUGINS_MAX];
	size_t plugin_count;
};

/* 0, or -EINVAL with a sentence in the language given. */
int args_parse(int argc, char *const *argv, enum text_lang lang, struct args *ret_args,
	       struct err *ret_err);

#endif
