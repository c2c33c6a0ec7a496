/*
 * Texts that a person can read, in English and Chinese, by key. texts.def is the only place
 * where such literals stand; %s-style placeholders are not used: {0} and {1} are.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"

enum text_lang { TEXT_LANG_EN, TEXT_LANG_ZH, TEXT_LANGS };

enum text {
	TEXT_NONE,
#define TEXT(key, en, zh) TEXT_##key,
#include "base/texts.def"
#undef TEXT
	TEXT_COUNT
};

/* NUL-terminated, static. TEXT_NONE gives "". */
const char *text_get(enum text key, enum text_lang lang);
/* {0} and {1} replaced by the arguments, in the arena. */
struct bytes text_format(struct arena *arena, enum text key, enum text_lang lang,
			 struct bytes arg0, struct bytes arg1);
/* From an xml:lang such as "zh-CN" or "en"; anything unknown is English. */
enum text_lang text_lang_of(struct bytes xml_lang);
/* "en" or "zh". */
struct bytes text_lang_tag(enum text_lang lang);

#endif
