/*
 * What a feature may say and do: the one header that src/xep, src/muc, src/pubsub and plugins
 * (.so) include from core, besides the service headers that tools/layers lists. Read it first.
 *
 * A feature is one `const struct feature` that declares everything the feature adds. The build
 * collects them; the registry (core/registry.h) checks the claims at boot and refuses two on
 * one thing. All handlers run on a shard, on the home of the JID named; they are synchronous,
 * borrow their arguments, and may use scratch(). There are no priorities: inside a phase the
 * order cannot matter, and the tests shuffle it.
 */
#ifndef CORE_FEATURE_H
#define CORE_FEATURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/metric.h"
#include "base/option.h"
#include "base/text.h"
#include "store/store.h"
#include "xml/edit.h"
#include "xml/stanza.h"
#include "xml/write.h"
#include "xmpp/error.h"
#include "xmpp/jid.h"

struct domain;	/* core/domain.h: a served domain's immutable snapshot */
struct session; /* core/session.h: a bound resource */
struct user;	/* core/user.h: an account's state at its home */
struct feature;
struct adhoc_command; /* core/adhoc.h */

/* --- verdicts ------------------------------------------------------------------------- */

enum verdict_kind {
	VERDICT_PASS, /* nothing to object; for an IQ handler: not mine (answered by core) */
	VERDICT_DONE, /* taken care of: nothing more happens to the stanza */
	VERDICT_DROP, /* vanishes silently */
	VERDICT_FAIL, /* core answers with the error, unless the stanza is an error or result */
	VERDICT_LATER, /* a token was taken and will be answered exactly once */
};

struct verdict {
	enum verdict_kind kind;
	enum stanza_condition condition; /* FAIL only */
	enum text text;			 /* FAIL only; TEXT_NONE for none */
	enum error_type type; /* FAIL only; ERROR_TYPE_DEFAULT: what the condition recommends */
	struct bytes extra;   /* FAIL only: application-specific condition, as XML, scratch */
};

static inline struct verdict verdict_pass(void)
{
	return (struct verdict){ .kind = VERDICT_PASS };
}

static inline struct verdict verdict_done(void)
{
	return (struct verdict){ .kind = VERDICT_DONE };
}

static inline struct verdict verdict_drop(void)
{
	return (struct verdict){ .kind = VERDICT_DROP };
}

static inline struct verdict verdict_fail(enum stanza_condition condition, enum text text)
{
	return (struct verdict){ .kind = VERDICT_FAIL, .condition = condition, .text = text };
}

/* --- passages: a stanza on its way through one home ------------------------------------- */

enum line {
	LINE_SENT,     /* at the sender's home, before the router */
	LINE_RECEIVED, /* at the recipient's home, before delivery */
};

/* What every phase handler sees. Borrowed for the call. */
struct passage {
	enum line line;
	const struct stanza *stanza; /* sealed; `from` is stamped, `to` normalised */
	struct jid from;	     /* full or bare */
	struct jid to;		     /* SENT without `to`: the sender's own bare JID */
	const struct domain *domain; /* of this home */
	struct user *user;	     /* whose home this is; NULL if the account is cold */
	struct session *session;     /* SENT: the sending session; RECEIVED: NULL */
};

/* --- IQ requests ------------------------------------------------------------------------- */

enum iq_type { IQ_GET = 1, IQ_SET = 2 };

enum iq_target {
	TO_SERVER = 1,	/* the domain itself; handled at the asker's home from the snapshot */
	TO_ACCOUNT = 2, /* the asker's own bare JID, or no `to` */
	TO_OTHER = 4,	/* another local account's bare JID, handled at that account's home */
	TO_PREAUTH = 8, /* the domain, by a client that has not authenticated: core/preauth.h */
};

/* A request in hand. Borrowed for the call. */
struct iq {
	const struct passage *passage;
	enum iq_type type;
	enum iq_target target;
	const struct stanza *stanza;
	const struct xnode *child; /* the one child element */
	const struct domain *domain;
	struct user *user; /* TO_SERVER, TO_ACCOUNT: the asker; TO_OTHER: the account asked, may
			      be NULL (cold); TO_PREAUTH: NULL */
	struct stream_ask *ask; /* TO_PREAUTH only */
	enum text_lang lang;
	struct arena *arena; /* scratch of this call: build the answer here */
};

struct iq_rule {
	unsigned types;	  /* IQ_GET | IQ_SET */
	unsigned targets; /* TO_SERVER | TO_ACCOUNT | TO_OTHER | TO_PREAUTH */
	const char *ns;
	const char *element;
	struct verdict (*handle)(struct iq *);
};

/* An empty result. */
struct verdict iq_ok(struct iq *iq);
/* A result with this child (well-formed XML with its own xmlns; copied). */
struct verdict iq_result(struct iq *iq, struct bytes child_xml);
/* A result from a writer that the caller filled; fails with internal-server-error if it
 * overflowed. */
struct verdict iq_result_buf(struct iq *iq, struct buf *child_xml);

/*
 * Waiting. iq_later() hands out a token (block, owned by the receiver of the callback) that
 * must be answered exactly once, on this shard; after deadline_ms core answers
 * resource-constraint and the later answer is ignored. Return its verdict: *ret_token is
 * untouched when too many wait.
 */
struct iq_token;
struct verdict iq_later(struct iq *iq, uint32_t deadline_ms, struct iq_token **ret_token);
void iq_token_result(struct iq_token **token, struct bytes child_xml);
void iq_token_fail(struct iq_token **token, enum stanza_condition condition, enum text text);
/* True when the asker's session is gone: the answer will go nowhere. */
bool iq_token_is_orphan(const struct iq_token *token);

/* --- phases ------------------------------------------------------------------------------ */

/* What may be done with a stanza on one line. All fields optional. */
struct line_phases {
	struct verdict (*check)(const struct passage *); /* refuse or drop; no effect */
	void (*stamp)(const struct passage *, struct stanza_edit *); /* own namespaces only */
	void (*record)(const struct passage *); /* look, count, emit, store */
};

struct stanza_phases {
	struct line_phases sent;
	struct line_phases received;
};

/* Does this session, which delivery did not choose, get a copy? The strongest answer wins. */
enum copy { COPY_NONE, COPY_PLAIN, COPY_WRAPPED_RECEIVED, COPY_WRAPPED_SENT };

/* Named yes/no questions of core's. OR over all features. */
enum question {
	QUESTION_PREAPPROVED, /* is this subscription request already approved? */
	QUESTION_INVITED, /* does it answer an invitation of the user's, which the answer uses
			     up? Then it is approved, and the user asks for the same */
	QUESTION_HIDDEN, /* does the user hide from passage->to, subscribed or not? No stanza */
	QUESTIONS,
};

/* Claims of which there is at most one in the server; a second refuses to start. */
struct claims {
	/* The body-rewriting filter engine, on SENT before stamp: the body's replacement or
	 * LATER. */
	struct verdict (*rewrite)(const struct passage *, struct stanza_edit *);
	/* wire hold: true = the stanza was kept back (CSI) and must not be written now. */
	bool (*wire_hold)(struct session *, const struct stanza *, struct bytes head);
	/* wire count: called for every stanza written, in wire order (0198). */
	void (*wire_count)(struct session *, const struct stanza *, struct bytes head);
	/* Has this session's client announced the disco feature? (0115, service_supports) */
	bool (*supports)(const struct session *, struct bytes ns);
};

/* --- stream-level elements (0198, CSI, SASL2 extras): after authentication ---------------- */

struct nonza_rule {
	const char *ns;
	const char *element;
	bool before_bind; /* may come instead of bind (resume) */
	struct verdict (*handle)(struct session *,
				 const struct stanza *); /* FAIL closes nothing by itself */
};

/* --- state slots ---------------------------------------------------------------------------
 */

enum slot_of { SLOT_SESSION, SLOT_USER, SLOT_SHARD, SLOT_KINDS };

/*
 * Typed state of a feature on a session or user, allocated zeroed at first use. freeze writes
 * it for a move to another shard, node or version; a slot without freeze says is_lost = true.
 * A shard's is what the feature's code shares on one thread, such as a cache: always lost.
 */
struct slot {
	enum slot_of of;
	size_t size;
	bool is_lost;
	void (*freeze)(const void *state, struct buf *out);
	int (*thaw)(void *state, struct bytes in);
	void (*fini)(void *state);
	uint32_t index; /* set by the registry, from 1 */
};

/* The state, allocated at the first call. session_or_user is NULL for this shard's. */
void *slot_get(struct slot *slot, void *session_or_user);
/* The state, or NULL if it was never used. */
void *slot_find(const struct slot *slot, const void *session_or_user);

/* --- loading
 * ----------------------------------------------------------------------------------- */

/* A store that is read whole for an account when it is loaded; loaded() gets what was found. */
struct preload {
	struct store_decl *store;
	/* doc: one call, value may be BYTES_NONE; map: one call per key, then one with key
	 * NONE. */
	void (*loaded)(struct user *, struct bytes key, struct bytes value);
};

/* --- the feature
 * ----------------------------------------------------------------------------------- */

enum { FEATURE_ABI_NUMBER = 1 };
#define FEATURE_ABI .abi = FEATURE_ABI_NUMBER, .size = sizeof(struct feature)

struct feature {
	uint32_t abi;
	uint32_t size;
	const char *name;    /* snake_case; also the option features.<name> per domain */
	const char *xep;     /* "0199", or NULL */
	const char *version; /* of the XEP implemented */
	const char *summary; /* one sentence: what a user gains; what is left out */

	const char *const *disco; /* features of the server (XEP-0030), NULL-terminated */
	const char *const *disco_account; /* features of an account's bare JID */
	/* Extension forms (XEP-0128) of the server, as children of disco#info's <query/>. */
	void (*disco_form)(const struct domain *, struct xml_writer *);
	/*
	 * A node of the server's (XEP-0030 section 3.2 and 4.2): writes the children of
	 * <query node='…'/>; iq->child's namespace tells info from items. PASS: not a node of
	 * this feature's.
	 */
	struct verdict (*node)(struct iq *, struct bytes node, struct xml_writer *);
	const struct adhoc_command *commands; /* of the server (XEP-0050); ends with { 0 } */
	const struct iq_rule *iq;	      /* ends with { 0 } */
	const struct nonza_rule *nonza;	      /* ends with { 0 } */

	struct stanza_phases message, presence, iq_stanza;
	enum copy (*copy)(const struct passage *, const struct session *);
	bool (*keep)(const struct passage *); /* took care of an undeliverable message */
	bool (*answer[QUESTIONS])(const struct passage *);
	struct claims claims;

	/* Children for <stream:features/> before authentication, where a login is offered. */
	void (*preauth_features)(const struct domain *, struct buf *out);
	/* Children for <stream:features/> after authentication. */
	void (*stream_features)(const struct domain *, struct buf *out);

	void (*session_bound)(struct session *);
	void (*session_gone)(struct session *); /* before it is freed */
	void (*session_presence)(struct session *,
				 const struct stanza *); /* broadcast presence set */
	void (*user_loaded)(struct user *);
	void (*user_deleted)(const struct domain *, struct jid bare);
	/* The account's card (XEP-0054) is being replaced; NULL: removed. What depends on it
	 * goes into the same batch. */
	void (*user_card)(struct user *, const struct xnode *card, struct store_batch *);

	struct option *const *options; /* NULL-terminated lists */
	struct metric *const *metrics;
	struct store_decl *const *stores;
	struct slot *const *slots;
	const struct preload *preload; /* ends with { 0 } */

	/* Last step of boot, once per process; 0 or a negative code with a reason. */
	int (*start)(struct err *ret_err);
};

/* --- what handlers may do with users and sessions
 * ------------------------------------------------ */

struct jid user_jid(const struct user *user); /* bare */
const struct domain *user_domain(const struct user *user);
/* Iterates the bound sessions: NULL starts, NULL ends. */
struct session *user_session_next(const struct user *user, const struct session *after);
struct jid session_jid(const struct session *session); /* full */
struct user *session_user(const struct session *session);
enum text_lang session_lang(const struct session *session);
bool session_is_available(const struct session *session);
int session_priority(const struct session *session); /* -128..127 */
/* The session's last broadcast presence, or NULL. Borrowed. */
const struct stanza *session_presence(const struct session *session);

/* --- sending: all of it passes the actor's gate, in order
 * ------------------------------------------ */

/* To one session of this home. Takes no reference of the caller's. */
void session_send(struct session *session, const struct stanza *stanza);
/* A stanza from this home into the world, by its `to`. Failures come back as stanzas. */
void user_post(struct user *user, const struct stanza *stanza);

/* --- storing: through the actor's gate
 * ------------------------------------------------------------- */

/* The store of this process: for batches of this home's accounts, and for reads. */
struct store *core_store(void);

/*
 * Commits a batch of this account (taken). What this home emits from now on, answers included,
 * leaves only when it is committed; if it fails, answers become internal-server-error and the
 * account is loaded again.
 */
void user_commit(struct user *user, struct store_batch **batch);

/* --- domains
 * -------------------------------------------------------------------------------------------
 */

struct bytes domain_name(const struct domain *domain);
/* NULL: the server's own. */
const struct settings *domain_settings(const struct domain *domain);
/* Is this feature switched on for this domain? (core asks before it calls; disco needs it) */
bool domain_has_feature(const struct domain *domain, const struct feature *feature);

/* --- disco (core collects, 0030 speaks)
 * ------------------------------------------------------------ */

/*
 * Writes the children of disco#info's <query/> for the server or an account's bare JID: identity,
 * features, extension forms.
 */
void disco_write_info(const struct domain *domain, bool account, struct xml_writer *writer);
/* Asks the features for this node: DONE, FAIL, or PASS if nobody knows it. */
struct verdict disco_write_node(struct iq *iq, struct bytes node, struct xml_writer *writer);

#endif
