#include "store/engine.h"

struct metric store_commits =
	METRIC_COUNTER("store_commits", "Batches committed to the store.");
struct metric store_commit_failures =
	METRIC_COUNTER("store_commit_failures", "Batches that could not be committed.");
struct metric store_groups = METRIC_COUNTER(
	"store_groups", "Transactions of the store; each commits one batch or several.");
struct metric store_reads = METRIC_COUNTER("store_reads", "Reads that the store answered.");
struct metric store_backlog =
	METRIC_GAUGE("store_backlog_bytes", "Bytes that wait for their commit.");

void store_metrics_register(void)
{
	struct metric *const metrics[] = {
		&store_commits, &store_commit_failures, &store_groups,
		&store_reads,	&store_backlog,
	};

	for (size_t i = 0; i < array_len(metrics); i++)
		metric_register(metrics[i]);
}
