/*
 * The server's side of HTTP/1.1 over a struct conn: one struct http for each connection, with at
 * most one exchange in hand; pipelined requests wait where they are. Routes are declared once,
 * at boot; what no route names, or names without a permission, is not served.
 *
 * 	static const struct http_route page = { .path = "/", .methods = HTTP_GET,
 * 		.permission = HTTP_EVERYBODY, .request = show_page };
 * 	http_router_add(router, &page);
 * 	http_serve(conn, &server, owner);
 *
 * A handler gets request(), then body() and ended() if the request has a body; it answers now
 * or later, once, by http_answer(), http_answer_asset(), http_begin() … http_end(), or takes
 * the connection over. After that, and after gone(), it must not use http any more. All runs on
 * the connection's shard.
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "io/conn.h"
#include "io/http_scan.h"

enum {
	HTTP_HEAD_MS = 10000, /* from the first byte of a head to its last */
	HTTP_IDLE_MS = 60000, /* between two requests */
	HTTP_TICK_MS = 10000, /* in each, a body and a reader of answers must move */
	HTTP_BODY_TICK_BYTES = 1024,
	HTTP_QUEUE_BYTES = 65536, /* no further request is read while more waits to leave */
	HTTP_ROUTES_MAX = 64,
};

struct http;
struct http_router;

/* Who may use a route; there is no default. */
enum http_permission {
	HTTP_EVERYBODY = 1,
	HTTP_LOOPBACK, /* connections from this machine */
};

struct http_route {
	const char *path; /* without percent-encoding; ends in '/' if is_prefix */
	bool is_prefix;	  /* all below it too */
	unsigned methods; /* of enum http_method; HEAD comes with GET */
	enum http_permission permission;
	uint64_t body_max; /* 0: requests have none */
	/* The head is there; head and path (decoded) are borrowed for the call. */
	void (*request)(struct http *http, const struct http_head *head, struct bytes path);
	/* A piece of the body, borrowed; NULL with body_max 0. */
	void (*body)(struct http *http, struct bytes piece);
	/* All of the body was seen; also without a body. NULL: request() answers. */
	void (*ended)(struct http *http);
	/* The exchange is lost before its answer was complete; may be NULL. */
	void (*gone)(struct http *http);
	/* After http_want_drained(); may be NULL. */
	void (*drained)(struct http *http);
	void *context;
};

/* Never NULL. Immutable once connections use it; any thread may read it. */
struct http_router *http_router_new(void);
void http_router_free(struct http_router **router);
/*
 * route must live as long as the router. Aborts if it declares no method, no permission, no
 * handler, or a path that another has: such a server does not start.
 */
void http_router_add(struct http_router *router, const struct http_route *route);

struct http_server {
	const struct http_router *router;
	/* The connection has ended or was taken over; http is no more. */
	void (*left)(void *owner);
};

/* Takes conn, which has no handshake under way; server must be static. */
struct http *http_serve(struct conn *conn, const struct http_server *server, void *owner);
/* Ends it, after what is queued has left; left() is called. */
void http_close(struct http *http);

/* --- for handlers -------------------------------------------------------------------------- */

struct conn *http_conn(const struct http *http);
const struct http_route *http_route(const struct http *http);
/* The server's owner, as given to http_serve(). */
void *http_owner(const struct http *http);
/* A word for the handler, NULL at request(). */
void http_set_state(struct http *http, void *state);
void *http_state(const struct http *http);
/* Back-pressure: no body() from the next piece on. */
void http_pause_body(struct http *http, bool is_paused);

struct http_answer {
	unsigned status;
	struct bytes type;   /* Content-Type; NONE: none */
	struct bytes fields; /* more of them, each with its CR LF */
	struct bytes body;   /* copied */
};

/* The whole answer. */
void http_answer(struct http *http, const struct http_answer *answer);
/* A bare status with its reason as text. */
void http_answer_status(struct http *http, unsigned status);

enum { HTTP_UNKNOWN_LENGTH = -1 };
/* An answer in pieces; answer->body is not used. Unknown length: chunked. */
void http_begin(struct http *http, const struct http_answer *answer, int64_t length);
void http_write(struct http *http, struct bytes piece);
void http_end(struct http *http);
/* Asks once for drained(), when at most mark bytes of answers wait to leave. */
void http_want_drained(struct http *http, size_t mark);

/* What GET and HEAD give, with ETag, conditions and ranges (RFC 9110 sections 13, 14). */
struct http_asset {
	struct bytes body;
	struct bytes type;
	struct bytes etag; /* with its quotes */
	struct bytes fields;
	bool is_static; /* body lives as long as the process, and is not copied */
};

void http_answer_asset(struct http *http, const struct http_head *head,
		       const struct http_asset *asset);

/*
 * Only in request(): the connection is the caller's, who calls conn_set_owner() before it
 * returns; what follows the head is presented to the new owner. http is no more.
 */
struct conn *http_take_over(struct http *http);

#endif
