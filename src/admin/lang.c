/* See lang.h. */
#include "admin/lang.h"

#include <stdlib.h>

#include "base/check.h"

enum text_lang lang_of_environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; i < array_len(names); i++) {
		struct bytes locale = bytes_of(getenv(names[i]));
		if (locale.len > 0)
			return text_lang_of(bytes_cut(&locale, '_'));
	}
	return TEXT_LANG_EN;
}
