/* Data forms (XEP-0004): written as described, read strictly, checked against the description. */
#include "unit.h"

#include <errno.h>

#include "xml/parse.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"

static const struct form_option levels[] = { { "3", TEXT_NONE }, { "5", TEXT_NONE }, { 0 } };

static const struct form_field fields[] = {
	{ .var = "botname", .type = FORM_TEXT_SINGLE, .is_required = true },
	{ .var = "description", .type = FORM_TEXT_MULTI },
	{ .var = "public", .type = FORM_BOOLEAN, .preset = "0" },
	{ .var = "password", .type = FORM_TEXT_PRIVATE },
	{ .var = "owner", .type = FORM_JID_SINGLE },
	{ .var = "invitelist", .type = FORM_JID_MULTI },
	{ .var = "maxsubs", .type = FORM_LIST_SINGLE, .options = levels },
	{ .var = "features", .type = FORM_LIST_MULTI, .options = levels },
	{ 0 },
};

static const struct form_spec spec = { .form_type = "jabber:bot", .fields = fields };

struct read {
	struct arena arena;
	struct stanza *stanza;
	struct form form;
	const struct form_field *wrong;
};

static int read_x(struct read *read, const char *inside)
{
	struct parse_context context = { .default_ns = BYTES_LIT(NS_DATA_FORM) };
	struct bytes xml;

	*read = (struct read){ 0 };
	arena_init(&read->arena, 1024);
	xml = arena_printf(&read->arena, "<x %s</x>", inside);
	assert_int_equal(parse_element(&context, xml, &read->stanza, NULL), 0);
	return form_read(&read->arena, stanza_root(read->stanza), &read->form);
}

static void done(struct read *read)
{
	stanza_unref(&read->stanza);
	arena_fini(&read->arena);
}

static int check_x(struct read *read, const char *inside)
{
	assert_int_equal(
		read_x(read, arena_cstr(scratch(),
					arena_printf(scratch(), "type='submit'>%s", inside))),
		0);
	return form_check(&read->arena, &read->form, &spec, &read->wrong);
}

#define NAME "<field var='botname'><value>Bot</value></field>"

static void refuses_check(const char *inside, const char *wrong)
{
	struct read read;

	assert_int_equal(check_x(&read, inside), -EINVAL);
	if (wrong == NULL)
		assert_null(read.wrong);
	else
		assert_string_equal(read.wrong->var, wrong);
	done(&read);
}

static void writes(void **state)
{
	struct xml_writer w;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	xml_writer_init(&w, &out);
	form_write(&w, &spec, TEXT_LANG_EN);
	xml_writer_fini(&w);
	assert_text(buf_bytes(&out),
		    "<x xmlns='jabber:x:data' type='form'>"
		    "<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>"
		    "<field type='text-single' var='botname'><required/></field>"
		    "<field type='text-multi' var='description'/>"
		    "<field type='boolean' var='public'><value>0</value></field>"
		    "<field type='text-private' var='password'/>"
		    "<field type='jid-single' var='owner'/>"
		    "<field type='jid-multi' var='invitelist'/>"
		    "<field type='list-single' var='maxsubs'>"
		    "<option label='3'><value>3</value></option>"
		    "<option label='5'><value>5</value></option></field>"
		    "<field type='list-multi' var='features'>"
		    "<option label='3'><value>3</value></option>"
		    "<option label='5'><value>5</value></option></field></x>");
	buf_fini(&out);
}

/* The submission of section 5.1. */
static void reads(void **state)
{
	struct read read;

	(void)state;
	assert_int_equal(
		check_x(&read,
			"<field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>"
			"<field type='text-single' var='botname'><value>The Bot</value></field>"
			"<field type='text-multi' var='description'><value>One</value>"
			"<value>Two</value></field>"
			"<field type='boolean' var='public'><value>true</value></field>"
			"<field var='owner'><value> Juliet@CAPULET.com </value></field>"
			"<field type='list-multi' var='features'><value>3</value>"
			"<value>5</value></field>"
			"<field type='list-single' var='maxsubs'><value>5</value></field>"
			"<field type='jid-multi' var='invitelist'><value>a@b.lit</value>"
			"<value>A@B.lit</value><value>c@b.lit</value></field>"
			"<field var='unknown'><value>x</value></field>"),
		0);
	assert_text(form_value(&read.form, "botname"), "The Bot");
	assert_text(form_text(&read.arena, &read.form, "description"), "One\nTwo");
	assert_true(form_bool(&read.form, "public", false));
	assert_true(form_bool(&read.form, "absent", true));
	assert_text(form_value(&read.form, "owner"), "juliet@capulet.com");
	assert_int_equal(form_find(&read.form, "invitelist")->count, 2);
	assert_text(form_find(&read.form, "invitelist")->values[1], "c@b.lit");
	assert_int_equal(form_find(&read.form, "features")->count, 2);
	assert_true(bytes_is_none(form_value(&read.form, "password")));
	assert_null(form_find(&read.form, "password"));
	done(&read);
}

static void checks(void **state)
{
	struct read read;

	(void)state;
	refuses_check("", "botname");
	refuses_check("<field var='botname'/>", "botname");
	refuses_check("<field var='botname'><value/></field>", "botname");
	refuses_check("<field var='botname'><value>a</value><value>b</value></field>",
		      "botname");
	refuses_check(NAME "<field var='public'><value>yes</value></field>", "public");
	refuses_check(NAME "<field var='owner'><value>@b</value></field>", "owner");
	refuses_check(NAME "<field var='invitelist'><value>a@b</value><value>@</value></field>",
		      "invitelist");
	refuses_check(NAME "<field var='maxsubs'><value>4</value></field>", "maxsubs");
	refuses_check(NAME "<field var='maxsubs'><value>3</value><value>5</value></field>",
		      "maxsubs");
	refuses_check(NAME "<field var='FORM_TYPE'><value>other</value></field>", NULL);
	/* Section 3.6: an empty value of an optional field is none. */
	assert_int_equal(check_x(&read, NAME "<field var='owner'><value/></field>"), 0);
	assert_true(bytes_is_none(form_value(&read.form, "owner")));
	done(&read);
}

static void refuses_to_read(void **state)
{
	static const char *const bad[] = {
		">",
		"type='error'>",
		"type='submit'><field/>",
		"type='submit'><field var='a'/><field var='a'/>",
		"xmlns='other' type='submit'>",
	};
	struct read read;

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		assert_int_equal(read_x(&read, bad[i]), -EINVAL);
		done(&read);
	}
	assert_int_equal(
		read_x(&read, "type='form'><field type='fixed'><value>x</value></field>"), 0);
	assert_int_equal(form_check(&read.arena, &read.form, &spec, &read.wrong), -EINVAL);
	assert_int_equal(form_read(&read.arena, NULL, &read.form), -EINVAL);
	done(&read);
}

static void limits(void **state)
{
	struct read read;
	struct buf xml;

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		buf_init(&xml, 0);
		buf_append_cstr(&xml, "type='submit'>");
		for (int i = 0; i < FORM_FIELDS_MAX + extra; i++)
			buf_printf(&xml, "<field var='v%d'/>", i);
		assert_int_equal(read_x(&read, arena_cstr(scratch(), buf_bytes(&xml))),
				 extra ? -EINVAL : 0);
		done(&read);
		buf_reset(&xml);
		buf_append_cstr(&xml, "type='submit'><field var='v'>");
		for (int i = 0; i < FORM_VALUES_MAX + extra; i++)
			buf_append_cstr(&xml, "<value>x</value>");
		buf_append_cstr(&xml, "</field>");
		assert_int_equal(read_x(&read, arena_cstr(scratch(), buf_bytes(&xml))),
				 extra ? -EINVAL : 0);
		done(&read);
		buf_fini(&xml);
	}
	scratch_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes), cmocka_unit_test(reads),
		cmocka_unit_test(checks), cmocka_unit_test(refuses_to_read),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
