#include "unit.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

static int ends[2];
static char got[65536];

static int begin(void **state)
{
	clock_fake_start(1795179600123456); /* 2026-11-20T13:00:00.123456Z */
	assert_int_equal(pipe(ends), 0);
	return 0;
}

static int end(void **state)
{
	clock_fake_stop();
	log_setup(STDERR_FILENO, LOG_FORMAT_TEXT);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* What was logged since the last call, NUL-terminated. One read sees one write at most. */
static struct bytes read_log(void)
{
	ssize_t n;

	assert_int_equal(write(ends[1], "", 1), 1);
	n = read(ends[0], got, sizeof(got) - 1);
	assert_true(n >= 1 && got[n - 1] == '\0');
	return bytes_make(got, (size_t)n - 1);
}

static void text_line(void **state)
{
	log_setup(ends[1], LOG_FORMAT_TEXT);
	log_event(LOG_STREAM, LOG_INFO, "session.bound", LOG_STR("user", "romeo@example.org"),
		  LOG_INT("n", -3), LOG_UINT("big", UINT64_MAX), LOG_SECRET("password"));
	assert_bytes(read_log(), "2026-11-20T13:00:00.123Z INFO stream session.bound "
				 "user=\"romeo@example.org\" n=-3 big=18446744073709551615 "
				 "password=***\n");
	log_event(LOG_MAIN, LOG_ERROR, "boot.failed");
	assert_bytes(read_log(), "2026-11-20T13:00:00.123Z ERROR main boot.failed\n");
}

static void json_line(void **state)
{
	log_setup(ends[1], LOG_FORMAT_JSON);
	log_event(LOG_FEATURE, LOG_WARN, "a.b", LOG_STR("user", "r\"\\\n"), LOG_INT("n", 3),
		  LOG_SECRET("password"));
	assert_bytes(read_log(), "{\"time\":\"2026-11-20T13:00:00.123Z\",\"level\":\"WARN\","
				 "\"room\":\"feature\",\"event\":\"a.b\","
				 "\"user\":\"r\\\"\\\\\\n\",\"n\":3,\"password\":\"***\"}\n");
}

/* The value as it stands between the quotes of v="…" in a text or JSON line. */
static struct bytes logged_value(enum log_format format, struct bytes value)
{
	struct bytes head =
		format == LOG_FORMAT_JSON ? BYTES_LIT("\"v\":\"") : BYTES_LIT("v=\"");
	struct bytes tail = format == LOG_FORMAT_JSON ? BYTES_LIT("\"}\n") : BYTES_LIT("\"\n");
	struct bytes line;
	ptrdiff_t at;

	log_setup(ends[1], format);
	log_event(LOG_CORE, LOG_INFO, "x", LOG_BYTES("v", value));
	line = read_log();
	at = bytes_find(line, head);
	assert_true(at >= 0);
	line = bytes_skip(line, (size_t)at + head.len);
	assert_true(line.len >= tail.len);
	assert_memory_equal(line.ptr + line.len - tail.len, tail.ptr, tail.len);
	return bytes_first(line, line.len - tail.len);
}

static void nobody_forges_a_line(void **state)
{
	static const struct {
		const char *value, *text, *json;
	} cases[] = {
		{ "a\nINFO x\" b=\"1", "a\\nINFO x\\\" b=\\\"1", "a\\nINFO x\\\" b=\\\"1" },
		{ "\r\t\x1b[2J\x7f", "\\u000d\\u0009\\u001b[2J\\u007f",
		  "\\u000d\\u0009\\u001b[2J\\u007f" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029", "\\u2028\\u2029" },
		{ "\xc2\x85", "\\u0085", "\\u0085" },
		{ "\xe2\x80\xae"
		  "txt",
		  "\\u202etxt", "\\u202etxt" },
		{ "\xff\xc3", "\\xff\\xc3", "\\ufffd\\ufffd" },
		{ "\xe4\xb8\xad\xf0\x9f\x98\x80", "\xe4\xb8\xad\xf0\x9f\x98\x80",
		  "\xe4\xb8\xad\xf0\x9f\x98\x80" },
		{ "\\n", "\\\\n", "\\\\n" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes value = bytes_of(cases[i].value);
		assert_true(bytes_is(logged_value(LOG_FORMAT_TEXT, value), cases[i].text));
		assert_true(bytes_is(logged_value(LOG_FORMAT_JSON, value), cases[i].json));
	}
}

/* Whatever byte a peer sends, the line ends where we end it and stays UTF-8. */
static void every_byte_stays_inside(void **state)
{
	for (int first = 0; first < 256; first++) {
		for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
			char raw[3] = { (char)first, '"', '\n' };
			struct bytes shown =
				logged_value((enum log_format)format, bytes_make(raw, 3));
			assert_true(utf8_is_valid(shown));
			assert_int_equal(bytes_find_byte(shown, '\n'), -1);
			for (size_t i = 0; i < shown.len; i++) {
				assert_true((uint8_t)shown.ptr[i] >= 0x20);
				if (shown.ptr[i] == '\\')
					i++;
				else
					assert_int_not_equal(shown.ptr[i], '"');
			}
		}
	}
}

static void long_values_are_cut(void **state)
{
	static char big[100000];
	struct bytes shown, line;

	memset(big, '\x01', sizeof(big));
	shown = logged_value(LOG_FORMAT_JSON, bytes_make(big, sizeof(big)));
	assert_int_equal(shown.len, 512 * 6);
	for (size_t i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "\xe4\xb8\xad", 3);
	shown = logged_value(LOG_FORMAT_TEXT, bytes_make(big, sizeof(big)));
	assert_int_equal(shown.len, 510);
	assert_true(utf8_is_valid(shown));

	memset(big, '\x01', sizeof(big));
	log_setup(ends[1], LOG_FORMAT_JSON);
	log_event(LOG_CORE, LOG_INFO, "x", LOG_BYTES("a", bytes_make(big, 512)),
		  LOG_BYTES("b", bytes_make(big, 512)), LOG_INT("c", 1));
	line = read_log();
	assert_true(line.len <= 4096);
	assert_memory_equal(line.ptr + line.len - 13, ",\"cut\":true}\n", 13);
}

static void levels_are_per_room(void **state)
{
	log_setup(ends[1], LOG_FORMAT_TEXT);
	assert_false(log_is_on(LOG_IO, LOG_DEBUG));
	log_event(LOG_IO, LOG_DEBUG, "hidden");
	assert_int_equal(read_log().len, 0);
	assert_int_equal(log_set_level(BYTES_LIT("io"), BYTES_LIT("debug")), 0);
	assert_true(log_is_on(LOG_IO, LOG_DEBUG));
	assert_false(log_is_on(LOG_STORE, LOG_DEBUG));
	log_event(LOG_IO, LOG_DEBUG, "seen");
	assert_true(bytes_find(read_log(), BYTES_LIT("DEBUG io seen\n")) > 0);
	assert_int_equal(log_set_level(BYTES_LIT("all"), BYTES_LIT("Error")), 0);
	assert_false(log_is_on(LOG_IO, LOG_WARN));
	assert_int_equal(log_set_level(BYTES_LIT("attic"), BYTES_LIT("info")), -EINVAL);
	assert_int_equal(log_set_level(BYTES_LIT("io"), BYTES_LIT("loud")), -EINVAL);
	assert_int_equal(log_set_level(BYTES_LIT("all"), BYTES_LIT("info")), 0);
}

enum { WRITERS = 2, LINES = 200 };

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_event(LOG_CORE, LOG_INFO, "x", LOG_STR("who", arg), LOG_INT("i", i));
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	pthread_t threads[WRITERS];
	struct bytes rest, line;
	int seen = 0;

	log_setup(ends[1], LOG_FORMAT_TEXT);
	pthread_create(&threads[0], NULL, write_lines, "aaaaaaaaaaaaaaaa");
	pthread_create(&threads[1], NULL, write_lines, "bbbbbbbbbbbbbbbb");
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	rest = read_log();
	while (rest.len > 0) {
		line = bytes_cut(&rest, '\n');
		assert_true(bytes_find(line, BYTES_LIT("\"aaaaaaaaaaaaaaaa\" i=")) > 0 ||
			    bytes_find(line, BYTES_LIT("\"bbbbbbbbbbbbbbbb\" i=")) > 0);
		seen++;
	}
	assert_int_equal(seen, WRITERS * LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_line),
		cmocka_unit_test(json_line),
		cmocka_unit_test(nobody_forges_a_line),
		cmocka_unit_test(every_byte_stays_inside),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(levels_are_per_room),
		cmocka_unit_test(lines_of_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
