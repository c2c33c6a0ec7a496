/*
 * struct stanza: one parsed top-level element, sealed: nobody changes it after it was made. It
 * is a single block (base/block.h) with an atomic reference count: facts, node array,
 * attributes, namespaces and the bytes themselves. All slices and nodes handed out here live as
 * long as a reference is held. Any thread may read, ref and unref.
 *
 * 	const struct xnode *body = xnode_find(stanza_root(s), "body", NULL);
 * 	struct bytes text = xnode_text(body, arena);
 *
 * The forwarding rule. tail is everything after the root's start tag: children and end tag. It
 * is well-formed inside any element with the root's name that puts the root's namespace (or the
 * content namespace of another stream) in force as the default one, and it needs no prefix but
 * xml. So a recipient gets a small head of its own (xml/wire.h) and the shared tail.
 */
#ifndef XML_STANZA_H
#define XML_STANZA_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"

enum { STANZA_MAGIC = 0x57A27A01 };

enum stanza_kind {
	STANZA_MESSAGE,
	STANZA_PRESENCE,
	STANZA_IQ,
	STANZA_OTHER, /* anything else at the top of a stream: <auth/>, <r/>, <enable/> … */
};

enum xnode_flags {
	XNODE_HAS_CHILDREN = 1, /* child elements */
	XNODE_IS_CODED = 2, /* direct text has references, CDATA or CR: it must be decoded */
	XNODE_NEEDS_CONTEXT = 4, /* its bytes use a prefix or default namespace of an ancestor
				    below the root: see xnode_raw() */
};

/* Offsets are into stanza->bytes. The fields are for the inline functions below. */
struct xnode {
	uint32_t index; /* in stanza->nodes: document order */
	uint32_t next;	/* index of the next sibling, 0 if there is none */
	uint32_t name;	/* local name */
	uint16_t name_len;
	uint16_t ns;	      /* index into stanza->namespaces */
	uint32_t start;	      /* '<' of the start tag */
	uint32_t content;     /* after the '>' of the start tag */
	uint32_t content_end; /* '<' of the end tag; = content if empty */
	uint32_t end;	      /* after the '>' of the end tag */
	uint32_t attrs;	      /* index of the first in stanza->attrs */
	uint16_t attr_count;
	uint16_t flags;
};

struct xattr {
	uint32_t name;
	uint16_t name_len;
	uint16_t ns;	/* 0: none */
	uint32_t value; /* decoded and normalised */
	uint32_t value_len;
};

struct stanza {
	uint32_t magic;
	_Atomic uint32_t refs;
	enum stanza_kind kind;
	uint32_t node_count;
	uint32_t size_bytes; /* of the whole block: what a queue should account for */
	bool is_empty;	     /* <name .../>: tail is empty, wire_head() closes the element */

	/* Facts of the root; decoded; BYTES_NONE if absent. */
	struct bytes to;
	struct bytes from; /* as stamped by the parser's context */
	struct bytes id;
	struct bytes type;
	struct bytes lang; /* xml:lang, also when it came from the stream */
	struct bytes
		claimed_from; /* what the peer wrote as from: only to refuse a forged one */

	struct bytes name;	  /* of the root, without prefix */
	struct bytes ns;	  /* of the root, "" for none */
	struct bytes extra_attrs; /* other root attributes as they go on the wire: " a='b'…" */
	struct bytes tail;	  /* the forwarding rule above */

	const char *bytes; /* what nodes and attributes point into */
	const struct xattr *attrs;
	const struct bytes *namespaces; /* [0] is none */
	struct xnode nodes[];		/* nodes[0] is the root */
};

/* One more reference; returns its argument for the convenience of assignments. */
struct stanza *stanza_ref(const struct stanza *stanza);
/* Drops one reference and forgets the pointer; NULL inside is accepted. Any thread. */
void stanza_unref(struct stanza **stanza);

static inline const struct xnode *stanza_root(const struct stanza *stanza)
{
	return &stanza->nodes[0];
}

/* Everything after the root's start tag; empty for an empty element. Borrowed. */
static inline struct bytes stanza_tail(const struct stanza *stanza)
{
	return stanza->tail;
}

/* The tail without the root's end tag: children and text, ready for another element. */
struct bytes stanza_content(const struct stanza *stanza);

/* The stanza that the node is part of. */
static inline const struct stanza *xnode_stanza(const struct xnode *node)
{
	const char *first = (const char *)(node - node->index);

	return (const struct stanza *)(const void *)(first - offsetof(struct stanza, nodes));
}

/* Local name. */
static inline struct bytes xnode_name(const struct xnode *node)
{
	return bytes_make(xnode_stanza(node)->bytes + node->name, node->name_len);
}

/* Namespace name, "" for none. */
static inline struct bytes xnode_ns(const struct xnode *node)
{
	return xnode_stanza(node)->namespaces[node->ns];
}

/* name NULL: any name. ns NULL: the root's namespace (the content namespace). */
bool xnode_is(const struct xnode *node, const char *name, const char *ns);

/* Value of the attribute without a namespace; BYTES_NONE if absent. */
struct bytes xnode_attr(const struct xnode *node, const char *name);
/* The same in a namespace; xml:lang is ("lang", XML_NS_XML). */
struct bytes xnode_attr_ns(const struct xnode *node, const char *name, const char *ns);

/*
 * Character data directly inside the node, decoded and joined, without that of children. A
 * slice of the stanza when nothing needs decoding, else in arena. Empty, never NONE.
 */
struct bytes xnode_text(const struct xnode *node, struct arena *arena);

/* NULL if there is none. */
static inline const struct xnode *xnode_first_child(const struct xnode *node)
{
	return node->flags & XNODE_HAS_CHILDREN ? node + 1 : NULL;
}

/* Next sibling, or NULL. */
static inline const struct xnode *xnode_next(const struct xnode *node)
{
	return node->next ? node - node->index + node->next : NULL;
}

#define xnode_for_each_child(child, parent) \
	for (child = xnode_first_child(parent); child != NULL; child = xnode_next(child))

/* First child that xnode_is(name, ns), or NULL. parent NULL gives NULL. */
const struct xnode *xnode_find(const struct xnode *parent, const char *name, const char *ns);

/*
 * The node's own bytes, start tag to end tag. Not for the root (use xml/wire.h). Well-formed
 * wherever the stanza's namespace is the default one, unless XNODE_NEEDS_CONTEXT is set.
 */
struct bytes xnode_raw(const struct xnode *node);
/*
 * Appends the node to out so that it is well-formed and means the same wherever the namespace
 * context_ns is the default one ("" for none). Copies the raw bytes when they will do.
 */
void xnode_write(struct buf *out, const struct xnode *node, struct bytes context_ns);

#define XML_NS_XML "http://www.w3.org/XML/1998/namespace"
#define XML_NS_XMLNS "http://www.w3.org/2000/xmlns/"
#define XML_NS_STREAMS "http://etherx.jabber.org/streams"
#define XML_NS_CLIENT "jabber:client"
#define XML_NS_SERVER "jabber:server"

#endif
