/*
 * XEP-0115 Entity Capabilities: the server knows what each client can do without asking it every
 * time, and clients know what the server can do. Version 1.6.0. An answer is believed, and kept
 * for all clients of the same kind, only if it hashes to what was announced (section 5.4). Left
 * out: the legacy format, hashes other than SHA-1 and SHA-2, and caps optimisation (section 8.4).
 */
#include <stdlib.h>

#include "base/block.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/table.h"
#include "core/service.h"
#include "xml/build.h"
#include "xmpp/caps.h"
#include "xmpp/ns.h"

#define OWN_NODE "urn:hearth"

extern const struct feature feature_caps;

enum {
	KEY_BYTES_MAX = 100,
	NODE_BYTES_MAX = 1023,
	DEADLINE_MS = 30000,
	SHA1_BASE64_BYTES = 28
};

static struct option option_cache =
	OPTION_INT("limits.caps", OPTION_SERVER, 1000, 1, 1000000,
		   "How many kinds of clients each thread remembers the features of.");

static struct metric metric_known =
	METRIC_COUNTER("caps_learned", "Kinds of clients that the server learned to know.");
static struct metric metric_refused = METRIC_COUNTER(
	"caps_refused", "Answers of clients that were not what they had announced.");

static const struct {
	const char *name; /* IANA Hash Function Textual Names */
	enum hash hash;
} hashes[] = { { "sha-1", HASH_SHA1 }, { "sha-256", HASH_SHA256 }, { "sha-512", HASH_SHA512 } };

/* What one kind of client can do. */
struct caps {
	struct list by_use; /* the longest unused first */
	uint16_t key_len;
	uint32_t feature_count;
	struct bytes *features; /* sorted; behind it their bytes */
	char key[KEY_BYTES_MAX];
};

/* The server's own verification string at a domain. */
struct own {
	const struct domain *domain; /* a snapshot: another one has another address */
	char ver[SHA1_BASE64_BYTES];
};

struct cache {
	struct table kinds; /* hash, space, ver -> struct caps */
	struct list by_use;
	struct table owns; /* the snapshot's address -> struct own */
};

/* What a session announced: hash, space, ver. */
struct announced {
	uint8_t len;
	char key[KEY_BYTES_MAX];
};

static void cache_fini(void *state)
{
	struct cache *cache = state;
	uint32_t cursor = 0;
	void *value;

	while ((value = table_next(&cache->kinds, &cursor)) != NULL) {
		block_free(((struct caps *)value)->features);
		block_free(value);
	}
	cursor = 0;
	while ((value = table_next(&cache->owns, &cursor)) != NULL)
		block_free(value);
	table_fini(&cache->kinds);
	table_fini(&cache->owns);
}

static void announced_freeze(const void *state, struct buf *out)
{
	const struct announced *announced = state;

	buf_append(out, bytes_make(announced->key, announced->len));
}

static int announced_thaw(void *state, struct bytes in)
{
	struct announced *announced = state;

	if (in.len > sizeof(announced->key))
		return -1;
	announced->len = (uint8_t)in.len;
	memcpy(announced->key, in.ptr, in.len);
	return 0;
}

static struct slot cache_slot = {
	.of = SLOT_SHARD, .size = sizeof(struct cache), .is_lost = true, .fini = cache_fini
};
static struct slot announced_slot = { .of = SLOT_SESSION,
				      .size = sizeof(struct announced),
				      .freeze = announced_freeze,
				      .thaw = announced_thaw };

static struct cache *cache_here(void)
{
	struct cache *cache = slot_find(&cache_slot, NULL);

	if (cache == NULL) {
		cache = slot_get(&cache_slot, NULL);
		table_init(&cache->kinds);
		table_init(&cache->owns);
		list_init(&cache->by_use);
	}
	return cache;
}

/* --- the cache ---------------------------------------------------------------------------- */

static void cache_forget(struct cache *cache, struct caps *caps)
{
	list_del(&caps->by_use);
	table_del(&cache->kinds, bytes_make(caps->key, caps->key_len));
	block_free(caps->features);
	block_free(caps);
}

static struct caps *cache_find(struct bytes key)
{
	struct cache *cache = cache_here();
	struct caps *caps = table_find(&cache->kinds, key);

	if (caps != NULL) {
		list_del(&caps->by_use);
		list_add_tail(&cache->by_use, &caps->by_use);
	}
	return caps;
}

static void features_keep(struct caps *caps, const struct caps_features *features)
{
	size_t bytes = 0;
	char *at;

	for (size_t i = 0; i < features->count; i++)
		bytes += features->all[i].len;
	caps->features = block_alloc((features->count + 1) * sizeof(struct bytes) + bytes);
	at = (char *)(caps->features + features->count);
	for (size_t i = 0; i < features->count; i++) {
		memcpy(at, features->all[i].ptr, features->all[i].len);
		caps->features[i] = bytes_make(at, features->all[i].len);
		at += features->all[i].len;
	}
	caps->feature_count = (uint32_t)features->count;
}

static void cache_add(struct bytes key, const struct caps_features *features)
{
	int64_t limit = settings_int(domain_settings(NULL), &option_cache);
	struct cache *cache = cache_here();
	struct caps *caps;

	if (cache_find(key) != NULL)
		return;
	while (table_count(&cache->kinds) >= limit &&
	       (caps = list_first(&cache->by_use, struct caps, by_use)) != NULL)
		cache_forget(cache, caps);
	caps = block_alloc_zeroed(sizeof(*caps));
	caps->key_len = (uint16_t)key.len;
	memcpy(caps->key, key.ptr, key.len);
	features_keep(caps, features);
	table_put(&cache->kinds, bytes_make(caps->key, caps->key_len), caps);
	list_add_tail(&cache->by_use, &caps->by_use);
	metric_add(&metric_known, 1);
}

static int compare_bytes(const void *left, const void *right)
{
	return bytes_compare(*(const struct bytes *)left, *(const struct bytes *)right);
}

/* --- what clients announce ---------------------------------------------------------------- */

static const struct announced *announced_of(const struct session *session)
{
	const struct announced *announced = slot_find(&announced_slot, session);

	return announced == NULL || announced->len == 0 ? NULL : announced;
}

static bool supports(const struct session *session, struct bytes ns)
{
	const struct announced *announced = announced_of(session);
	const struct caps *caps =
		announced == NULL ? NULL
				  : cache_find(bytes_make(announced->key, announced->len));

	return caps != NULL && bsearch(&ns, caps->features, caps->feature_count,
				       sizeof(*caps->features), compare_bytes) != NULL;
}

static bool hash_find(struct bytes name, enum hash *ret_hash)
{
	for (size_t i = 0; i < array_len(hashes); i++) {
		if (bytes_is(name, hashes[i].name)) {
			*ret_hash = hashes[i].hash;
			return true;
		}
	}
	return false;
}

/* Section 5.4, step 3, for what the session announces now, whatever it did when it was asked. */
static void answered(struct session *session, const struct stanza *answer, void *context)
{
	const struct announced *announced = announced_of(session);
	const struct xnode *query;
	struct caps_features features;
	struct bytes ver, key, name;
	enum hash hash;

	(void)context;
	if (announced == NULL || answer == NULL || !bytes_is(answer->type, "result"))
		return;
	query = xnode_find(stanza_root(answer), "query", NS_DISCO_INFO);
	key = ver = bytes_make(announced->key, announced->len);
	name = bytes_cut(&ver, ' ');
	if (query == NULL || !hash_find(name, &hash))
		return;
	if (bytes_equal(caps_verification(scratch(), query, hash, &features), ver))
		cache_add(key, &features);
	else
		metric_add(&metric_refused, 1);
}

/* Section 6.2: the node is the client's node, '#', and the verification string. */
static void ask(struct session *session, struct bytes node, struct bytes ver)
{
	struct buf xml;
	struct xml_writer w;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_DISCO_INFO);
	xml_attr(&w, "node",
		 arena_printf(scratch(), "%.*s#%.*s", BYTES_ARG(node), BYTES_ARG(ver)));
	xml_close(&w);
	xml_writer_fini(&w);
	service_ask(session, buf_bytes(&xml), DEADLINE_MS, answered, NULL);
	buf_fini(&xml);
}

/* A verification string has the length of its hash; anything else is of the legacy format. */
static bool is_verification(struct bytes hash_name, struct bytes ver)
{
	struct bytes raw;
	enum hash hash;

	return hash_find(hash_name, &hash) && base64_decode(scratch(), ver, &raw) == 0 &&
	       raw.len == hash_bytes(hash);
}

static void presence_heard(struct session *session, const struct stanza *presence)
{
	const struct xnode *c = xnode_find(stanza_root(presence), "c", NS_CAPS);
	struct announced *announced;
	struct bytes key, node, ver;

	if (c == NULL || !bytes_is_none(presence->type) ||
	    !domain_has_feature(user_domain(session_user(session)), &feature_caps))
		return;
	node = xnode_attr(c, "node");
	ver = xnode_attr(c, "ver");
	if (bytes_is_none(node) || node.len > NODE_BYTES_MAX ||
	    !is_verification(xnode_attr(c, "hash"), ver))
		return;
	key = arena_printf(scratch(), "%.*s %.*s", BYTES_ARG(xnode_attr(c, "hash")),
			   BYTES_ARG(ver));
	announced = slot_get(&announced_slot, session);
	if (bytes_equal(bytes_make(announced->key, announced->len), key))
		return;
	announced->len = (uint8_t)key.len;
	memcpy(announced->key, key.ptr, key.len);
	if (cache_find(key) == NULL)
		ask(session, node, ver);
}

/* --- what the server announces (section 6.3) ---------------------------------------------- */

static void own_compute(struct own *own)
{
	struct caps_features features;
	struct stanza *info;
	struct bytes ver;
	struct buf xml;
	struct xml_writer w;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", NS_DISCO_INFO);
	disco_write_info(own->domain, false, &w);
	xml_close(&w);
	xml_writer_fini(&w);
	info = stanza_from_parts(STANZA_IQ, &(struct stanza_head){ 0 }, buf_bytes(&xml));
	buf_fini(&xml);
	ver = caps_verification(scratch(), xnode_first_child(stanza_root(info)), HASH_SHA1,
				&features);
	if (ver.len == sizeof(own->ver))
		memcpy(own->ver, ver.ptr, ver.len);
	stanza_unref(&info);
}

static struct bytes own_ver(const struct domain *domain)
{
	struct cache *cache = cache_here();
	struct own *own =
		table_find(&cache->owns, bytes_make((const char *)&domain, sizeof(domain)));

	if (own == NULL) {
		own = block_alloc_zeroed(sizeof(*own));
		own->domain = domain;
		own_compute(own);
		table_put(&cache->owns,
			  bytes_make((const char *)&own->domain, sizeof(own->domain)), own);
	}
	return bytes_make(own->ver, sizeof(own->ver));
}

static void announce(const struct domain *domain, struct buf *out)
{
	buf_printf(out, "<c xmlns='" NS_CAPS "' hash='sha-1' node='" OWN_NODE "' ver='%.*s'/>",
		   BYTES_ARG(own_ver(domain)));
}

/* Section 6.2: asked by the node of the stream feature, the server answers as without. */
static struct verdict own_node(struct iq *iq, struct bytes node, struct xml_writer *w)
{
	if (!bytes_is(xnode_ns(iq->child), NS_DISCO_INFO) ||
	    !bytes_has_prefix(node, BYTES_LIT(OWN_NODE "#")) ||
	    !bytes_equal(bytes_skip(node, sizeof(OWN_NODE)), own_ver(iq->domain)))
		return verdict_pass();
	disco_write_info(iq->domain, false, w);
	return verdict_done();
}

const struct feature feature_caps = {
	FEATURE_ABI,
	.name = "caps",
	.xep = "0115",
	.version = "1.6.0",
	.summary =
		"Know what clients can do without asking each, and tell them what the server "
		"can do.",
	.disco = (const char *const[]){ NS_CAPS, NULL },
	.node = own_node,
	.claims.supports = supports,
	.stream_features = announce,
	.session_presence = presence_heard,
	.options = (struct option *const[]){ &option_cache, NULL },
	.metrics = (struct metric *const[]){ &metric_known, &metric_refused, NULL },
	.slots = (struct slot *const[]){ &cache_slot, &announced_slot, NULL },
};
