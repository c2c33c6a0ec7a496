/*
 * The strict parser: one complete top-level element in, one sealed stanza out (or a fault). It
 * has no state between calls, so names interned by a peer cannot pile up. Checks UTF-8, the
 * Char production, Names (XML 1.0, fifth edition), Namespaces in XML 1.0, unique attributes, the
 * five entities and character references, CDATA, and refuses comments, PIs, DTDs and other
 * entities (RFC 6120 section 11.1). Temporaries live in scratch() and are given back.
 *
 * 	struct parse_context ctx = { .default_ns = open.default_ns, .content_ns = …, … };
 * 	if (parse_element(&ctx, raw, &stanza, &error) < 0)
 * 		close the stream with xml_fault_condition(error.fault);
 */
#ifndef XML_PARSE_H
#define XML_PARSE_H

#include "base/arena.h"
#include "xml/fault.h"
#include "xml/stanza.h"

/* Hard ceilings; struct xml_limits stays below them. */
enum {
	XML_MAX_DEPTH = 256,
	XML_MAX_ATTRIBUTES = 128, /* of one element */
	XML_MAX_NAMESPACES = 1024,
	XML_MAX_BINDINGS = 8, /* prefixes declared on a stream header */
};

/* Over one of them is a policy-violation. */
struct xml_limits {
	uint32_t bytes;	     /* of the element, also after it was made self-contained */
	uint32_t depth;	     /* the element itself is at 1 */
	uint32_t attributes; /* of one element, namespace declarations included */
	uint32_t namespaces; /* different ones in one element */
	uint32_t nodes;	     /* elements in one element */
};

/* 262,144 bytes, depth 128, 64 attributes, 128 namespaces, 16,384 nodes. */
extern const struct xml_limits xml_limits_default;
/* The ceilings, for elements that we wrote ourselves. */
extern const struct xml_limits xml_limits_own;

/* A namespace prefix in force. */
struct xml_binding {
	struct bytes prefix;
	struct bytes ns;
};

/* What is in force around the element. Borrowed for the call; nothing in it is kept. */
struct parse_context {
	struct bytes default_ns; /* TCP: of the stream header; WebSocket: NONE */
	struct bytes
		content_ns; /* message, presence and iq in it are stanzas; NONE: no kinds */
	const struct xml_binding *bindings; /* of the stream header, see struct stream_open */
	size_t binding_count;
	const struct xml_limits *limits; /* NULL: xml_limits_default */
	/* For message, presence and iq: */
	struct bytes from; /* not NONE: becomes the stanza's from, whatever the peer wrote */
	struct bytes lang; /* not NONE: xml:lang of one that has none (RFC 6120 8.1.5) */
};

struct parse_error {
	enum xml_fault fault;
	uint32_t offset;    /* into raw, roughly */
	const char *reason; /* a static machine word such as "duplicate-attribute" */
};

/*
 * Parses raw, which must be exactly one element (a FRAME_STANZA, or a WebSocket message).
 * 0 and a new reference in *ret_stanza, or -EBADMSG and *ret_error (NULL accepted).
 */
int parse_element(const struct parse_context *ctx, struct bytes raw, struct stanza **ret_stanza,
		  struct parse_error *ret_error);

/* A stream header (RFC 6120 section 4.7). Strings are decoded; BYTES_NONE if absent. */
struct stream_open {
	struct bytes to;
	struct bytes from;
	struct bytes id;
	struct bytes version;
	struct bytes lang;	      /* xml:lang */
	struct bytes default_ns;      /* "" if not declared */
	struct xml_binding *bindings; /* prefixes, "stream" included, "xml" not */
	size_t binding_count;
};

/*
 * Parses a FRAME_OPEN: an XML declaration (1.0, UTF-8) or none, and <stream:stream …>. Which
 * default namespace, version and host are right is the caller's business. Everything in
 * *ret_open lives in arena, compactly. 0 or -EBADMSG and *ret_error (NULL accepted).
 */
int parse_stream_open(struct bytes raw, struct arena *arena, struct stream_open *ret_open,
		      struct parse_error *ret_error);

/* True if raw, a FRAME_CLOSE, is </stream:stream>. */
bool parse_stream_close(struct bytes raw);

#endif
