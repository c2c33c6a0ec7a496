/* See command.h. */
#include "admin/command.h"

#include "base/check.h"
#include "base/option.h"

/* How commands.def writes its arguments. */
#define ARGS_NONE                           \
	{                                   \
		{                           \
			NULL, ADMIN_ARG_END \
		}                           \
	}
#define ARGS(...)                           \
	{                                   \
		__VA_ARGS__,                \
		{                           \
			NULL, ADMIN_ARG_END \
		}                           \
	}
#define ARG_WORD(n)                 \
	{                           \
		(n), ADMIN_ARG_WORD \
	}
#define ARG_WORD_OPTIONAL(n)                 \
	{                                    \
		(n), ADMIN_ARG_WORD_OPTIONAL \
	}
#define ARG_FLAG(n)                 \
	{                           \
		(n), ADMIN_ARG_FLAG \
	}
#define ARG_VALUE(n)                 \
	{                            \
		(n), ADMIN_ARG_VALUE \
	}
#define ARG_VALUES(n)                 \
	{                             \
		(n), ADMIN_ARG_VALUES \
	}
#define ARG_NEW_PASSWORD(n)                 \
	{                                   \
		(n), ADMIN_ARG_NEW_PASSWORD \
	}
#define ARG_LINES(n)                 \
	{                            \
		(n), ADMIN_ARG_LINES \
	}

const struct admin_command admin_commands[] = {
#define COMMAND(name, function, help, args) { name, TEXT_##help, args },
#include "admin/commands.def"
#undef COMMAND
};

const struct admin_command *admin_command_find(struct bytes name)
{
	for (size_t i = 0; i < ADMIN_COMMANDS; i++)
		if (bytes_is(name, admin_commands[i].name))
			return &admin_commands[i];
	return NULL;
}

const struct admin_command *admin_command_nearest(struct bytes name)
{
	const struct admin_command *nearest = NULL;
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < ADMIN_COMMANDS; i++)
		if (option_is_near(name, bytes_of(admin_commands[i].name), &best))
			nearest = &admin_commands[i];
	return nearest;
}

bool admin_command_has_group(struct bytes word)
{
	for (size_t i = 0; i < ADMIN_COMMANDS; i++) {
		struct bytes rest = bytes_of(admin_commands[i].name);
		if (bytes_equal(bytes_cut(&rest, ' '), word) && !bytes_is_none(rest))
			return true;
	}
	return false;
}
