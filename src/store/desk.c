#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "base/block.h"

/* ---- lines ---- */

static struct store_line *line_new(struct store_desk *desk, struct bytes owner)
{
	struct store_line *line = block_alloc_zeroed(sizeof(*line) + owner.len);
	char *copy = (char *)(line + 1);

	if (owner.len > 0)
		memcpy(copy, owner.ptr, owner.len);
	line->owner = bytes_make(copy, owner.len);
	line->generation = 1;
	list_init(&line->reads);
	table_put(&desk->lines, line->owner, line);
	return line;
}

static struct store_line *line_get(struct store_desk *desk, struct bytes owner)
{
	struct store_line *line = table_find(&desk->lines, owner);

	return line ? line : line_new(desk, owner);
}

/* ---- handing over ---- */

static void hand_over(struct store_desk *desk)
{
	const struct engine_class *class = desk->store->class;

	if (!list_is_empty(&desk->batches))
		class->write(desk->store, &desk->batches);
	if (!list_is_empty(&desk->reads))
		class->read(desk->store, &desk->reads);
}

static void hand_over_call(struct call *call)
{
	hand_over(container_of(call, struct store_desk, hand_over));
}

static void deliver(struct mail *mail);

static struct store_desk *desk_new(struct store *store)
{
	struct store_desk *desk = calloc(1, sizeof(*desk));

	check(desk != NULL);
	desk->store = store;
	desk->shard = shard_self();
	desk->last_log_id = store->last_log_id;
	table_init(&desk->lines);
	list_init(&desk->batches);
	list_init(&desk->reads);
	list_init(&desk->replies);
	call_init(&desk->hand_over, hand_over_call);
	pthread_mutex_init(&desk->lock, NULL);
	desk->mail = (struct mail){ .name = "store.reply", .deliver = deliver };
	return desk;
}

struct store_desk *store_desk_self(struct store *store)
{
	_Atomic(struct store_desk *) *place;
	struct store_desk *desk;

	check_magic(store, STORE_MAGIC);
	check(shard_self() != NULL);
	place = &store->desks[shard_id()];
	desk = atomic_load_explicit(place, memory_order_relaxed);
	if (!desk) {
		desk = desk_new(store);
		atomic_store(place, desk);
	}
	check(desk->shard == shard_self());
	return desk;
}

uint64_t store_in_flight(const struct store *store)
{
	const struct store_desk *desk = atomic_load(&store->desks[shard_id()]);

	return desk ? desk->in_flight : 0;
}

bool store_is_busy(const struct store *store)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		const struct store_desk *desk = atomic_load(&store->desks[i]);

		if (desk && desk->in_flight + desk->reads_in_flight > 0)
			return true;
	}
	return false;
}

/* ---- reads ---- */

static void read_arrive(struct store_reply *reply)
{
	struct store_read *read = container_of(reply, struct store_read, reply);

	metric_add(&store_reads, 1);
	reply->desk->reads_in_flight--;
	read->done(read, read->status, read->context);
	if (!read->is_taken)
		store_read_free(&read);
}

static void read_drop(struct store_reply *reply)
{
	struct store_read *read = container_of(reply, struct store_read, reply);

	store_read_free(&read);
}

static void read_issue(struct store_desk *desk, struct store_read *read)
{
	list_add_tail(&desk->reads, &read->reply.list);
	loop_flush(&desk->shard->loop, &desk->hand_over);
}

void store_read_submit(struct store_read **read_at, store_read_fn *done, void *context)
{
	struct store_read *read = *read_at;
	struct store_desk *desk = store_desk_self(read->store);
	struct store_line *line;

	check_magic(read, STORE_READ_MAGIC);
	*read_at = NULL;
	read->done = done;
	read->context = context;
	read->reply.desk = desk;
	read->reply.arrive = read_arrive;
	read->reply.drop = read_drop;
	desk->reads_in_flight++;
	line = table_find(&desk->lines, read->owner);
	if (!line) {
		read_issue(desk, read);
		return;
	}
	read->after_seq = line->last_seq;
	list_add_tail(&line->reads, &read->reply.list);
}

/* The reads that waited for this batch or an older one. */
static void line_issue_reads(struct store_desk *desk, struct store_line *line, uint64_t seq)
{
	struct store_read *read;

	while ((read = list_first(&line->reads, struct store_read, reply.list))) {
		if (read->after_seq > seq)
			return;
		list_del(&read->reply.list);
		read_issue(desk, read);
	}
}

/* ---- commits ---- */

/* One batch of this owner has come back. */
static void line_leave(struct store_desk *desk, struct store_line *line, uint32_t generation,
		       const struct store_batch *batch)
{
	if (!line)
		return;
	line->in_flight--;
	if (batch->status < 0 && generation == line->generation)
		line->generation++;
	line_issue_reads(desk, line, batch->seq);
	if (line->in_flight == 0) {
		table_del(&desk->lines, line->owner);
		block_free(line);
	}
}

static void batch_arrive(struct store_reply *reply)
{
	struct store_batch *batch = container_of(reply, struct store_batch, reply);
	struct store_desk *desk = reply->desk;
	store_done_fn *done = batch->done;
	void *context = batch->context;
	uint64_t seq = batch->seq;
	int status = batch->status;

	desk->in_flight--;
	line_leave(desk, batch->line, batch->generation, batch);
	line_leave(desk, batch->other_line, batch->other_generation, batch);
	store_batch_free(&batch);
	if (done)
		done(status, seq, context);
}

static void batch_drop(struct store_reply *reply)
{
	struct store_batch *batch = container_of(reply, struct store_batch, reply);

	store_batch_free(&batch);
}

static int take_backlog(struct store *store, size_t bytes)
{
	uint64_t before = atomic_fetch_add(&store->backlog_bytes, bytes);

	metric_add(&store_backlog, (int64_t)bytes);
	return before >= store->config.backlog_bytes ? -ENOBUFS : 0;
}

static void give_backlog(struct store *store, size_t bytes)
{
	atomic_fetch_sub(&store->backlog_bytes, bytes);
	metric_add(&store_backlog, -(int64_t)bytes);
}

static struct store_line *line_join(struct store_desk *desk, struct bytes owner, uint64_t seq,
				    uint32_t *ret_generation)
{
	struct store_line *line = line_get(desk, owner);

	line->last_seq = seq;
	line->in_flight++;
	*ret_generation = line->generation;
	return line;
}

uint64_t store_commit(struct store *store, struct store_batch **batch_at, store_done_fn *done,
		      void *context)
{
	struct store_batch *batch = *batch_at;
	struct store_desk *desk = store_desk_self(store);

	check_magic(batch, STORE_BATCH_MAGIC);
	check(batch->store == store);
	*batch_at = NULL;
	batch->size_bytes += sizeof(*batch);
	batch->status = take_backlog(store, batch->size_bytes);
	batch->done = done;
	batch->context = context;
	batch->seq = ++desk->last_seq;
	batch->line = line_join(desk, batch->owner, batch->seq, &batch->generation);
	if (batch->other.ptr)
		batch->other_line =
			line_join(desk, batch->other, batch->seq, &batch->other_generation);
	desk->in_flight++;
	batch->reply.desk = desk;
	batch->reply.arrive = batch_arrive;
	batch->reply.drop = batch_drop;
	list_add_tail(&desk->batches, &batch->reply.list);
	loop_flush(&desk->shard->loop, &desk->hand_over);
	return batch->seq;
}

enum store_pressure store_pressure(const struct store *store)
{
	uint64_t bytes = atomic_load_explicit(&store->backlog_bytes, memory_order_relaxed);

	if (bytes >= store->config.backlog_bytes)
		return STORE_PRESSURE_HARD;
	return bytes >= store->config.backlog_bytes / 4 ? STORE_PRESSURE_SOFT
							: STORE_PRESSURE_NONE;
}

int store_batch_doom(const struct store_batch *batch)
{
	if (batch->status < 0 || !batch->line)
		return batch->status;
	if (batch->generation <= batch->line->failed_generation ||
	    (batch->other_line &&
	     batch->other_generation <= batch->other_line->failed_generation))
		return -ECANCELED;
	return 0;
}

static void line_fail(struct store_line *line, uint32_t generation)
{
	if (line && line->failed_generation < generation)
		line->failed_generation = generation;
}

void store_batch_settle(struct store_batch *batch, int status)
{
	batch->status = status;
	if (!batch->line)
		return;
	give_backlog(batch->store, batch->size_bytes);
	metric_add(status == 0 ? &store_commits : &store_commit_failures, 1);
	if (status < 0) {
		line_fail(batch->line, batch->generation);
		line_fail(batch->other_line, batch->other_generation);
	}
}

/* ---- coming back ---- */

static void desk_free(struct store_desk *desk)
{
	table_fini(&desk->lines);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}

static void deliver(struct mail *mail)
{
	struct store_desk *desk = container_of(mail, struct store_desk, mail);
	struct store_reply *reply;
	struct list replies;

	if (desk->is_closed) {
		desk_free(desk);
		return;
	}
	list_init(&replies);
	pthread_mutex_lock(&desk->lock);
	list_splice_tail(&replies, &desk->replies);
	desk->is_posted = false;
	pthread_mutex_unlock(&desk->lock);
	while ((reply = list_first(&replies, struct store_reply, list))) {
		list_del(&reply->list);
		reply->arrive(reply);
		loop_handled(&desk->shard->loop, mail->name);
	}
}

void store_desk_return(struct store_desk *desk, struct list *replies)
{
	bool must_post;

	pthread_mutex_lock(&desk->lock);
	list_splice_tail(&desk->replies, replies);
	must_post = !desk->is_posted;
	desk->is_posted = true;
	pthread_mutex_unlock(&desk->lock);
	if (must_post)
		mailbox_post_to(desk->shard, &desk->mail);
}

void store_reply_return(struct store_reply *reply)
{
	struct list one;

	list_init(&one);
	list_add_tail(&one, &reply->list);
	store_desk_return(reply->desk, &one);
}

void store_replies_return(struct list *replies)
{
	while (!list_is_empty(replies)) {
		struct store_desk *desk = list_first(replies, struct store_reply, list)->desk;
		struct list mine, *pos, *next;

		list_init(&mine);
		list_for_each_safe (pos, next, replies) {
			if (list_entry(pos, struct store_reply, list)->desk != desk)
				continue;
			list_del(pos);
			list_add_tail(&mine, pos);
		}
		store_desk_return(desk, &mine);
	}
}

/* ---- the end ---- */

void store_desks_flush(struct store *store)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		struct store_desk *desk = atomic_load(&store->desks[i]);

		if (desk) {
			call_cancel(&desk->hand_over);
			hand_over(desk);
		}
	}
}

static void drop_lines(struct store_desk *desk)
{
	struct store_line *line;
	uint32_t cursor = 0;

	while ((line = table_next(&desk->lines, &cursor))) {
		struct store_read *read;

		while ((read = list_first(&line->reads, struct store_read, reply.list))) {
			list_del(&read->reply.list);
			store_read_free(&read);
		}
		block_free(line);
	}
}

static void desk_close(struct store_desk *desk)
{
	struct store_reply *reply;

	while ((reply = list_first(&desk->replies, struct store_reply, list))) {
		list_del(&reply->list);
		reply->drop(reply);
	}
	drop_lines(desk);
	/* Mail cannot be called back: if it is on its way, it is the last to see the desk. */
	desk->is_closed = true;
	if (!desk->is_posted)
		desk_free(desk);
}

void store_desks_free(struct store *store)
{
	for (unsigned i = 0; i < SHARDS_MAX; i++) {
		struct store_desk *desk = atomic_load(&store->desks[i]);

		if (desk)
			desk_close(desk);
	}
}
