#include "xmpp/datetime.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"

enum { US_PER_SECOND = 1000000, SECONDS_PER_DAY = 86400 };

struct date {
	int64_t year;
	unsigned month, day;
};

/* Days since 1970 of a proleptic Gregorian date (years counted from March). */
static int64_t days_of(struct date date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = year / 400, year_of_era = year - era * 400;
	int64_t day_of_year =
		(153 * ((int64_t)date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day -
		1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct date date_of(int64_t days)
{
	int64_t since = days + 719468, era = since / 146097, day_of_era = since - era * 146097;
	int64_t year =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
		365;
	int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	return (struct date){
		.year = year + era * 400 + (month >= 10),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
	};
}

static unsigned days_in(struct date date)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);

	return date.month == 2 && is_leap ? 29 : days[date.month - 1];
}

static char *put_digits(char *out, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i > 0; i--, value /= 10)
		out[i - 1] = (char)('0' + value % 10);
	return out + digits;
}

struct bytes datetime_format(char out[DATETIME_MAX_BYTES], uint64_t us,
			     unsigned fraction_digits)
{
	uint64_t seconds = us / US_PER_SECOND, fraction = us % US_PER_SECOND;
	struct date date = date_of((int64_t)(seconds / SECONDS_PER_DAY));
	unsigned second = (unsigned)(seconds % SECONDS_PER_DAY);
	char *p = out;

	check(fraction_digits <= 6 && date.year <= 9999);
	p = put_digits(p, (uint64_t)date.year, 4);
	*p++ = '-';
	p = put_digits(p, date.month, 2);
	*p++ = '-';
	p = put_digits(p, date.day, 2);
	*p++ = 'T';
	p = put_digits(p, second / 3600, 2);
	*p++ = ':';
	p = put_digits(p, second / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, second % 60, 2);
	if (fraction_digits > 0) {
		*p++ = '.';
		put_digits(p, fraction, 6);
		p += fraction_digits;
	}
	*p++ = 'Z';
	return bytes_make(out, (size_t)(p - out));
}

/* --- parsing ---------------------------------------------------------------------------------
 */

static bool take_char(struct bytes *rest, char c)
{
	if (rest->len == 0 || rest->ptr[0] != c)
		return false;
	*rest = bytes_skip(*rest, 1);
	return true;
}

static bool take_digits(struct bytes *rest, unsigned digits, unsigned *ret_value)
{
	unsigned value = 0;

	if (rest->len < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		char c = rest->ptr[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (unsigned)(c - '0');
	}
	*rest = bytes_skip(*rest, digits);
	*ret_value = value;
	return true;
}

/* CCYY-MM-DD, or CCYYMMDD when is_basic. */
static bool take_date(struct bytes *rest, bool is_basic, struct date *ret_date)
{
	unsigned year;

	if (!take_digits(rest, 4, &year) || (!is_basic && !take_char(rest, '-')) ||
	    !take_digits(rest, 2, &ret_date->month) || (!is_basic && !take_char(rest, '-')) ||
	    !take_digits(rest, 2, &ret_date->day))
		return false;
	ret_date->year = year;
	return ret_date->month >= 1 && ret_date->month <= 12 && ret_date->day >= 1 &&
	       ret_date->day <= days_in(*ret_date);
}

static bool take_time(struct bytes *rest, unsigned *ret_second)
{
	unsigned hour, minute, second;

	if (!take_digits(rest, 2, &hour) || !take_char(rest, ':') ||
	    !take_digits(rest, 2, &minute) || !take_char(rest, ':') ||
	    !take_digits(rest, 2, &second))
		return false;
	*ret_second = hour * 3600 + minute * 60 + second;
	return hour <= 23 && minute <= 59 && second <= 59;
}

/* [.s+]: at least one digit; microseconds are kept. */
static bool take_fraction(struct bytes *rest, unsigned *ret_us)
{
	unsigned us = 0, scale = US_PER_SECOND / 10, digit;

	if (take_char(rest, '.')) {
		if (!take_digits(rest, 1, &digit))
			return false;
		do {
			us += digit * scale;
			scale /= 10;
		} while (take_digits(rest, 1, &digit));
	}
	*ret_us = us;
	return true;
}

int datetime_parse_offset(struct bytes text, int *ret_minutes)
{
	unsigned hour, minute;
	bool is_negative;

	if (bytes_is(text, "Z")) {
		*ret_minutes = 0;
		return 0;
	}
	is_negative = take_char(&text, '-');
	if ((!is_negative && !take_char(&text, '+')) || !take_digits(&text, 2, &hour) ||
	    !take_char(&text, ':') || !take_digits(&text, 2, &minute) || text.len > 0 ||
	    hour > 14 || minute > 59)
		return -EINVAL;
	*ret_minutes = (int)(hour * 60 + minute) * (is_negative ? -1 : 1);
	return 0;
}

int datetime_parse(struct bytes text, uint64_t *ret_us)
{
	bool is_basic = text.len == 17 && text.ptr[8] == 'T';
	struct date date;
	unsigned second, us = 0;
	int offset = 0;

	if (!take_date(&text, is_basic, &date) || !take_char(&text, 'T') ||
	    !take_time(&text, &second))
		return -EINVAL;
	if (is_basic ? text.len > 0
		     : !take_fraction(&text, &us) || datetime_parse_offset(text, &offset) < 0)
		return -EINVAL;
	int64_t seconds = days_of(date) * SECONDS_PER_DAY + second - (int64_t)offset * 60;
	if (seconds < 0)
		return -ERANGE;
	*ret_us = (uint64_t)seconds * US_PER_SECOND + us;
	return 0;
}
