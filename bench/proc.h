/*
 * What a process tree costs: CPU time of all its threads (the process clock of each process:
 * nanoseconds, threads that ended included) and its proportional share of memory.
 * Processes that start and end between two readings are not seen.
 */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

#include <stdint.h>
#include <sys/types.h>

enum { PROC_ROOTS_MAX = 8, PROC_TREE_MAX = 256 };

struct proc_set {
	pid_t roots[PROC_ROOTS_MAX];
	uint32_t count;
};

/* CPU time per process at one moment. */
struct proc_cpu {
	pid_t pid[PROC_TREE_MAX];
	uint64_t ns[PROC_TREE_MAX];
	uint32_t count;
};

void proc_cpu_read(const struct proc_set *set, struct proc_cpu *ret_cpu);
/* Nanoseconds between two readings. */
uint64_t proc_cpu_between(const struct proc_cpu *before, const struct proc_cpu *after);
/* Sum of Pss in bytes (smaps_rollup), 0 if it can't be read. */
uint64_t proc_pss(const struct proc_set *set);

#endif
