/*
 * XEP-0050 Ad-Hoc Commands: people run the server's commands from any client that shows forms.
 * Version 1.3.0. The commands are those of other features (struct feature, .commands); the
 * going to and fro is core/adhoc.h's. Left out: announcing the list (section 2.3), commands on
 * other addresses than the server's, <bad-locale/> (an unknown language gets English).
 */
#include "core/adhoc.h"
#include "core/feature.h"
#include "xmpp/ns.h"

const struct feature feature_adhoc = {
	FEATURE_ABI,
	.name = "adhoc",
	.xep = "0050",
	.version = "1.3.0",
	.summary = "Run commands of the server from any client that shows forms.",
	.disco = (const char *const[]){ NS_COMMANDS, NULL },
	.node = adhoc_disco,
	.iq =
		(const struct iq_rule[]){
			{ IQ_SET, TO_SERVER, NS_COMMANDS, "command", adhoc_request },
			{ 0 },
		},
	.slots = (struct slot *const[]){ &adhoc_slot, NULL },
};
