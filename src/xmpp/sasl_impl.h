/* Inside sasl: what a mechanism is made of. Included by sasl.c and sasl_mech.c. */
#ifndef XMPP_SASL_IMPL_H
#define XMPP_SASL_IMPL_H

#include "xmpp/sasl.h"

enum sasl_kind { SASL_KIND_SCRAM_PLUS, SASL_KIND_SCRAM, SASL_KIND_PLAIN };

struct sasl_mech_info {
	const char *name;
	enum hash hash;
	enum sasl_kind kind;
};

const struct sasl_mech_info *sasl_mech_info(enum sasl_mech mech);

#endif
