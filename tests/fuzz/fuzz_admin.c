/* Lines of the control socket: a request with all its arguments, or a fault. */
#include "admin/protocol.h"
#include "base/arena.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_request request;
	struct admin_fault fault = { 0 };
	if (admin_request_parse(bytes_make(data, size), &request, &fault) == 0) {
		check(request.command && request.json);
		admin_request_fini(&request);
	} else {
		check(fault.text != TEXT_NONE);
	}
	arena_reset(scratch());
	return 0;
}
