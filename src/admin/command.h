/*
 * The table of administrator's commands, as data: commands.def. It is read by hearthctl, which
 * parses its command line by it, and by the server (admin/call.h), which adds the handlers.
 */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include "base/bytes.h"
#include "base/text.h"

enum admin_arg_kind {
	ADMIN_ARG_END,
	ADMIN_ARG_WORD,		 /* in its place on the command line */
	ADMIN_ARG_WORD_OPTIONAL, /* last */
	ADMIN_ARG_FLAG,		 /* --name */
	ADMIN_ARG_VALUE,	 /* --name VALUE */
	ADMIN_ARG_VALUES,	 /* --name VALUE, any number of times: a list */
	ADMIN_ARG_NEW_PASSWORD,	 /* asked for twice without echo, or a line of stdin */
	ADMIN_ARG_LINES,	 /* "-": lines of stdin, sent in parts */
};

struct admin_arg {
	const char *name; /* of the member of "args" in the request */
	enum admin_arg_kind kind;
};

enum { ADMIN_ARGS_MAX = 8 };

struct admin_command {
	const char *name; /* "user add" */
	enum text help;	  /* one sentence */
	struct admin_arg args[ADMIN_ARGS_MAX];
};

enum admin_command_index {
#define COMMAND(name, function, help, args) ADMIN_COMMAND_##function,
#include "admin/commands.def"
#undef COMMAND
	ADMIN_COMMANDS
};

/* ADMIN_COMMANDS rows in the order of commands.def. */
extern const struct admin_command admin_commands[];

/* By its whole name, or NULL. */
const struct admin_command *admin_command_find(struct bytes name);
/* The command with the nearest name, or NULL if none is near. */
const struct admin_command *admin_command_nearest(struct bytes name);
/* True if some command's first word is this: "user". */
bool admin_command_has_group(struct bytes word);

#endif
