/*
 * Parser: agrees with expat (tests/unit/xml/oracle.c), and what it accepts survives every wire.
 * An input that begins with "<stream" or "<?xml" is tried as a stream header as well.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "oracle.h"
#include "xml/parse.h"

static void try_header(struct bytes raw)
{
	struct stream_open open;
	struct arena arena;

	arena_init(&arena, 512);
	if (parse_stream_open(raw, &arena, &open, NULL) == 0) {
		check(open.binding_count > 0 && open.binding_count <= XML_MAX_BINDINGS);
		check(!bytes_is_none(open.default_ns));
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes raw = bytes_make(data, size);
	const char *why;

	if (size == 0 || size > 100000)
		return 0;
	if (bytes_has_prefix(raw, BYTES_LIT("<stream")) ||
	    bytes_has_prefix(raw, BYTES_LIT("<?xml")))
		try_header(raw);
	if (oracle_compare(raw, &why) == ORACLE_WRONG) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	return 0;
}
