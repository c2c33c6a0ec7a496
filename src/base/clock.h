/*
 * The only place that reads a clock. Tests switch to a fake clock that moves when told, for the
 * whole process.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Monotonic milliseconds since an arbitrary start; timers use it. */
uint64_t clock_ms(void);
/* Monotonic nanoseconds, for measuring. */
uint64_t clock_ns(void);
/* Wall clock, microseconds since 1970 (UTC). May jump. */
uint64_t clock_real_us(void);
/* CPU time of the calling thread, nanoseconds. */
uint64_t clock_cpu_ns(void);

/* From now on time stands still at `real_us` and moves by clock_fake_advance only. */
void clock_fake_start(uint64_t real_us);
void clock_fake_advance_ms(uint64_t ms);
/* Moves only the wall clock, by a signed step: a clock that jumps. */
void clock_fake_step_real_us(int64_t us);
void clock_fake_stop(void);
bool clock_is_fake(void);

#endif
