/* Framer: what it cuts, what it refuses, and that fragmentation changes nothing. */

#include "helpers.h"
#include "xml/framer.h"

#define HEADER "<?xml version='1.0'?>\n<stream:stream to='a>b' xmlns='jabber:client'>"

/* Kinds and lengths, as text: "O12 S7 _2 C16"; an error ends it. White space is joined. */
struct trace {
	char text[4096];
	size_t len;
	size_t space;
};

static void append(struct trace *trace, char letter, size_t len)
{
	trace->len +=
		(size_t)snprintf(trace->text + trace->len, sizeof(trace->text) - trace->len,
				 "%s%c%zu", trace->len ? " " : "", letter, len);
	assert_true(trace->len < sizeof(trace->text));
}

static void flush_space(struct trace *trace)
{
	if (trace->space > 0)
		append(trace, '_', trace->space);
	trace->space = 0;
}

static void note(struct trace *trace, int kind, size_t len)
{
	if (kind == FRAME_SPACE) {
		trace->space += len;
		return;
	}
	flush_space(trace);
	if (kind < 0)
		append(trace, 'E', (size_t)-kind);
	else
		append(trace, "?OSC"[kind], len);
}

static void init_framer(struct framer *framer, bool is_open, uint32_t max_bytes)
{
	framer_init(framer, max_bytes, 100);
	framer->is_open = is_open;
}

/* Feeds the input in pieces of `step` bytes; every window is a block of its own. */
static struct trace run(bool is_open, uint32_t max_bytes, struct bytes input, size_t step)
{
	struct trace trace = { .len = 0 };
	struct framer framer;
	size_t start = 0, end = 0;
	int kind = FRAME_MORE;

	init_framer(&framer, is_open, max_bytes);
	while (end < input.len && kind >= 0) {
		struct frame frame;
		end = end + step < input.len ? end + step : input.len;
		do {
			char *window = malloc(end - start + 1);
			memcpy(window, input.ptr + start, end - start);
			kind = framer_next(&framer, bytes_make(window, end - start), &frame);
			free(window);
			if (kind == FRAME_MORE)
				break;
			note(&trace, kind, frame.len);
			start += frame.offset + frame.len;
		} while (kind > 0);
	}
	flush_space(&trace);
	return trace;
}

static const struct {
	bool is_open;
	const char *input;
	const char *frames;
} cases[] = {
	{ false, HEADER, "O68" },
	{ false, "<stream:stream>", "O15" },
	{ false, "<s:s a='>' b=\"/>\">\n<a/>", "O18 _1 S4" },
	{ false, HEADER "<a/></stream:stream>", "O68 S4 C16" },
	{ false, "  <stream:stream>", "_2 O15" },
	{ true, "<a/>", "S4" },
	{ true, "<a></a>", "S7" },
	{ true, "<a><b/><c>x</c></a><d/>", "S19 S4" },
	{ true, "\r\n\t <a/> ", "_4 S4 _1" },
	{ true, "<a b='/'>'\"></a>", "S16" },
	{ true, "<a b='>' c=\"'>\"/>", "S17" },
	{ true, "<a b='</a>'><c d='\"'/></a>", "S26" },
	{ true, "<a><![CDATA[</a>]]]]></a>", "S25" },
	{ true, "<a><![CDATA[]]></a>", "S19" },
	{ true, "<a><![CDATA[]>]]></a>", "S21" },
	{ true, "<a><![CDATA[<![CDATA[]]></a>", "S28" },
	{ true, "</stream:stream>", "C16" },
	{ true, "<a><b></b ></a\n>", "S16" },
	{ true, "<\xc3\xa9/>", "S5" },
	/* Errors: 1 too large, 2 too deep, 3 restricted, 4 not well-formed, 5 bad format. */
	{ true, "<!-- -->", "E3" },
	{ true, "<a><!-- --></a>", "E3" },
	{ true, "<?pi ?>", "E3" },
	{ true, "<?xml version='1.0'?>", "E3" },
	{ true, "<a><?pi?></a>", "E3" },
	{ true, "<![CDATA[x]]>", "E3" },
	{ true, "<!DOCTYPE a>", "E3" },
	{ true, "<a><!DOCTYPE a></a>", "E3" },
	{ true, "<a><![CDATB[]]></a>", "E4" },
	{ true, "<a><!x></a>", "E4" },
	{ true, "<1/>", "E4" },
	{ true, "< a/>", "E4" },
	{ true, "<>", "E4" },
	{ true, "<a <b/>", "E4" },
	{ true, "<a></a<b>", "E4" },
	{ true, "text", "E5" },
	{ true, "<a/>x", "S4 E5" },
	{ false, "GET / HTTP/1.1", "E4" },
	{ false, "\x16\x03\x01", "E4" },
	{ false, "<!DOCTYPE x>", "E3" },
	{ false, "<?xml-stylesheet?>", "E3" },
	{ false, "<?php ?>", "E3" },
	{ false, "<?xml version='1.0'?><?xml version='1.0'?>", "E3" },
	{ false, " <?xml version='1.0'?><stream:stream>", "_1 O36" },
	{ false, "</stream:stream>", "E4" },
};

static void every_fragmentation_gives_the_same_frames(void **state)
{
	for (size_t i = 0; i < array_len(cases); i++)
		for (size_t step = 1; step <= 40; step++) {
			struct trace trace =
				run(cases[i].is_open, 1000, bytes_of(cases[i].input), step);
			if (strcmp(trace.text, cases[i].frames) != 0)
				fail_msg("%s in steps of %zu: got %s, want %s", cases[i].input,
					 step, trace.text, cases[i].frames);
		}
}

static void long_input_is_framed_alike(void **state)
{
	static const char pattern[] = "<message a='x>' b=\"'\"><body>it's &lt; \"5\" > 4</body>"
				      "<![CDATA[ ]] > <x> ]]]><y z='\"'/></message> ";
	char input[2000];
	size_t len = 0;
	struct trace whole;

	while (len + sizeof(pattern) < sizeof(input)) {
		memcpy(input + len, pattern, sizeof(pattern) - 1);
		len += sizeof(pattern) - 1;
	}
	whole = run(true, 1000, bytes_make(input, len), len);
	assert_true(whole.len > 50);
	for (size_t step = 1; step < 150; step++)
		assert_string_equal(run(true, 1000, bytes_make(input, len), step).text,
				    whole.text);
}

static void a_frame_may_be_as_large_as_the_limit_and_no_larger(void **state)
{
	char input[64];

	memset(input, 'x', sizeof(input));
	memcpy(input, "<a>", 3);
	memcpy(input + 60, "</a>", 4);
	for (size_t step = 1; step <= 64; step++) {
		assert_string_equal(run(true, 64, bytes_make(input, 64), step).text, "S64");
		assert_string_equal(run(true, 63, bytes_make(input, 64), step).text, "E1");
		/* What is wrong beyond the limit is not looked at. */
		assert_string_equal(run(true, 2, BYTES_LIT("<a><!-- -->"), step).text, "E1");
	}
}

static void limits_change_inside_a_frame(void **state)
{
	struct framer framer;
	struct frame frame;

	init_framer(&framer, true, 10);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a>456789"), &frame), FRAME_MORE);
	framer_set_limits(&framer, 20, 100);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a>456789xxx</a>"), &frame),
			 FRAME_STANZA);
	assert_int_equal(frame.len, 16);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a>456789xxx"), &frame), FRAME_MORE);
	framer_set_limits(&framer, 5, 100);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a>456789xxx"), &frame),
			 FRAME_TOO_LARGE);
}

static void depth_is_limited(void **state)
{
	struct framer framer;
	struct frame frame;

	framer_init(&framer, 1000, 3);
	framer.is_open = true;
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a><b><c/></b></a>"), &frame),
			 FRAME_STANZA);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<a><b><c><d/></c></b></a>"), &frame),
			 FRAME_TOO_DEEP);
}

static void ten_thousand_deep_is_refused(void **state)
{
	char *input = malloc(30000);

	for (size_t i = 0; i < 10000; i++)
		memcpy(input + 3 * i, "<a>", 3);
	assert_string_equal(run(true, 262144, bytes_make(input, 30000), 30000).text, "E2");
	free(input);
}

/* 1 MiB in pieces of 64 bytes: nothing is scanned twice, so this does not take quadratic time.
 */
static void a_huge_attribute_is_scanned_once(void **state)
{
	const size_t len = 1 << 20;
	struct framer framer;
	struct frame frame;
	char *input = malloc(len);

	memset(input, 'x', len);
	memcpy(input, "<a b='", 6);
	memcpy(input + len - 3, "'/>", 3);
	init_framer(&framer, true, (uint32_t)len);
	for (size_t end = 64; end < len; end += 64) {
		assert_int_equal(framer_next(&framer, bytes_make(input, end), &frame),
				 FRAME_MORE);
		assert_int_equal(framer.scanned, end);
	}
	assert_int_equal(framer_next(&framer, bytes_make(input, len), &frame), FRAME_STANZA);
	init_framer(&framer, true, 262144);
	assert_int_equal(framer_next(&framer, bytes_make(input, len), &frame), FRAME_TOO_LARGE);
	free(input);
}

static void an_error_stays_until_reset(void **state)
{
	struct framer framer;
	struct frame frame;

	framer_init(&framer, 1000, 100);
	assert_int_equal(framer_next(&framer, BYTES_LIT("x"), &frame), FRAME_NOT_WELL_FORMED);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<stream:stream>"), &frame),
			 FRAME_NOT_WELL_FORMED);
	framer_reset(&framer);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<stream:stream>"), &frame),
			 FRAME_OPEN);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<stream:stream>"), &frame),
			 FRAME_MORE);
	framer_reset(&framer);
	assert_int_equal(framer_next(&framer, BYTES_LIT("<stream:stream>"), &frame),
			 FRAME_OPEN);
}

static void errors_have_conditions(void **state)
{
	assert_bytes(xml_fault_condition(framer_fault(FRAME_TOO_LARGE)), "policy-violation");
	assert_bytes(xml_fault_condition(framer_fault(FRAME_TOO_DEEP)), "policy-violation");
	assert_bytes(xml_fault_condition(framer_fault(FRAME_RESTRICTED)), "restricted-xml");
	assert_bytes(xml_fault_condition(framer_fault(FRAME_NOT_WELL_FORMED)),
		     "not-well-formed");
	assert_bytes(xml_fault_condition(framer_fault(FRAME_BAD_FORMAT)), "bad-format");
	assert_bytes(xml_fault_condition(framer_fault(FRAME_MORE)), "");
}

static void state_is_small(void **state)
{
	assert_true(sizeof(struct framer) <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fragmentation_gives_the_same_frames),
		cmocka_unit_test(long_input_is_framed_alike),
		cmocka_unit_test(a_frame_may_be_as_large_as_the_limit_and_no_larger),
		cmocka_unit_test(limits_change_inside_a_frame),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(ten_thousand_deep_is_refused),
		cmocka_unit_test(a_huge_attribute_is_scanned_once),
		cmocka_unit_test(an_error_stays_until_reset),
		cmocka_unit_test(errors_have_conditions),
		cmocka_unit_test(state_is_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
