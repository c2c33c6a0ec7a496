/*
 * Served domains: immutable snapshots, one set per process, swapped whole. A struct domain is
 * never freed while the process lives (a replaced one is a few hundred bytes, and reloads are
 * rare), so a borrowed pointer stays valid; the set says which one is current. Nothing is
 * shared between two domains.
 *
 * The main thread builds a set and publishes it; each shard adopts it by mail (domain_adopt),
 * so within one event all code of a shard sees one set.
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "base/option.h"
#include "core/feature.h"

struct domain {
	struct bytes name; /* normalised domainpart */
	const struct settings *settings;
	uint64_t features[2]; /* bit = registry index */
	bool is_stored;	      /* made at run time, kept in the store */
};

struct domain_set;

/*
 * Builder: the domains of copy_from (NULL: none). server: the settings of the server itself,
 * which every domain's fall back on; borrowed, outlives domain_forget_all().
 */
struct domain_set *domain_set_new(const struct domain_set *copy_from,
				  const struct settings *server);
/* name: normalised by the caller. settings are taken, on success only. 0 or -EEXIST. */
int domain_set_add(struct domain_set *set, struct bytes name, const struct settings *settings,
		   bool is_stored);
/* 0 or -ENOENT. */
int domain_set_remove(struct domain_set *set, struct bytes name);
size_t domain_set_count(const struct domain_set *set);
/* Iterates in order of addition. */
const struct domain *domain_set_at(const struct domain_set *set, size_t index);
const struct domain *domain_set_find(const struct domain_set *set, struct bytes name);

/* Makes the set this shard's current one. Any number of shards share a set. */
void domain_adopt(const struct domain_set *set);
/* The set of this shard. */
const struct domain_set *domain_current(void);
/* The domain of this shard's current set, or NULL if it is not served. */
const struct domain *domain_find(struct bytes name);
/* Frees all sets and domains ever made (end of process, tests). */
void domain_forget_all(void);

static inline bool domain_feature_is_on(const struct domain *domain, unsigned index)
{
	return (domain->features[index / 64] >> (index % 64)) & 1;
}

#endif
