#include "unit.h"

#include <errno.h>

#include "xmpp/error.h"
#include "xmpp/ns.h"

static struct buf out;

static int begin(void **state)
{
	buf_init(&out, 0);
	return 0;
}

static int end(void **state)
{
	buf_fini(&out);
	return 0;
}

/* RFC 6120 section 8.3.3: twenty-two conditions, each with a type. */
static void stanza_conditions(void **state)
{
	assert_int_equal(CONDITION_COUNT - 1, 22);
	for (int i = 1; i < CONDITION_COUNT; i++) {
		enum stanza_condition condition = (enum stanza_condition)i;
		struct bytes name = bytes_of(stanza_condition_name(condition));
		enum error_type type = stanza_condition_type(condition);
		assert_int_equal(stanza_condition_find(name), condition);
		assert_int_not_equal(type, ERROR_TYPE_DEFAULT);
		assert_int_equal(error_type_find(bytes_of(error_type_name(type))), type);
	}
	assert_int_equal(stanza_condition_find(BYTES_LIT("")), CONDITION_NONE);
	assert_int_equal(stanza_condition_find(BYTES_LIT("payment-required")), CONDITION_NONE);
	assert_int_equal(stanza_condition_type(CONDITION_FORBIDDEN), ERROR_TYPE_AUTH);
	assert_int_equal(stanza_condition_type(CONDITION_JID_MALFORMED), ERROR_TYPE_MODIFY);
	assert_int_equal(stanza_condition_type(CONDITION_RESOURCE_CONSTRAINT), ERROR_TYPE_WAIT);
	assert_int_equal(error_type_find(BYTES_LIT("")), ERROR_TYPE_DEFAULT);
}

static void stream_conditions(void **state)
{
	assert_int_equal(STREAM_CONDITION_COUNT - 1, 25);
	for (int i = 1; i < STREAM_CONDITION_COUNT; i++) {
		enum stream_condition condition = (enum stream_condition)i;
		assert_int_equal(
			stream_condition_find(bytes_of(stream_condition_name(condition))),
			condition);
	}
	assert_int_equal(stream_condition_find(BYTES_LIT("")), STREAM_CONDITION_NONE);
}

#define STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define STREAMS "urn:ietf:params:xml:ns:xmpp-streams"

static void written_stanza_errors(void **state)
{
	assert_int_equal(
		error_write_stanza(
			&out, &(struct stanza_error){ .condition = CONDITION_NOT_ALLOWED }),
		0);
	assert_text(buf_bytes(&out),
		    "<error type='cancel'><not-allowed xmlns='" STANZAS "'/></error>");
	buf_reset(&out);
	error_write_stanza(&out, &(struct stanza_error){
					 .condition = CONDITION_GONE,
					 .type = ERROR_TYPE_MODIFY,
					 .by = BYTES_LIT("o'hara@example.com"),
					 .new_address = BYTES_LIT("xmpp:a@b?x;y=1&z"),
					 .text = TEXT_AUTH_WRONG,
					 .lang = TEXT_LANG_EN,
					 .extra = BYTES_LIT("<too-many xmlns='urn:x'/>") });
	assert_text(buf_bytes(&out),
		    "<error type='modify' by='o&apos;hara@example.com'><gone xmlns='" STANZAS
		    "'>xmpp:a@b?x;y=1&amp;z</gone><text xmlns='" STANZAS
		    "' xml:lang='en'>The user name or the password is wrong.</text>"
		    "<too-many xmlns='urn:x'/></error>");
}

static void written_stream_errors(void **state)
{
	buf_reset(&out);
	assert_int_equal(
		error_write_stream(
			&out,
			&(struct stream_error){ .condition = STREAM_CONDITION_SYSTEM_SHUTDOWN },
			false),
		0);
	assert_text(buf_bytes(&out),
		    "<stream:error><system-shutdown xmlns='" STREAMS "'/></stream:error>");
	buf_reset(&out);
	error_write_stream(&out,
			   &(struct stream_error){ .condition = STREAM_CONDITION_SEE_OTHER_HOST,
						   .host = BYTES_LIT("[2001:db8::1]:5222") },
			   true);
	assert_text(buf_bytes(&out), "<stream:error xmlns:stream='" NS_STREAMS
				     "'><see-other-host xmlns='" STREAMS
				     "'>[2001:db8::1]:5222</see-other-host></stream:error>");
}

static void a_full_buffer_is_told(void **state)
{
	struct buf small;

	buf_init(&small, 20);
	assert_int_equal(
		error_write_stanza(
			&small, &(struct stanza_error){ .condition = CONDITION_NOT_ALLOWED }),
		-ENOBUFS);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stanza_conditions),
		cmocka_unit_test(stream_conditions),
		cmocka_unit_test(written_stanza_errors),
		cmocka_unit_test(written_stream_errors),
		cmocka_unit_test(a_full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
