/*
 * WebSocket frames: however the input is cut into pieces, the same messages come out, none is
 * over the limit, and text is UTF-8. The first byte chooses the limit and the pieces.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "io/websocket.h"

enum { FRAMES_MAX = 2048 };

struct seen {
	int kind;
	size_t end; /* where it ended in the input */
	size_t len;
	uint32_t sum;
};

static uint32_t sum_of(struct bytes b)
{
	uint32_t sum = 5381;

	for (size_t i = 0; i < b.len; i++)
		sum = sum * 33 + (uint8_t)b.ptr[i];
	return sum;
}

static void check_frame(const struct websocket_frame *frame, size_t limit)
{
	if (frame->opcode >= WEBSOCKET_CLOSE)
		check(frame->payload.len <= WEBSOCKET_CONTROL_MAX);
	else
		check(frame->payload.len <= limit);
	check(frame->opcode != WEBSOCKET_CONTINUATION);
	check(frame->opcode != WEBSOCKET_TEXT || utf8_is_valid(frame->payload));
}

static size_t read_all(const uint8_t *data, size_t len, size_t step, size_t limit,
		       struct seen *seen)
{
	struct websocket_reader reader;
	char *text = malloc(len + 1);
	size_t start = 0, end = 0, count = 0;
	int kind = 0;

	memcpy(text, data, len);
	websocket_reader_init(&reader, limit);
	while (kind >= 0 && count < FRAMES_MAX) {
		struct websocket_frame frame;

		kind = websocket_next(&reader, text + start, end - start, &frame);
		start += frame.used;
		check(start <= end);
		if (kind > 0)
			check_frame(&frame, limit);
		if (kind > 0)
			seen[count++] = (struct seen){ frame.opcode, start, frame.payload.len,
						       sum_of(frame.payload) };
		else if (kind < 0)
			seen[count++] = (struct seen){ kind, 0, 0, 0 };
		else if (end == len)
			break;
		else
			end = end + step < len ? end + step : len;
	}
	websocket_reader_fini(&reader);
	free(text);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen whole[FRAMES_MAX], pieces[FRAMES_MAX];
	size_t step, limit, count;

	if (size < 1 || size > 4000)
		return 0;
	step = (size_t)(data[0] & 15) + 1;
	limit = (size_t)(data[0] >> 4) * 40 + 10;
	count = read_all(data + 1, size - 1, size, limit, whole);
	check(read_all(data + 1, size - 1, step, limit, pieces) == count);
	for (size_t i = 0; i < count; i++)
		check(whole[i].kind == pieces[i].kind && whole[i].end == pieces[i].end &&
		      whole[i].len == pieces[i].len && whole[i].sum == pieces[i].sum);
	return 0;
}
