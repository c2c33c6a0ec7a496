/* XEP-0082 times: what is read is the same time when written and read again. */
#include <stdint.h>

#include "base/check.h"
#include "xmpp/datetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[DATETIME_MAX_BYTES];
	uint64_t us, again;

	if (datetime_parse(bytes_make(data, size), &us) < 0)
		return 0;
	/* 9999-12-31 west of Greenwich is a year that cannot be written. */
	if (us >= 253402300800000000)
		return 0;
	check(datetime_parse(datetime_format(out, us, 6), &again) == 0);
	check(us == again);
	return 0;
}
