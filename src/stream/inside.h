/*
 * The inside of a stream: what the files of this room share. Nothing here is for other rooms.
 *
 * 	                 ASK_WAIT (a request before authentication)
 * 	                     | ^
 * 	OPENING --header--> FEATURES --auth--> SASL <--challenge--> SASL_WAIT
 * 	  ^                  |  ^                                    |  |  (lookup, delay,
 * 	  |               starttls '-----------failure---------------'  |   verification)
 * 	  '-- SECURING <-----'                                       success
 * 	                                                                |
 * 	  BOUND <--bound-- BIND_WAIT <--iq-- BIND <--header-- REOPENING <--- MOVING (if not at
 * home)
 * 	                       '--failed-->---'
 * 	any --close, error, lost, timeout--> ENDED (the struct goes when nobody will answer any
 * more)
 *
 * Every pair of state and input stands in steps.def. In ASK_WAIT, SASL_WAIT, MOVING and
 * BIND_WAIT the carrier is paused: a client that sends everything at once is not read ahead of its state.
 */
#ifndef STREAM_INSIDE_H
#define STREAM_INSIDE_H

#include "base/arena.h"
#include "base/list.h"
#include "base/metric.h"
#include "io/timer.h"
#include "stream/carrier.h"
#include "xml/framer.h"
#include "xml/parse.h"
#include "xmpp/ns.h"

enum {
	STREAM_MAGIC = 0x57E4A001,
	STREAM_DEPTH_MAX = 128,		    /* xml_limits_default.depth */
	STREAM_AUTH_ATTEMPTS = 3,	    /* RFC 6120 section 6.4.5: between two and five */
	STREAM_ASKS = 20,		    /* requests of one client before authentication */
	STREAM_PREAUTH_QUEUE_BYTES = 65536, /* what may wait for a client not bound yet */
};

enum stream_state {
#define STEP(state, ...) STREAM_##state,
#include "stream/steps.def"
#undef STEP
	STREAM_STATES
};

enum stream_input {
#define INPUT(name, column) STREAM_INPUT_##name,
#include "stream/inputs.def"
#undef INPUT
	STREAM_INPUTS
};

/* What a stream header declared beyond the usual, in one block; most streams have none. */
struct header_facts {
	struct bytes lang;    /* xml:lang */
	bool is_default_none; /* no default namespace: prefix-free canonicalisation (RFC
				 6120 4.8.2) */
	size_t binding_count;
	struct xml_binding bindings[];
};

struct login;

struct stream {
	uint32_t magic;
	uint8_t state;	     /* enum stream_state */
	uint8_t lang;	     /* enum text_lang */
	uint8_t refs;	     /* the carrier, an upcall on the stack, a bind without an answer */
	bool has_header : 1; /* ours was sent on the present stream */
	bool is_stopped : 1; /* the carrier was paused */
	bool is_held : 1;    /* core wants it paused */
	bool is_doomed : 1;  /* in the shard's doomed list */
	bool is_framed : 1;  /* carrier->ops->is_framed */
	struct framer framer;
	uint32_t queue_limit;	     /* limits.queue_bytes */
	uint32_t stanza_limit;	     /* limits.stanza_bytes or preauth_bytes */
	struct carrier *carrier;     /* NULL once ENDED */
	const struct domain *domain; /* NULL before a good header */
	void *session;		     /* BOUND only */
	struct bytes full;	     /* BOUND: full JID, the session's memory */
	uint16_t bare_len;	     /* of full */
	struct list link;	     /* in stream_shard.streams or .doomed */
	struct header_facts *facts;
	struct login *login; /* until BOUND */
};

/* Everything that only negotiation needs: a block, freed when the session is bound. */
struct login {
	struct stream *stream;
	struct timer deadline; /* limits.preauth_seconds */
	struct timer delay;    /* host->auth_delay_ms */
	struct arena arena;
	struct sasl_context sasl; /* .mechs and .bindings: what was offered */
	struct sasl_exchange *exchange;
	struct stream_lookup *lookup;	   /* unanswered */
	struct verification *verification; /* on a worker */
	struct stream_ask *ask;		   /* unanswered */
	struct bytes memory;		   /* stream_ask_remember() */
	struct jid user;		   /* authenticated; JID_NONE before */
	struct bytes success;		   /* additional data, base64; BYTES_NONE: none */
	struct bytes bind_id;
	uint64_t ticket; /* admission_enter() */
	uint8_t attempts;
	uint8_t asks;
	bool is_known;	/* sasl_user() is valid */
	bool has_offer; /* mechanisms were offered */
};

/* What one step works on. */
struct step {
	enum stream_input input;
	struct bytes raw;      /* OPEN on a byte carrier: the frame */
	struct stanza *stanza; /* elements; a step that keeps it takes it and leaves NULL */
};

/* --- the table (steps.c) */

void stream_step(struct stream *stream, struct step *step);
/* Parses one element and steps with it. */
void stream_element(struct stream *stream, struct bytes raw);

#define STEP_FUNCTION(name) void step_##name(struct stream *stream, struct step *step)
STEP_FUNCTION(open);
STEP_FUNCTION(secured);
STEP_FUNCTION(starttls);
STEP_FUNCTION(ask);
STEP_FUNCTION(auth);
STEP_FUNCTION(respond);
STEP_FUNCTION(abort);
STEP_FUNCTION(moved);
STEP_FUNCTION(bind);
STEP_FUNCTION(stanza);
STEP_FUNCTION(nonza);

/* --- the life of a stream (stream.c) */

/* The host; never NULL. */
const struct stream_host *stream_host(void);
/* settings of the stream's domain, or the server's before it is known. */
const struct settings *stream_settings(const struct stream *stream);
/* Changes state; pauses or resumes the carrier as the state wants it. */
void stream_enter(struct stream *stream, enum stream_state state);
void stream_hold(struct stream *stream);
void stream_drop(struct stream *stream);
/* Sends and empties buf; framed: as one message. */
void stream_put(struct stream *stream, struct buf *buf);
/* SASL_SECRET_BYTES for simulated salts. */
const uint8_t *stream_secret(void);
/* Our header if it is still due, <stream:error/>, the end; the session hears ERROR. */
void stream_fault(struct stream *stream, enum stream_condition condition, enum text text);
/* The stream error of a fault in the peer's XML. */
void stream_xml_fault(struct stream *stream, enum xml_fault fault);
/* The same with system-shutdown; the session hears REPLACED. */
void stream_shut_down(struct stream *stream);
/* Ends a stream: the end tag (unless the carrier is gone), the carrier, the session's upcall.
 */
void stream_finish(struct stream *stream, enum stream_end why);
/* Enters or leaves this shard's list of streams. */
void stream_join_shard(struct stream *stream);
void stream_leave_shard(struct stream *stream);

/* --- headers and features (header.c) */

/* Writes our header with this id-bearing answer; `to` may be BYTES_NONE. */
void header_send(struct stream *stream, struct bytes to);
/* </stream:stream> or <close/>. */
void header_send_end(struct stream *stream);
/* The context in which the client's elements are parsed; borrows from stream and *limits. */
struct parse_context header_context(const struct stream *stream, struct xml_limits *limits);

/* --- logging in (login.c, verify.c) */

void login_new(struct stream *stream, uint64_t ticket);
/* Lets go of everything; answers that come later find no stream. */
void login_free(struct stream *stream);
/* Deadline over to the timer wheel of the present shard. */
void login_arm_deadline(struct login *login, uint64_t at_ms);
/* Writes <mechanisms/>, if any, into the features and remembers what was offered. */
void login_offer(struct stream *stream, struct buf *out);
/* A step of the exchange happened elsewhere (lookup, worker). */
void login_continue(struct stream *stream, struct sasl_step step);

/* Posts the check of a PLAIN password; 0 or -EAGAIN. */
int verification_start(struct login *login, const struct verifier_list *verifiers);
/* The stream goes away: the result will be dropped. */
void verification_orphan(struct verification *verification);

/* --- requests before authentication (ask.c) */

/* Writes what the host offers to clients that have not authenticated. */
void ask_offer(struct stream *stream, struct buf *out);
/* The stream goes away: the answer will be dropped. */
void ask_orphan(struct stream_ask *ask);

/* --- options and metrics (options.c) */

#define STREAM_OPTION(name) extern struct option stream_opt_##name;
#include "stream/options.def"
#undef STREAM_OPTION

extern struct metric stream_metric_open, stream_metric_refused, stream_metric_errors,
	stream_metric_auth_ok, stream_metric_auth_failed, stream_metric_timeouts;

#endif
