/*
 * Timers lie by the highest 6-bit digit in which at_ms differs from now_ms: that digit's place
 * is the level, its value in at_ms the slot. So a slot of level 0 is one millisecond, all
 * timers of a level expire before those of the next, and moving now_ms past an empty slot
 * changes nothing. When now_ms reaches a slot of a higher level, its timers are placed again,
 * lower.
 */
#include "io/timer.h"

#include <string.h>

#include "base/clock.h"

enum { DIGIT_BITS = 6 };

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	wheel->now_ms = now_ms;
	memset(wheel->occupied, 0, sizeof(wheel->occupied));
	list_init(&wheel->due);
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
}

void timer_init(struct timer *timer, const char *name, void (*expired)(struct timer *timer))
{
	*timer = (struct timer){ .expired = expired, .name = name };
	list_init(&timer->link);
}

static unsigned digit(uint64_t at_ms, unsigned level)
{
	return (unsigned)(at_ms >> (level * DIGIT_BITS)) & (WHEEL_SLOTS - 1);
}

static void place(struct wheel *wheel, struct timer *timer)
{
	unsigned level, slot;

	if (timer->at_ms <= wheel->now_ms) {
		list_add_tail(&wheel->due, &timer->link);
		return;
	}
	level = (unsigned)(63 - __builtin_clzll(timer->at_ms ^ wheel->now_ms)) / DIGIT_BITS;
	slot = digit(timer->at_ms, level);
	list_add_tail(&wheel->slots[level][slot], &timer->link);
	wheel->occupied[level] |= (uint64_t)1 << slot;
}

void timer_arm_at(struct wheel *wheel, struct timer *timer, uint64_t at_ms)
{
	timer_disarm(timer);
	timer->at_ms = at_ms < TIMER_MAX_MS ? at_ms : TIMER_MAX_MS;
	place(wheel, timer);
}

void timer_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms)
{
	timer_arm_at(wheel, timer,
		     clock_ms() + (delay_ms < TIMER_MAX_MS ? delay_ms : TIMER_MAX_MS));
}

void timer_disarm(struct timer *timer)
{
	if (timer_is_armed(timer))
		list_del(&timer->link);
}

/* The lowest level with a timer, and its first slot in *ret_slot; -1 if none. */
static int first_slot(struct wheel *wheel, unsigned *ret_slot)
{
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		while (wheel->occupied[level]) {
			unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
			if (!list_is_empty(&wheel->slots[level][slot])) {
				*ret_slot = slot;
				return level;
			}
			wheel->occupied[level] &= ~((uint64_t)1 << slot);
		}
	}
	return -1;
}

/* When now_ms reaches this slot: what lies above the level is as in now_ms, below it is zero.
 */
static uint64_t slot_start_ms(const struct wheel *wheel, int level, unsigned slot)
{
	unsigned shift = (unsigned)level * DIGIT_BITS;

	return (wheel->now_ms >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS)) |
	       (uint64_t)slot << shift;
}

uint64_t wheel_next_ms(struct wheel *wheel)
{
	unsigned slot;
	int level;

	if (!list_is_empty(&wheel->due))
		return wheel->now_ms;
	level = first_slot(wheel, &slot);
	return level < 0 ? TIMER_NEVER : slot_start_ms(wheel, level, slot);
}

uint64_t wheel_next_exact_ms(struct wheel *wheel)
{
	uint64_t next = TIMER_NEVER;
	struct list *pos;
	unsigned slot;
	int level;

	if (!list_is_empty(&wheel->due))
		return wheel->now_ms;
	level = first_slot(wheel, &slot);
	if (level < 0)
		return TIMER_NEVER;
	list_for_each (pos, &wheel->slots[level][slot]) {
		const struct timer *timer = list_entry(pos, struct timer, link);
		if (timer->at_ms < next)
			next = timer->at_ms;
	}
	return next;
}

/* Moves now_ms to the start of a slot and places its timers again; those due now go to due. */
static void open_slot(struct wheel *wheel, int level, unsigned slot)
{
	struct list moved;

	list_init(&moved);
	wheel->now_ms = slot_start_ms(wheel, level, slot);
	wheel->occupied[level] &= ~((uint64_t)1 << slot);
	list_splice_tail(&moved, &wheel->slots[level][slot]);
	while (!list_is_empty(&moved)) {
		struct timer *timer = list_first(&moved, struct timer, link);
		list_del(&timer->link);
		place(wheel, timer);
	}
}

void wheel_begin(struct wheel *wheel, uint64_t now_ms, struct list *ret_due)
{
	unsigned slot;
	int level;

	for (;;) {
		level = first_slot(wheel, &slot);
		if (level < 0 || slot_start_ms(wheel, level, slot) > now_ms)
			break;
		open_slot(wheel, level, slot);
	}
	if (now_ms > wheel->now_ms)
		wheel->now_ms = now_ms;
	list_init(ret_due);
	list_splice_tail(ret_due, &wheel->due);
}

struct timer *wheel_take(struct list *due)
{
	struct timer *timer = list_first(due, struct timer, link);

	if (timer)
		list_del(&timer->link);
	return timer;
}

unsigned wheel_run(struct wheel *wheel, uint64_t now_ms)
{
	struct timer *timer;
	struct list due;
	unsigned expired = 0;

	wheel_begin(wheel, now_ms, &due);
	while ((timer = wheel_take(&due)) != NULL) {
		timer->expired(timer);
		expired++;
	}
	return expired;
}
