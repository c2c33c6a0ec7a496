/*
 * The entrance for browsers, and for whom a network lets through nothing else: one port that
 * speaks HTTP, WebSocket and XMPP itself, told apart by ALPN or the first byte. What is served
 * stands in one table of routes, which other rooms may add to before the first connection.
 *
 * Connections count as logging in (admission.h) until they are something else.
 */
#ifndef STREAM_WEB_H
#define STREAM_WEB_H

#include "io/http.h"

struct tls_set;

/* Makes the table and declares our routes; once, at boot. Called by stream_register(). */
void web_register(void);
/* For more routes; they must be there before connections are. */
struct http_router *web_router(void);

/* Serves a connected descriptor (taken) on this shard; set NULL: in plain. */
void web_serve(int fd, const struct peer *peer, struct tls_set *set);
/* Ends this shard's HTTP connections; those that became streams are stream_drain()'s. */
void web_stop(void);

/* The served domain that the request's host names, or NULL. */
const struct domain *web_domain(const struct http_head *head);
/*
 * May the page that this request comes from use what only clients of ours should? True without
 * an Origin (no browser), from our own pages, and from those in web.origins of the domain that
 * the host names.
 */
bool web_origin_is_allowed(const struct http_head *head);

/* web_pages.c: what people and clients find here; static routes, NULL at the end. */
extern const struct http_route *const web_pages[];

#endif
