#include "unit.h"

#include <errno.h>

#include "xmpp/jid.h"
#include "xmpp/precis.h"

static struct arena arena = { .chunk_bytes = 4096 };

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct jid parse(const char *text)
{
	struct jid jid = JID_NONE;
	enum jid_fault fault = JID_FAULT_NONE;

	if (jid_parse(&arena, bytes_of(text), &jid, &fault) < 0)
		fail_msg("\"%s\": %s", text, jid_fault_name(fault));
	return jid;
}

static enum jid_fault fault_of(const char *text)
{
	struct jid jid = JID_NONE;
	enum jid_fault fault = JID_FAULT_NONE;

	if (jid_parse(&arena, bytes_of(text), &jid, &fault) == 0)
		fail_msg("\"%s\" was accepted", text);
	assert_true(jid_is_none(jid));
	return fault;
}

/* RFC 7622 section 3.5, table 1. */
static void table_of_valid_addresses(void **state)
{
	static const char *const rows[][4] = {
		{ "juliet@example.com", "juliet", "example.com", NULL },
		{ "juliet@example.com/foo", "juliet", "example.com", "foo" },
		{ "juliet@example.com/foo bar", "juliet", "example.com", "foo bar" },
		{ "juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar" },
		{ "foo\\20bar@example.com", "foo\\20bar", "example.com", NULL },
		{ "fussball@example.com", "fussball", "example.com", NULL },
		{ "fu\u00DFball@example.com", "fu\u00DFball", "example.com", NULL },
		{ "\u03C0@example.com", "\u03C0", "example.com", NULL },
		{ "\u03A3@example.com/foo", "\u03C3", "example.com", "foo" },
		{ "\u03C3@example.com/foo", "\u03C3", "example.com", "foo" },
		{ "\u03C2@example.com/foo", "\u03C2", "example.com", "foo" },
		{ "king@example.com/\u265A", "king", "example.com", "\u265A" },
		{ "example.com", NULL, "example.com", NULL },
		{ "example.com/foobar", NULL, "example.com", "foobar" },
		{ "a.example.com/b@example.net", NULL, "a.example.com", "b@example.net" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct jid jid = parse(rows[i][0]);
		assert_true(bytes_equal(jid_local(jid), bytes_of(rows[i][1])));
		assert_text(jid_domain(jid), rows[i][2]);
		assert_true(bytes_equal(jid_resource(jid), bytes_of(rows[i][3])));
		assert_int_equal(jid_is_full(jid), rows[i][3] != NULL);
		assert_int_equal(jid_is_bare(jid), rows[i][3] == NULL);
		assert_int_equal(jid_is_domain(jid), !rows[i][1] && !rows[i][3]);
	}
}

/*
 * RFC 7622 section 3.5, table 2. Row 18 (a resourcepart that starts with a space) is left out:
 * the text's rule for resourceparts, OpaqueString, allows it, and so do we.
 */
static void table_of_invalid_addresses(void **state)
{
	assert_int_equal(fault_of("\"juliet\"@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("foo bar@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("@example.com/"), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("henry\u2163@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u265A@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("juliet@"), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("/foobar"), JID_FAULT_EMPTY);
	assert_text(parse("juliet@example.com/ foo").full, "juliet@example.com/ foo");
}

static void empty_parts_are_refused_one_by_one(void **state)
{
	assert_int_equal(fault_of(""), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("@example.com"), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("juliet@example.com/"), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("example.com/"), JID_FAULT_EMPTY);
	assert_int_equal(fault_of("juliet@."), JID_FAULT_EMPTY);
	struct jid jid;
	assert_int_equal(jid_parse(&arena, BYTES_NONE, &jid, NULL), -EINVAL);
}

static void ascii_is_lowered_and_resources_are_not(void **state)
{
	assert_text(parse("Juliet@EXAMPLE.com/Balcony").full, "juliet@example.com/Balcony");
	assert_text(parse("user@CaSe-InSeNsItIvE").full, "user@case-insensitive");
	assert_true(jid_equal(parse("A@B.c/D"), parse("a@b.C/D")));
	assert_false(jid_equal(parse("a@b.c/D"), parse("a@b.c/d")));
	assert_true(jid_bare_equal(parse("a@b.c/D"), parse("A@b.c/d")));
	assert_false(jid_equal(parse("a@b.c"), parse("b.c/a")));
	/* The same bytes may be cut in two ways only by a parser that errs. */
	assert_int_equal(jid_bare(parse("a@b/c@d")).len, 3);
}

/* RFC 7622 section 3.3.1: the eight that UsernameCaseMapped would allow. */
static void local_excludes_eight_characters(void **state)
{
	char text[] = "a?b@example.com";

	for (const char *c = "\"&':<>"; *c; c++) {
		text[1] = *c;
		assert_int_equal(fault_of(text), JID_FAULT_LOCAL);
	}
	for (const char *c = "!#$%()*+,-.;=?[\\]^_`{|}~"; *c; c++) {
		text[1] = *c;
		assert_text(parse(text).full, text);
	}
	assert_int_equal(fault_of("a@b@example.com"), JID_FAULT_DOMAIN);
	/* The same by way of width mapping: fullwidth @ / : < and fullwidth space. */
	assert_int_equal(fault_of("a\uFF20b@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\uFF0Fb@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\uFF1Ab@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\uFF1Cb@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\u3000b@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\x01"
				  "b@example.com"),
			 JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\x7f@example.com"), JID_FAULT_LOCAL);
}

static void local_is_mapped(void **state)
{
	assert_text(parse("\uFF2Auliet@example.com").full, "juliet@example.com");
	assert_text(parse("\u00C9mile@example.com").full, "\u00E9mile@example.com");
	assert_text(parse("e\u0301mile@example.com").full, "\u00E9mile@example.com");
	assert_text(parse("\uFF76\uFF9E@example.com").full, "\u30AC@example.com");
	assert_text(parse("\u4E2D\u6587@example.com").full, "\u4E2D\u6587@example.com");
	/* Sharp s stays, and is not ss. */
	assert_false(
		jid_equal(parse("fu\u00DFball@example.com"), parse("fussball@example.com")));
	/* HasCompat: the ligature fi would look like "fi". */
	assert_int_equal(fault_of("\uFB01le@example.com"), JID_FAULT_LOCAL);
	/* Default ignorable, unassigned, noncharacter, private use, old Hangul. */
	assert_int_equal(fault_of("a\u00AD@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\u0378@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\uFFFF@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\uE000@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\u1100@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\u0640@example.com"), JID_FAULT_LOCAL);
}

/* RFC 5893 section 2. */
static void local_obeys_the_bidi_rule(void **state)
{
	assert_text(parse("\u05D0\u05D1@example.com").full, "\u05D0\u05D1@example.com");
	assert_text(parse("\u0627\u06311@example.com").full, "\u0627\u06311@example.com");
	assert_text(parse("\u05D0\u05B0@example.com").full, "\u05D0\u05B0@example.com");
	assert_int_equal(fault_of("a\u05D0@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u05D0a@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("1\u05D0@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u05D0-@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u06271\u0661@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u0661@example.com"), JID_FAULT_LOCAL);
	/* Resourceparts have no direction. */
	assert_text(parse("example.com/a\u05D0").full, "example.com/a\u05D0");
}

/* RFC 5892 appendix A. */
static void context_decides(void **state)
{
	/* A.1 ZWNJ, A.2 ZWJ: after a virama; ZWNJ also between joining letters */
	assert_false(jid_is_none(parse("\u0915\u094D\u200C\u0937@example.com")));
	assert_false(jid_is_none(parse("\u0915\u094D\u200D\u0937@example.com")));
	assert_false(jid_is_none(parse("\u0628\u200C\u0628@example.com")));
	assert_false(jid_is_none(parse("\u0628\u064B\u200C\u064B\u0628@example.com")));
	assert_int_equal(fault_of("a\u200Cb@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u200C@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u0628\u200C@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("\u0628\u200D\u0628@example.com"), JID_FAULT_LOCAL);
	/* A.3 middle dot */
	assert_false(jid_is_none(parse("l\u00B7l@example.com")));
	assert_int_equal(fault_of("l\u00B7@example.com"), JID_FAULT_LOCAL);
	assert_int_equal(fault_of("a\u00B7l@example.com"), JID_FAULT_LOCAL);
	/* A.4 keraia, A.5 geresh, A.6 gershayim */
	assert_false(jid_is_none(parse("\u0375\u03B2@example.com")));
	assert_int_equal(fault_of("\u0375b@example.com"), JID_FAULT_LOCAL);
	assert_false(jid_is_none(parse("\u05D0\u05F3@example.com")));
	assert_false(jid_is_none(parse("\u05D0\u05F4\u05D1@example.com")));
	assert_int_equal(fault_of("\u05F3\u05D0@example.com"), JID_FAULT_LOCAL);
	/* A.7 katakana middle dot */
	assert_false(jid_is_none(parse("\u30A2\u30FB@example.com")));
	assert_int_equal(fault_of("a\u30FB@example.com"), JID_FAULT_LOCAL);
	/* A.8, A.9 two kinds of Arabic digits */
	assert_false(jid_is_none(parse("\u0627\u0661\u0662@example.com")));
	assert_false(jid_is_none(parse("\u0627\u06F1@example.com")));
	assert_int_equal(fault_of("example.com/\u0627\u0661\u06F1"), JID_FAULT_RESOURCE);
	assert_int_equal(fault_of("example.com/\u06F1\u0661"), JID_FAULT_RESOURCE);
}

static void resources_are_opaque(void **state)
{
	assert_text(parse("a@b/\u00A0x\u3000y").full, "a@b/ x y");
	assert_text(parse("a@b/E\u0301").full, "a@b/\u00C9");
	assert_text(parse("a@b/\uFB01 \u2163 \uFF21").full, "a@b/\uFB01 \u2163 \uFF21");
	assert_text(parse("a@b/\xF0\x9F\x8D\xBA").full, "a@b/\xF0\x9F\x8D\xBA");
	assert_int_equal(fault_of("a@b/x\ty"), JID_FAULT_RESOURCE);
	assert_int_equal(fault_of("a@b/\xC2\x85"), JID_FAULT_RESOURCE);
	assert_int_equal(fault_of("a@b/\u202E"), JID_FAULT_RESOURCE);
	struct jid jid;
	enum jid_fault fault;
	assert_int_equal(jid_parse(&arena, BYTES_LIT("a@b/x\0y"), &jid, &fault), -EINVAL);
}

static void bytes_that_are_not_utf8(void **state)
{
	assert_int_equal(fault_of("\xC0\xAF@example.com"), JID_FAULT_ENCODING);
	assert_int_equal(fault_of("a@ex\xFFmple.com"), JID_FAULT_ENCODING);
	assert_int_equal(fault_of("a@example.com/\xED\xA0\x80"), JID_FAULT_ENCODING);
	assert_int_equal(fault_of("a@example.com/\xE2\x99"), JID_FAULT_ENCODING);
}

static void host_names(void **state)
{
	assert_text(parse("a@example.com.").full, "a@example.com");
	assert_text(parse("a@example.com./r").full, "a@example.com/r");
	assert_text(parse("a@localhost").full, "a@localhost");
	assert_text(parse("a@1-2.x").full, "a@1-2.x");
	assert_text(parse("a@B\u00FCcher.example").full, "a@b\u00FCcher.example");
	assert_text(parse("a@bu\u0308cher.example").full, "a@b\u00FCcher.example");
	assert_text(parse("a@xn--bcher-kva.example").full, "a@b\u00FCcher.example");
	assert_text(parse("a@XN--BCHER-KVA.Example").full, "a@b\u00FCcher.example");
	assert_text(parse("a@\u4F8B\u5B50.\u6D4B\u8BD5").full, "a@\u4F8B\u5B50.\u6D4B\u8BD5");
	assert_text(parse("a@example\u3002com").full, "a@example.com");
	assert_text(parse("a@example.com\u3002").full, "a@example.com");
	assert_text(parse("a@\uFF45xample.com").full, "a@example.com");
	assert_text(parse("a@fa\u00DF.de").full, "a@fa\u00DF.de");
}

static void what_is_no_host_name(void **state)
{
	static const char *const bad[] = {
		"a@.example.com", "a@example..com", "a@example.com..", "a@-example.com",
		"a@example-.com", "a@exa_mple.com", "a@exa mple.com",  "a@exa:mple",
		"a@ab--cd.com",	  "a@xn--.com",	    "a@xn--a.com",     "a@xn--example.com",
		"a@\u265A.com",	  "a@i\u2764.ws",   "a@a\uFF0Fb.com",  "a@a\uFF20b.com",
	};

	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(fault_of(bad[i]), JID_FAULT_DOMAIN);
}

static void ip_literals(void **state)
{
	assert_text(parse("user@192.168.1.1/x").full, "user@192.168.1.1/x");
	assert_text(parse("[::1]").full, "[::1]");
	assert_text(parse("a@[2001:DB8:0:0::1]/x").full, "a@[2001:db8::1]/x");
	assert_text(parse("a@[::ffff:192.0.2.1]").full, "a@[::ffff:192.0.2.1]");
	assert_int_equal(fault_of("a@[::1"), JID_FAULT_DOMAIN);
	assert_int_equal(fault_of("a@[]"), JID_FAULT_DOMAIN);
	assert_int_equal(fault_of("a@[fe80::1%25eth0]"), JID_FAULT_DOMAIN);
	assert_int_equal(fault_of("a@[192.168.1.1]"), JID_FAULT_DOMAIN);
	assert_int_equal(fault_of("a@[::1]x"), JID_FAULT_DOMAIN);
}

static struct bytes repeat(const char *unit, size_t times, const char *before,
			   const char *after)
{
	struct bytes all = bytes_make(arena_alloc(&arena, strlen(unit) * times + 64), 0);
	char *p = (char *)(uintptr_t)all.ptr;

	p = stpcpy(p, before);
	for (size_t i = 0; i < times; i++)
		p = stpcpy(p, unit);
	p = stpcpy(p, after);
	return bytes_make(all.ptr, (size_t)(p - all.ptr));
}

static void assert_too_long(struct bytes text)
{
	struct jid jid;
	enum jid_fault fault = JID_FAULT_NONE;

	assert_int_equal(jid_parse(&arena, text, &jid, &fault), -EINVAL);
	assert_int_equal(fault, JID_FAULT_TOO_LONG);
}

static void limits_count_bytes(void **state)
{
	struct jid jid;

	assert_int_equal(jid_parse(&arena, repeat("a", 1023, "", "@b"), &jid, NULL), 0);
	assert_int_equal(jid.local_len, 1023);
	assert_too_long(repeat("a", 1024, "", "@b"));
	assert_int_equal(jid_parse(&arena, repeat("r", 1023, "a@b/", ""), &jid, NULL), 0);
	assert_too_long(repeat("r", 1024, "a@b/", ""));
	assert_int_equal(jid_parse(&arena, repeat("\u03C0", 511, "", "@b"), &jid, NULL), 0);
	assert_too_long(repeat("\u03C0", 512, "", "@b"));
	assert_too_long(repeat("\u265A", 342, "a@b/", ""));
	assert_too_long(repeat("r", 100000, "a@b/", "\u265A"));
	/* 600 fullwidth letters are 1,800 bytes, and 600 when mapped. */
	assert_int_equal(jid_parse(&arena, repeat("\uFF41", 600, "", "@b"), &jid, NULL), 0);
	assert_int_equal(jid.local_len, 600);
	/* Labels have 63 bytes at most, domainparts 1,023. */
	assert_int_equal(jid_parse(&arena, repeat("d", 63, "a@", ".x"), &jid, NULL), 0);
	assert_int_equal(jid_parse(&arena, repeat("d", 64, "a@", ".x"), &jid, NULL), -EINVAL);
	assert_int_equal(jid_parse(&arena, repeat("abc.", 255, "a@", "xyz"), &jid, NULL), 0);
	assert_int_equal(jid.domain_len, 1023);
	assert_too_long(repeat("abc.", 256, "a@", "xyz"));
	assert_too_long(repeat("ABC.", 256, "a@", "xyz"));
	assert_int_equal(jid_parse(&arena, repeat("\u00FC", 64, "a@", ".x"), &jid, NULL),
			 -EINVAL);
}

static void borrows_when_nothing_changes(void **state)
{
	struct bytes text = BYTES_LIT("juliet@example.com/Balcony"), upper = BYTES_LIT("A@b");
	struct jid jid;

	assert_int_equal(jid_parse_borrowed(&arena, text, &jid, NULL), 0);
	assert_ptr_equal(jid.full.ptr, text.ptr);
	assert_int_equal(jid_parse(&arena, text, &jid, NULL), 0);
	assert_ptr_not_equal(jid.full.ptr, text.ptr);
	assert_int_equal(jid_parse_borrowed(&arena, upper, &jid, NULL), 0);
	assert_ptr_not_equal(jid.full.ptr, upper.ptr);
	assert_text(jid.full, "a@b");
	assert_true(jid_equal(jid_from_normal(text), parse("juliet@example.com/Balcony")));
}

static void making_and_changing(void **state)
{
	struct jid jid, other;
	struct bytes part;

	assert_int_equal(jid_make(&arena, BYTES_LIT("Juliet"), BYTES_LIT("EXAMPLE.com."),
				  BYTES_NONE, &jid, NULL),
			 0);
	assert_text(jid.full, "juliet@example.com");
	assert_int_equal(jid_with_resource(&arena, jid, BYTES_LIT("a/b@c"), &other), 0);
	assert_text(other.full, "juliet@example.com/a/b@c");
	assert_text(jid_resource(other), "a/b@c");
	assert_true(jid_equal(jid_to_bare(other), jid));
	assert_text(jid_to_domain(other).full, "example.com");
	assert_int_equal(jid_with_resource(&arena, other, BYTES_NONE, &jid), 0);
	assert_true(jid_is_bare(jid));
	assert_int_equal(jid_with_resource(&arena, jid, BYTES_LIT(""), &other), -EINVAL);
	assert_int_equal(
		jid_make(&arena, BYTES_LIT("a/b"), BYTES_LIT("c"), BYTES_NONE, &jid, NULL),
		-EINVAL);
	assert_int_equal(
		jid_make(&arena, BYTES_LIT("a"), BYTES_LIT("c/d"), BYTES_NONE, &jid, NULL),
		-EINVAL);
	assert_int_equal(jid_prepare_local(&arena, BYTES_LIT("ROMEO"), &part), 0);
	assert_text(part, "romeo");
	assert_int_equal(jid_prepare_domain(&arena, BYTES_LIT("xn--bcher-kva"), &part), 0);
	assert_text(part, "b\u00FCcher");
	assert_int_equal(jid_prepare_resource(&arena, BYTES_LIT(""), &part), -EINVAL);
}

/* RFC 8264 section 8 and RFC 5892 appendix B.1, a sample of each line. */
static void precis_properties(void **state)
{
	static const struct {
		uint32_t c;
		enum precis_property property;
	} rows[] = {
		{ 0x20, PRECIS_FREE_PVAL },    { 0x21, PRECIS_PVALID },
		{ 0x7E, PRECIS_PVALID },       { 0x7F, PRECIS_DISALLOWED },
		{ 0x00, PRECIS_DISALLOWED },   { 0xA0, PRECIS_FREE_PVAL },
		{ 0xAD, PRECIS_DISALLOWED },   { 0xB7, PRECIS_CONTEXTO },
		{ 0xDF, PRECIS_PVALID },       { 0x1C5, PRECIS_FREE_PVAL },
		{ 0x301, PRECIS_PVALID },      { 0x378, PRECIS_UNASSIGNED },
		{ 0x488, PRECIS_FREE_PVAL },   { 0x640, PRECIS_DISALLOWED },
		{ 0x660, PRECIS_CONTEXTO },    { 0x1160, PRECIS_DISALLOWED },
		{ 0x200D, PRECIS_CONTEXTJ },   { 0x2028, PRECIS_DISALLOWED },
		{ 0x212B, PRECIS_FREE_PVAL },  { 0x2163, PRECIS_FREE_PVAL },
		{ 0x265A, PRECIS_FREE_PVAL },  { 0x3007, PRECIS_PVALID },
		{ 0x3031, PRECIS_DISALLOWED }, { 0x4E2D, PRECIS_PVALID },
		{ 0xAC00, PRECIS_PVALID },     { 0xE000, PRECIS_DISALLOWED },
		{ 0xFDD0, PRECIS_DISALLOWED }, { 0xFE0F, PRECIS_DISALLOWED },
		{ 0x1F600, PRECIS_FREE_PVAL }, { 0x1FFFF, PRECIS_DISALLOWED },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		if (precis_property(rows[i].c) != rows[i].property)
			fail_msg("U+%04X is %d", rows[i].c, precis_property(rows[i].c));
	}
}

static void domains_as_dns_writes_them(void **state)
{
	static const struct {
		const char *normal;
		const char *ascii;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "bücher.example", "xn--bcher-kva.example" },
		{ "例え.jp", "xn--r8jz45g.jp" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "[2001:db8::1]", "[2001:db8::1]" },
	};

	(void)state;
	for (size_t i = 0; i < array_len(rows); i++) {
		struct bytes ascii = jid_domain_to_ascii(scratch(), bytes_of(rows[i].normal));
		assert_true(bytes_is(ascii, rows[i].ascii));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_valid_addresses),
		cmocka_unit_test(table_of_invalid_addresses),
		cmocka_unit_test(empty_parts_are_refused_one_by_one),
		cmocka_unit_test(ascii_is_lowered_and_resources_are_not),
		cmocka_unit_test(local_excludes_eight_characters),
		cmocka_unit_test(local_is_mapped),
		cmocka_unit_test(local_obeys_the_bidi_rule),
		cmocka_unit_test(context_decides),
		cmocka_unit_test(resources_are_opaque),
		cmocka_unit_test(bytes_that_are_not_utf8),
		cmocka_unit_test(host_names),
		cmocka_unit_test(what_is_no_host_name),
		cmocka_unit_test(ip_literals),
		cmocka_unit_test(limits_count_bytes),
		cmocka_unit_test(borrows_when_nothing_changes),
		cmocka_unit_test(making_and_changing),
		cmocka_unit_test(precis_properties),
		cmocka_unit_test(domains_as_dns_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
