/*
 * Error conditions of stanzas (RFC 6120 section 8.3) and of streams (section 4.9) and the bytes
 * of their elements. Building a whole error reply is core's job. Pure functions, any thread.
 *
 * 	error_write_stanza(&out, &(struct stanza_error){ .condition = CONDITION_NOT_ALLOWED });
 */
#ifndef XMPP_ERROR_H
#define XMPP_ERROR_H

#include "base/buf.h"
#include "base/text.h"

enum stanza_condition {
	CONDITION_NONE,
#define STANZA_CONDITION(name, element, type) CONDITION_##name,
#include "xmpp/condition.def"
#undef STANZA_CONDITION
	CONDITION_COUNT
};

/* RFC 6120 section 8.3.2. */
enum error_type {
	ERROR_TYPE_DEFAULT, /* what the condition recommends */
	ERROR_TYPE_AUTH,
	ERROR_TYPE_CANCEL,
	ERROR_TYPE_CONTINUE,
	ERROR_TYPE_MODIFY,
	ERROR_TYPE_WAIT,
};

enum stream_condition {
	STREAM_CONDITION_NONE,
#define STREAM_CONDITION(name, element) STREAM_CONDITION_##name,
#include "xmpp/stream_condition.def"
#undef STREAM_CONDITION
	STREAM_CONDITION_COUNT
};

/* A stanza error to be written. Everything but the condition is optional. */
struct stanza_error {
	enum stanza_condition condition;
	enum error_type type;
	struct bytes by; /* who reports it (section 8.3.1): a JID, raw; BYTES_NONE: nobody */
	struct bytes new_address; /* gone, redirect: the URI inside the condition, raw */
	enum text text;		  /* TEXT_NONE: no <text/> */
	enum text_lang lang;
	struct bytes
		extra; /* application-specific condition: well-formed XML with its own xmlns */
};

/* A stream error to be written. */
struct stream_error {
	enum stream_condition condition;
	struct bytes host; /* see-other-host: host or host:port, raw */
	enum text text;
	enum text_lang lang;
	struct bytes extra;
};

/* "item-not-found"; NUL-terminated, static. */
const char *stanza_condition_name(enum stanza_condition condition);
const char *stream_condition_name(enum stream_condition condition);
/* By element name; CONDITION_NONE if there is none. */
enum stanza_condition stanza_condition_find(struct bytes element);
enum stream_condition stream_condition_find(struct bytes element);
/* What RFC 6120 section 8.3.3 recommends; never ERROR_TYPE_DEFAULT. */
enum error_type stanza_condition_type(enum stanza_condition condition);
/* "auth", "cancel", … */
const char *error_type_name(enum error_type type);
/* ERROR_TYPE_DEFAULT if it is none of the five. */
enum error_type error_type_find(struct bytes name);

/*
 * Appends <error type='…' by='…'>…</error>, its children in the stanza error namespace; the
 * element itself takes the default namespace of where it is put. 0 or -ENOBUFS (buf marked).
 */
int error_write_stanza(struct buf *out, const struct stanza_error *error);
/*
 * Appends <stream:error>…</stream:error>; the prefix `stream` must be declared by the stream
 * header (always so in ours). With RFC 7395 framing, is_framed declares it on the element.
 */
int error_write_stream(struct buf *out, const struct stream_error *error, bool is_framed);

#endif
