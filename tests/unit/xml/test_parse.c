/* Strictness: what the parser accepts, what it refuses and with which condition. */
#include "base/clock.h"
#include "helpers.h"

#define NWF "not-well-formed"
#define RESTRICTED "restricted-xml"
#define ENCODING "unsupported-encoding"
#define POLICY "policy-violation"

static const char *const good[] = {
	"<a/>",
	"<a />",
	"<a></a >",
	"<a\n\tb = 'c'\r\nd\t=\t\"e\"/>",
	"<a b='\"' c=\"'\"/>",
	"<a b=''/>",
	"<a b='>'/>",
	"<a>&lt;&gt;&amp;&quot;&apos;</a>",
	"<a>&#65;&#x41;&#x1F600;&#00000000000000000000065;</a>",
	"<a>]] > ]</a>",
	"<a>]]</a>",
	"<a><![CDATA[]]></a>",
	"<a><![CDATA[<&]]]]></a>",
	"<a xmlns=''/>",
	"<a xmlns='' b='c'><d xmlns='urn:x'/></a>",
	"<p:a xmlns:p='urn:x' p:b='1' b='2'/>",
	"<a xmlns:p='urn:x' xmlns:q='urn:y' p:b='1' q:b='2'/>",
	"<a xmlns:p='urn:x'><p:b xmlns:p='urn:y'><p:c/></p:b><p:d/></a>",
	"<a b='1' p:c='2' xmlns:p='declared:later'/>",
	"<a xml:lang='en' xml:space='preserve'/>",
	"<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
	"<_a.b-c1/>",
	"<xmlish xmlnsish='x'/>",
	"<\xc3\xa9\xe4\xb8\xad b='\xf0\x9f\x98\x80'>\xef\xbf\xbd</\xc3\xa9\xe4\xb8\xad>",
	"<a\xc2\xb7/>",
	"<\xf0\x90\x80\x80/>", /* U+10000: a name start in the fifth edition */
	"<a b='&#10;&#13;&#9;'/>",
	"<a>\xc2\x85\xe2\x80\xa8</a>", /* NEL and LS are plain characters in XML 1.0 */
	"<a>\x7f</a>",
	"<a>\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf</a>",
};

static const struct {
	const char *xml;
	const char *condition;
} bad[] = {
	{ "", NWF },
	{ "<a>", NWF },
	{ "<a", NWF },
	{ "a/>", NWF },
	{ " <a/>", NWF },
	{ "<a/> ", NWF },
	{ "<a/><b/>", NWF },
	{ "<a></a></a>", NWF },
	{ "<a></b>", NWF },
	{ "<a></ab>", NWF },
	{ "<ab></a>", NWF },
	{ "<a><b></a></b>", NWF },
	{ "<a></a b=''>", NWF },
	{ "<a></ a>", NWF },
	{ "<a b/>", NWF },
	{ "<a b=/>", NWF },
	{ "<a b=c/>", NWF },
	{ "<a b='c'd='e'/>", NWF },
	{ "<a b='c\"/>", NWF },
	{ "<a b='<'/>", NWF },
	{ "<a b='c' b='d'/>", NWF },
	{ "<a/ >", NWF },
	{ "<a / >", NWF },
	{ "<a//>", NWF },
	{ "<1/>", NWF },
	{ "<-a/>", NWF },
	{ "<a 1='2'/>", NWF },
	{ "<a\xc3\x97/>", NWF }, /* U+00D7 is no name character */
	{ "<\xc2\xb7/>", NWF },	 /* U+00B7 cannot start one */
	{ "<a>&</a>", NWF },
	{ "<a>& b</a>", NWF },
	{ "<a>&amp</a>", NWF },
	{ "<a>&;</a>", NWF },
	{ "<a>&#;</a>", NWF },
	{ "<a>&#x;</a>", NWF },
	{ "<a>&#xZ;</a>", NWF },
	{ "<a>&#1;</a>", NWF },
	{ "<a>&#x0;</a>", NWF },
	{ "<a>&#xD800;</a>", NWF },
	{ "<a>&#xFFFE;</a>", NWF },
	{ "<a>&#x110000;</a>", NWF },
	{ "<a>&#99999999999999999999;</a>", NWF },
	{ "<a b='&#x1;'/>", NWF },
	{ "<a b='&'/>", NWF },
	{ "<a>]]></a>", NWF },
	{ "<a>]]]></a>", NWF },
	{ "<a><![CDATA[</a>", NWF },
	{ "<a><![cdata[]]></a>", NWF },
	{ "<a><!></a>", NWF },
	{ "<a>\x01</a>", NWF },
	{ "<a b='\x1f'/>", NWF },
	{ "<a>\xef\xbf\xbf</a>", NWF }, /* U+FFFF */
	{ "<a>\xef\xbf\xbe</a>", NWF },
	/* Namespaces in XML 1.0 */
	{ "<p:a/>", NWF },
	{ "<a p:b='c'/>", NWF },
	{ "<a><b xmlns:p='urn:x'/><p:c/></a>", NWF },
	{ "<:a/>", NWF },
	{ "<a:/>", NWF },
	{ "<a :b='c'/>", NWF },
	{ "<p:a:b xmlns:p='urn:x'/>", NWF },
	{ "<p:1 xmlns:p='urn:x'/>", NWF },
	{ "<a xmlns:p=''/>", NWF },
	{ "<a xmlns:='urn:x'/>", NWF },
	{ "<a xmlns='urn:x' xmlns='urn:y'/>", NWF },
	{ "<a xmlns:p='urn:x' xmlns:p='urn:y'/>", NWF },
	{ "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", NWF },
	{ "<a xmlns:p='urn:&#120;' xmlns:q='urn:x' p:b='1' q:b='2'/>", NWF },
	{ "<a xmlns:xml='urn:x'/>", NWF },
	{ "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", NWF },
	{ "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", NWF },
	{ "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", NWF },
	{ "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", NWF },
	{ "<a xmlns='http://www.w3.org/2000/xmlns/'/>", NWF },
	{ "<xmlns:a/>", NWF },
	{ "<a xml:lang='en' xml:lang='de'/>", NWF },
	/* Restricted by RFC 6120 section 11.1 */
	{ "<!-- c --><a/>", RESTRICTED },
	{ "<a><!-- c --></a>", RESTRICTED },
	{ "<?pi ?><a/>", RESTRICTED },
	{ "<a><?pi ?></a>", RESTRICTED },
	{ "<?xml version='1.0'?><a/>", RESTRICTED },
	{ "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", RESTRICTED },
	{ "<a><!DOCTYPE a></a>", RESTRICTED },
	{ "<a>&lol9;</a>", RESTRICTED },
	{ "<a b='&lol9;'/>", RESTRICTED },
	{ "<a>&nbsp;</a>", RESTRICTED },
	/* Legal, but without meaning, and it could not be forwarded. */
	{ "<xml:a/>", RESTRICTED },
	/* UTF-8 */
	{ "<a>\xff</a>", ENCODING },
	{ "<a>\x80</a>", ENCODING },
	{ "<a>\xc3</a>", ENCODING },
	{ "<a>\xc0\xaf</a>", ENCODING },
	{ "<a>\xe0\x80\xaf</a>", ENCODING },
	{ "<a>\xed\xa0\x80</a>", ENCODING }, /* a surrogate */
	{ "<a>\xf4\x90\x80\x80</a>", ENCODING },
	{ "<a>\xf8\x88\x80\x80\x80</a>", ENCODING },
	{ "<a b='\xe4\xb8'/>", ENCODING },
	{ "<\xe4\xb8/>", ENCODING },
};

static void good_elements_are_accepted(void **state)
{
	for (size_t i = 0; i < array_len(good); i++) {
		struct stanza *stanza = stanza_of(good[i]);
		stanza_unref(&stanza);
	}
}

static void expect_fault(const struct parse_context *ctx, struct bytes raw,
			 const char *condition)
{
	struct parse_error error = { 0 };
	struct stanza *stanza = NULL;
	int rc = parse_copy(ctx, raw, &stanza, &error);

	if (rc == 0)
		fail_msg("accepted: %.*s", BYTES_ARG(bytes_first(raw, 200)));
	assert_null(stanza);
	if (!bytes_is(xml_fault_condition(error.fault), condition))
		fail_msg("%.*s: got %s (%s), want %s", BYTES_ARG(bytes_first(raw, 200)),
			 xml_fault_condition(error.fault).ptr, error.reason, condition);
	assert_true(error.offset <= raw.len && error.reason != NULL);
}

static void bad_elements_are_refused_with_their_condition(void **state)
{
	for (size_t i = 0; i < array_len(bad); i++)
		expect_fault(&client, bytes_of(bad[i].xml), bad[i].condition);
}

static void a_nul_is_no_character(void **state)
{
	expect_fault(&client, BYTES_LIT("<a>\0</a>"), NWF);
	expect_fault(&client, BYTES_LIT("<a b='\0'/>"), NWF);
	expect_fault(&client, BYTES_LIT("<a\0/>"), NWF);
}

static void nothing_is_no_element(void **state)
{
	struct parse_error error = { 0 };
	struct stanza *stanza = NULL;

	assert_int_not_equal(parse_element(&client, BYTES_NONE, &stanza, &error), 0);
	assert_int_equal(error.fault, XML_FAULT_NOT_WELL_FORMED);
}

/* Every prefix and every single-byte damage: no crash, no read out of bounds. */
static void damage_is_survived(void **state)
{
	static const char xml[] =
		"<p:a xmlns:p='u&amp;' b=\"&#65;\" p:c='\r\n'>t&lt;\xe4\xb8\xad"
		"<![CDATA[x]]><b xmlns=''/>]]</p:a>";
	char copy[sizeof(xml)];

	for (size_t i = 0; i + 1 < sizeof(xml); i++) {
		struct stanza *stanza = NULL;
		assert_int_not_equal(parse_copy(&client, bytes_make(xml, i), &stanza, NULL), 0);
		for (int c = 0; c < 256; c++) {
			memcpy(copy, xml, sizeof(xml));
			copy[i] = (char)c;
			parse_copy(&client, bytes_make(copy, sizeof(xml) - 1), &stanza, NULL);
			stanza_unref(&stanza);
		}
	}
}

struct text {
	char *ptr;
	size_t len;
};

/* before, `count` times what printf makes of format and the number, after. */
static struct bytes repeat(struct text *text, const char *before, const char *format,
			   unsigned count, const char *after)
{
	size_t room =
		strlen(before) + (size_t)count * (strlen(format) + 10) + strlen(after) + 1;
	char *p = text->ptr = malloc(room);

	p = stpcpy(p, before);
	for (unsigned i = 0; i < count; i++)
		p += snprintf(p, strlen(format) + 11, format, i);
	p = stpcpy(p, after);
	return bytes_make(text->ptr, (size_t)(p - text->ptr));
}

static void expect_limit(const struct xml_limits *limits, const char *before,
			 const char *format, unsigned most, const char *after)
{
	struct parse_context ctx = client;
	struct stanza *stanza = NULL;
	struct text text;

	ctx.limits = limits;
	assert_int_equal(
		parse_copy(&ctx, repeat(&text, before, format, most, after), &stanza, NULL), 0);
	stanza_unref(&stanza);
	free(text.ptr);
	expect_fault(&ctx, repeat(&text, before, format, most + 1, after), POLICY);
	free(text.ptr);
}

static void limits_are_policy(void **state)
{
	struct xml_limits limits = xml_limits_default;

	limits.attributes = 20;
	expect_limit(&limits, "<a", " b%u=''", 20, "/>");
	expect_limit(&limits, "<a", " xmlns:b%u='u'", 20, "/>");
	limits.namespaces = 30;
	expect_limit(&limits, "<a>", "<b xmlns='u%u'/>", 29, "</a>"); /* and jabber:client */
	limits.nodes = 50;
	expect_limit(&limits, "<a>", "<b%u/>", 49, "</a>");
	limits.bytes = 100;
	expect_limit(&limits, "<a>", "x", 93, "</a>");
}

static void depth_is_limited(void **state)
{
	struct xml_limits limits = xml_limits_default;
	struct parse_context ctx = client;
	struct text text;
	struct stanza *stanza;

	limits.depth = 4;
	ctx.limits = &limits;
	assert_int_equal(
		parse_copy(&ctx, BYTES_LIT("<a><b><c><d/></c></b></a>"), &stanza, NULL), 0);
	stanza_unref(&stanza);
	expect_fault(&ctx, BYTES_LIT("<a><b><c><d><e/></d></c></b></a>"), POLICY);
	expect_fault(&client, repeat(&text, "", "<a>", 10000, "</a>"), POLICY);
	free(text.ptr);
}

static void a_huge_attribute_is_parsed_or_refused_by_size(void **state)
{
	struct xml_limits limits = xml_limits_default;
	struct parse_context ctx = client;
	struct stanza *stanza;
	struct text text;
	struct bytes raw = repeat(&text, "<a b='", "&#65;", 1 << 18, "'/>");

	expect_fault(&client, raw, POLICY);
	limits.bytes = 4 << 20;
	ctx.limits = &limits;
	assert_int_equal(parse_copy(&ctx, raw, &stanza, NULL), 0);
	assert_int_equal(xnode_attr(stanza_root(stanza), "b").len, 1 << 18);
	stanza_unref(&stanza);
	free(text.ptr);
}

/* What could be quadratic, as large as a stanza may be: milliseconds, not seconds. */
static void nothing_is_quadratic(void **state)
{
	static const struct {
		const char *before, *format, *after;
		unsigned count;
	} hostile[] = {
		{ "<a>", "<b xmlns='uuuuuuu%u'/>", "</a>", 120 },
		{ "<a xmlns:p='u'>", "<p:b/>", "</a>", 16000 },
		{ "<a>", "]]", "</a>", 100000 },
		{ "<a>", "&lt;", "</a>", 60000 },
		{ "<a>", "<![CDATA[]]>", "</a>", 20000 },
	};

	for (size_t i = 0; i < array_len(hostile); i++) {
		struct stanza *stanza = NULL;
		struct text text;
		struct bytes raw = repeat(&text, hostile[i].before, hostile[i].format,
					  hostile[i].count, hostile[i].after);
		uint64_t start = clock_cpu_ns();
		assert_int_equal(parse_element(&client, raw, &stanza, NULL), 0);
		assert_true(clock_cpu_ns() - start < 1000000000);
		stanza_unref(&stanza);
		free(text.ptr);
	}
}

/* --- stream headers --- */

#define STREAMS "xmlns:stream='http://etherx.jabber.org/streams'"

static int open_stream(const char *xml, struct arena *arena, struct stream_open *open,
		       struct parse_error *error)
{
	size_t len = strlen(xml);
	char *copy = malloc(len);
	int rc;

	memcpy(copy, xml, len);
	rc = parse_stream_open(bytes_make(copy, len), arena, open, error);
	free(copy);
	return rc;
}

static void a_header_is_read(void **state)
{
	struct stream_open open;
	struct arena arena;

	arena_init(&arena, 1000);
	assert_int_equal(
		open_stream(
			"<?xml version='1.0' encoding=\"utf-8\" standalone='yes' ?>\n"
			"<stream:stream to='ex&#97;mple.org' from='j@x' id='i' version='1.0' "
			"xml:lang='en' xmlns='jabber:client' xmlns:p='urn:x' " STREAMS ">",
			&arena, &open, NULL),
		0);
	assert_bytes(open.to, "example.org");
	assert_bytes(open.from, "j@x");
	assert_bytes(open.id, "i");
	assert_bytes(open.version, "1.0");
	assert_bytes(open.lang, "en");
	assert_bytes(open.default_ns, "jabber:client");
	assert_int_equal(open.binding_count, 2);
	assert_bytes(open.bindings[0].prefix, "p");
	assert_bytes(open.bindings[0].ns, "urn:x");
	assert_bytes(open.bindings[1].prefix, "stream");
	assert_bytes(open.bindings[1].ns, XML_NS_STREAMS);
	assert_int_equal(open_stream("<stream:stream " STREAMS ">", &arena, &open, NULL), 0);
	assert_true(bytes_is_none(open.to) && bytes_is_none(open.lang));
	assert_bytes(open.default_ns, "");
	arena_fini(&arena);
}

static const struct {
	const char *xml;
	const char *condition;
} bad_headers[] = {
	{ "<stream:stream>", NWF },
	{ "<stream:stream xmlns:stream='urn:x'>", "invalid-namespace" },
	{ "<html>", "invalid-namespace" },
	{ "<s:stream xmlns:s='http://etherx.jabber.org/streams'>", "bad-namespace-prefix" },
	{ "<stream xmlns='http://etherx.jabber.org/streams'>", "bad-namespace-prefix" },
	{ "<stream:features " STREAMS ">", "bad-format" },
	{ "<stream:stream " STREAMS "/>", "bad-format" },
	{ "<stream:stream " STREAMS " a='1' a='2'>", NWF },
	{ "<stream:stream " STREAMS " to='&x;'>", RESTRICTED },
	{ "<?xml version='1.1'?><stream:stream " STREAMS ">", NWF },
	{ "<?xml encoding='UTF-8'?><stream:stream " STREAMS ">", NWF },
	{ "<?xml version='1.0' encoding='latin1'?><stream:stream " STREAMS ">", ENCODING },
	{ "<?xml version='1.0' standalone='maybe'?><stream:stream " STREAMS ">", NWF },
	{ "<?xml version='1.0' x='y'?><stream:stream " STREAMS ">", NWF },
	{ "<?xml version='1.0'?>junk<stream:stream " STREAMS ">", NWF },
	{ "<?xml version='1.0'?>", NWF },
	{ "<?xml version='1.0'>", NWF },
	{ "<?xml version='1.0'?><!DOCTYPE x>", RESTRICTED },
	{ "<stream:stream " STREAMS " to='\xff'>", ENCODING },
	{ "<stream:stream " STREAMS
	  " xmlns:a='a' xmlns:b='a' xmlns:c='a' xmlns:d='a' xmlns:e='a' "
	  "xmlns:f='a' xmlns:g='a' xmlns:h='a'>",
	  POLICY },
};

static void bad_headers_have_their_condition(void **state)
{
	struct arena arena;

	arena_init(&arena, 1000);
	for (size_t i = 0; i < array_len(bad_headers); i++) {
		struct parse_error error = { 0 };
		struct stream_open open = { 0 };
		if (open_stream(bad_headers[i].xml, &arena, &open, &error) == 0)
			fail_msg("accepted: %s", bad_headers[i].xml);
		if (!bytes_is(xml_fault_condition(error.fault), bad_headers[i].condition))
			fail_msg("%s: got %s (%s)", bad_headers[i].xml,
				 xml_fault_condition(error.fault).ptr, error.reason);
	}
	arena_fini(&arena);
}

static void only_the_right_end_tag_closes(void **state)
{
	assert_true(parse_stream_close(BYTES_LIT("</stream:stream>")));
	assert_true(parse_stream_close(BYTES_LIT("</stream:stream\r\n >")));
	assert_false(parse_stream_close(BYTES_LIT("</stream:streams>")));
	assert_false(parse_stream_close(BYTES_LIT("</stream>")));
	assert_false(parse_stream_close(BYTES_LIT("</stream:stream a='b'>")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_elements_are_accepted),
		cmocka_unit_test(bad_elements_are_refused_with_their_condition),
		cmocka_unit_test(a_nul_is_no_character),
		cmocka_unit_test(nothing_is_no_element),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(limits_are_policy),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(a_huge_attribute_is_parsed_or_refused_by_size),
		cmocka_unit_test(nothing_is_quadratic),
		cmocka_unit_test(a_header_is_read),
		cmocka_unit_test(bad_headers_have_their_condition),
		cmocka_unit_test(only_the_right_end_tag_closes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
