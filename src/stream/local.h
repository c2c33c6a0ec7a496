/*
 * What the room keeps on each shard: the list of its streams, those that end later in the turn,
 * the entrance for clients, and a drain under way. It exists while any of this does.
 */
#ifndef STREAM_LOCAL_H
#define STREAM_LOCAL_H

#include "base/list.h"
#include "io/loop.h"
#include "io/timer.h"

struct stream;
struct c2s_entrance;
struct tls_set;

struct stream_local {
	struct list streams;
	struct list doomed; /* over their queue limit; doom ends them */
	struct call doom;
	size_t count;			 /* of streams and doomed */
	struct c2s_entrance *entrance;	 /* c2s.c; NULL: none */
	struct tls_set *tls;		 /* for new handshakes; NULL: none */
	struct list web_conns;		 /* web.c: HTTP connections */
	uint16_t c2s_port, c2s_tls_port; /* where c2s.c listens; 0: nowhere */
	bool is_shut;			 /* a drain began: no more streams */
	struct timer drain_poll;
	uint64_t drain_until_ms;
	void (*drain_done)(void *context); /* NULL: no drain */
	void *drain_context;
};

/* Of the shard the thread has entered; made if need be. */
struct stream_local *stream_local_get(void);
/* NULL if there is none. */
struct stream_local *stream_local_find(void);
/* A drain has begun on this shard, or is over. */
bool stream_local_is_shut(void);
/* Frees it if nothing is left in it. */
void stream_local_release(void);
/* The stream ends later in this turn, with policy-violation. */
void stream_local_doom(struct stream *stream);

#endif
