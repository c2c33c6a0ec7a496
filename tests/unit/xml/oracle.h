/*
 * The oracle: expat in namespace mode, which must agree with our parser about what is accepted
 * and about every element, attribute and text. Used by test_oracle.c and by the fuzzer.
 */
#ifndef TEST_XML_ORACLE_H
#define TEST_XML_ORACLE_H

#include "base/bytes.h"

enum oracle_result {
	ORACLE_ACCEPTED,  /* by both, alike */
	ORACLE_REFUSED,	  /* by both */
	ORACLE_DIFFERENT, /* by one only, for a reason that oracle.c lists */
	ORACLE_WRONG,	  /* *ret_why says what */
};

/*
 * Parses raw, as one top-level element of a client's stream that declared a few prefixes. What
 * is accepted is also sent over each kind of wire and parsed again: it must mean the same.
 */
enum oracle_result oracle_compare(struct bytes raw, const char **ret_why);

#endif
