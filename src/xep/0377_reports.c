/*
 * XEP-0377 Blocking Command Reports: who blocks a spammer can tell the administrator why. Version
 * 0.4.1. Reports are kept for the administrator and forwarded to nobody, whatever processing
 * they permit (section 5: a server may ignore that). Of one account at most REPORTS_KEPT are
 * kept; by then a later one replaces an earlier one.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "core/feature.h"
#include "xmpp/datetime.h"
#include "xmpp/hash.h"
#include "xmpp/ns.h"

#define NS_REPORTING "urn:xmpp:reporting:1"

enum {
	REPORTS_KEPT = 4096,
	REPORT_BYTES_MAX = 16384,
	DOMAIN_BYTES_MAX = 255, /* of a key: it has 1,023 at most */
	REPORTER_BYTES_MAX = 700
};

/*
 * Rows of the server, in the batch of the account that reports. Key: domain, reporter (or its
 * hash, if it is long) and place, with spaces between; value: lines of facts, an empty one, the <report/> as it came.
 */
static struct store_decl report_store =
	STORE_DECL("report", STORE_MAP, 1, "What users reported when they blocked somebody.");

static struct metric metric_reports =
	METRIC_COUNTER("reports", "Reports that users filed when they blocked somebody.");

/* A place out of a fixed number, so that nobody fills the store by blocking and unblocking. */
static unsigned report_place(struct bytes reported)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < reported.len; i++)
		hash = (hash ^ (uint8_t)reported.ptr[i]) * 16777619u;
	return (hash ^ (hash >> 16)) % REPORTS_KEPT;
}

static struct bytes report_key(const struct passage *passage, struct jid reported)
{
	struct bytes reporter = user_jid(passage->user).full;
	uint8_t digest[HASH_MAX_BYTES];

	if (reporter.len > REPORTER_BYTES_MAX) {
		hash_digest(HASH_SHA256, reporter, digest);
		reporter = base64url_encode(scratch(),
					    bytes_make(digest, hash_bytes(HASH_SHA256)));
	}
	return arena_printf(
		scratch(), "%.*s %.*s %04u",
		BYTES_ARG(bytes_first(domain_name(passage->domain), DOMAIN_BYTES_MAX)),
		BYTES_ARG(reporter), report_place(reported.full));
}

static void report_put(const struct passage *passage, struct jid reported,
		       const struct xnode *report, struct store_batch *batch)
{
	struct bytes reporter = user_jid(passage->user).full;
	char stamp[DATETIME_MAX_BYTES];
	struct buf value;

	buf_init(&value, REPORT_BYTES_MAX);
	buf_printf(&value, "at %.*s\nby %.*s\non %.*s\nfor ",
		   BYTES_ARG(datetime_format(stamp, clock_real_us(), 0)), BYTES_ARG(reporter),
		   BYTES_ARG(reported.full));
	xml_escape_attr(&value, xnode_attr(report, "reason"));
	buf_append_cstr(&value, "\n\n");
	size_t facts = value.len;
	xnode_write(&value, report, BYTES_LIT(""));
	if (value.failed) /* the facts are worth more than an endless complaint */
		value.len = facts;
	store_put_server(batch, &report_store, report_key(passage, reported),
			 buf_bytes(&value));
	buf_fini(&value);
	metric_add(&metric_reports, 1);
	log_event(LOG_FEATURE, LOG_INFO, "report.filed", LOG_BYTES("by", reporter),
		  LOG_BYTES("on", reported.full));
}

/* Section 6: one report for one item. Without a reason it is none (section 4). */
static void item_record(const struct passage *passage, const struct xnode *item,
			struct store_batch *batch)
{
	const struct xnode *report = xnode_find(item, "report", NS_REPORTING);
	struct jid reported;

	if (report != NULL && xnode_is(item, "item", NS_BLOCKING) &&
	    !bytes_is_none(xnode_attr(report, "reason")) &&
	    jid_parse(scratch(), xnode_attr(item, "jid"), &reported, NULL) == 0)
		report_put(passage, reported, report, batch);
}

/* The command itself is answered elsewhere, as if no report were there (section 6). */
static void block_record(const struct passage *passage)
{
	const struct xnode *block =
		xnode_find(stanza_root(passage->stanza), "block", NS_BLOCKING);
	struct jid own = user_jid(passage->user);
	struct store_batch *batch;
	const struct xnode *item;

	if (block == NULL || !bytes_is(passage->stanza->type, "set") ||
	    !jid_equal(passage->to, own))
		return;
	batch = store_batch_new(core_store(), own.full);
	xnode_for_each_child (item, block)
		item_record(passage, item, batch);
	if (store_batch_count(batch) == 0)
		store_batch_free(&batch);
	else
		user_commit(passage->user, &batch);
}

const struct feature feature_reports = {
	FEATURE_ABI,
	.name = "reports",
	.xep = "0377",
	.version = "0.4.1",
	.summary = "Say why somebody is blocked; the administrator keeps the reports. They are "
		   "forwarded to nobody.",
	.disco = (const char *const[]){ NS_REPORTING, NULL },
	.iq_stanza.sent.record = block_record,
	.metrics = (struct metric *const[]){ &metric_reports, NULL },
	.stores = (struct store_decl *const[]){ &report_store, NULL },
};
