#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/block.h"
#include "base/codec.h"
#include "base/secret.h"
#include "io/worker.h"
#include "stream/admission.h"
#include "xml/build.h"
#include "xml/wire.h"

struct fake fake;

/* Two objects that are only compared. */
static const char domains[2];
static struct worker_pool *pool;
static struct arena keep;
static struct verifier_list verifiers, foreign;

/* --- the host --------------------------------------------------------------------------- */

static const struct domain *host_domain(struct bytes name)
{
	if (bytes_is(name, "example.org"))
		return (const struct domain *)(const void *)&domains[0];
	if (bytes_is(name, "example.net"))
		return (const struct domain *)(const void *)&domains[1];
	return NULL;
}

static const struct settings *host_domain_settings(const struct domain *domain)
{
	return (const void *)domain == &domains[0] ? fake.example : fake.server;
}

static struct bytes host_domain_name(const struct domain *domain)
{
	return (const void *)domain == &domains[0] ? BYTES_LIT("example.org")
						   : BYTES_LIT("example.net");
}

static unsigned host_home(struct jid bare)
{
	(void)bare;
	return fake.home;
}

void fake_answer_lookup(void)
{
	struct stream_lookup *lookup = fake.lookup;
	static const struct verifier_list none;

	fake.lookup = NULL;
	if (fake.fails_lookups)
		stream_credentials_failed(lookup);
	else if (bytes_is(jid_local(fake.lookup_jid), "nobody"))
		stream_credentials_found(lookup, &none);
	else if (bytes_is(jid_local(fake.lookup_jid), "imported"))
		stream_credentials_found(lookup, &foreign);
	else
		stream_credentials_found(lookup, &verifiers);
}

static void host_credentials(const struct domain *domain, struct jid bare,
			     struct stream_lookup *lookup)
{
	(void)domain;
	assert_null(fake.lookup);
	fake.lookup = lookup;
	fake.lookup_jid = jid_copy(&keep, bare);
	if (!fake.keeps_lookups)
		fake_answer_lookup();
}

static void host_upgrade(const struct domain *domain, struct jid bare, struct bytes text)
{
	struct verifier_list list;

	(void)domain;
	(void)bare;
	assert_int_equal(verifier_list_parse(scratch(), text, &list), 0);
	fake.upgrades++;
}

static uint32_t host_auth_delay_ms(const struct domain *domain, struct jid bare,
				   struct bytes address)
{
	(void)domain;
	(void)bare;
	(void)address;
	return fake.delay_ms;
}

static void host_auth_result(const struct domain *domain, struct jid bare, struct bytes address,
			     bool ok)
{
	(void)domain;
	(void)address;
	assert_true(jid_is_bare(bare));
	fake.successes += ok;
	fake.failures += !ok;
}

static void host_offers(const struct domain *domain, struct buf *out)
{
	(void)domain;
	if (fake.has_offers)
		buf_append_cstr(out, "<offer xmlns='urn:test'/>");
}

void fake_answer_ask(void)
{
	struct stream_ask *ask = fake.ask;
	struct stanza *answer = stanza_from_parts(
		STANZA_IQ,
		&(struct stanza_head){ .type = BYTES_LIT("result"), .id = BYTES_LIT("asked") },
		stream_ask_memory(ask));

	fake.ask = NULL;
	stream_ask_remember(ask, BYTES_LIT("<again xmlns='urn:test'/>"));
	stream_ask_answer(ask, answer);
	stanza_unref(&answer);
}

static void host_asked(struct stream_ask *ask, const struct stanza *stanza)
{
	assert_int_equal(stanza->kind, STANZA_IQ);
	if (!fake.has_offers) {
		stream_ask_answer(ask, NULL);
		return;
	}
	assert_null(fake.ask);
	fake.asks++;
	fake.ask = ask;
	if (!fake.keeps_asks)
		fake_answer_ask();
}

static void host_features(const struct domain *domain, struct buf *out)
{
	(void)domain;
	buf_append(out, fake.features);
}

struct fake_session *fake_answer_bind(void)
{
	struct fake_session *session = calloc(1, sizeof(*session));

	assert_non_null(fake.bind);
	memcpy(session->jid, fake.bind_jid, sizeof(session->jid));
	session->full = jid_from_normal(bytes_of(session->jid));
	session->stream = fake.bind;
	session->shard = shard_id();
	buf_init(&session->heard, 0);
	buf_init(&session->extra, 0);
	list_add_head(&fake.sessions, &session->link);
	fake.bind = NULL;
	stream_bound(session->stream, session, session->full);
	return session;
}

static void host_bind(struct stream *stream, struct jid bare, struct bytes resource)
{
	snprintf(fake.bind_jid, sizeof(fake.bind_jid), "%.*s/%.*s", BYTES_ARG(bare.full),
		 BYTES_ARG(resource));
	fake.bind = stream;
	if (fake.refuses_binds != CONDITION_NONE) {
		fake.bind = NULL;
		stream_bind_failed(stream, fake.refuses_binds);
	} else if (!fake.keeps_binds) {
		fake_answer_bind();
	}
}

static void host_stanza(void *owner, struct stanza *taken)
{
	struct fake_session *session = owner;

	assert_non_null(session->stream);
	assert_int_equal(session->shard, shard_id());
	session->count++;
	if (!fake.is_quiet) {
		wire_stanza(&session->heard, taken, &wire_client);
		buf_append_byte(&session->heard, '\n');
	}
	stanza_unref(&taken);
	if (session->on_stanza)
		session->on_stanza(session);
}

static bool host_nonza(struct stream *stream, void *owner, const struct stanza *stanza)
{
	struct fake_session *session = owner;

	if (!bytes_is(stanza->ns, "urn:test"))
		return false;
	if (session)
		wire_stanza(&session->extra, stanza, &wire_client);
	else
		stream_send_raw(stream, BYTES_LIT("<early xmlns='urn:test'/>"));
	return true;
}

static void host_ended(void *owner, enum stream_end end)
{
	struct fake_session *session = owner;

	assert_non_null(session->stream);
	session->stream = NULL;
	session->end = end;
}

static void host_drained(void *owner)
{
	((struct fake_session *)owner)->drained++;
}

static const struct stream_host host = {
	.domain = host_domain,
	.domain_settings = host_domain_settings,
	.domain_name = host_domain_name,
	.home = host_home,
	.credentials = host_credentials,
	.upgrade = host_upgrade,
	.auth_delay_ms = host_auth_delay_ms,
	.auth_result = host_auth_result,
	.offers = host_offers,
	.asked = host_asked,
	.features = host_features,
	.bind = host_bind,
	.stanza = host_stanza,
	.nonza = host_nonza,
	.ended = host_ended,
	.drained = host_drained,
};

/* --- the stage --------------------------------------------------------------------------- */

/* One iteration each, so that the tests spend no time in PBKDF2. */
static void make_verifiers(void)
{
	struct verifier *items = arena_alloc(&keep, HASH_COUNT * sizeof(*items));

	for (unsigned i = 0; i < HASH_COUNT; i++)
		items[i] = verifier_make_scram(&keep, BYTES_LIT("secret"), (enum hash)i,
					       BYTES_LIT("0123456789abcdef"), 1);
	verifiers = (struct verifier_list){ items, HASH_COUNT };
	foreign = (struct verifier_list){ items, 1 };
}

void fake_start(unsigned count)
{
	fake = (struct fake){ 0 };
	clock_fake_start(1700000000000000);
	assert_int_equal(shards_new(&(struct shards_config){ .count = count }, &fake.shards),
			 0);
	assert_int_equal(worker_pool_new(0, 16, &pool), 0);
	shard_enter(fake.shards->shards[0]);
	arena_init(&keep, 1024);
	make_verifiers();
	list_init(&fake.sessions);
	stream_register();
	fake.server = settings_new(NULL);
	fake.example = settings_new(fake.server);
	stream_set_host(&host);
	stream_set_workers(pool);
}

void fake_stop(void)
{
	struct list *pos, *next;

	fake_run();
	for (unsigned i = 0; i < fake.shards->count; i++) {
		shard_enter(fake.shards->shards[i]);
		assert_int_equal(stream_count(), 0);
	}
	assert_int_equal(admission_count(), 0);
	list_for_each_safe (pos, next, &fake.sessions) {
		struct fake_session *session = list_entry(pos, struct fake_session, link);

		buf_fini(&session->heard);
		buf_fini(&session->extra);
		free(session);
	}
	shard_enter(NULL);
	worker_pool_free(&pool);
	shards_free(&fake.shards);
	settings_free(&fake.example);
	settings_free(&fake.server);
	arena_fini(&keep);
	clock_fake_stop();
	scratch_fini();
}

void fake_set(const char *option, const char *value, bool is_server)
{
	struct err err;

	assert_int_equal(settings_set(is_server ? fake.server : fake.example,
				      option_find(bytes_of(option)), bytes_of(value), &err),
			 0);
}

void fake_run(void)
{
	shards_run_until_idle(fake.shards);
}

void fake_send(struct memory_client *client, const char *text)
{
	memory_client_send(client, bytes_of(text));
	fake_run();
}

const char *fake_received(struct memory_client *client)
{
	struct bytes all = memory_client_received(client);
	const char *text = arena_cstr(scratch(), all);

	memory_client_consume(client, all.len);
	return text;
}

/* --- what clients say ------------------------------------------------------------------------
 */

const char *fake_plain(const char *authzid, const char *user, const char *password)
{
	struct buf raw;
	const char *text;

	buf_init(&raw, 0);
	buf_append_cstr(&raw, authzid);
	buf_append_byte(&raw, '\0');
	buf_append_cstr(&raw, user);
	buf_append_byte(&raw, '\0');
	buf_append_cstr(&raw, password);
	text = arena_cstr(scratch(), base64_encode(scratch(), buf_bytes(&raw)));
	buf_fini(&raw);
	return text;
}

const char *fake_header(const char *domain)
{
	return arena_printf(scratch(),
			    "<?xml version='1.0'?><stream:stream to='%s' version='1.0' "
			    "xmlns='jabber:client' "
			    "xmlns:stream='http://etherx.jabber.org/streams'>",
			    domain)
		.ptr;
}

const char *fake_login_text(const char *user, const char *password)
{
	return arena_printf(scratch(),
			    "%s<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			    "mechanism='PLAIN'>%s</auth>%s",
			    fake_header("example.org"), fake_plain("", user, password),
			    fake_header("example.org"))
		.ptr;
}

struct fake_session *fake_login(struct memory_client *client, const char *user,
				const char *resource)
{
	fake_set("tls.required", "no", false);
	fake_send(client, fake_login_text(user, "secret"));
	fake_send(client, arena_printf(scratch(),
				       "<iq type='set' id='b1'><bind "
				       "xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
				       "<resource>%s</resource></bind></iq>",
				       resource)
				  .ptr);
	fake_received(client);
	return list_first(&fake.sessions, struct fake_session, link);
}
