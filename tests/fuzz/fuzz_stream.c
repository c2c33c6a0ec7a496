/*
 * Arbitrary bytes to a stream on a memory carrier: the first byte says whether the client has
 * logged in before, whether messages are framed, and how its bytes are cut. Whatever comes, the
 * server must answer or close, keep its rules, and leave nothing behind.
 */
#include <stdio.h>

#include "base/block.h"
#include "base/buf.h"
#include "base/check.h"
#include "io/shard.h"
#include "io/worker.h"
#include "stream/carrier_memory.h"
#include "stream/stream.h"

#define HEADER                                                                       \
	"<stream:stream to='a' version='1.0' xmlns='jabber:client' xmlns:x='urn:x' " \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

/* "\0u\0p" in base64. */
#define LOGIN                                                                              \
	HEADER "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHUAcA==" \
	       "</auth>" HEADER "<iq type='set' id='1'>"                                   \
	       "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"

enum { IS_BOUND = 1, IS_FRAMED = 2, IS_SECURE = 4, HAS_STARTTLS = 8, CUT_SHIFT = 4 };

static struct shards *shards;
static struct worker_pool *pool;
static struct settings *settings;
static struct arena keep;
static struct verifier_list verifiers;
static char full[2048];
static bool is_bound;
static const char one;

static const struct domain *domain_of(struct bytes name)
{
	return bytes_is(name, "a") ? (const struct domain *)(const void *)&one : NULL;
}

static const struct settings *settings_of(const struct domain *domain)
{
	(void)domain;
	return settings;
}

static struct bytes name_of(const struct domain *domain)
{
	(void)domain;
	return BYTES_LIT("a");
}

static unsigned home(struct jid bare)
{
	return bare.full.len % 2;
}

static void credentials(const struct domain *domain, struct jid bare,
			struct stream_lookup *lookup)
{
	static const struct verifier_list nobody;

	(void)domain;
	stream_credentials_found(lookup, bytes_is(jid_local(bare), "u") ? &verifiers : &nobody);
}

static void upgrade(const struct domain *domain, struct jid bare, struct bytes text)
{
	(void)domain;
	(void)bare;
	(void)text;
}

static uint32_t delay(const struct domain *domain, struct jid bare, struct bytes address)
{
	(void)domain;
	(void)address;
	return bare.local_len % 3;
}

static void result(const struct domain *domain, struct jid bare, struct bytes address, bool ok)
{
	(void)domain;
	(void)bare;
	(void)address;
	(void)ok;
}

static void features(const struct domain *domain, struct buf *out)
{
	(void)domain;
	(void)out;
}

static void bind_session(struct stream *stream, struct jid bare, struct bytes resource)
{
	int len = snprintf(full, sizeof(full), "%.*s/%.*s", BYTES_ARG(bare.full),
			   BYTES_ARG(resource));

	is_bound = true;
	stream_bound(stream, full, jid_from_normal(bytes_make(full, (size_t)len)));
}

static void stanza(void *session, struct stanza *taken)
{
	check(session == full && is_bound);
	check(bytes_equal(taken->from, bytes_of(full)));
	stanza_unref(&taken);
}

static bool nonza(struct stream *stream, void *session, const struct stanza *element)
{
	(void)stream;
	check((session != NULL) == is_bound);
	return element->name.len % 2 == 0;
}

static void ended(void *session, enum stream_end end)
{
	(void)end;
	check(session == full && is_bound);
	is_bound = false;
}

static void drained(void *session)
{
	(void)session;
}

static const struct stream_host host = {
	.domain = domain_of,
	.domain_settings = settings_of,
	.domain_name = name_of,
	.home = home,
	.credentials = credentials,
	.upgrade = upgrade,
	.auth_delay_ms = delay,
	.auth_result = result,
	.features = features,
	.bind = bind_session,
	.stanza = stanza,
	.nonza = nonza,
	.ended = ended,
	.drained = drained,
};

static void make_verifiers(void)
{
	struct verifier *items;

	arena_init(&keep, 1024);
	items = arena_alloc(&keep, HASH_COUNT * sizeof(*items));
	for (unsigned i = 0; i < HASH_COUNT; i++)
		items[i] = verifier_make_scram(&keep, BYTES_LIT("p"), (enum hash)i,
					       BYTES_LIT("salt"), 1);
	verifiers = (struct verifier_list){ items, HASH_COUNT };
}

static void set(const char *option, const char *value)
{
	check(settings_set(settings, option_find(bytes_of(option)), bytes_of(value), NULL) ==
	      0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	clock_fake_start(1700000000000000);
	check(shards_new(&(struct shards_config){ .count = 2 }, &shards) == 0);
	check(worker_pool_new(0, 16, &pool) == 0);
	shard_enter(shards->shards[0]);
	make_verifiers();
	stream_register();
	settings = settings_new(NULL);
	set("tls.required", "no");
	set("limits.stanza_bytes", "10000");
	stream_set_host(&host);
	stream_set_workers(pool);
	return 0;
}

static void login(struct memory_client *client)
{
	memory_client_send(client, BYTES_LIT(LOGIN));
	shards_advance(shards, 10);
	check(is_bound);
}

static void feed(struct memory_client *client, struct bytes bytes, size_t step)
{
	while (bytes.len > 0 && !memory_client_is_closed(client)) {
		memory_client_send(client, bytes_first(bytes, step));
		bytes = bytes_skip(bytes, step);
		shards_run_until_idle(shards);
		if (memory_client_is_securing(client))
			memory_client_handshake(client);
		memory_client_consume(client, memory_client_received(client).len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_client *client;
	unsigned mode;

	if (size == 0)
		return 0;
	mode = data[0];
	shard_enter(shards->shards[0]);
	client = memory_connect(
		&(struct memory_options){ .is_framed = (mode & IS_FRAMED) && !(mode & IS_BOUND),
					  .is_secure = mode & IS_SECURE,
					  .has_bindings = mode & IS_SECURE,
					  .has_starttls = mode & HAS_STARTTLS });
	if (mode & IS_BOUND)
		login(client);
	feed(client, bytes_make(data + 1, size - 1), ((size_t)1 << (mode >> CUT_SHIFT)));
	shards_advance(shards, 10);
	memory_client_free(&client);
	shards_advance(shards, 10);
	for (unsigned i = 0; i < 2; i++) {
		shard_enter(shards->shards[i]);
		check(stream_count() == 0);
	}
	check(!is_bound);
	return 0;
}
