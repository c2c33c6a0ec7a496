/* Shared by the tests of room xml: parsing as a client's stream would. Each test file is one
 * thread. */
#ifndef TEST_XML_HELPERS_H
#define TEST_XML_HELPERS_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "xml/parse.h"

static const struct parse_context client = {
	.default_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
	.content_ns = { XML_NS_CLIENT, sizeof(XML_NS_CLIENT) - 1 },
};

/*
 * raw in a block of its own size, so that the sanitizer sees a read past its end; the copy is
 * freed before the result is used.
 */
__attribute__((unused)) static int parse_copy(const struct parse_context *ctx, struct bytes raw,
					      struct stanza **ret_stanza,
					      struct parse_error *ret_error)
{
	char *copy = malloc(raw.len ? raw.len : 1);
	int rc;

	if (raw.len > 0)
		memcpy(copy, raw.ptr, raw.len);
	rc = parse_element(ctx, bytes_make(copy, raw.len), ret_stanza, ret_error);
	free(copy);
	return rc;
}

/* A stanza from text that must be good. */
__attribute__((unused)) static struct stanza *stanza_of(const char *xml)
{
	struct parse_error error = { 0 };
	struct stanza *stanza = NULL;

	if (parse_copy(&client, bytes_of(xml), &stanza, &error) < 0)
		fail_msg("%s at %u in %s", error.reason, error.offset, xml);
	return stanza;
}

#define assert_bytes(actual, expected)                                                        \
	do {                                                                                  \
		struct bytes got_ = (actual), want_ = bytes_of(expected);                     \
		if (bytes_is_none(got_) != bytes_is_none(want_) || !bytes_equal(got_, want_)) \
			fail_msg("%s:%d: got \"%.*s\", want \"%.*s\"", __FILE__, __LINE__,    \
				 BYTES_ARG(got_), BYTES_ARG(want_));                          \
	} while (0)

#endif
