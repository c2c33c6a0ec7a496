#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* One line whatever the arguments were, and no half character at its end. */
static void tidy(struct err *err)
{
	struct bytes text = bytes_make(err->text, strlen(err->text));

	err->text[utf8_truncate(text, sizeof(err->text) - 2).len] = '\0';
	for (char *at = err->text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	}
}

int err_set(struct err *ret_err, int code, const char *format, ...)
{
	va_list args;

	if (!ret_err)
		return code;
	va_start(args, format);
	ret_err->code = code;
	vsnprintf(ret_err->text, sizeof(ret_err->text), format, args);
	va_end(args);
	tidy(ret_err);
	return code;
}
