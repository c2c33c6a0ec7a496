/* What the files of io share about HTTP connections. Internal to io. */
#ifndef IO_HTTP_IMPL_H
#define IO_HTTP_IMPL_H

#include "io/http.h"
#include "io/timer.h"

enum { HTTP_MAGIC = 0x48545450 };

/*
 * 	HEAD -- a request --> BODY -- its end --> WAITING -- answered --> HEAD
 * 	any -- refused, lost, late --> the connection ends
 */
enum http_state {
	HTTP_IN_HEAD,
	HTTP_IN_BODY,
	HTTP_WAITING, /* for the handler */
};

struct http {
	uint32_t magic;
	uint8_t state; /* enum http_state */
	bool is_in_data : 1;
	bool is_over : 1;	  /* freed when data() returns */
	bool has_exchange : 1;	  /* the handler was called and has not answered */
	bool has_begun : 1;	  /* the answer's head is sent */
	bool has_partial : 1;	  /* a head began to come */
	bool keeps_alive : 1;	  /* after this answer */
	bool is_http10 : 1;	  /* of the request in hand */
	bool is_head_method : 1;  /* its answer has no body */
	bool is_chunked : 1;	  /* its body */
	bool answers_chunked : 1; /* the answer */
	bool is_body_paused : 1;  /* by the handler */
	bool waits_for_room : 1;  /* too many answers wait to leave */
	bool is_half_closed : 1;  /* the peer sends nothing more */
	bool wants_drained : 1;	  /* the handler */
	struct conn *conn;
	const struct http_server *server;
	void *owner;
	const struct http_route *route;
	void *handler_state;
	struct timer timer;
	size_t searched;
	struct http_chunks chunks;
	uint64_t body_left;	   /* with Content-Length */
	uint64_t body_bytes;	   /* seen so far */
	uint64_t body_at_tick;	   /* body_bytes at the last tick */
	uint64_t written_position; /* at the last tick */
};

/* http_route.c: the route of a decoded path, or NULL. */
const struct http_route *http_router_find(const struct http_router *router, struct bytes path);

/* http.c: the answer is complete. */
void http_answered(struct http *http);

/* http_answer.c */
void http_send_continue(struct http *http);

#endif
