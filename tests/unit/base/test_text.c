#include "unit.h"

#include <stdio.h>

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"

static const struct {
	const char *key, *en, *zh;
} texts[] = {
#define TEXT(key, en, zh) { #key, (en), (zh) },
#include "base/texts.def"
#undef TEXT
};

static bool has_placeholder(const char *text, int n)
{
	char placeholder[4] = { '{', (char)('0' + n), '}', '\0' };

	return strstr(text, placeholder) != NULL;
}

static bool has_control(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((uint8_t)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

/* Anything in braces other than {0} and {1}, or a printf conversion, is a slip. */
static bool has_foreign_placeholder(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == '{' && strncmp(at, "{0}", 3) != 0 && strncmp(at, "{1}", 3) != 0)
			return true;
		if (at[0] == '%' && at[1] != '\0' && strchr("sdiulzx.", at[1]))
			return true;
	}
	return false;
}

/* Only what the programs show on a terminal may have several lines. */
static bool is_good(const char *key, const char *text)
{
	bool may_have_lines = strncmp(key, "CTL_", 4) == 0 || strncmp(key, "ARGS_", 5) == 0;
	struct bytes rest = bytes_of(text);

	if (rest.len == 0 || !utf8_is_valid(rest) || has_foreign_placeholder(text))
		return false;
	while (may_have_lines && bytes_find_byte(rest, '\n') >= 0) {
		if (has_control(bytes_cut(&rest, '\n')))
			return false;
	}
	return !has_control(rest);
}

static bool has_chinese(const char *text)
{
	struct bytes rest = bytes_of(text);
	uint32_t c;

	while (rest.len > 0) {
		size_t len = utf8_decode(rest, &c);
		if (c >= 0x4e00 && c <= 0x9fff)
			return true;
		rest = bytes_skip(rest, len);
	}
	return false;
}

/* A text of nothing but placeholders and punctuation reads the same everywhere. */
static bool has_words(const char *text)
{
	for (; *text; text++) {
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			return true;
	}
	return false;
}

static void every_text_is_in_both_languages(void **state)
{
	assert_int_equal(array_len(texts), TEXT_COUNT - 1);
	for (size_t i = 0; i < array_len(texts); i++) {
		if (!is_good(texts[i].key, texts[i].en) || has_chinese(texts[i].en))
			fail_msg("%s: English", texts[i].key);
		if (!is_good(texts[i].key, texts[i].zh) ||
		    has_words(texts[i].en) != has_chinese(texts[i].zh))
			fail_msg("%s: Chinese", texts[i].key);
		for (int n = 0; n < 2; n++) {
			if (has_placeholder(texts[i].en, n) != has_placeholder(texts[i].zh, n))
				fail_msg("%s: {%d} is in one language only", texts[i].key, n);
		}
	}
}

static void the_checks_can_fail(void **state)
{
	assert_true(is_good("X", "a {0}"));
	assert_false(is_good("X", ""));
	assert_false(is_good("X", "a\n"));
	assert_false(is_good("X", "a\nb"));
	assert_true(is_good("CTL_X", "a\nb"));
	assert_false(is_good("CTL_X", "a\nb\r"));
	assert_false(is_good("CTL_X", "a\r\nb"));
	assert_false(is_good("X", "a {2}"));
	assert_false(is_good("X", "a %s b"));
	assert_false(is_good("X", "\xff"));
	assert_false(has_chinese("abc"));
	assert_true(has_chinese("a\xe4\xb8\xad"));
}

static void gives_texts(void **state)
{
	assert_string_equal(text_get(TEXT_NONE, TEXT_LANG_ZH), "");
	assert_string_equal(text_get(TEXT_STANZA_TOO_LARGE, TEXT_LANG_EN),
			    "The stanza is larger than this server allows.");
	assert_string_not_equal(text_get(TEXT_STANZA_TOO_LARGE, TEXT_LANG_ZH),
				text_get(TEXT_STANZA_TOO_LARGE, TEXT_LANG_EN));
}

static size_t count_of(struct bytes text, struct bytes what)
{
	size_t count = 0;
	ptrdiff_t at;

	while ((at = bytes_find(text, what)) >= 0) {
		count++;
		text = bytes_skip(text, (size_t)at + what.len);
	}
	return count;
}

/* Arguments go in once: a placeholder inside an argument is not filled in again. */
static void fills_in_arguments(void **state)
{
	size_t filled = 0;

	for (size_t i = 1; i < TEXT_COUNT; i++) {
		struct bytes text = bytes_of(text_get((enum text)i, TEXT_LANG_ZH));
		struct bytes out = text_format(scratch(), (enum text)i, TEXT_LANG_ZH,
					       BYTES_LIT("{1}"), BYTES_LIT("\x01"));
		size_t first = count_of(text, BYTES_LIT("{0}"));
		size_t second = count_of(text, BYTES_LIT("{1}"));
		assert_int_equal(out.len, text.len - 2 * second);
		assert_int_equal(count_of(out, BYTES_LIT("{0}")), 0);
		assert_int_equal(count_of(out, BYTES_LIT("{1}")), first);
		assert_int_equal(count_of(out, BYTES_LIT("\x01")), second);
		assert_int_equal(out.ptr[out.len], 0);
		filled += first + second;
	}
	assert_true(filled > 0);
	assert_bytes(text_format(scratch(), TEXT_NONE, TEXT_LANG_EN, BYTES_NONE, BYTES_NONE),
		     "");
	scratch_fini();
}

static void chooses_the_language(void **state)
{
	assert_int_equal(text_lang_of(BYTES_LIT("zh-CN")), TEXT_LANG_ZH);
	assert_int_equal(text_lang_of(BYTES_LIT("ZH")), TEXT_LANG_ZH);
	assert_int_equal(text_lang_of(BYTES_LIT("zha")), TEXT_LANG_EN);
	assert_int_equal(text_lang_of(BYTES_LIT("en-zh")), TEXT_LANG_EN);
	assert_int_equal(text_lang_of(BYTES_NONE), TEXT_LANG_EN);
	assert_bytes(text_lang_tag(TEXT_LANG_ZH), "zh");
	assert_bytes(text_lang_tag(TEXT_LANG_EN), "en");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_is_in_both_languages),
		cmocka_unit_test(the_checks_can_fail),
		cmocka_unit_test(gives_texts),
		cmocka_unit_test(fills_in_arguments),
		cmocka_unit_test(chooses_the_language),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
