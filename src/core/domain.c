#include "core/domain.h"

#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "core/registry.h"
#include "core/shard_state.h"

struct domain_set {
	const struct settings *server;
	struct domain_set *next_made;
	struct domain **domains;
	size_t count;
	size_t capacity;
	struct table by_name;
};

/* What was ever made, so that the end of the process can give it back (leak checks stay sharp).
 */
struct domain_node {
	struct domain_node *next_made;
	struct domain domain;
	char name[];
};

static struct domain_set *all_sets;
static struct domain_node *all_domains;

static void domain_set_append(struct domain_set *set, struct domain *domain)
{
	if (set->count == set->capacity) {
		set->capacity = set->capacity ? 2 * set->capacity : 4;
		set->domains = realloc(set->domains, set->capacity * sizeof(struct domain *));
		check(set->domains != NULL);
	}
	set->domains[set->count++] = domain;
	table_put(&set->by_name, domain->name, domain);
}

struct domain_set *domain_set_new(const struct domain_set *copy_from,
				  const struct settings *server)
{
	struct domain_set *set = calloc(1, sizeof(*set));

	check(set != NULL);
	set->server = server;
	table_init(&set->by_name);
	set->next_made = all_sets;
	all_sets = set;
	for (size_t i = 0; copy_from != NULL && i < copy_from->count; i++)
		domain_set_append(set, copy_from->domains[i]);
	return set;
}

/* features.<name>: off takes a feature away from this domain. */
static void domain_choose_features(struct domain *domain)
{
	for (unsigned i = 0; i < registry_count(); i++) {
		const struct option *option = registry_switch(i);
		if (option == NULL || settings_bool(domain->settings, option))
			domain->features[i / 64] |= 1ull << (i % 64);
	}
}

int domain_set_add(struct domain_set *set, struct bytes name, const struct settings *settings,
		   bool is_stored)
{
	struct domain_node *node;

	if (table_find(&set->by_name, name) != NULL)
		return -EEXIST;
	node = calloc(1, sizeof(*node) + name.len + 1);
	check(node != NULL);
	memcpy(node->name, name.ptr, name.len);
	node->domain.name = bytes_make(node->name, name.len);
	node->domain.settings = settings;
	node->domain.is_stored = is_stored;
	domain_choose_features(&node->domain);
	node->next_made = all_domains;
	all_domains = node;
	domain_set_append(set, &node->domain);
	return 0;
}

int domain_set_remove(struct domain_set *set, struct bytes name)
{
	struct domain *domain = table_del(&set->by_name, name);

	if (domain == NULL)
		return -ENOENT;
	for (size_t i = 0; i < set->count; i++) {
		if (set->domains[i] != domain)
			continue;
		memmove(&set->domains[i], &set->domains[i + 1],
			(set->count - i - 1) * sizeof(set->domains[0]));
		set->count--;
		break;
	}
	return 0;
}

size_t domain_set_count(const struct domain_set *set)
{
	return set->count;
}

const struct domain *domain_set_at(const struct domain_set *set, size_t index)
{
	return index < set->count ? set->domains[index] : NULL;
}

const struct domain *domain_set_find(const struct domain_set *set, struct bytes name)
{
	return table_find(&set->by_name, name);
}

void domain_adopt(const struct domain_set *set)
{
	core_shard()->domains = set;
}

const struct domain_set *domain_current(void)
{
	return core_shard()->domains;
}

const struct domain *domain_find(struct bytes name)
{
	return domain_set_find(core_shard()->domains, name);
}

struct bytes domain_name(const struct domain *domain)
{
	return domain->name;
}

const struct settings *domain_settings(const struct domain *domain)
{
	return domain == NULL ? domain_current()->server : domain->settings;
}

bool domain_has_feature(const struct domain *domain, const struct feature *feature)
{
	int index = registry_index(feature);

	return index >= 0 && domain_feature_is_on(domain, (unsigned)index);
}

void domain_forget_all(void)
{
	while (all_sets != NULL) {
		struct domain_set *set = all_sets;
		all_sets = set->next_made;
		table_fini(&set->by_name);
		free(set->domains);
		free(set);
	}
	while (all_domains != NULL) {
		struct domain_node *node = all_domains;
		struct settings *settings = (struct settings *)(uintptr_t)node->domain.settings;
		all_domains = node->next_made;
		settings_free(&settings);
		free(node);
	}
}
