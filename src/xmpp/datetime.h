/*
 * XEP-0082: date and time profiles. Times are microseconds since 1970, UTC (clock_real_us()).
 * Pure functions, any thread.
 *
 * 	char text[DATETIME_MAX_BYTES];
 * 	struct bytes stamp = datetime_format(text, clock_real_us(), 3);
 */
#ifndef XMPP_DATETIME_H
#define XMPP_DATETIME_H

#include "base/bytes.h"

/* "9999-12-31T23:59:59.999999Z" */
enum { DATETIME_MAX_BYTES = 28 };

/* DateTime in UTC (section 3.2) with 0-6 digits of fraction; a slice of out. Years to 9999. */
struct bytes datetime_format(char out[DATETIME_MAX_BYTES], uint64_t us,
			     unsigned fraction_digits);
/*
 * DateTime with fraction (digits after the sixth are dropped) and Z or an offset (section 3.2).
 * Also the old basic form of XEP-0091, CCYYMMDDThh:mm:ss. 0, or -EINVAL, or -ERANGE before
 * 1970.
 */
int datetime_parse(struct bytes text, uint64_t *ret_us);
/* Offset of a Time or DateTime such as "-06:00" or "Z" (section 3.3), in minutes. 0 or -EINVAL.
 */
int datetime_parse_offset(struct bytes text, int *ret_minutes);

#endif
