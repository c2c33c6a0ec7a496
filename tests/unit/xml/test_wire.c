/* Making XML: writer, builder, edits, and what goes on which wire. */
#include "helpers.h"
#include "xml/build.h"
#include "xml/edit.h"
#include "xml/wire.h"

static void assert_wire(const struct stanza *stanza, const struct wire_opts *opts,
			const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	assert_int_equal(wire_stanza(&out, stanza, opts), 0);
	assert_bytes(buf_bytes(&out), expected);
	buf_fini(&out);
}

static void the_writer_escapes_and_balances(void **state)
{
	struct xml_writer w;
	struct buf out;

	buf_init(&out, 0);
	xml_writer_init(&w, &out);
	xml_open(&w, "a", "urn:a");
	xml_attr(&w, "b", BYTES_LIT("<'\"&>\t\r\n"));
	xml_attr(&w, "none", BYTES_NONE);
	xml_attr(&w, "empty", BYTES_LIT(""));
	xml_attr_uint(&w, "n", 18446744073709551615u);
	xml_text(&w, BYTES_LIT("<'\"&>\t\r\n\xe4\xb8\xad"));
	xml_open(&w, "c", NULL);
	xml_close(&w);
	xml_raw(&w, BYTES_LIT("<raw/>"));
	xml_text(&w, BYTES_NONE);
	xml_element_text(&w, "d", BYTES_LIT("t"));
	xml_element_empty(&w, "e", "urn:e");
	xml_close(&w);
	xml_writer_fini(&w);
	assert_bytes(buf_bytes(&out),
		     "<a xmlns='urn:a' b='&lt;&apos;&quot;&amp;&gt;&#9;&#13;&#10;' empty='' "
		     "n='18446744073709551615'>&lt;'\"&amp;&gt;\t&#13;\n\xe4\xb8\xad<c/><raw/>"
		     "<d>t</d><e xmlns='urn:e'/></a>");
	buf_fini(&out);
}

static void what_xml_cannot_carry_is_replaced(void **state)
{
	struct buf out;

	buf_init(&out, 0);
	xml_escape_text(&out, BYTES_LIT("a\0b\x01\xff\xef\xbf\xbf\xc3"));
	assert_bytes(buf_bytes(&out), "a\xef\xbf\xbd"
				      "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buf_fini(&out);
}

static void an_overflow_is_seen_at_the_end(void **state)
{
	struct buf out;

	buf_init(&out, 10);
	assert_int_not_equal(xml_escape_text(&out, BYTES_LIT("&&&")), 0);
	assert_true(out.failed);
	buf_fini(&out);
}

static void builders_make_sealed_stanzas(void **state)
{
	struct stanza_head head = { .to = BYTES_LIT("a@b/c'd"),
				    .id = BYTES_LIT("1"),
				    .type = BYTES_LIT("result"),
				    .lang = BYTES_LIT("en") };
	struct builder b;
	struct stanza *s;

	builder_init(&b, STANZA_IQ, &head);
	xml_open(&b.xml, "query", "jabber:iq:version");
	xml_element_text(&b.xml, "name", BYTES_LIT("Hearth & Co"));
	xml_close(&b.xml);
	s = builder_seal(&b);
	assert_int_equal(s->kind, STANZA_IQ);
	assert_bytes(s->to, "a@b/c'd");
	assert_true(bytes_is_none(s->from));
	assert_wire(s, &wire_client,
		    "<iq to='a@b/c&apos;d' id='1' type='result' xml:lang='en'><query "
		    "xmlns='jabber:iq:version'><name>Hearth &amp; Co</name></query></iq>");
	stanza_unref(&s);
	builder_init(&b, STANZA_PRESENCE,
		     &(struct stanza_head){ .type = BYTES_LIT("unavailable") });
	s = builder_seal(&b);
	assert_true(s->is_empty);
	stanza_unref(&s);
	builder_init(&b, STANZA_MESSAGE, &(struct stanza_head){ 0 });
	builder_fini(&b);
}

static void parts_make_a_stanza_or_null(void **state)
{
	struct stanza_head head = { .to = BYTES_LIT("x") };
	struct stanza *origin = stanza_of("<iq id='7'><q xmlns='urn:q'/> &amp;</iq>");
	struct stanza *s = stanza_from_parts(STANZA_IQ, &head, stanza_content(origin));

	assert_wire(s, &wire_client, "<iq to='x'><q xmlns='urn:q'/> &amp;</iq>");
	stanza_unref(&s);
	s = stanza_from_parts(STANZA_MESSAGE, &head, BYTES_NONE);
	assert_wire(s, &wire_client, "<message to='x'/>");
	stanza_unref(&s);
	assert_null(stanza_from_parts(STANZA_IQ, &head, BYTES_LIT("</iq><iq>")));
	assert_null(stanza_from_parts(STANZA_IQ, &head, BYTES_LIT("<p:q/>")));
	stanza_unref(&origin);
}

#define EDITED                                                                                 \
	"<message to='a' id='1' x='y'><s xmlns='urn:s'/>t<s xmlns='urn:s'>2</s><body>b</body>" \
	"<s xmlns='urn:other'/></message>"

static void edits_make_a_new_stanza(void **state)
{
	struct stanza *origin = stanza_of(EDITED), *s;
	struct stanza_edit edit;
	struct arena arena;

	arena_init(&arena, 256);
	stanza_edit_init(&edit, origin, &arena);
	stanza_edit_set(&edit, STANZA_ATTR_TO, BYTES_LIT("b<c"));
	stanza_edit_set(&edit, STANZA_ATTR_ID, BYTES_NONE);
	stanza_edit_set(&edit, STANZA_ATTR_TYPE, BYTES_LIT("chat"));
	stanza_edit_remove(&edit, "s", "urn:s");
	stanza_edit_append(&edit, BYTES_LIT("<one xmlns='urn:1'/>"));
	stanza_edit_append(&edit, BYTES_LIT("<s xmlns='urn:s'>new</s>"));
	assert_true(stanza_edit_is_changed(&edit));
	s = stanza_edit_seal(&edit);
	assert_wire(
		s, &wire_client,
		"<message to='b&lt;c' type='chat' x='y'>t<body>b</body><s xmlns='urn:other'/>"
		"<one xmlns='urn:1'/><s xmlns='urn:s'>new</s></message>");
	assert_int_equal(s->kind, STANZA_MESSAGE);
	assert_wire(origin, &wire_client, EDITED);
	stanza_unref(&s);
	stanza_unref(&origin);
	arena_fini(&arena);
}

static void an_edit_of_nothing_is_the_same_stanza(void **state)
{
	struct stanza *origin = stanza_of(EDITED), *s;
	struct stanza_edit edit;
	struct arena arena;

	arena_init(&arena, 256);
	stanza_edit_init(&edit, origin, &arena);
	stanza_edit_set(&edit, STANZA_ATTR_TO, BYTES_LIT("a"));
	stanza_edit_remove(&edit, "nothing", "urn:s");
	stanza_edit_append(&edit, BYTES_NONE);
	assert_false(stanza_edit_is_changed(&edit));
	s = stanza_edit_seal(&edit);
	assert_ptr_equal(s, origin);
	stanza_unref(&s);
	stanza_edit_set(&edit, STANZA_ATTR_TYPE, BYTES_LIT(""));
	assert_true(stanza_edit_is_changed(&edit));
	stanza_unref(&origin);
	arena_fini(&arena);
}

static void one_child_is_removed(void **state)
{
	struct stanza *origin = stanza_of(EDITED), *s;
	struct stanza_edit edit;
	struct arena arena;

	arena_init(&arena, 256);
	stanza_edit_init(&edit, origin, &arena);
	stanza_edit_remove_node(&edit, xnode_next(xnode_first_child(stanza_root(origin))));
	s = stanza_edit_seal(&edit);
	assert_wire(s, &wire_client,
		    "<message to='a' id='1' x='y'><s xmlns='urn:s'/>t<body>b</body>"
		    "<s xmlns='urn:other'/></message>");
	stanza_unref(&s);
	stanza_unref(&origin);
	arena_fini(&arena);
}

static void an_empty_stanza_gets_its_first_child(void **state)
{
	struct stanza *origin = stanza_of("<presence/>"), *s;
	struct stanza_edit edit;
	struct arena arena;

	arena_init(&arena, 256);
	stanza_edit_init(&edit, origin, &arena);
	stanza_edit_append(&edit, BYTES_LIT("<x xmlns='urn:x'/>"));
	s = stanza_edit_seal(&edit);
	assert_wire(s, &wire_client, "<presence><x xmlns='urn:x'/></presence>");
	assert_non_null(xnode_find(stanza_root(s), "x", "urn:x"));
	stanza_unref(&s);
	stanza_unref(&origin);
	arena_fini(&arena);
}

static void heads_differ_by_wire(void **state)
{
	struct stanza *s =
		stanza_of("<message to='a' from='b' id='i' type='chat' xml:lang='en' "
			  "p:q='r' xmlns:p='urn:p'><body>x</body></message>");

	assert_wire(
		s, &wire_client,
		"<message from='b' to='a' id='i' type='chat' xml:lang='en' xmlns:n0='urn:p' "
		"n0:q='r'><body>x</body></message>");
	assert_wire(s, &wire_websocket,
		    "<message xmlns='jabber:client' from='b' to='a' id='i' type='chat' "
		    "xml:lang='en' xmlns:n0='urn:p' n0:q='r'><body>x</body></message>");
	stanza_unref(&s);
}

static void the_head_alone_moves_a_stanza_between_client_and_server(void **state)
{
	const struct parse_context server = { .default_ns = BYTES_LIT(XML_NS_SERVER),
					      .content_ns = BYTES_LIT(XML_NS_SERVER) };
	struct stanza *s = stanza_of("<message><body xmlns='jabber:client'>x</body></message>");
	struct stanza *arrived = NULL;

	assert_wire(s, &wire_server, "<message><body>x</body></message>");
	assert_int_equal(parse_copy(&server, BYTES_LIT("<message><body>x</body></message>"),
				    &arrived, NULL),
			 0);
	assert_int_equal(arrived->kind, STANZA_MESSAGE);
	assert_wire(arrived, &wire_client, "<message><body>x</body></message>");
	assert_wire(arrived, &wire_websocket,
		    "<message xmlns='jabber:client'><body>x</body></message>");
	stanza_unref(&s);
	stanza_unref(&arrived);
}

static void recipients_have_heads_of_their_own(void **state)
{
	struct stanza *s = stanza_of("<message to='a' from='b'><body>x</body></message>");
	struct stanza *empty = stanza_of("<presence to='a'/>");
	struct wire_opts opts = wire_client;

	opts.to = BYTES_LIT("r1&");
	opts.from = BYTES_LIT("room/\xe4\xb8\xad\xe6\x96\x87'");
	opts.insert = BYTES_LIT("<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>");
	assert_wire(s, &opts,
		    "<message from='room/\xe4\xb8\xad\xe6\x96\x87&apos;' to='r1&amp;'>"
		    "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/><body>x</body></message>");
	assert_wire(empty, &opts,
		    "<presence from='room/\xe4\xb8\xad\xe6\x96\x87&apos;' to='r1&amp;'>"
		    "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/></presence>");
	opts = wire_client;
	opts.to = BYTES_LIT("");
	assert_wire(empty, &opts, "<presence to=''/>");
	stanza_unref(&s);
	stanza_unref(&empty);
}

/* Whatever room there is: all of it or a failure, and never more than the limit. */
static void a_full_buffer_is_a_failure(void **state)
{
	static const char whole[] =
		"<message from='b&apos;&amp;&lt;&apos;' to='a' id='i'><body>x</body>"
		"</message>";
	struct stanza *s =
		stanza_of("<message to='a' from=\"b'&amp;&lt;'\" id='i'><body>x</body>"
			  "</message>");
	unsigned sent = 0;

	for (size_t limit = 1; limit < 200; limit++) {
		struct buf out;
		buf_init(&out, limit);
		if (wire_stanza(&out, s, &wire_client) == 0) {
			assert_bytes(buf_bytes(&out), whole);
			sent++;
		}
		assert_true(out.len <= limit);
		buf_fini(&out);
	}
	assert_true(sent > 20 && sent < 200 - strlen(whole));
	stanza_unref(&s);
}

static void nonzas_name_their_namespace(void **state)
{
	struct stanza *s = stanza_of("<r xmlns='urn:xmpp:sm:3'><x/></r>");

	assert_wire(s, &wire_client, "<r xmlns='urn:xmpp:sm:3'><x/></r>");
	assert_wire(s, &wire_server, "<r xmlns='urn:xmpp:sm:3'><x/></r>");
	stanza_unref(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_writer_escapes_and_balances),
		cmocka_unit_test(what_xml_cannot_carry_is_replaced),
		cmocka_unit_test(an_overflow_is_seen_at_the_end),
		cmocka_unit_test(builders_make_sealed_stanzas),
		cmocka_unit_test(parts_make_a_stanza_or_null),
		cmocka_unit_test(edits_make_a_new_stanza),
		cmocka_unit_test(an_edit_of_nothing_is_the_same_stanza),
		cmocka_unit_test(one_child_is_removed),
		cmocka_unit_test(an_empty_stanza_gets_its_first_child),
		cmocka_unit_test(heads_differ_by_wire),
		cmocka_unit_test(the_head_alone_moves_a_stanza_between_client_and_server),
		cmocka_unit_test(recipients_have_heads_of_their_own),
		cmocka_unit_test(a_full_buffer_is_a_failure),
		cmocka_unit_test(nonzas_name_their_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
