/*
 * A room above streams that is made of glass: two domains, a few accounts, and everything it
 * hears kept for the test to look at. Shards run by hand under the fake clock.
 *
 * 	fake_start(2);
 * 	client = memory_connect(&(struct memory_options){ 0 });
 * 	session = fake_login(client, "romeo", "balcony");
 * 	fake_send(client, "<message to='juliet@example.org'/>");
 * 	… session->heard …
 * 	fake_stop();
 */
#ifndef TESTS_STREAM_FAKE_HOST_H
#define TESTS_STREAM_FAKE_HOST_H

#include "base/buf.h"
#include "base/list.h"
#include "io/shard.h"
#include "stream/carrier_memory.h"
#include "stream/stream.h"

enum { FAKE_JID_BYTES = 256 };

struct fake_session {
	struct list link;
	struct stream *stream; /* NULL once it has ended */
	char jid[FAKE_JID_BYTES];
	struct jid full;
	unsigned shard;
	unsigned count;	  /* stanzas */
	struct buf heard; /* each stanza as it would go on the wire, and '\n' */
	struct buf extra; /* other elements */
	enum stream_end end;
	unsigned drained;
	void (*on_stanza)(struct fake_session *);
};

/* Knobs and memories; fake_start() sets them to zero. */
struct fake {
	struct shards *shards;
	struct settings *server;
	struct settings *example;
	struct list sessions; /* newest first */
	unsigned home;	      /* of every account */
	bool keeps_lookups;   /* answer by fake_answer_lookup() */
	bool fails_lookups;
	bool keeps_binds; /* answer by fake_answer_bind() */
	bool is_quiet;	  /* stanzas are counted only */
	enum stanza_condition refuses_binds;
	uint32_t delay_ms;
	struct stream_lookup *lookup;
	struct jid lookup_jid;
	struct stream *bind;
	char bind_jid[FAKE_JID_BYTES];
	unsigned successes, failures, upgrades;
	struct bytes features; /* more children for <stream:features/> */
	bool has_offers;       /* requests before authentication are known */
	bool keeps_asks;       /* answer by fake_answer_ask() */
	struct stream_ask *ask;
	unsigned asks;
};
extern struct fake fake;

void fake_start(unsigned shards);
/* Fails the test if a stream is left. */
void fake_stop(void);
/* Sets an option of example.org, or (is_server) of the server. */
void fake_set(const char *option, const char *value, bool is_server);
void fake_answer_lookup(void);
struct fake_session *fake_answer_bind(void);
/* <iq type='result' id='asked'>, with what the stream remembered as its child. */
void fake_answer_ask(void);
/* Runs all shards until nothing happens any more. */
void fake_run(void);
/* Sends and runs. */
void fake_send(struct memory_client *client, const char *text);
/* What came since the last call, NUL-terminated, in scratch(). */
const char *fake_received(struct memory_client *client);

/* Text of a PLAIN initial response in base64, in scratch(). */
const char *fake_plain(const char *authzid, const char *user, const char *password);
/* A header for this domain. */
const char *fake_header(const char *domain);
/* Header, PLAIN, header, in one text. */
const char *fake_login_text(const char *user, const char *password);
/* Logs in and binds by PLAIN on an unencrypted stream; sets tls.required: no. */
struct fake_session *fake_login(struct memory_client *client, const char *user,
				const char *resource);

#endif
