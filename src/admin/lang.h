/* The language of the person at the terminal, for both programs. */
#ifndef ADMIN_LANG_H
#define ADMIN_LANG_H

#include "base/text.h"

/* From LC_ALL, LC_MESSAGES or LANG, the first that is set ("zh_CN.UTF-8" is Chinese). */
enum text_lang lang_of_environment(void);

#endif
