/* The generator's own parts: a benchmark that measures wrongly is worse than none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec.h"
#include "hist.h"
#include "scan.h"
#include "scram.h"
#include "verify.h"

/* --- scan --- */

static const char stream[] =
	"<?xml version='1.0'?>\n<stream:stream id='a>b' xmlns='jabber:client'>"
	"<stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></"
	"stream:features>"
	" <message from=\"u1@h/b\" id='h1.2.3.4'><body>1 &lt; 2</body></message>\n"
	"<r xmlns='urn:xmpp:sm:3'/><presence/></stream:stream>";

static const enum scan_kind kinds[] = { SCAN_HEADER, SCAN_STANZA, SCAN_STANZA,
					SCAN_STANZA, SCAN_STANZA, SCAN_CLOSE };
static const char *const names[] = { "stream:stream", "stream:features", "message", "r",
				     "presence",      "/stream:stream" };

/* However the bytes are cut, the same elements come out. */
static void scan_cuts_at_any_byte(void **state)
{
	size_t total = sizeof(stream) - 1;

	for (size_t step = 1; step <= total; step++) {
		struct scan scan;
		struct bytes element;
		size_t used;
		size_t start = 0;
		size_t found = 0;

		scan_reset(&scan);
		for (size_t end = 0; end < total;) {
			end = end + step < total ? end + step : total;
			for (;;) {
				enum scan_kind kind = scan_next(
					&scan, bytes_make(stream + start, end - start),
					&element, &used);
				if (kind == SCAN_MORE)
					break;
				assert_true(found < 6);
				assert_int_equal(kind, kinds[found]);
				assert_true(scan_is(element, names[found]));
				found++;
				start += used;
			}
		}
		assert_int_equal(found, 6);
	}
}

static void scan_finds_attributes_and_text(void **state)
{
	struct bytes m = BYTES_LIT("<message xid='no' from=\"u1@h/b\" id='h1.2.3.4'>"
				   "<body a='1'>hi &amp; ho</body></message>");

	assert_true(bytes_is(scan_attr(m, BYTES_LIT("id")), "h1.2.3.4"));
	assert_true(bytes_is(scan_attr(m, BYTES_LIT("from")), "u1@h/b"));
	assert_true(bytes_is_none(scan_attr(m, BYTES_LIT("a"))));
	assert_true(bytes_is_none(scan_attr(BYTES_LIT("<presence/>"), BYTES_LIT("id"))));
	assert_true(bytes_is(scan_text(m, BYTES_LIT("<body")), "hi &amp; ho"));
	assert_true(bytes_is_none(scan_text(m, BYTES_LIT("<subject"))));
	assert_true(scan_is(m, "message"));
	assert_false(scan_is(m, "mess"));
}

/* --- hist --- */

static void hist_is_exact_within_a_percent(void **state)
{
	static struct hist hist;

	assert_int_equal(hist_quantile(&hist, .5), 0);
	for (uint64_t i = 1; i <= 1000000; i++)
		hist_add(&hist, i * 1000);
	double expected[] = { .5, .99, .999 };
	for (int i = 0; i < 3; i++) {
		double value = (double)hist_quantile(&hist, expected[i]);
		double ideal = expected[i] * 1e9;
		assert_true(value >= ideal && value <= ideal * 1.008);
	}
	assert_int_equal(hist_quantile(&hist, 1), 1000000000);
	assert_true(hist_mean(&hist) > 500000499 && hist_mean(&hist) < 500000501);
	hist_add(&hist, UINT64_MAX);
	assert_true(hist.max == UINT64_MAX);
}

/* --- verify --- */

static void mark_survives(void **state)
{
	struct mark in = { 12, MARK_ALL, 0, 1234567890123456789ULL };
	struct mark out;
	struct buf buf;

	buf_init(&buf, 0);
	mark_write(&buf, &in);
	assert_int_equal(mark_read(buf_bytes(&buf), &out), 0);
	assert_int_equal(out.from, 12);
	assert_int_equal(out.to, MARK_ALL);
	assert_int_equal(out.seq, 0);
	assert_true(out.due_ns == in.due_ns);
	buf_fini(&buf);
	assert_true(mark_read(BYTES_LIT("h1.2.3"), &out) < 0);
	assert_true(mark_read(BYTES_LIT("h1.2.3.4.5"), &out) < 0);
	assert_true(mark_read(BYTES_LIT("x1.2.3.4"), &out) < 0);
	assert_true(mark_read(BYTES_NONE, &out) < 0);
}

static struct tally arrivals(const uint32_t *seqs, size_t count)
{
	struct flow flow = { 0 };
	struct tally tally = { .sent = 100 };

	for (size_t i = 0; i < count; i++)
		flow_arrive(&flow, seqs[i], &tally);
	return tally;
}

static void flow_tells_what_went_wrong(void **state)
{
	uint32_t seqs[100];

	for (uint32_t i = 0; i < 100; i++)
		seqs[i] = i;
	struct tally good = arrivals(seqs, 100);
	assert_true(tally_is_clean(&good));
	struct tally short_by_one = arrivals(seqs, 99);
	assert_false(tally_is_clean(&short_by_one));

	seqs[50] = 51, seqs[51] = 50;
	struct tally swapped = arrivals(seqs, 100);
	assert_int_equal(swapped.reordered, 1);
	assert_int_equal(swapped.received, 100);

	seqs[50] = 50, seqs[51] = 50;
	struct tally doubled = arrivals(seqs, 100);
	assert_int_equal(doubled.duplicate, 1);
	assert_int_equal(doubled.received, 99);

	/* A gap of more than the 64 that are remembered: the late ones count as duplicates. */
	uint32_t jump[] = { 0, 99, 98, 98, 36, 35 };
	struct tally jumped = arrivals(jump, 6);
	assert_int_equal(jumped.received, 4);
	assert_int_equal(jumped.reordered, 2);
	assert_int_equal(jumped.duplicate, 2);
}

/* --- scram: the example of RFC 5802 section 5 --- */

static void scram_speaks_the_rfc(void **state)
{
	struct arena arena;
	struct scram_cache *cache = scram_cache_open(NULL);
	struct scram scram = { .arena = &arena,
			       .first_bare = BYTES_LIT("n=user,r=fyko+d2lbbFgONRv9qkxdawL") };
	struct bytes response;
	struct bytes text;

	arena_init(&arena, 1024);
	for (int round = 0; round < 2; round++) { /* the second comes from the cache */
		struct bytes challenge = base64_encode(
			&arena, BYTES_LIT("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
					  "s=QSXCR+Q6sek8bf92,i=4096"));
		assert_int_equal(scram_answer(&scram, cache, "pencil", challenge, &response),
				 0);
		assert_int_equal(base64_decode(&arena, response, &text), 0);
		assert_true(bytes_is(text,
				     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
				     "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="));
	}
	struct bytes good = base64_encode(&arena, BYTES_LIT("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
	struct bytes bad = base64_encode(&arena, BYTES_LIT("v=rmF9pqV8S7suAoZWja4dJRkFsKR="));
	assert_true(scram_is_server(&scram, good));
	assert_false(scram_is_server(&scram, bad));
	struct bytes other = base64_encode(&arena, BYTES_LIT("r=somebody,s=QSXCR+Q6,i=4096"));
	assert_true(scram_answer(&scram, cache, "pencil", other, &response) < 0);
	scram_cache_close(&cache);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_cuts_at_any_byte),
		cmocka_unit_test(scan_finds_attributes_and_text),
		cmocka_unit_test(hist_is_exact_within_a_percent),
		cmocka_unit_test(mark_survives),
		cmocka_unit_test(flow_tells_what_went_wrong),
		cmocka_unit_test(scram_speaks_the_rfc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
