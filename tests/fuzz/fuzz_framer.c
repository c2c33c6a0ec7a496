/*
 * Framer: however the input is cut into pieces, the frames are the same, none is larger than
 * the limit, and what is framed is what is consumed. The first byte chooses state and pieces.
 */
#include <stdlib.h>

#include "base/check.h"
#include "xml/framer.h"

enum { MAX_BYTES = 300, MAX_DEPTH = 8, MAX_FRAMES = 4096 };

struct cut {
	int kind;
	size_t end;
};

/* Frames with neighbouring white space joined; *ret_consumed: bytes that frames have taken. */
static size_t frames_of(const uint8_t *data, size_t len, bool is_open, size_t step,
			struct cut *cuts)
{
	struct framer framer;
	size_t start = 0, count = 0, end = 0;
	int kind = FRAME_MORE;

	framer_init(&framer, MAX_BYTES, MAX_DEPTH);
	framer.is_open = is_open;
	while (kind >= 0 && end < len) {
		struct frame frame = { 0, 0 };
		end = end + step < len ? end + step : len;
		while ((kind = framer_next(&framer, bytes_make(data + start, end - start),
					   &frame)) != FRAME_MORE &&
		       count < MAX_FRAMES) {
			check(kind < 0 || (frame.len > 0 && frame.offset == 0));
			check(kind < 0 || start + frame.len <= end);
			check(kind <= 0 || kind == FRAME_SPACE || frame.len <= MAX_BYTES);
			start += kind > 0 ? frame.len : 0;
			if (count > 0 && kind == FRAME_SPACE && cuts[count - 1].kind == kind)
				count--;
			cuts[count++] = (struct cut){ kind, start };
			if (kind < 0)
				break;
		}
		check(kind != FRAME_MORE || end - start <= MAX_BYTES);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cut whole[MAX_FRAMES + 1], pieces[MAX_FRAMES + 1];
	bool is_open;
	size_t step, count;

	if (size < 1 || size > MAX_FRAMES)
		return 0;
	is_open = data[0] & 1;
	step = (size_t)(data[0] >> 1) % 40 + 1;
	count = frames_of(data + 1, size - 1, is_open, size, whole);
	check(frames_of(data + 1, size - 1, is_open, step, pieces) == count);
	for (size_t i = 0; i < count; i++)
		check(whole[i].kind == pieces[i].kind && whole[i].end == pieces[i].end);
	return 0;
}
