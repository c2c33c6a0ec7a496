/* What the features announce, collected for service discovery (XEP-0030). */
#include "core/domain.h"
#include "core/registry.h"

static void write_identity(struct xml_writer *w, const char *category, const char *type,
			   const char *name)
{
	xml_open(w, "identity", NULL);
	xml_attr(w, "category", bytes_of(category));
	xml_attr(w, "type", bytes_of(type));
	xml_attr(w, "name", bytes_of(name));
	xml_close(w);
}

static void write_features(struct xml_writer *w, const char *const *ns)
{
	for (; ns != NULL && *ns != NULL; ns++) {
		xml_open(w, "feature", NULL);
		xml_attr(w, "var", bytes_of(*ns));
		xml_close(w);
	}
}

/* XEP-0030 section 3.1: the server's identity, or the account's (last example). */
void disco_write_info(const struct domain *domain, bool account, struct xml_writer *writer)
{
	if (account)
		write_identity(writer, "account", "registered", NULL);
	else
		write_identity(writer, "server", "im", "Hearth");
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct feature *feature = registry_at(i);
		if (!domain_feature_is_on(domain, i))
			continue;
		write_features(writer, account ? feature->disco_account : feature->disco);
		if (!account && feature->disco_form != NULL)
			feature->disco_form(domain, writer);
	}
}

struct verdict disco_write_node(struct iq *iq, struct bytes node, struct xml_writer *writer)
{
	struct verdict verdict = verdict_pass();

	for (unsigned i = 0; i < registry_count() && verdict.kind == VERDICT_PASS; i++) {
		const struct feature *feature = registry_at(i);
		if (feature->node != NULL && domain_feature_is_on(iq->domain, i))
			verdict = feature->node(iq, node, writer);
	}
	return verdict;
}
