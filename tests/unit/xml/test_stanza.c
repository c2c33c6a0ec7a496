/* Sealed stanzas: facts, nodes, text, stamps, and the forwarding rule. */
#include "helpers.h"

#include "base/block.h"
#include "xml/wire.h"

static struct stanza *parse_in(const struct parse_context *ctx, const char *xml)
{
	struct stanza *stanza = NULL;

	assert_int_equal(parse_copy(ctx, bytes_of(xml), &stanza, NULL), 0);
	return stanza;
}

static void facts_of_the_root(void **state)
{
	struct stanza *s =
		stanza_of("<message to='a&amp;b' from='c' id='' type='chat' xml:lang='en' "
			  "x='1'><body>b</body></message>");

	assert_int_equal(s->kind, STANZA_MESSAGE);
	assert_bytes(s->to, "a&b");
	assert_bytes(s->from, "c");
	assert_bytes(s->claimed_from, "c");
	assert_bytes(s->id, "");
	assert_bytes(s->type, "chat");
	assert_bytes(s->lang, "en");
	assert_bytes(s->name, "message");
	assert_bytes(s->ns, "jabber:client");
	assert_bytes(s->extra_attrs, " x='1'");
	assert_bytes(stanza_tail(s), "<body>b</body></message>");
	assert_bytes(stanza_content(s), "<body>b</body>");
	assert_int_equal(s->node_count, 2);
	assert_true(s->size_bytes > sizeof(*s) && s->size_bytes < 1000);
	stanza_unref(&s);
	assert_null(s);
	stanza_unref(&s);
}

static void absent_facts_are_none(void **state)
{
	struct stanza *s = stanza_of("<presence/>");

	assert_int_equal(s->kind, STANZA_PRESENCE);
	assert_true(bytes_is_none(s->to) && bytes_is_none(s->from) && bytes_is_none(s->id));
	assert_true(bytes_is_none(s->type) && bytes_is_none(s->lang));
	assert_true(s->is_empty);
	assert_bytes(stanza_tail(s), "");
	assert_bytes(stanza_content(s), "");
	stanza_unref(&s);
}

static void kinds_need_the_content_namespace(void **state)
{
	static const struct {
		const char *xml;
		enum stanza_kind kind;
	} cases[] = {
		{ "<iq/>", STANZA_IQ },
		{ "<iq xmlns='jabber:client'/>", STANZA_IQ },
		{ "<iq xmlns='jabber:server'/>", STANZA_OTHER },
		{ "<iq xmlns=''/>", STANZA_OTHER },
		{ "<c:iq xmlns:c='jabber:client'/>", STANZA_IQ },
		{ "<c:iq xmlns:c='urn:x'/>", STANZA_OTHER },
		{ "<Message/>", STANZA_OTHER },
		{ "<auth/>", STANZA_OTHER },
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct stanza *s = stanza_of(cases[i].xml);
		assert_int_equal(s->kind, cases[i].kind);
		stanza_unref(&s);
	}
}

static void a_message_over_websocket_names_its_namespace(void **state)
{
	const struct parse_context ctx = { .content_ns = BYTES_LIT(XML_NS_CLIENT) };
	struct stanza *s =
		parse_in(&ctx, "<message xmlns='jabber:client'><body>x</body></message>");

	assert_int_equal(s->kind, STANZA_MESSAGE);
	assert_bytes(stanza_tail(s), "<body>x</body></message>");
	stanza_unref(&s);
	s = parse_in(&ctx, "<message><body>x</body></message>");
	assert_int_equal(s->kind, STANZA_OTHER);
	assert_bytes(s->ns, "");
	stanza_unref(&s);
}

static void from_is_stamped(void **state)
{
	struct parse_context ctx = client;
	struct stanza *s;

	ctx.from = BYTES_LIT("real@host/r");
	s = parse_in(&ctx, "<message from='forged@host' to='x'/>");
	assert_bytes(s->from, "real@host/r");
	assert_bytes(s->claimed_from, "forged@host");
	assert_bytes(xnode_attr(stanza_root(s), "from"), "real@host/r");
	assert_bytes(xnode_attr(stanza_root(s), "to"), "x");
	stanza_unref(&s);
	s = parse_in(&ctx, "<message to='x'/>");
	assert_bytes(s->from, "real@host/r");
	assert_true(bytes_is_none(s->claimed_from));
	assert_bytes(xnode_attr(stanza_root(s), "from"), "real@host/r");
	assert_bytes(xnode_attr(stanza_root(s), "to"), "x");
	stanza_unref(&s);
	s = parse_in(&ctx, "<r xmlns='urn:xmpp:sm:3'/>");
	assert_true(bytes_is_none(s->from));
	stanza_unref(&s);
}

static void language_is_inherited_from_the_stream(void **state)
{
	struct parse_context ctx = client;
	struct stanza *s;

	ctx.from = BYTES_LIT("j@x");
	ctx.lang = BYTES_LIT("zh");
	s = parse_in(&ctx, "<message id='1'/>");
	assert_bytes(s->lang, "zh");
	assert_bytes(xnode_attr_ns(stanza_root(s), "lang", XML_NS_XML), "zh");
	assert_bytes(xnode_attr(stanza_root(s), "from"), "j@x");
	assert_bytes(xnode_attr(stanza_root(s), "id"), "1");
	stanza_unref(&s);
	s = parse_in(&ctx, "<message xml:lang='en'/>");
	assert_bytes(s->lang, "en");
	stanza_unref(&s);
}

static void nodes_are_found(void **state)
{
	struct stanza *s =
		stanza_of("<iq><query xmlns='urn:q'><item jid='1'/> <item jid='2' "
			  "p:jid='3' xmlns:p='urn:p'/><x/></query><query xmlns='urn:r'/>"
			  "<query/></iq>");
	const struct xnode *query = xnode_find(stanza_root(s), "query", "urn:q"), *child;
	unsigned items = 0;

	assert_non_null(query);
	assert_true(xnode_is(query, "query", "urn:q"));
	assert_false(xnode_is(query, "query", NULL));
	assert_false(xnode_is(query, "quer", "urn:q"));
	assert_true(xnode_is(query, NULL, "urn:q"));
	xnode_for_each_child (child, query) {
		if (!xnode_is(child, "item", "urn:q"))
			continue;
		items++;
		assert_bytes(xnode_attr(child, "jid"), items == 1 ? "1" : "2");
	}
	assert_int_equal(items, 2);
	child = xnode_next(xnode_first_child(query));
	assert_bytes(xnode_attr_ns(child, "jid", "urn:p"), "3");
	assert_true(bytes_is_none(xnode_attr_ns(child, "jid", "urn:other")));
	assert_true(bytes_is_none(xnode_attr(child, "none")));
	assert_null(xnode_first_child(child));
	assert_bytes(xnode_ns(xnode_find(stanza_root(s), "query", NULL)), "jabber:client");
	assert_null(xnode_find(stanza_root(s), "item", "urn:q"));
	assert_null(xnode_find(NULL, "item", "urn:q"));
	stanza_unref(&s);
}

static void text_is_decoded_and_joined(void **state)
{
	static const struct {
		const char *xml;
		const char *text;
	} cases[] = {
		{ "<a/>", "" },
		{ "<a>plain</a>", "plain" },
		{ "<a>&lt;&#65;&#x1F600;&amp;amp;</a>", "<A\xf0\x9f\x98\x80&amp;" },
		{ "<a>1<b>no</b>2<c/>3</a>", "123" },
		{ "<a><![CDATA[<&]]]]>&gt;x<![CDATA[]]></a>", "<&]]>x" },
		{ "<a>x\r\ny\rz\n<![CDATA[\r\n]]>&#13;</a>", "x\ny\nz\n\n\r" },
		{ "<a>]] ></a>", "]] >" },
		{ "<a>\r</a>", "\n" },
	};
	struct arena arena;

	arena_init(&arena, 256);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct stanza *s = stanza_of(cases[i].xml);
		assert_bytes(xnode_text(stanza_root(s), &arena), cases[i].text);
		stanza_unref(&s);
	}
	arena_fini(&arena);
}

static void plain_text_is_a_slice_of_the_stanza(void **state)
{
	struct stanza *s = stanza_of("<message><body>hello</body></message>");
	struct bytes text = xnode_text(xnode_find(stanza_root(s), "body", NULL), NULL);

	assert_ptr_equal(text.ptr, stanza_tail(s).ptr + strlen("<body>"));
	stanza_unref(&s);
}

static void attribute_values_are_normalised(void **state)
{
	struct stanza *s = stanza_of(
		"<a b='1\t2\n3\r\n4\r5&#10;6&#x9;&lt;&quot;' c=\"'&apos;\" d=' x  '/>");

	assert_bytes(xnode_attr(stanza_root(s), "b"), "1 2 3 4 5\n6\t<\"");
	assert_bytes(xnode_attr(stanza_root(s), "c"), "''");
	assert_bytes(xnode_attr(stanza_root(s), "d"), " x  ");
	stanza_unref(&s);
}

/* Each: what a client of a stream with xmlns:o='urn:o' sent, and the tail that is kept. */
static const struct {
	const char *xml;
	const char *tail;
} tails[] = {
	/* self-contained: untouched */
	{ "<message><x xmlns='urn:x'><y/></x></message>",
	  "<x xmlns='urn:x'><y/></x></message>" },
	{ "<message><p:x xmlns:p='urn:x' p:a='1'><p:y/></p:x ></message>",
	  "<p:x xmlns:p='urn:x' p:a='1'><p:y/></p:x ></message>" },
	{ "<message xmlns='jabber:client'><body/></message>", "<body/></message>" },
	{ "<message xmlns:p='urn:x' p:a='1'><body/></message>", "<body/></message>" },
	{ "<message><f xmlns='urn:f'><message "
	  "xmlns='jabber:client'><body/></message></f></message>",
	  "<f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f></message>" },
	{ "<auth xmlns='urn:sasl'><x/></auth>", "<x/></auth>" },
	/* a prefix of the stream header */
	{ "<message><o:x a='1' o:b='&lt;\"'>t<z/></o:x></message>",
	  "<x xmlns='urn:o' a='1' xmlns:n1='urn:o' n1:b='&lt;&quot;'>t<z "
	  "xmlns='jabber:client'/>"
	  "</x></message>" },
	{ "<o:thing><o:x/>&amp;<![CDATA[<]]></o:thing>", "<x/>&amp;<![CDATA[<]]></thing>" },
	/* a prefix of the root */
	{ "<message xmlns:p='urn:x'><p:x><p:y/></p:x><body>b</body></message>",
	  "<x xmlns='urn:x'><y/></x><body>b</body></message>" },
	{ "<message xmlns:p='urn:x'><body p:a='1' xml:lang='en'/></message>",
	  "<body xmlns:n0='urn:x' n0:a='1' xml:lang='en'/></message>" },
	{ "<c:message xmlns:c='jabber:client'><c:body>b</c:body><x xmlns=''/></c:message>",
	  "<body>b</body><x xmlns=''/></message>" },
	{ "<p:message xmlns:p='jabber:client' xmlns='urn:other'><x/></p:message>",
	  "<x xmlns='urn:other'/></message>" },
	/* the content namespace, named where it need not be */
	{ "<message><body xmlns='jabber:client'>b</body></message>",
	  "<body>b</body></message>" },
	{ "<message><c:body xmlns:c='jabber:client'>b</c:body></message>",
	  "<body>b</body></message>" },
};

static void tails_are_self_contained(void **state)
{
	const struct xml_binding bindings[] = { { BYTES_LIT("o"), BYTES_LIT("urn:o") } };
	struct parse_context ctx = client;

	ctx.bindings = bindings;
	ctx.binding_count = 1;
	for (size_t i = 0; i < array_len(tails); i++) {
		struct stanza *s = parse_in(&ctx, tails[i].xml);
		assert_bytes(stanza_tail(s), tails[i].tail);
		stanza_unref(&s);
	}
}

/* 200 elements that each repeat a namespace of 2,000 bytes once it is written out. */
static void making_it_self_contained_may_not_make_it_huge(void **state)
{
	struct parse_error error;
	struct stanza *s;
	char xml[8000], *p = stpcpy(xml, "<a xmlns:p='");

	p = (char *)memset(p, 'u', 2000) + 2000;
	p = stpcpy(p, "'>");
	for (unsigned i = 0; i < 200; i++)
		p = stpcpy(p, "<p:b/>");
	p = stpcpy(p, "</a>");
	assert_int_not_equal(
		parse_copy(&client, bytes_make(xml, (size_t)(p - xml)), &s, &error), 0);
	assert_int_equal(error.fault, XML_FAULT_POLICY_VIOLATION);
}

static void raw_bytes_say_whether_they_need_context(void **state)
{
	struct stanza *s =
		stanza_of("<iq><query xmlns='urn:q'><item/><o xmlns='urn:o'/></query>"
			  "<body/></iq>");
	const struct xnode *query = xnode_first_child(stanza_root(s));
	const struct xnode *item = xnode_first_child(query);
	struct buf out;

	assert_bytes(xnode_raw(query),
		     "<query xmlns='urn:q'><item/><o xmlns='urn:o'/></query>");
	assert_false(query->flags & XNODE_NEEDS_CONTEXT);
	assert_true(item->flags & XNODE_NEEDS_CONTEXT);
	assert_false(xnode_next(item)->flags & XNODE_NEEDS_CONTEXT);
	buf_init(&out, 0);
	xnode_write(&out, item, BYTES_LIT("jabber:client"));
	assert_bytes(buf_bytes(&out), "<item xmlns='urn:q'/>");
	buf_reset(&out);
	xnode_write(&out, xnode_next(query), BYTES_LIT("jabber:client"));
	assert_bytes(buf_bytes(&out), "<body/>");
	buf_reset(&out);
	xnode_write(&out, xnode_next(query), BYTES_LIT("urn:q"));
	assert_bytes(buf_bytes(&out), "<body xmlns='jabber:client'/>");
	buf_fini(&out);
	stanza_unref(&s);
}

static void references_are_counted(void **state)
{
	struct stanza *s = stanza_of("<presence/>"), *same = stanza_ref(s),
		      *again = stanza_ref(s);

	stanza_unref(&s);
	stanza_unref(&again);
	assert_bytes(same->name, "presence");
	stanza_unref(&same);
}

/* One block per stanza, given back: the steady path does not reach malloc. */
static void parsing_does_not_allocate(void **state)
{
	uint64_t misses;

	for (int i = 0; i < 1000; i++) {
		struct stanza *s = NULL;
		if (i == 10)
			misses = block_misses();
		parse_element(&client, BYTES_LIT("<message to='a'><body>x</body></message>"),
			      &s, NULL);
		stanza_unref(&s);
	}
	assert_int_equal(block_misses(), misses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_the_root),
		cmocka_unit_test(absent_facts_are_none),
		cmocka_unit_test(kinds_need_the_content_namespace),
		cmocka_unit_test(a_message_over_websocket_names_its_namespace),
		cmocka_unit_test(from_is_stamped),
		cmocka_unit_test(language_is_inherited_from_the_stream),
		cmocka_unit_test(nodes_are_found),
		cmocka_unit_test(text_is_decoded_and_joined),
		cmocka_unit_test(plain_text_is_a_slice_of_the_stanza),
		cmocka_unit_test(attribute_values_are_normalised),
		cmocka_unit_test(tails_are_self_contained),
		cmocka_unit_test(making_it_self_contained_may_not_make_it_huge),
		cmocka_unit_test(raw_bytes_say_whether_they_need_context),
		cmocka_unit_test(references_are_counted),
		cmocka_unit_test(parsing_does_not_allocate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
