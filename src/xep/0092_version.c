/*
 * XEP-0092 Software Version: people can see what server they are on. Version 1.1. The operating
 * system is left out (section 5: it helps attackers only).
 */
#include "core/feature.h"

static struct option option_show =
	OPTION_BOOL("version.show", OPTION_DOMAIN, true,
		    "Tell clients this server's version number, besides its name.");

static struct verdict version_get(struct iq *iq)
{
	struct buf xml;
	struct xml_writer w;

	buf_init(&xml, 0);
	xml_writer_init(&w, &xml);
	xml_open(&w, "query", "jabber:iq:version");
	xml_element_text(&w, "name", BYTES_LIT("Hearth"));
	if (settings_bool(domain_settings(iq->domain), &option_show))
		xml_element_text(&w, "version", BYTES_LIT(HEARTH_VERSION));
	xml_close(&w);
	xml_writer_fini(&w);
	return iq_result_buf(iq, &xml);
}

const struct feature feature_version = {
	FEATURE_ABI,
	.name = "version",
	.xep = "0092",
	.version = "1.1",
	.summary = "Tell the server's name and version.",
	.disco = (const char *const[]){ "jabber:iq:version", NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER, "jabber:iq:version", "query", version_get },
			{ 0 },
		},
	.options = (struct option *const[]){ &option_show, NULL },
};
