#include "core/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "core/dispatch.h"
#include "core/phase.h"

static const struct feature *features[REGISTRY_MAX];
static struct option switches[REGISTRY_MAX];
static char *switch_names[REGISTRY_MAX];
static unsigned feature_count;
static struct slot *slots[SLOT_KINDS][REGISTRY_MAX];
static unsigned slot_counts[SLOT_KINDS];
static bool is_sealed;

int registry_add(const struct feature *feature, struct err *ret_err)
{
	if (feature->abi != FEATURE_ABI_NUMBER || feature->size != sizeof(struct feature))
		return err_set(ret_err, -EPROTO,
			       "the feature was built for another version of Hearth (ABI %u "
			       "of %u bytes, this server has ABI %u of %u bytes)",
			       feature->abi, feature->size, (unsigned)FEATURE_ABI_NUMBER,
			       (unsigned)sizeof(struct feature));
	check(!is_sealed);
	if (feature_count == REGISTRY_MAX)
		return err_set(ret_err, -E2BIG, "more than %d features", REGISTRY_MAX);
	for (unsigned i = 0; i < feature_count; i++)
		if (strcmp(features[i]->name, feature->name) == 0)
			return err_set(ret_err, -EEXIST, "two features are named \"%s\"",
				       feature->name);
	features[feature_count++] = feature;
	return 0;
}

/* The handle stays open: the feature's code must live as long as the process. */
int registry_load(const char *path, struct err *ret_err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct feature *feature;

	if (handle == NULL)
		return err_set(ret_err, -ENOENT, "cannot load the plugin: %s", dlerror());
	feature = dlsym(handle, "hearth_feature");
	if (feature == NULL)
		return err_set(ret_err, -EPROTO, "%s exports no hearth_feature", path);
	return registry_add(feature, ret_err);
}

static int compare_by_name(const void *left, const void *right)
{
	const struct feature *const *a = left;
	const struct feature *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static void registry_declare_switch(unsigned index)
{
	const struct feature *feature = features[index];

	check(asprintf(&switch_names[index], "features.%s", feature->name) > 0);
	switches[index] = (struct option)OPTION_BOOL(switch_names[index], OPTION_DOMAIN, true,
						     feature->summary);
	option_register(&switches[index]);
}

static void registry_declare_slots(struct slot *const *list)
{
	for (; list != NULL && *list != NULL; list++) {
		unsigned of = (*list)->of;
		check(slot_counts[of] < REGISTRY_MAX);
		slots[of][slot_counts[of]++] = *list;
		(*list)->index = slot_counts[of];
	}
}

static void registry_declare(unsigned index)
{
	const struct feature *feature = features[index];

	for (struct option *const *o = feature->options; o != NULL && *o != NULL; o++)
		option_register(*o);
	for (struct metric *const *m = feature->metrics; m != NULL && *m != NULL; m++)
		metric_register(*m);
	for (struct store_decl *const *s = feature->stores; s != NULL && *s != NULL; s++)
		store_register(*s);
	registry_declare_slots(feature->slots);
	registry_declare_switch(index);
}

static int registry_check_announced(const char *const *own, const char *const *others,
				    unsigned own_index, unsigned other_index,
				    struct err *ret_err)
{
	for (; own != NULL && *own != NULL; own++)
		for (const char *const *other = others; other != NULL && *other != NULL;
		     other++)
			if (strcmp(*own, *other) == 0)
				return err_set(ret_err, -EEXIST,
					       "features %s and %s both announce %s",
					       features[other_index]->name,
					       features[own_index]->name, *own);
	return 0;
}

static int registry_check_nonzas(unsigned own_index, unsigned other_index, struct err *ret_err)
{
	const struct nonza_rule *own = features[own_index]->nonza;

	for (; own != NULL && own->handle != NULL; own++) {
		const struct nonza_rule *other = features[other_index]->nonza;
		for (; other != NULL && other->handle != NULL; other++)
			if (strcmp(own->ns, other->ns) == 0 &&
			    strcmp(own->element, other->element) == 0)
				return err_set(ret_err, -EEXIST,
					       "features %s and %s both claim <%s xmlns='%s'/>",
					       features[other_index]->name,
					       features[own_index]->name, own->element,
					       own->ns);
	}
	return 0;
}

/* What each pair of features must not both have. */
static int registry_check_pair(unsigned i, unsigned j, struct err *ret_err)
{
	int rc =
		registry_check_announced(features[i]->disco, features[j]->disco, i, j, ret_err);

	if (rc == 0)
		rc = registry_check_announced(features[i]->disco_account,
					      features[j]->disco_account, i, j, ret_err);
	return rc == 0 ? registry_check_nonzas(i, j, ret_err) : rc;
}

static int registry_check_pairs(struct err *ret_err)
{
	for (unsigned i = 0; i < feature_count; i++) {
		for (unsigned j = 0; j < i; j++) {
			int rc = registry_check_pair(i, j, ret_err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int registry_seal(struct err *ret_err)
{
	int rc;

	check(!is_sealed);
	qsort(features, feature_count, sizeof(features[0]), compare_by_name);
	rc = registry_check_pairs(ret_err);
	if (rc == 0)
		rc = dispatch_build(ret_err);
	if (rc == 0)
		rc = phase_build(ret_err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < feature_count; i++)
		registry_declare(i);
	is_sealed = true;
	return 0;
}

int registry_start(struct err *ret_err)
{
	for (unsigned i = 0; i < feature_count; i++) {
		int rc = features[i]->start == NULL ? 0 : features[i]->start(ret_err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void registry_reset(void)
{
	feature_count = 0;
	memset(slot_counts, 0, sizeof(slot_counts));
	is_sealed = false;
}

unsigned registry_count(void)
{
	return feature_count;
}

const struct feature *registry_at(unsigned index)
{
	check(index < feature_count);
	return features[index];
}

int registry_index(const struct feature *feature)
{
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i] == feature)
			return (int)i;
	return -1;
}

const struct option *registry_switch(unsigned index)
{
	return switches[index].name == NULL ? NULL : &switches[index];
}

void registry_shuffle(uint64_t seed)
{
	phase_shuffle(seed);
}

unsigned registry_slot_count(enum slot_of of)
{
	return slot_counts[of];
}

struct slot *registry_slot(enum slot_of of, unsigned index)
{
	check(index >= 1 && index <= slot_counts[of]);
	return slots[of][index - 1];
}
