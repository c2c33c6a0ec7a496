/*
 * Timers: a hierarchical wheel of 7 levels of 64 slots with a resolution of 1 ms on clock_ms(),
 * so that tests move it with the fake clock. One wheel per shard, its thread only. Arm and
 * disarm are O(1) and allocate nothing; a timer is 40 bytes, embedded by its owner.
 *
 * 	timer_init(&s->deadline, "session.deadline", session_expired);
 * 	shard_arm(&s->deadline, 30000);
 * 	timer_disarm(&s->deadline);	(before s is freed)
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "base/list.h"

#include <stdint.h>

enum { WHEEL_LEVELS = 7, WHEEL_SLOTS = 64 };
/* Later times are cut to this: 2^42 ms after the machine started, 139 years. */
#define TIMER_MAX_MS (((uint64_t)1 << 42) - 1)
#define TIMER_NEVER UINT64_MAX

struct timer {
	struct list link; /* points to itself, or NULL if zeroed, while not armed */
	uint64_t at_ms;	  /* on clock_ms() */
	void (*expired)(struct timer *timer);
	const char *name; /* static, for the log of slow turns */
};

struct wheel {
	uint64_t now_ms;		 /* all timers up to here have been called */
	uint64_t occupied[WHEEL_LEVELS]; /* a set bit may be stale: its list is then empty */
	struct list due;		 /* at_ms <= now_ms: called in the next run */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);

void timer_init(struct timer *timer, const char *name, void (*expired)(struct timer *timer));
/* Calls timer->expired once, not before now + delay_ms. Arming an armed timer moves it. */
void timer_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms);
/* The same at a point of clock_ms(); in the past: in the next run. */
void timer_arm_at(struct wheel *wheel, struct timer *timer, uint64_t at_ms);
/* Idempotent; needs no wheel. */
void timer_disarm(struct timer *timer);
static inline bool timer_is_armed(const struct timer *timer)
{
	return timer->link.next && timer->link.next != &timer->link;
}

/*
 * Takes the next expired timer off the wheel, or returns NULL when none is left that was due at
 * now_ms when the run began. The caller calls it; timers armed meanwhile for "now" wait for the
 * next run, which begins with wheel_begin.
 */
void wheel_begin(struct wheel *wheel, uint64_t now_ms, struct list *ret_due);
struct timer *wheel_take(struct list *due);
/* Calls all expired timers; returns how many. For wheels without a shard. */
unsigned wheel_run(struct wheel *wheel, uint64_t now_ms);

/* A time not later than the next expiry (the wheel may have to move timers then), or NEVER. */
uint64_t wheel_next_ms(struct wheel *wheel);
/* The exact time of the next expiry; walks one slot's timers. TIMER_NEVER if none is armed. */
uint64_t wheel_next_exact_ms(struct wheel *wheel);

#endif
