#include "stream/local.h"

#include "base/block.h"
#include "io/shard.h"
#include "stream/inside.h"

enum { DRAIN_POLL_MS = 10 };

static void doom_run(struct call *call);
static void drain_poll(struct timer *timer);

/* What stands in the shard's slot when a drain is over and nothing is left. */
static char shut;

struct stream_local *stream_local_find(void)
{
	void *context = shard_context(shard_self(), SHARD_STREAM);

	return context == &shut ? NULL : context;
}

bool stream_local_is_shut(void)
{
	const struct stream_local *local = stream_local_find();

	return local ? local->is_shut : shard_context(shard_self(), SHARD_STREAM) != NULL;
}

struct stream_local *stream_local_get(void)
{
	struct stream_local *local = stream_local_find();

	if (local)
		return local;
	local = block_alloc_zeroed(sizeof(*local));
	local->is_shut = stream_local_is_shut();
	list_init(&local->streams);
	list_init(&local->doomed);
	list_init(&local->web_conns);
	call_init(&local->doom, doom_run);
	timer_init(&local->drain_poll, "stream.drain", drain_poll);
	shard_set_context(shard_self(), SHARD_STREAM, local);
	return local;
}

void stream_local_release(void)
{
	struct stream_local *local = stream_local_find();

	if (!local || local->count > 0 || local->entrance || local->tls || local->drain_done ||
	    !list_is_empty(&local->web_conns) || call_is_queued(&local->doom))
		return;
	shard_set_context(shard_self(), SHARD_STREAM, local->is_shut ? &shut : NULL);
	block_free(local);
}

void stream_join_shard(struct stream *stream)
{
	struct stream_local *local = stream_local_get();

	list_add_tail(&local->streams, &stream->link);
	local->count++;
}

void stream_leave_shard(struct stream *stream)
{
	list_del(&stream->link);
	stream_local_find()->count--;
	stream_local_release();
}

size_t stream_count(void)
{
	const struct stream_local *local = stream_local_find();

	return local ? local->count : 0;
}

void stream_local_doom(struct stream *stream)
{
	struct stream_local *local = stream_local_find();

	stream->is_doomed = true;
	list_del(&stream->link);
	list_add_tail(&local->doomed, &stream->link);
	loop_defer(shard_loop(), &local->doom);
}

/* One at a time: what core does in ended() may close others of the list. */
static void doom_run(struct call *call)
{
	struct stream_local *local = container_of(call, struct stream_local, doom);

	while (local && !list_is_empty(&local->doomed)) {
		stream_fault(list_first(&local->doomed, struct stream, link),
			     STREAM_CONDITION_POLICY_VIOLATION, TEXT_STREAM_QUEUE_FULL);
		local = stream_local_find();
	}
	stream_local_release();
}

static void drain_poll(struct timer *timer)
{
	struct stream_local *local = container_of(timer, struct stream_local, drain_poll);
	bool is_flushed = local->count == 0 && list_is_empty(&shard_self()->closings);
	void (*done)(void *) = local->drain_done;
	void *context = local->drain_context;

	if (!is_flushed && clock_ms() < local->drain_until_ms) {
		shard_arm(timer, DRAIN_POLL_MS);
		return;
	}
	local->drain_done = NULL;
	stream_local_release();
	done(context);
}

void stream_drain(uint32_t deadline_ms, void (*done)(void *), void *context)
{
	struct stream_local *local = stream_local_get();

	check(done && !local->drain_done);
	local->is_shut = true;
	local->drain_done = done;
	local->drain_context = context;
	local->drain_until_ms = clock_ms() + deadline_ms;
	while (!list_is_empty(&local->streams))
		stream_shut_down(list_first(&local->streams, struct stream, link));
	shard_arm(&local->drain_poll, 0);
}
