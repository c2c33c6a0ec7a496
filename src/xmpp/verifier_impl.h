/* Inside verifier: what verifier.c, verifier_text.c and verifier_import.c share. */
#ifndef XMPP_VERIFIER_IMPL_H
#define XMPP_VERIFIER_IMPL_H

#include "xmpp/verifier.h"

enum verifier_kind { VERIFIER_KIND_SCRAM, VERIFIER_KIND_PBKDF2, VERIFIER_KIND_CRYPT };

struct verifier_scheme_info {
	const char *word;
	enum hash hash;
	enum verifier_kind kind;
};

const struct verifier_scheme_info *verifier_scheme_info(enum verifier_scheme scheme);
/* True if the fields are within limits and of the sizes that the scheme needs. */
bool verifier_is_sound(const struct verifier *verifier);
/* True if text is a crypt(3) string of a method that we take. */
bool verifier_is_crypt_string(struct bytes text);
/* Decimal, 1 to VERIFIER_ITERATIONS_MAX. 0 or -EINVAL. */
int verifier_parse_iterations(struct bytes text, uint32_t *ret_iterations);

#endif
