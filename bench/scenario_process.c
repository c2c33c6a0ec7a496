/* What the server's processes hold while nobody is logged in: run it on a fresh server. */
#include "scenario.h"

enum { SETTLE_MS = 2000 };

static int run(const struct load_options *opt)
{
	struct load load;
	struct result result;

	load_init(&load, opt, 1);
	load_settle(&load, SETTLE_MS, SETTLE_MS);
	uint64_t pss = proc_pss(&opt->procs);
	result_begin(&result, &load, "process");
	result_real(&result, "pss_mib", (double)pss / 1048576);
	int rc = result_end(&result, &load, pss > 0);
	load_fini(&load);
	return rc;
}

const struct scenario scenario_process = {
	.name = "process",
	.summary = "memory of the server's processes before anybody logs in",
	.users = 1,
	.has_relay = true,
	.run = run,
};
