/*
 * Enrolment: an account for somebody who asks for one from a client (XEP-0077, XEP-0445). One
 * operation with several waits, each a step:
 *
 * 	RATION (not too many from there) -> LOOK (is the name free?) -> CLAIM (the invitation, or
 * 	that the name is not reserved) -> MAKE (keys on a worker, the account) -> SETTLE (the
 * 	invitation is used, the inviter gets a contact) | RELEASE -> done
 */
#ifndef CORE_ENROL_H
#define CORE_ENROL_H

#include "core/feature.h"

/*
 * status: 0, -EDQUOT (too many from this network), -EEXIST (the name is taken or reserved),
 * -ENOENT (the invitation is gone), -EPERM (it is for another name), -EINVAL (an unusable
 * password), -EAGAIN (too busy), or what the store says.
 */
typedef void enrol_done_fn(int status, void *context);

struct enrolment {
	const struct domain *domain;
	struct bytes username; /* a prepared localpart */
	struct bytes password;
	struct bytes network; /* empty: not limited */
	struct bytes token;   /* an accepted invitation's, or NONE */
};

/* All is copied. Answers on this shard, later. */
void enrol(const struct enrolment *enrolment, enrol_done_fn *done, void *context);

/* Who may make accounts at this domain. */
enum enrol_policy { ENROL_CLOSED, ENROL_OPEN, ENROL_INVITED };
enum enrol_policy enrol_policy(const struct domain *domain);

extern struct option enrol_option_limit;

#endif
