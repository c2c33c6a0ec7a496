/* What every unit test of this room includes. */
#ifndef TESTS_STREAM_UNIT_H
#define TESTS_STREAM_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_host.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define BIND "xmlns='urn:ietf:params:xml:ns:xmpp-bind'"

static inline void assert_has(const char *text, const char *part)
{
	if (bytes_find(bytes_of(text), bytes_of(part)) < 0)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
	if (bytes_find(bytes_of(text), bytes_of(part)) >= 0)
		fail_msg("\"%s\" is in \"%s\"", part, text);
}

/* The client got this stream error, the end, and is cut off. */
static inline void assert_error(struct memory_client *client, const char *condition)
{
	const char *got = fake_received(client);

	assert_has(got, arena_printf(scratch(),
				     "<stream:error><%s xmlns='urn:ietf:params:xml:ns:"
				     "xmpp-streams'",
				     condition)
				.ptr);
	assert_has(got, "</stream:error></stream:stream>");
	assert_true(memory_client_is_closed(client));
}

static inline struct memory_client *plain_client(void)
{
	return memory_connect(&(struct memory_options){ 0 });
}

#endif
