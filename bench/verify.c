/* Marks, flows and tallies. */
#include "verify.h"

#include <errno.h>

static void put_number(struct buf *out, uint64_t n, char before)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	digits[--at] = before;
	buf_append(out, bytes_make(digits + at, sizeof(digits) - at));
}

void mark_write(struct buf *out, const struct mark *mark)
{
	put_number(out, mark->from, 'h');
	put_number(out, mark->to, '.');
	put_number(out, mark->seq, '.');
	put_number(out, mark->due_ns, '.');
}

int mark_read(struct bytes text, struct mark *ret_mark)
{
	uint64_t number[4];

	if (text.len == 0 || text.ptr[0] != 'h')
		return -EINVAL;
	struct bytes rest = bytes_skip(text, 1);
	for (int i = 0; i < 4; i++) {
		if (bytes_to_u64(bytes_cut(&rest, '.'), &number[i]) != 0)
			return -EINVAL;
	}
	if (!bytes_is_none(rest))
		return -EINVAL;
	*ret_mark = (struct mark){ (uint32_t)number[0], (uint32_t)number[1],
				   (uint32_t)number[2], number[3] };
	return 0;
}

static bool arrive_late(struct flow *flow, uint32_t seq, struct tally *tally)
{
	uint32_t back = flow->expected - 1 - seq;

	if (back >= 64 || !(flow->missing >> back & 1)) {
		tally->duplicate++;
		return false;
	}
	flow->missing &= ~(1ULL << back);
	tally->reordered++;
	tally->received++;
	return true;
}

bool flow_arrive(struct flow *flow, uint32_t seq, struct tally *tally)
{
	if (seq < flow->expected)
		return arrive_late(flow, seq, tally);
	uint32_t skipped = seq - flow->expected;
	uint32_t step = skipped + 1;

	flow->missing = step < 64 ? flow->missing << step : 0;
	if (skipped > 0)
		flow->missing |= (skipped < 63 ? (1ULL << skipped) - 1 : ~0ULL >> 1) << 1;
	flow->expected = seq + 1;
	tally->received++;
	return true;
}

bool tally_is_clean(const struct tally *tally)
{
	return tally->sent == tally->received && tally->duplicate == 0 &&
	       tally->reordered == 0 && tally->misrouted == 0 && tally->corrupted == 0 &&
	       tally->bounced == 0;
}
