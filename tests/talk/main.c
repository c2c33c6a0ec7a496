/* talk [--shards N] [--seed S] [--plugin FILE.so]… SCRIPT… : see README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

int main(int argc, char **argv)
{
	struct world_options options = { .shards = 1 };
	static const char *const words[] = { "FAIL", "ok  ", "skip" };
	unsigned counts[3] = { 0 };
	int i = 1;

	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--shards") == 0)
			options.shards = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			options.seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--plugin") == 0)
			options.plugins[options.plugin_count++] = argv[i + 1];
	}
	if (i >= argc || options.shards == 0 || options.plugin_count > 7) {
		fprintf(stderr,
			"usage: talk [--shards N] [--seed S] [--plugin FILE.so]… SCRIPT…\n");
		return 2;
	}
	world_register(&options);
	for (; i < argc; i++) {
		enum script_result result = script_play(argv[i]);
		printf("%s %s\n", words[result], argv[i]);
		fflush(stdout);
		counts[result]++;
	}
	scratch_fini();
	printf("%u passed, %u failed, %u skipped\n", counts[SCRIPT_PASSED],
	       counts[SCRIPT_FAILED], counts[SCRIPT_SKIPPED]);
	return counts[SCRIPT_FAILED] == 0 ? 0 : 1;
}
