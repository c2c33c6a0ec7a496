/*
 * Errands: a question to the home of some JID (or to any shard), answered to the shard that
 * asked. An errand is embedded in the struct that carries the question and the answer; that
 * struct belongs to whoever runs it at the moment.
 *
 * 	errand_init(&q->errand, "account.read", account_read_run, account_read_back);
 * 	errand_send(&q->errand, place_shard(jid));
 * 	… on that shard run(); when the answer is there, errand_return(&q->errand);
 * 	… on the asking shard back(), which frees the struct
 */
#ifndef CORE_ERRAND_H
#define CORE_ERRAND_H

#include "io/mailbox.h"

struct errand {
	struct mail mail;
	unsigned origin; /* shard that asked */
	void (*run)(struct errand *);
	void (*back)(struct errand *);
};

void errand_init(struct errand *errand, const char *name, void (*run)(struct errand *),
		 void (*back)(struct errand *));
/* From a shard; run() is called there later, also if it is this one. */
void errand_send(struct errand *errand, unsigned shard);
/* On the shard where it ran; back() is called on the asking one later. */
void errand_return(struct errand *errand);

#endif
