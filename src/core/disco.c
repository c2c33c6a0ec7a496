/* What the features announce, collected for service discovery (XEP-0030). */
#include "core/domain.h"
#include "core/registry.h"

void disco_each_feature(const struct domain *domain, bool account,
			void (*each)(const char *ns, void *context), void *context)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct feature *feature = registry_at(i);
		const char *const *ns = account ? feature->disco_account : feature->disco;
		if (!domain_feature_is_on(domain, i))
			continue;
		for (; ns != NULL && *ns != NULL; ns++)
			each(*ns, context);
	}
}

void disco_write_forms(const struct domain *domain, struct xml_writer *writer)
{
	for (unsigned i = 0; i < registry_count(); i++)
		if (registry_at(i)->disco_form != NULL && domain_feature_is_on(domain, i))
			registry_at(i)->disco_form(domain, writer);
}
