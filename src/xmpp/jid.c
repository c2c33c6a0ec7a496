#include "xmpp/jid.h"

#include <errno.h>

#include "base/check.h"
#include "base/utf8.h"
#include "xmpp/domain.h"
#include "xmpp/precis.h"

enum {
	CHAR_LOCAL = 1,	   /* may stand in a localpart (RFC 7622 section 3.3.1) */
	CHAR_RESOURCE = 2, /* may stand in a resourcepart */
	CHAR_UPPER = 4,
	CHAR_HIGH = 8, /* not ASCII: PRECIS decides */
	LR = CHAR_LOCAL | CHAR_RESOURCE,
	UP = LR | CHAR_UPPER,
	R = CHAR_RESOURCE,
	H = CHAR_HIGH,
};

/* clang-format off */
static const uint8_t char_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/*       !   "   #   $   %   &   '   (   )   *   +   ,   -   .   /  */
	R,  LR, R,  LR, LR, LR, R,  R,  LR, LR, LR, LR, LR, LR, LR, R,
	/* 0-9                                  :   ;   <   =   >   ? */
	LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, R,  LR, R,  LR, R,  LR,
	/* @ A-O */
	R,  UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP,
	/* P-Z [ \ ] ^ _ */
	UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, UP, LR, LR, LR, LR, LR,
	LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR,
	LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, LR, 0,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
};
/* clang-format on */

/* Raw and prepared parts of an address. */
struct parts {
	struct bytes local, domain, resource;
};

static int refuse(enum jid_fault *ret_fault, enum jid_fault fault)
{
	if (ret_fault)
		*ret_fault = fault;
	return -EINVAL;
}

/* What an error of PRECIS or IDNA means for the part that has `fault`. */
static enum jid_fault fault_of(int error, struct bytes raw, enum jid_fault fault)
{
	if (error == -E2BIG)
		return JID_FAULT_TOO_LONG;
	return utf8_is_valid(raw) ? fault : JID_FAULT_ENCODING;
}

static struct bytes to_lower_ascii(struct arena *arena, struct bytes text)
{
	char *lower = arena_alloc_raw(arena, text.len);
	for (size_t i = 0; i < text.len; i++)
		lower[i] = (char)(text.ptr[i] |
				  (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? 0x20 : 0));
	return bytes_make(lower, text.len);
}

/* All classes that occur (any) and those that every byte has (every). */
static void classify(struct bytes text, unsigned *ret_any, unsigned *ret_every)
{
	unsigned any = 0, every = ~0u;
	for (size_t i = 0; i < text.len; i++) {
		unsigned class = char_class[(uint8_t)text.ptr[i]];
		any |= class;
		every &= class;
	}
	*ret_any = any;
	*ret_every = every;
}

/* Width mapping may have made an ASCII character that section 3.3.1 excludes. */
static enum jid_fault prepare_local_unicode(struct arena *arena, struct bytes *part)
{
	struct bytes raw = *part;
	unsigned any, every;
	int r = precis_username_case_mapped(arena, raw, part);

	if (r < 0)
		return fault_of(r, raw, JID_FAULT_LOCAL);
	for (size_t i = 0; i < part->len; i++) {
		classify(bytes_make(part->ptr + i, 1), &any, &every);
		if (!(any & (CHAR_LOCAL | CHAR_HIGH)))
			return JID_FAULT_LOCAL;
	}
	return JID_FAULT_NONE;
}

static enum jid_fault prepare_local(struct arena *arena, struct bytes *part)
{
	unsigned any, every;

	if (part->len == 0)
		return JID_FAULT_EMPTY;
	classify(*part, &any, &every);
	if (any & CHAR_HIGH)
		return prepare_local_unicode(arena, part);
	if (!(every & CHAR_LOCAL))
		return JID_FAULT_LOCAL;
	if (part->len > JID_PART_MAX_BYTES)
		return JID_FAULT_TOO_LONG;
	if (any & CHAR_UPPER)
		*part = to_lower_ascii(arena, *part);
	return JID_FAULT_NONE;
}

static enum jid_fault prepare_resource(struct arena *arena, struct bytes *part)
{
	unsigned any, every;

	if (part->len == 0)
		return JID_FAULT_EMPTY;
	classify(*part, &any, &every);
	if (any & CHAR_HIGH) {
		struct bytes raw = *part;
		int r = precis_opaque_string(arena, raw, part);
		return r < 0 ? fault_of(r, raw, JID_FAULT_RESOURCE) : JID_FAULT_NONE;
	}
	if (!(every & CHAR_RESOURCE))
		return JID_FAULT_RESOURCE;
	return part->len > JID_PART_MAX_BYTES ? JID_FAULT_TOO_LONG : JID_FAULT_NONE;
}

static enum jid_fault prepare_domain_unusual(struct arena *arena, struct bytes *part)
{
	unsigned any, every;
	struct bytes raw = *part;

	classify(raw, &any, &every);
	if (!(any & CHAR_HIGH) && raw.ptr[0] != '[') {
		struct bytes lower = to_lower_ascii(arena, raw);
		enum domain_shape shape = domain_shape(lower);
		if (shape == DOMAIN_BROKEN)
			return JID_FAULT_DOMAIN;
		if (shape == DOMAIN_NORMAL) {
			*part = lower;
			return lower.len > JID_PART_MAX_BYTES ? JID_FAULT_TOO_LONG
							      : JID_FAULT_NONE;
		}
	}
	int r = domain_prepare(arena, raw, part);
	return r < 0 ? fault_of(r, raw, JID_FAULT_DOMAIN) : JID_FAULT_NONE;
}

static enum jid_fault prepare_domain(struct arena *arena, struct bytes *part)
{
	/* RFC 7622 section 3.2: a final dot is stripped before anything else. */
	if (!bytes_is_none(*part) && part->len > 0 && part->ptr[part->len - 1] == '.')
		part->len--;
	if (bytes_is_none(*part) || part->len == 0)
		return JID_FAULT_EMPTY;
	switch (domain_shape(*part)) {
	case DOMAIN_NORMAL:
		return part->len > JID_PART_MAX_BYTES ? JID_FAULT_TOO_LONG : JID_FAULT_NONE;
	case DOMAIN_BROKEN:
		return JID_FAULT_DOMAIN;
	case DOMAIN_OTHER:
		return prepare_domain_unusual(arena, part);
	}
	return JID_FAULT_DOMAIN;
}

static enum jid_fault prepare(struct arena *arena, struct parts *parts)
{
	enum jid_fault fault = prepare_domain(arena, &parts->domain);
	if (fault == JID_FAULT_NONE && !bytes_is_none(parts->local))
		fault = prepare_local(arena, &parts->local);
	if (fault == JID_FAULT_NONE && !bytes_is_none(parts->resource))
		fault = prepare_resource(arena, &parts->resource);
	return fault;
}

/* RFC 7622 section 3.1: first the resource after the first '/', then the localpart. */
static struct parts split(struct bytes text)
{
	struct parts parts = { BYTES_NONE, text, BYTES_NONE };
	ptrdiff_t at = bytes_find_byte(text, '/');

	if (at >= 0) {
		parts.resource = bytes_skip(text, (size_t)at + 1);
		parts.domain = bytes_first(text, (size_t)at);
	}
	at = bytes_find_byte(parts.domain, '@');
	if (at >= 0) {
		parts.local = bytes_first(parts.domain, (size_t)at);
		parts.domain = bytes_skip(parts.domain, (size_t)at + 1);
	}
	return parts;
}

static struct jid shape(struct parts parts, struct bytes full)
{
	return (struct jid){ full, (uint16_t)parts.local.len, (uint16_t)parts.domain.len,
			     (uint16_t)parts.resource.len };
}

static struct jid assemble(struct arena *arena, struct parts parts)
{
	size_t len = parts.domain.len + (parts.local.len ? parts.local.len + 1 : 0) +
		     (parts.resource.len ? parts.resource.len + 1 : 0);
	char *full = arena_alloc_raw(arena, len), *p = full;

	if (parts.local.len) {
		p = mempcpy(p, parts.local.ptr, parts.local.len);
		*p++ = '@';
	}
	p = mempcpy(p, parts.domain.ptr, parts.domain.len);
	if (parts.resource.len) {
		*p++ = '/';
		memcpy(p, parts.resource.ptr, parts.resource.len);
	}
	return shape(parts, bytes_make(full, len));
}

static bool is_unchanged(struct parts raw, struct parts prepared)
{
	return raw.local.ptr == prepared.local.ptr && raw.domain.ptr == prepared.domain.ptr &&
	       raw.domain.len == prepared.domain.len &&
	       raw.resource.ptr == prepared.resource.ptr;
}

int jid_parse_borrowed(struct arena *arena, struct bytes text, struct jid *ret_jid,
		       enum jid_fault *ret_fault)
{
	struct parts raw = split(text), parts = raw;
	enum jid_fault fault = prepare(arena, &parts);

	if (fault != JID_FAULT_NONE)
		return refuse(ret_fault, fault);
	*ret_jid = is_unchanged(raw, parts) ? shape(parts, text) : assemble(arena, parts);
	return 0;
}

int jid_parse(struct arena *arena, struct bytes text, struct jid *ret_jid,
	      enum jid_fault *ret_fault)
{
	struct jid jid;

	if (jid_parse_borrowed(arena, text, &jid, ret_fault) < 0)
		return -EINVAL;
	*ret_jid = jid.full.ptr == text.ptr ? jid_copy(arena, jid) : jid;
	return 0;
}

int jid_make(struct arena *arena, struct bytes local, struct bytes domain,
	     struct bytes resource, struct jid *ret_jid, enum jid_fault *ret_fault)
{
	struct parts parts = { local, domain, resource };
	enum jid_fault fault = prepare(arena, &parts);

	if (fault != JID_FAULT_NONE)
		return refuse(ret_fault, fault);
	*ret_jid = assemble(arena, parts);
	return 0;
}

int jid_with_resource(struct arena *arena, struct jid jid, struct bytes resource,
		      struct jid *ret_jid)
{
	struct parts parts = { jid_local(jid), jid_domain(jid), resource };

	check(!jid_is_none(jid));
	if (!bytes_is_none(resource) &&
	    prepare_resource(arena, &parts.resource) != JID_FAULT_NONE)
		return -EINVAL;
	*ret_jid = assemble(arena, parts);
	return 0;
}

struct jid jid_from_normal(struct bytes normal)
{
	struct parts parts = split(normal);

	check(parts.domain.len > 0 && parts.domain.len <= JID_PART_MAX_BYTES);
	check(parts.local.len <= JID_PART_MAX_BYTES &&
	      parts.resource.len <= JID_PART_MAX_BYTES);
	return shape(parts, normal);
}

struct jid jid_copy(struct arena *arena, struct jid jid)
{
	jid.full = arena_copy(arena, jid.full);
	return jid;
}

static int prepare_one(enum jid_fault (*prepare_part)(struct arena *, struct bytes *),
		       struct arena *arena, struct bytes raw, struct bytes *ret)
{
	if (prepare_part(arena, &raw) != JID_FAULT_NONE)
		return -EINVAL;
	*ret = raw;
	return 0;
}

int jid_prepare_local(struct arena *arena, struct bytes raw, struct bytes *ret_local)
{
	return prepare_one(prepare_local, arena, raw, ret_local);
}

int jid_prepare_domain(struct arena *arena, struct bytes raw, struct bytes *ret_domain)
{
	return prepare_one(prepare_domain, arena, raw, ret_domain);
}

int jid_prepare_resource(struct arena *arena, struct bytes raw, struct bytes *ret_resource)
{
	return prepare_one(prepare_resource, arena, raw, ret_resource);
}

const char *jid_fault_name(enum jid_fault fault)
{
	static const char *const names[] = {
		[JID_FAULT_NONE] = "fine",
		[JID_FAULT_ENCODING] = "not UTF-8",
		[JID_FAULT_EMPTY] = "an empty part",
		[JID_FAULT_TOO_LONG] = "a part that is too long",
		[JID_FAULT_LOCAL] = "a forbidden character before the @",
		[JID_FAULT_DOMAIN] = "not a host name",
		[JID_FAULT_RESOURCE] = "a forbidden character after the /",
	};
	return names[fault];
}
