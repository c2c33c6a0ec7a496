/* Reading /proc. */
#include "proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

struct tree {
	pid_t pid[PROC_TREE_MAX];
	uint32_t count;
};

static void tree_add(struct tree *tree, pid_t pid)
{
	check(tree->count < PROC_TREE_MAX);
	tree->pid[tree->count++] = pid;
}

static void add_children(struct tree *tree, pid_t pid, const char *task)
{
	char path[96];
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", pid, task);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	while (fscanf(file, "%d", &child) == 1)
		tree_add(tree, child);
	fclose(file);
}

/* The set's processes and all their descendants, breadth first. */
static void tree_read(const struct proc_set *set, struct tree *ret_tree)
{
	char path[64];

	ret_tree->count = 0;
	for (uint32_t i = 0; i < set->count; i++)
		tree_add(ret_tree, set->roots[i]);
	for (uint32_t i = 0; i < ret_tree->count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task", ret_tree->pid[i]);
		DIR *dir = opendir(path);
		if (!dir)
			continue;
		for (struct dirent *task = readdir(dir); task; task = readdir(dir)) {
			if (task->d_name[0] != '.')
				add_children(ret_tree, ret_tree->pid[i], task->d_name);
		}
		closedir(dir);
	}
}

void proc_cpu_read(const struct proc_set *set, struct proc_cpu *ret_cpu)
{
	struct tree tree;

	tree_read(set, &tree);
	ret_cpu->count = 0;
	for (uint32_t i = 0; i < tree.count; i++) {
		clockid_t clock;
		struct timespec t;
		if (clock_getcpuclockid(tree.pid[i], &clock) != 0 ||
		    clock_gettime(clock, &t) != 0)
			continue;
		ret_cpu->pid[ret_cpu->count] = tree.pid[i];
		ret_cpu->ns[ret_cpu->count++] =
			(uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
	}
}

static uint64_t ns_of(const struct proc_cpu *cpu, pid_t pid)
{
	for (uint32_t i = 0; i < cpu->count; i++) {
		if (cpu->pid[i] == pid)
			return cpu->ns[i];
	}
	return 0;
}

uint64_t proc_cpu_between(const struct proc_cpu *before, const struct proc_cpu *after)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < after->count; i++)
		sum += after->ns[i] - ns_of(before, after->pid[i]);
	return sum;
}

static uint64_t pss_of(pid_t pid)
{
	char path[64];
	char line[256];
	unsigned long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pss: %lu kB", &kib) == 1)
			break;
	}
	fclose(file);
	return (uint64_t)kib * 1024;
}

uint64_t proc_pss(const struct proc_set *set)
{
	struct tree tree;
	uint64_t sum = 0;

	tree_read(set, &tree);
	for (uint32_t i = 0; i < tree.count; i++)
		sum += pss_of(tree.pid[i]);
	return sum;
}
