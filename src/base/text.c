#include "base/text.h"

#include "base/check.h"

static const char *const texts[TEXT_COUNT][TEXT_LANGS] = {
	[TEXT_NONE] = { "", "" },
#define TEXT(key, en, zh) [TEXT_##key] = { (en), (zh) },
#include "base/texts.def"
#undef TEXT
};

const char *text_get(enum text key, enum text_lang lang)
{
	check((unsigned int)key < TEXT_COUNT && (unsigned int)lang < TEXT_LANGS);
	return texts[key][lang];
}

/* The argument that the placeholder at the start of b stands for, or NULL if there is none. */
static const struct bytes *placeholder(struct bytes b, const struct bytes args[2])
{
	if (b.len < 3 || b.ptr[0] != '{' || b.ptr[2] != '}')
		return NULL;
	if (b.ptr[1] != '0' && b.ptr[1] != '1')
		return NULL;
	return &args[b.ptr[1] - '0'];
}

/* Writes the result to out unless that is NULL; returns its length. */
static size_t fill_in(struct bytes text, const struct bytes args[2], char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len;) {
		const struct bytes *arg = placeholder(bytes_skip(text, i), args);
		struct bytes piece = arg ? *arg : bytes_make(text.ptr + i, 1);
		if (out && piece.len > 0)
			memcpy(out + len, piece.ptr, piece.len);
		len += piece.len;
		i += arg ? 3 : 1;
	}
	return len;
}

struct bytes text_format(struct arena *arena, enum text key, enum text_lang lang,
			 struct bytes arg0, struct bytes arg1)
{
	const struct bytes args[2] = { arg0, arg1 };
	struct bytes text = bytes_of(text_get(key, lang));
	size_t len = fill_in(text, args, NULL);
	char *out = arena_alloc_raw(arena, len + 1);

	fill_in(text, args, out);
	out[len] = '\0';
	return bytes_make(out, len);
}

enum text_lang text_lang_of(struct bytes xml_lang)
{
	struct bytes primary = bytes_cut(&xml_lang, '-');

	return bytes_equal_nocase(primary, BYTES_LIT("zh")) ? TEXT_LANG_ZH : TEXT_LANG_EN;
}

struct bytes text_lang_tag(enum text_lang lang)
{
	return lang == TEXT_LANG_ZH ? BYTES_LIT("zh") : BYTES_LIT("en");
}
