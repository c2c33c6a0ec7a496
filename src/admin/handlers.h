/* The handlers of commands.def, one function each; the table in call.c is their only caller. */
#ifndef ADMIN_HANDLERS_H
#define ADMIN_HANDLERS_H

struct admin_call;

#define COMMAND(name, function, help, args) void admin_##function(struct admin_call *call);
#include "admin/commands.def"
#undef COMMAND

#endif
