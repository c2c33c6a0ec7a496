/* The one message of SASL PLAIN (RFC 4616 section 2). Pure functions, any thread. */
#ifndef XMPP_PLAIN_H
#define XMPP_PLAIN_H

#include "base/bytes.h"

struct plain_message {
	struct bytes authzid; /* BYTES_NONE if empty */
	struct bytes authcid;
	struct bytes password;
};

/* 0, or -EINVAL: not authzid NUL authcid NUL passwd, or not UTF-8. Slices of message. */
int plain_parse(struct bytes message, struct plain_message *ret_message);

#endif
