#include "unit.h"

#include <errno.h>
#include <time.h>

#include "xmpp/datetime.h"

static uint64_t parse(const char *text)
{
	uint64_t us = 0;
	if (datetime_parse(bytes_of(text), &us) < 0)
		fail_msg("refused: %s", text);
	return us;
}

static void formats(void **state)
{
	char out[DATETIME_MAX_BYTES];
	uint64_t us = 1234567890123456;

	assert_text(datetime_format(out, us, 0), "2009-02-13T23:31:30Z");
	assert_text(datetime_format(out, us, 3), "2009-02-13T23:31:30.123Z");
	assert_text(datetime_format(out, us, 6), "2009-02-13T23:31:30.123456Z");
	assert_text(datetime_format(out, 0, 0), "1970-01-01T00:00:00Z");
	assert_text(datetime_format(out, 253402300799999999, 6), "9999-12-31T23:59:59.999999Z");
	assert_int_equal(datetime_format(out, 253402300799999999, 6).len,
			 DATETIME_MAX_BYTES - 1);
}

static void parses(void **state)
{
	assert_int_equal(parse("2009-02-13T23:31:30Z"), 1234567890000000);
	assert_int_equal(parse("2009-02-13T23:31:30.123456Z"), 1234567890123456);
	assert_int_equal(parse("2009-02-13T23:31:30.1234567899Z"), 1234567890123456);
	assert_int_equal(parse("2009-02-13T23:31:30.5Z"), 1234567890500000);
	assert_int_equal(parse("2009-02-14T00:31:30+01:00"), 1234567890000000);
	assert_int_equal(parse("2009-02-13T18:01:30-05:30"), 1234567890000000);
	assert_int_equal(parse("20090213T23:31:30"), 1234567890000000);
	assert_int_equal(parse("2000-02-29T00:00:00Z"), 951782400000000);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"2009",
		"2009-02-13",
		"2009-02-13T23:31:30",
		"2009-02-13 23:31:30Z",
		"2009-2-13T23:31:30Z",
		"2009-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2009-13-01T00:00:00Z",
		"2009-00-01T00:00:00Z",
		"2009-01-00T00:00:00Z",
		"2009-04-31T00:00:00Z",
		"2009-02-13T24:00:00Z",
		"2009-02-13T23:60:00Z",
		"2009-02-13T23:31:60Z",
		"2009-02-13T23:31:30.Z",
		"2009-02-13T23:31:30z",
		"2009-02-13T23:31:30Zx",
		"2009-02-13T23:31:30+1:00",
		"2009-02-13T23:31:30+15:00",
		"2009-02-13T23:31:30+01:60",
		"20090213T23:31:3x",
	};
	uint64_t us = 42;
	int minutes;

	for (size_t i = 0; i < array_len(bad); i++) {
		if (datetime_parse(bytes_of(bad[i]), &us) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(us, 42);
	assert_int_equal(datetime_parse(BYTES_LIT("1969-07-21T02:56:15Z"), &us), -ERANGE);
	assert_int_equal(datetime_parse_offset(BYTES_LIT("-06:00"), &minutes), 0);
	assert_int_equal(minutes, -360);
	assert_int_equal(datetime_parse_offset(BYTES_LIT("06:00"), &minutes), -EINVAL);
}

/* Every day of 140 years, against the C library's calendar, and back. */
static void every_day_and_back(void **state)
{
	for (uint64_t day = 0; day < 51000; day++) {
		uint64_t us = (day * 86400 + day % 86400) * 1000000;
		time_t seconds = (time_t)(us / 1000000);
		char out[DATETIME_MAX_BYTES], wanted[64];
		struct tm tm;
		gmtime_r(&seconds, &tm);
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ", &tm);
		struct bytes text = datetime_format(out, us, 0);
		assert_int_equal(text.len, strlen(wanted));
		assert_memory_equal(text.ptr, wanted, text.len);
		assert_int_equal(parse(wanted), us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(every_day_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
