/*
 * hearthctl's command line: global switches, then a command of commands.def, then what its row
 * says that it takes. Pure: reads nothing but argv.
 */
#ifndef ADMIN_CTL_ARGS_H
#define ADMIN_CTL_ARGS_H

#include "admin/command.h"
#include "base/err.h"

struct cJSON;

struct ctl_args {
	const char *data_dir; /* NULL: not said */
	bool is_json;
	bool wants_help; /* of command, of group, or of everything */
	bool wants_version;
	struct bytes group; /* "user" of `hearthctl user --help`, or BYTES_NONE */
	const struct admin_command *command; /* NULL with wants_help or wants_version only */
	struct cJSON *values;		     /* the request's "args"; owned */
};

/* 0, or -EINVAL with a sentence in the language given; nothing is owned then. */
int ctl_args_parse(int argc, char *const *argv, enum text_lang lang, struct ctl_args *ret_args,
		   struct err *ret_err);
void ctl_args_fini(struct ctl_args *args);
/* The argument of this kind, or NULL: a password to ask for, lines to read. */
const struct admin_arg *ctl_args_of_kind(const struct admin_command *command,
					 enum admin_arg_kind kind);
/* "user add JID" in the arena. */
struct bytes ctl_args_usage(struct arena *arena, const struct admin_command *command);

#endif
