/*
 * What the unit tests of core share: cmocka, and the world of the conversation scripts
 * (tests/talk) for those that need a server around what they test.
 */
#ifndef TESTS_UNIT_CORE_H
#define TESTS_UNIT_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "../../talk/talk.h"
#include "base/bytes.h"
#include "io/shard.h"
#include "xmpp/jid.h"

#define assert_bytes(b, literal)                                             \
	do {                                                                 \
		struct bytes got_ = (b);                                     \
		assert_int_equal(got_.len, sizeof(literal) - 1);             \
		assert_memory_equal(got_.ptr, literal, sizeof(literal) - 1); \
	} while (0)

static inline struct jid jid_of(const char *text)
{
	return jid_from_normal(bytes_of(text));
}

/* A client that is bound. */
static inline struct client *unit_login(const char *name, const char *jid)
{
	struct client *client = client_new(bytes_of(name), bytes_of(jid));
	const char *at = "";

	if (!client_connect(client, &at))
		fail_msg("%s: refused at %s", jid, at);
	return client;
}

/* The next element that it received has this name and type; NULL: no type. */
static inline void unit_expect(struct client *client, const char *name, const char *type)
{
	struct stanza *stanza = client_take(client);

	assert_non_null(stanza);
	assert_true(bytes_is(stanza->name, name));
	if (type == NULL)
		assert_true(bytes_is_none(stanza->type));
	else
		assert_true(bytes_is(stanza->type, type));
	stanza_unref(&stanza);
}

static inline void unit_expect_nothing(struct client *client)
{
	struct stanza *stanza = client_take(client);

	assert_null(stanza);
}

/* Stanzas received and not yet looked at; they are gone afterwards. */
static inline unsigned unit_count(struct client *client)
{
	struct stanza *stanza;
	unsigned count = 0;

	while ((stanza = client_take(client)) != NULL) {
		stanza_unref(&stanza);
		count++;
	}
	return count;
}

#endif
