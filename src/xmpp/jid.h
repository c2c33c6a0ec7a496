/*
 * struct jid: a parsed, normalised XMPP address (RFC 7622). It is a small value: pass it by
 * value. It owns nothing: `full` lives in the arena that parsed it (or in the text itself, see
 * jid_parse_borrowed), and jid_local() and friends are slices of `full`. Two addresses are
 * equal exactly if their normalised bytes are. Pure functions, any thread.
 *
 * 	struct jid to;
 * 	if (jid_parse(arena, attribute, &to, NULL) < 0)
 * 		return verdict_fail(CONDITION_JID_MALFORMED, TEXT_NONE);
 */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include "base/arena.h"

/* RFC 7622 sections 3.2-3.4: bytes of one part after preparation. */
enum { JID_PART_MAX_BYTES = 1023, JID_MAX_BYTES = 3 * JID_PART_MAX_BYTES + 2 };

struct jid {
	struct bytes full;     /* local@domain/resource, normalised; BYTES_NONE: no address */
	uint16_t local_len;    /* 0: none */
	uint16_t domain_len;   /* 0 only in JID_NONE */
	uint16_t resource_len; /* 0: none */
};

#define JID_NONE ((struct jid){ BYTES_NONE, 0, 0, 0 })

/* Why a text is no address. */
enum jid_fault {
	JID_FAULT_NONE,
	JID_FAULT_ENCODING, /* not UTF-8 */
	JID_FAULT_EMPTY,    /* a part is there but empty, or becomes empty */
	JID_FAULT_TOO_LONG, /* a part exceeds JID_PART_MAX_BYTES, or a domain label 63 */
	JID_FAULT_LOCAL,  /* a character or direction that a localpart forbids (section 3.3) */
	JID_FAULT_DOMAIN, /* neither host name nor IP literal (section 3.2) */
	JID_FAULT_RESOURCE, /* a character that a resourcepart forbids (section 3.4) */
};

/*
 * Parses and normalises text; the result lives in the arena. 0, or -EINVAL with the reason in
 * *ret_fault (NULL accepted).
 */
int jid_parse(struct arena *arena, struct bytes text, struct jid *ret_jid,
	      enum jid_fault *ret_fault);
/* The same, but without a copy when text is in normal form already: then ret_jid->full is text.
 */
int jid_parse_borrowed(struct arena *arena, struct bytes text, struct jid *ret_jid,
		       enum jid_fault *ret_fault);
/*
 * Puts an address together from raw parts, each normalised; BYTES_NONE for an absent local or
 * resource. 0 or -EINVAL as jid_parse.
 */
int jid_make(struct arena *arena, struct bytes local, struct bytes domain,
	     struct bytes resource, struct jid *ret_jid, enum jid_fault *ret_fault);
/*
 * jid's local and domain with another resource, which is normalised (BYTES_NONE: bare). 0 or
 * -EINVAL.
 */
int jid_with_resource(struct arena *arena, struct jid jid, struct bytes resource,
		      struct jid *ret_jid);
/*
 * Splits bytes that this program has normalised before (a store's key, a session's name)
 * without checking them again. `normal` is borrowed. Aborts on an empty domain or a part that
 * is too long.
 */
struct jid jid_from_normal(struct bytes normal);
/* A copy whose bytes live in the arena. */
struct jid jid_copy(struct arena *arena, struct jid jid);

/* One part, normalised, in the arena, or `raw` itself if it is in normal form. 0 or -EINVAL. */
int jid_prepare_local(struct arena *arena, struct bytes raw, struct bytes *ret_local);
int jid_prepare_domain(struct arena *arena, struct bytes raw, struct bytes *ret_domain);
int jid_prepare_resource(struct arena *arena, struct bytes raw, struct bytes *ret_resource);

/*
 * The domain as TLS and DNS write it: A-labels ("xn--…") for an internationalised name, itself
 * otherwise. normal: a prepared domainpart. In the arena, or `normal` itself.
 */
struct bytes jid_domain_to_ascii(struct arena *arena, struct bytes normal);

/* "not a host name" and the like, for logs and command lines. */
const char *jid_fault_name(enum jid_fault fault);

static inline bool jid_is_none(struct jid jid)
{
	return jid.domain_len == 0;
}

static inline size_t jid_domain_at(struct jid jid)
{
	return jid.local_len == 0 ? 0 : jid.local_len + 1u;
}

/* BYTES_NONE if there is none. */
static inline struct bytes jid_local(struct jid jid)
{
	return jid.local_len == 0 ? BYTES_NONE : bytes_make(jid.full.ptr, jid.local_len);
}

static inline struct bytes jid_domain(struct jid jid)
{
	return bytes_make(jid.full.ptr + jid_domain_at(jid), jid.domain_len);
}

/* BYTES_NONE if there is none. */
static inline struct bytes jid_resource(struct jid jid)
{
	return jid.resource_len == 0
		       ? BYTES_NONE
		       : bytes_make(jid.full.ptr + jid_domain_at(jid) + jid.domain_len + 1,
				    jid.resource_len);
}

/* local@domain, or domain. */
static inline struct bytes jid_bare(struct jid jid)
{
	return bytes_make(jid.full.ptr, jid_domain_at(jid) + jid.domain_len);
}

/* The same as an address of its own (borrowing the same bytes). */
static inline struct jid jid_to_bare(struct jid jid)
{
	return (struct jid){ jid_bare(jid), jid.local_len, jid.domain_len, 0 };
}

static inline struct jid jid_to_domain(struct jid jid)
{
	return (struct jid){ jid_domain(jid), 0, jid.domain_len, 0 };
}

/* No resource (a domain alone is bare too). */
static inline bool jid_is_bare(struct jid jid)
{
	return jid.domain_len != 0 && jid.resource_len == 0;
}

static inline bool jid_is_full(struct jid jid)
{
	return jid.resource_len != 0;
}

/* Neither local nor resource. */
static inline bool jid_is_domain(struct jid jid)
{
	return jid.domain_len != 0 && jid.local_len == 0 && jid.resource_len == 0;
}

static inline bool jid_equal(struct jid a, struct jid b)
{
	return a.local_len == b.local_len && a.domain_len == b.domain_len &&
	       bytes_equal(a.full, b.full);
}

static inline bool jid_bare_equal(struct jid a, struct jid b)
{
	return a.local_len == b.local_len && bytes_equal(jid_bare(a), jid_bare(b));
}

#endif
