/*
 * XEP-0202 Entity Time: clients can see how far the server's clock is from theirs. Version 2.0.
 */
#include "base/clock.h"
#include "core/feature.h"
#include "xmpp/datetime.h"

static struct verdict time_get(struct iq *iq)
{
	char utc[DATETIME_MAX_BYTES];
	struct buf xml;
	struct xml_writer w;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "time", "urn:xmpp:time");
	xml_element_text(&w, "tzo", BYTES_LIT("+00:00"));
	xml_element_text(&w, "utc", datetime_format(utc, clock_real_us(), 0));
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

const struct feature feature_time = {
	FEATURE_ABI,
	.name = "time",
	.xep = "0202",
	.version = "2.0",
	.summary = "Tell the server's time.",
	.disco = (const char *const[]){ "urn:xmpp:time", NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER, "urn:xmpp:time", "time", time_get },
			{ 0 },
		},
};
