#include "core/handover.h"

#include <errno.h>
#include <inttypes.h>

#include "base/block.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/deliver.h"
#include "core/errand.h"
#include "core/place.h"
#include "core/shard_state.h"
#include "xml/parse.h"
#include "xml/wire.h"

enum { OWED_FAILURES_MAX = 3 };

struct store_decl handover_store =
	STORE_DECL("handover", STORE_MAP, 1, "Stanzas that one home still owes another.");

/* An owed stanza on its way: to the recipient's home and, settled, back to the sender's. */
struct owed {
	struct gate_output output; /* at the sender's gate, then at the recipient's */
	struct errand errand;
	struct user_wait wait;
	struct stanza *stanza; /* a reference */
	uint64_t number;
	unsigned failures; /* of the recipient's commits */
};

/* In the order of the numbers; the shard's own number keeps the shards apart. */
static struct bytes record_key(uint64_t number)
{
	return arena_printf(scratch(), "%020" PRIu64, number);
}

/*
 * Rising on one shard, also over a restart: records are handed over again in this order. The last
 * byte is the shard's.
 */
static uint64_t number_next(void)
{
	uint64_t *last = &core_shard()->handover_last;
	uint64_t now = clock_real_us();

	*last = now > *last ? now : *last + 1;
	return *last << 8 | (shard_id() & 0xff);
}

uint64_t handover_record(struct store_batch *batch, const struct stanza *stanza)
{
	uint64_t number = number_next();
	struct buf wire;

	buf_init(&wire, 0);
	wire_stanza(&wire, stanza, &wire_client);
	store_put_server(batch, &handover_store, record_key(number), buf_bytes(&wire));
	buf_fini(&wire);
	return number;
}

static void owed_free(struct owed *owed)
{
	stanza_unref(&owed->stanza);
	block_free(owed);
}

static void owed_deleted(int status, uint64_t seq, void *context)
{
	(void)seq;
	(void)context;
	if (status < 0)
		log_event(LOG_CORE, LOG_WARN, "handover.not_settled",
			  LOG_INT("status", status));
}

/* Back at the sender's home: the recipient has it for good. */
static void owed_back(struct errand *errand)
{
	struct owed *owed = container_of(errand, struct owed, errand);
	struct store_batch *batch = store_batch_new(core_store(), owed->stanza->from);

	store_del_server(batch, &handover_store, record_key(owed->number));
	store_commit(core_store(), &batch, owed_deleted, NULL);
	owed_free(owed);
}

/*
 * The recipient's commit is in, or failed: then it is delivered again, to the account that is
 * loaded again by then. A store that goes on failing leaves the record for the next start.
 */
static void owed_settle(struct gate_output *output, int status)
{
	struct owed *owed = container_of(output, struct owed, output);
	unsigned sender_home = owed->errand.origin;

	if (status == 0) {
		errand_return(&owed->errand);
	} else if (++owed->failures < OWED_FAILURES_MAX) {
		errand_send(&owed->errand, shard_id());
		owed->errand.origin = sender_home;
	} else {
		owed_free(owed);
	}
}

static void owed_after_delivery(struct user_wait *wait, struct user *user, int status)
{
	struct owed *owed = container_of(wait, struct owed, wait);

	if (status < 0 && status != -ENOENT) {
		owed_free(owed);
	} else {
		owed->output.leave = owed_settle;
		gate_pass(&user->gate, &owed->output);
	}
}

static void owed_run(struct errand *errand)
{
	struct owed *owed = container_of(errand, struct owed, errand);
	struct user *user;

	deliver_stanza(owed->stanza);
	user = user_find(jid_bare(jid_from_normal(owed->stanza->to)));
	if (user == NULL) {
		errand_return(errand);
		return;
	}
	owed->wait.run = owed_after_delivery;
	user_when_ready(user, &owed->wait);
}

static void owed_leave(struct gate_output *output, int status)
{
	struct owed *owed = container_of(output, struct owed, output);
	struct jid to = jid_from_normal(owed->stanza->to);

	if (status < 0) { /* the record is not there either */
		owed_free(owed);
		return;
	}
	errand_init(&owed->errand, "handover", owed_run, owed_back);
	errand_send(&owed->errand, place_shard(to));
}

static struct owed *owed_new(const struct stanza *stanza, uint64_t number)
{
	struct owed *owed = block_alloc_zeroed(sizeof(*owed));

	owed->output.leave = owed_leave;
	owed->stanza = stanza_ref(stanza);
	owed->number = number;
	return owed;
}

void handover_post(struct user *user, const struct stanza *stanza, uint64_t number)
{
	gate_pass(&user->gate, &owed_new(stanza, number)->output);
}

/* --- at start ---------------------------------------------------------------------------- */

/* One record, on its way to its sender's home, which is where hand-overs start and end. */
struct resume {
	struct errand errand;
	struct owed *owed;
};

static void resume_run(struct errand *errand)
{
	struct resume *resume = container_of(errand, struct resume, errand);

	owed_leave(&resume->owed->output, 0);
	errand_return(errand);
}

static void resume_back(struct errand *errand)
{
	block_free(container_of(errand, struct resume, errand));
}

static void resume_one(struct bytes key, struct bytes value)
{
	struct parse_context context = { .default_ns = BYTES_LIT(XML_NS_CLIENT),
					 .content_ns = BYTES_LIT(XML_NS_CLIENT),
					 .limits = &xml_limits_own };
	struct resume *resume;
	struct stanza *stanza;
	uint64_t number;

	if (bytes_to_u64(key, &number) < 0 ||
	    parse_element(&context, value, &stanza, NULL) < 0) {
		log_event(LOG_CORE, LOG_ERROR, "handover.unreadable", LOG_BYTES("key", key));
		return;
	}
	resume = block_alloc(sizeof(*resume));
	errand_init(&resume->errand, "handover.resume", resume_run, resume_back);
	resume->owed = owed_new(stanza, number);
	errand_send(&resume->errand, place_shard(jid_from_normal(stanza->from)));
	stanza_unref(&stanza);
}

static void resume_found(struct store_read *read, int status, void *context)
{
	const struct store_item *item = status == 0 ? store_read_items(read, 0) : NULL;

	(void)context;
	if (status < 0)
		log_event(LOG_CORE, LOG_ERROR, "handover.unreadable",
			  LOG_INT("status", status));
	for (; item != NULL; item = item->next)
		resume_one(item->key, item->value);
}

void handover_resume(void)
{
	store_scan(core_store(), BYTES_LIT(""), &handover_store, BYTES_NONE, resume_found,
		   NULL);
}
