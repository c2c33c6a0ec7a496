/*
 * The received line: a stanza at the home of its `to`. Checked, stamped, recorded, then
 * delivered to sessions by the rules of RFC 6121 section 8.5, which stand in one table
 * (deliver_rules.def). A stanza to a domain is taken here too, on the shard that posted it.
 */
#ifndef CORE_DELIVER_H
#define CORE_DELIVER_H

#include "core/feature.h"

/* What becomes of a message. */
enum delivery {
	DELIVERY_TO_MATCH, /* D: the resource it names */
	DELIVERY_TO_ALL,   /* A: every available resource of non-negative priority */
	DELIVERY_TO_MOST,  /* M: all of them, or the most available (delivery.all_resources) */
	DELIVERY_KEEP,	   /* O: kept for later by a feature, else service-unavailable */
	DELIVERY_UNAVAILABLE, /* E: service-unavailable */
	DELIVERY_IGNORE,      /* S: silently */
};

enum delivery_type {
	DELIVERY_NORMAL,
	DELIVERY_CHAT,
	DELIVERY_GROUPCHAT,
	DELIVERY_HEADLINE,
	DELIVERY_ERROR,
	DELIVERY_TYPES
};

/* Which resources the account has (RFC 6121 section 8.5.4, Table 1). */
enum delivery_presence {
	DELIVERY_NO_RESOURCE, /* none available; also: no such account */
	DELIVERY_NEGATIVE,    /* only of negative priority */
	DELIVERY_AVAILABLE,   /* at least one of non-negative priority */
	DELIVERY_PRESENCES
};

enum delivery_address {
	DELIVERY_BARE,
	DELIVERY_FULL_MATCH,
	DELIVERY_FULL_NO_MATCH,
	DELIVERY_ADDRESSES
};

/* The table. */
enum delivery deliver_rule(enum delivery_presence presence, enum delivery_address address,
			   enum delivery_type type);

/* At the home of stanza->to. Borrowed. */
void deliver_stanza(const struct stanza *stanza);

/* delivery.all_resources */
extern struct option deliver_option_all;

#endif
