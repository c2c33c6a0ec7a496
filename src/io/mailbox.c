#include "io/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/metrics.h"
#include "io/shard.h"

struct metric io_metric_mails = METRIC_COUNTER("mailbox_mails", "Mails delivered to shards.");
struct metric io_metric_mail_wakeups =
	METRIC_COUNTER("mailbox_wakeups", "Sleeping shards woken up for a mail.");

static void queue_init(struct mail_queue *queue)
{
	*queue = (struct mail_queue){ .end = &queue->first };
}

static void queue_append(struct mail_queue *queue, struct mail *mail)
{
	mail->next = NULL;
	*queue->end = mail;
	queue->end = &mail->next;
}

static struct mail *queue_take(struct mail_queue *queue)
{
	struct mail *mail = queue->first;

	queue->first = mail->next;
	if (!queue->first)
		queue->end = &queue->first;
	return mail;
}

/* The eventfd is edge-triggered and never read: its counter cannot overflow in any lifetime. */
static void woken(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

int mailbox_init(struct mailbox *mailbox, struct loop *loop, unsigned shards)
{
	memset(mailbox, 0, sizeof(*mailbox));
	queue_init(&mailbox->pending);
	queue_init(&mailbox->own);
	mailbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->event_fd < 0)
		return -errno;
	mailbox->outboxes = calloc(shards, sizeof(*mailbox->outboxes));
	check(mailbox->outboxes != NULL);
	watch_init(&mailbox->watch, mailbox->event_fd, "mailbox", woken);
	return loop_add(loop, &mailbox->watch, EPOLLIN | EPOLLET);
}

void mailbox_fini(struct mailbox *mailbox, struct loop *loop)
{
	check(!mailbox_has_mail(mailbox));
	loop_remove(loop, &mailbox->watch);
	if (mailbox->event_fd >= 0)
		close(mailbox->event_fd);
	free(mailbox->outboxes);
	mailbox->outboxes = NULL;
}

static void raise_peak(struct mailbox *mailbox, uint64_t bytes)
{
	uint64_t peak = atomic_load_explicit(&mailbox->peak_bytes, memory_order_relaxed);

	while (bytes > peak && !atomic_compare_exchange_weak_explicit(
				       &mailbox->peak_bytes, &peak, bytes, memory_order_relaxed,
				       memory_order_relaxed))
		;
}

/* Pushes a chain, newest first, and wakes the target if it sleeps. True if it did. */
static bool push(struct mailbox *mailbox, const struct outbox *chain)
{
	struct mail *head = atomic_load_explicit(&mailbox->inbox, memory_order_relaxed);
	uint64_t one = 1;

	raise_peak(mailbox,
		   chain->bytes + atomic_fetch_add_explicit(&mailbox->bytes, chain->bytes,
							    memory_order_relaxed));
	do {
		chain->oldest->next = head;
	} while (!atomic_compare_exchange_weak(&mailbox->inbox, &head, chain->newest));
	/* Sequentially consistent with mailbox_sleep: one of the two sees the other. */
	if (!atomic_load(&mailbox->is_asleep) || !atomic_exchange(&mailbox->is_asleep, false))
		return false;
	check(write(mailbox->event_fd, &one, sizeof(one)) == sizeof(one));
	return true;
}

static void post_to_self(struct shard *shard, struct mail *mail)
{
	struct mailbox *mailbox = &shard->mailbox;
	uint64_t own = atomic_load_explicit(&mailbox->own_bytes, memory_order_relaxed);

	mail->from = (uint16_t)shard->id;
	queue_append(&mailbox->own, mail);
	atomic_store_explicit(&mailbox->own_bytes, own + mail->bytes, memory_order_relaxed);
	raise_peak(mailbox, mailbox_bytes(shard));
}

static void post_to_other(struct shard *from, unsigned target, struct mail *mail)
{
	struct outbox *outbox = &from->mailbox.outboxes[target];

	mail->from = (uint16_t)from->id;
	mail->next = outbox->newest;
	if (!outbox->newest)
		outbox->oldest = mail;
	outbox->newest = mail;
	outbox->bytes += mail->bytes;
	from->mailbox.has_outgoing = true;
}

void mailbox_post(unsigned shard, struct mail *mail)
{
	struct shard *self = shard_self();

	check(self && shard < self->group->count);
	if (shard == self->id)
		post_to_self(self, mail);
	else
		post_to_other(self, shard, mail);
}

void mailbox_post_to(struct shard *shard, struct mail *mail)
{
	struct shard *self = shard_self();
	struct outbox chain = { mail, mail, mail->bytes };

	if (self && self->group == shard->group) {
		mailbox_post(shard->id, mail);
		return;
	}
	mail->from = MAIL_FROM_NOWHERE;
	if (push(&shard->mailbox, &chain))
		metric_add(&io_metric_mail_wakeups, 1);
}

uint64_t mailbox_bytes(const struct shard *shard)
{
	return atomic_load_explicit(&shard->mailbox.bytes, memory_order_relaxed) +
	       atomic_load_explicit(&shard->mailbox.own_bytes, memory_order_relaxed);
}

uint64_t mailbox_peak_bytes(const struct shard *shard)
{
	return atomic_load_explicit(&shard->mailbox.peak_bytes, memory_order_relaxed);
}

enum pressure mailbox_pressure(unsigned shard)
{
	const struct shard *self = shard_self();
	const struct shards *group = self->group;
	uint64_t bytes;

	check(shard < group->count);
	bytes = mailbox_bytes(group->shards[shard]) + self->mailbox.outboxes[shard].bytes;
	if (bytes >= group->mail_hard_bytes)
		return PRESSURE_HARD;
	return bytes >= group->mail_soft_bytes ? PRESSURE_SOFT : PRESSURE_NONE;
}

/* The inbox is linked newest first; turned around behind what is pending. */
static void take_inbox(struct mailbox *mailbox)
{
	struct mail *newest = atomic_exchange(&mailbox->inbox, NULL);
	struct mail *oldest = NULL, *last = newest;

	while (newest) {
		struct mail *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	if (!oldest)
		return;
	*mailbox->pending.end = oldest;
	mailbox->pending.end = &last->next;
}

static void deliver(struct shard *shard, struct mail *mail)
{
	const char *name = mail->name;

	mail->deliver(mail);
	loop_handled(&shard->loop, name);
}

static unsigned deliver_pending(struct shard *shard)
{
	struct mailbox *mailbox = &shard->mailbox;
	uint64_t bytes = 0;
	unsigned handled = 0;

	while (mailbox->pending.first && handled < MAILBOX_BUDGET) {
		struct mail *mail = queue_take(&mailbox->pending);
		bytes += mail->bytes;
		deliver(shard, mail);
		handled++;
	}
	if (bytes > 0)
		atomic_fetch_sub_explicit(&mailbox->bytes, bytes, memory_order_relaxed);
	return handled;
}

/* What a delivery posts to the same shard waits for the next turn, so that a turn ends. */
static unsigned deliver_own(struct shard *shard)
{
	struct mailbox *mailbox = &shard->mailbox;
	struct mail **end = mailbox->own.end;
	unsigned handled = 0;

	if (!mailbox->own.first)
		return 0;
	for (bool is_last = false; !is_last && handled < MAILBOX_BUDGET; handled++) {
		struct mail *mail = mailbox->own.first;
		is_last = &mail->next == end;
		queue_take(&mailbox->own);
		atomic_store_explicit(
			&mailbox->own_bytes,
			atomic_load_explicit(&mailbox->own_bytes, memory_order_relaxed) -
				mail->bytes,
			memory_order_relaxed);
		deliver(shard, mail);
	}
	return handled;
}

unsigned mailbox_deliver(struct shard *shard)
{
	struct mailbox *mailbox = &shard->mailbox;
	unsigned handled;

	if (atomic_load_explicit(&mailbox->inbox, memory_order_relaxed))
		take_inbox(mailbox);
	handled = deliver_pending(shard) + deliver_own(shard);
	if (handled > 0)
		metric_add(&io_metric_mails, handled);
	return handled;
}

unsigned mailbox_hand_over(struct shard *shard)
{
	struct mailbox *mailbox = &shard->mailbox;
	unsigned targets = 0;

	if (!mailbox->has_outgoing)
		return 0;
	mailbox->has_outgoing = false;
	for (unsigned i = 0; i < shard->group->count; i++) {
		struct outbox *outbox = &mailbox->outboxes[i];
		if (!outbox->newest)
			continue;
		if (push(&shard->group->shards[i]->mailbox, outbox)) {
			mailbox->wakeups++;
			metric_add(&io_metric_mail_wakeups, 1);
		}
		*outbox = (struct outbox){ 0 };
		targets++;
	}
	return targets;
}

bool mailbox_has_mail(struct mailbox *mailbox)
{
	return mailbox->pending.first || mailbox->own.first || atomic_load(&mailbox->inbox);
}

bool mailbox_sleep(struct mailbox *mailbox)
{
	atomic_store(&mailbox->is_asleep, true);
	if (!mailbox_has_mail(mailbox))
		return true;
	atomic_store(&mailbox->is_asleep, false);
	return false;
}

void mailbox_wake(struct mailbox *mailbox)
{
	if (atomic_load_explicit(&mailbox->is_asleep, memory_order_relaxed))
		atomic_store_explicit(&mailbox->is_asleep, false, memory_order_relaxed);
}
