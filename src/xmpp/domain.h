/*
 * Inside jid: host names and IP literals of a domainpart (RFC 7622 section 3.2) that are not
 * plain lower-case NR-LDH labels. Included by jid.c and domain.c only.
 */
#ifndef XMPP_DOMAIN_H
#define XMPP_DOMAIN_H

#include "base/arena.h"

enum domain_shape {
	DOMAIN_NORMAL, /* lower-case NR-LDH labels: nothing to do */
	DOMAIN_BROKEN, /* ASCII, and not NR-LDH */
	DOMAIN_OTHER,  /* needs domain_prepare */
};

/* What a domainpart without trailing dot is; looks at ASCII only. */
enum domain_shape domain_shape(struct bytes domain);
/*
 * Internationalised names to U-labels (IDNA2008 by UTS #46, nontransitional), IPv6 literals to
 * the form of RFC 5952. In the arena. 0, -EINVAL or -E2BIG.
 */
int domain_prepare(struct arena *arena, struct bytes raw, struct bytes *ret_domain);

#endif
