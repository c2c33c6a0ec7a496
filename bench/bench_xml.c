/*
 * What one element costs: framer, strict parser and sealing, then a wire head, an edit and a
 * built IQ result. CPU time of this thread, best of five rounds (the machine may be shared).
 *
 * 	bench_xml [iterations]			a table for people
 * 	bench_xml iterations name		one row only: for callgrind, whose difference
 * between two run lengths is the instructions per element
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "xml/build.h"
#include "xml/edit.h"
#include "xml/framer.h"
#include "xml/parse.h"
#include "xml/wire.h"

struct sample {
	const char *name;
	struct bytes raw;
};

static const struct sample samples[] = {
	{ "message",
	  BYTES_LIT(
		  "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' "
		  "type='chat' id='c6b4a3f0-52d1-' xml:lang='en'>"
		  "<body>Art thou not Romeo, and a Montague?</body>"
		  "<active xmlns='http://jabber.org/protocol/chatstates'/>"
		  "<request xmlns='urn:xmpp:receipts'/>"
		  "<origin-id xmlns='urn:xmpp:sid:0' id='c6b4a3f0'/></message>") },
	{ "message-zh",
	  BYTES_LIT(
		  "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' "
		  "type='chat' id='c6b4a3f0-52d1' xml:lang='zh'>"
		  "<body>今天晚上我们一起去吃火锅，好不好？我已经订好位子了。</body>"
		  "<active xmlns='http://jabber.org/protocol/chatstates'/>"
		  "<request xmlns='urn:xmpp:receipts'/></message>") },
	{ "presence",
	  BYTES_LIT("<presence xml:lang='en'><show>away</show><status>Out</status>"
		    "<priority>5</priority><c xmlns='http://jabber.org/protocol/caps' "
		    "hash='sha-1' node='https://example.org/client' "
		    "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>") },
	{ "ping", BYTES_LIT("<iq type='get' id='p17' to='capulet.example'>"
			    "<ping xmlns='urn:xmpp:ping'/></iq>") },
};

static const struct parse_context context = {
	.default_ns = BYTES_LIT(XML_NS_CLIENT),
	.content_ns = BYTES_LIT(XML_NS_CLIENT),
	.from = BYTES_LIT("juliet@capulet.example/balcony"),
};

static struct stanza *frame_and_parse(struct bytes raw)
{
	static struct framer framer = { .is_open = true,
					.max_bytes = 262144,
					.max_depth = 128 };
	struct stanza *stanza;
	struct frame frame;

	check(framer_next(&framer, raw, &frame) == FRAME_STANZA && frame.len == raw.len);
	check(parse_element(&context, raw, &stanza, NULL) == 0);
	return stanza;
}

static void run_frame(struct bytes raw)
{
	static struct framer framer = { .is_open = true,
					.max_bytes = 262144,
					.max_depth = 128 };
	struct frame frame;

	check(framer_next(&framer, raw, &frame) == FRAME_STANZA);
}

static void run_parse(struct bytes raw)
{
	struct stanza *stanza = frame_and_parse(raw);

	stanza_unref(&stanza);
}

/* The stanza that the following rows work on. */
static struct stanza *subject;
static struct buf out;

static void run_head(struct bytes raw)
{
	(void)raw;
	buf_reset(&out);
	check(wire_head(&out, subject, &wire_client) == 0);
}

static void run_edit(struct bytes raw)
{
	struct arena_mark mark = arena_mark(scratch());
	struct stanza_edit edit;
	struct stanza *stanza;

	(void)raw;
	stanza_edit_init(&edit, subject, scratch());
	stanza_edit_append(&edit, BYTES_LIT("<stanza-id xmlns='urn:xmpp:sid:0' "
					    "by='romeo@montague.example' id='28482-98726'/>"));
	stanza = stanza_edit_seal(&edit);
	stanza_unref(&stanza);
	arena_release(scratch(), mark);
}

static void run_build(struct bytes raw)
{
	struct stanza_head head = { .to = subject->from,
				    .from = subject->to,
				    .id = subject->id,
				    .type = BYTES_LIT("result") };
	struct builder builder;
	struct stanza *stanza;

	(void)raw;
	builder_init(&builder, STANZA_IQ, &head);
	xml_open(&builder.xml, "query", "jabber:iq:version");
	xml_element_text(&builder.xml, "name", BYTES_LIT("Hearth"));
	xml_element_text(&builder.xml, "version", BYTES_LIT("0.1.0"));
	xml_close(&builder.xml);
	stanza = builder_seal(&builder);
	stanza_unref(&stanza);
}

static double best_ns(void (*run)(struct bytes), struct bytes raw, long iterations)
{
	double best = 1e18;

	for (int round = 0; round < 5; round++) {
		uint64_t start = clock_cpu_ns();
		for (long i = 0; i < iterations; i++)
			run(raw);
		double ns = (double)(clock_cpu_ns() - start) / (double)iterations;
		if (ns < best)
			best = ns;
	}
	return best;
}

static const struct {
	const char *name;
	void (*run)(struct bytes);
	const char *what;
} others[] = {
	{ "frame", run_frame, "framer alone, message" },
	{ "head", run_head, "wire head, message" },
	{ "edit", run_edit, "edit: append stanza-id, seal" },
	{ "build", run_build, "build: version result" },
};

/* Runs one row so many times; false if there is none of that name. */
static bool run_named(const char *name, long iterations)
{
	for (size_t i = 0; i < array_len(samples); i++)
		if (strcmp(name, samples[i].name) == 0) {
			for (long n = 0; n < iterations; n++)
				run_parse(samples[i].raw);
			return true;
		}
	for (size_t i = 0; i < array_len(others); i++)
		if (strcmp(name, others[i].name) == 0) {
			for (long n = 0; n < iterations; n++)
				others[i].run(samples[0].raw);
			return true;
		}
	return false;
}

static void print_table(long iterations)
{
	uint64_t misses;

	for (size_t i = 0; i < array_len(samples); i++) {
		double ns = best_ns(run_parse, samples[i].raw, iterations);
		printf("%-32s %4zu B %8.0f ns %8.0f MB/s\n", samples[i].name,
		       samples[i].raw.len, ns, (double)samples[i].raw.len * 1000 / ns);
	}
	misses = block_misses();
	for (size_t i = 0; i < array_len(others); i++)
		printf("%-32s %6s %8.0f ns\n", others[i].what, "",
		       best_ns(others[i].run, samples[0].raw, iterations));
	printf("block misses on the steady path: %llu\n",
	       (unsigned long long)(block_misses() - misses));
}

int main(int argc, char **argv)
{
	long iterations = argc > 1 ? atol(argv[1]) : 200000;
	int rc = 0;

	if (iterations <= 0)
		iterations = 1;
	subject = frame_and_parse(samples[0].raw);
	buf_init(&out, 0);
	if (argc > 2)
		rc = run_named(argv[2], iterations) ? 0 : 2;
	else
		print_table(iterations);
	buf_fini(&out);
	stanza_unref(&subject);
	return rc;
}
