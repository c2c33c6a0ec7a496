/*
 * XEP-0157 Contact Addresses for XMPP Services: people see whom to write to about abuse, trouble
 * or security. Version 1.1.1.
 */
#include "core/feature.h"
#include "xmpp/form.h"

#define CONTACT(word, whom)                               \
	OPTION_LIST("contact." word, OPTION_DOMAIN, NULL, \
		    "Addresses of this service for " whom \
		    ", as URIs: mailto:…, xmpp:… or https://…; shown to clients.")

enum { ABUSE, ADMIN, FEEDBACK, SALES, SECURITY, STATUS, SUPPORT, CONTACTS };

static struct option options[CONTACTS] = {
	[ABUSE] = CONTACT("abuse", "reports of abuse"),
	[ADMIN] = CONTACT("admin", "its administrators"),
	[FEEDBACK] = CONTACT("feedback", "feedback"),
	[SALES] = CONTACT("sales", "sales and marketing"),
	[SECURITY] = CONTACT("security", "security concerns"),
	[STATUS] = CONTACT("status", "news of its status"),
	[SUPPORT] = CONTACT("support", "support"),
};

static const char *const fields[CONTACTS] = {
	[ABUSE] = "abuse-addresses",	   [ADMIN] = "admin-addresses",
	[FEEDBACK] = "feedback-addresses", [SALES] = "sales-addresses",
	[SECURITY] = "security-addresses", [STATUS] = "status-addresses",
	[SUPPORT] = "support-addresses",
};

static bool has_any(const struct settings *settings)
{
	size_t total = 0, count;

	for (int i = 0; i < CONTACTS; i++) {
		settings_list(settings, &options[i], &count);
		total += count;
	}
	return total > 0;
}

/* Section 3: only what the administrator has named. */
static void contacts_write(const struct domain *domain, struct xml_writer *w)
{
	const struct settings *settings = domain_settings(domain);

	if (!has_any(settings))
		return;
	form_open(w, "result", "http://jabber.org/network/serverinfo");
	for (int i = 0; i < CONTACTS; i++) {
		size_t count;
		const struct bytes *values = settings_list(settings, &options[i], &count);
		if (count > 0)
			form_write_values(w, fields[i], values, count);
	}
	xml_close(w);
}

const struct feature feature_contact = {
	FEATURE_ABI,
	.name = "contact",
	.xep = "0157",
	.version = "1.1.1",
	.summary = "Tell clients whom to write to about abuse, security or trouble.",
	.disco_form = contacts_write,
	.options =
		(struct option *const[]){ &options[ABUSE], &options[ADMIN], &options[FEEDBACK],
					  &options[SALES], &options[SECURITY], &options[STATUS],
					  &options[SUPPORT], NULL },
};
