#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/check.h"

static atomic_bool is_fake;
static _Atomic uint64_t fake_mono_ns;
static _Atomic uint64_t fake_real_us;
/* How far a fake clock has run ahead, so that stopping it does not turn monotonic time back. */
static _Atomic uint64_t ahead_ns;

static uint64_t read_ns(clockid_t id)
{
	struct timespec now;

	check(clock_gettime(id, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t load(_Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

bool clock_is_fake(void)
{
	return atomic_load_explicit(&is_fake, memory_order_acquire);
}

uint64_t clock_ns(void)
{
	if (clock_is_fake())
		return load(&fake_mono_ns);
	return read_ns(CLOCK_MONOTONIC) + load(&ahead_ns);
}

uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

uint64_t clock_real_us(void)
{
	return clock_is_fake() ? load(&fake_real_us) : read_ns(CLOCK_REALTIME) / 1000;
}

uint64_t clock_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void clock_fake_start(uint64_t real_us)
{
	atomic_store(&fake_mono_ns, clock_ns());
	atomic_store(&fake_real_us, real_us);
	atomic_store_explicit(&is_fake, true, memory_order_release);
}

void clock_fake_advance_ms(uint64_t ms)
{
	check(clock_is_fake());
	atomic_fetch_add(&fake_mono_ns, ms * 1000000);
	atomic_fetch_add(&fake_real_us, ms * 1000);
}

void clock_fake_step_real_us(int64_t us)
{
	check(clock_is_fake());
	atomic_fetch_add(&fake_real_us, (uint64_t)us);
}

void clock_fake_stop(void)
{
	uint64_t real = read_ns(CLOCK_MONOTONIC), fake = load(&fake_mono_ns);

	if (!clock_is_fake())
		return;
	if (fake > real + load(&ahead_ns))
		atomic_store(&ahead_ns, fake - real);
	atomic_store_explicit(&is_fake, false, memory_order_release);
}
