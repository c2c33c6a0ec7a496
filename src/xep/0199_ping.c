/*
 * XEP-0199 XMPP Ping: clients can tell a dead connection from a silent one. Version 2.0.1.
 * Answers pings to the server and to one's own account (sections 4.2 and 4.3); asking clients
 * is not done here.
 */
#include "core/feature.h"

static struct verdict ping(struct iq *iq)
{
	return iq_ok(iq);
}

const struct feature feature_ping = {
	FEATURE_ABI,
	.name = "ping",
	.xep = "0199",
	.version = "2.0.1",
	.summary =
		"Answer pings, so that clients can tell a dead connection from a silent one.",
	.disco = (const char *const[]){ "urn:xmpp:ping", NULL },
	.iq =
		(const struct iq_rule[]){
			{ IQ_GET, TO_SERVER | TO_ACCOUNT, "urn:xmpp:ping", "ping", ping },
			{ 0 },
		},
};
