/*
 * Publishing: which domains are served, with which settings and certificates. Everything that
 * changes that goes through here, one at a time: the start, a reload, a domain made or deleted
 * by hearthctl. Steps, on shard 0 unless said:
 *
 * 	CONFIG (a worker; a reload only) -> STORED -> CERTIFICATES (a worker) -> DOMAINS -> TLS
 *
 * Until DOMAINS nothing is changed, so a failure leaves what was served.
 */
#ifndef MAIN_PUBLISH_H
#define MAIN_PUBLISH_H

#include "admin/control.h"
#include "main/args.h"
#include "main/config.h"

struct tls_set;

struct publisher_host {
	const struct args *args;
	struct worker_pool *workers;
	struct tls_tickets *tickets;
	/* On shard 0, when all shards know the domains; secure() waits until go_on() is called. */
	void (*published)(void (*go_on)(void *context), void *context);
	/* On every shard, when the domains are known there: accept, or use these certificates.
	 */
	void (*secure)(struct tls_set *set);
	/* On shard 0: the configuration was read again. */
	void (*configured)(const struct config *config);
};

/* config is taken: domains take their settings out of it. Before the shards run. */
void publisher_init(const struct publisher_host *host, struct config *taken_config);
/* The configuration's domains alone, for the shards to begin with. Before they run. */
struct domain_set *publisher_first_set(void);
/* The configuration in force. */
const struct config *publisher_config(void);
/* On shard 0; waits for its turn. as admin_host. */
void publish(struct bytes except, admin_host_done_fn *done, void *context);
void publish_reload(admin_host_done_fn *done, void *context);
/* "option=value" lines into settings of a domain. 0, or -EINVAL with the reason. */
int publish_apply_overrides(struct settings *settings, struct bytes lines, enum text_lang lang,
			    struct err *ret_err);
/* When shards and domains are gone. */
void publisher_fini(void);

#endif
