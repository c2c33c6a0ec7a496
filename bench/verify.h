/*
 * The correctness half of the benchmark. Each message or presence carries a mark: sender,
 * receiver, sequence number in its flow and the time it was due. A flow is one direction of one
 * pair; the receiver's end notices what is missing, doubled, overtaken or delivered to somebody
 * else. A figure measured while any of these is not zero is worthless, and the program says so.
 */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include "base/bytes.h"
#include "base/buf.h"

struct mark {
	uint32_t from;
	uint32_t to; /* MARK_ALL for presence */
	uint32_t seq;
	uint64_t due_ns;
};

#define MARK_ALL UINT32_MAX

/* The receiving end of a flow. Sequence numbers start at 0. */
struct flow {
	uint32_t expected;
	uint64_t missing; /* bit i: expected - 1 - i was skipped and has not come yet */
};

struct tally {
	uint64_t sent;
	uint64_t received; /* each mark once */
	uint64_t duplicate;
	uint64_t reordered;
	uint64_t misrouted; /* to the wrong session, or with a `from` that is not the sender */
	uint64_t corrupted; /* a mark or body that is not what was sent */
	uint64_t bounced;   /* came back as an error */
};

/* Writes the mark as text of digits and dots: `h1.2.3.4`. */
void mark_write(struct buf *out, const struct mark *mark);
/* 0, or -EINVAL if text is not exactly a mark. */
int mark_read(struct bytes text, struct mark *ret_mark);

/* Takes note of an arrival and counts it in the tally. True if it is the first of its number.
 */
bool flow_arrive(struct flow *flow, uint32_t seq, struct tally *tally);

/* True if everything sent was received once, in order, unharmed, by the right one. */
bool tally_is_clean(const struct tally *tally);

#endif
