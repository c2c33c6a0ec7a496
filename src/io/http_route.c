/* Routes: what is not declared is not served. */
#include "base/block.h"
#include "base/check.h"
#include "io/http_impl.h"

struct http_router {
	size_t count;
	const struct http_route *routes[HTTP_ROUTES_MAX];
};

struct http_router *http_router_new(void)
{
	return block_alloc_zeroed(sizeof(struct http_router));
}

void http_router_free(struct http_router **router)
{
	block_free(*router);
	*router = NULL;
}

static bool is_declared(const struct http_route *route)
{
	size_t len = route->path ? strlen(route->path) : 0;

	return len > 0 && route->path[0] == '/' && route->methods != 0 && route->request &&
	       (route->permission == HTTP_EVERYBODY || route->permission == HTTP_LOOPBACK) &&
	       (!route->is_prefix || route->path[len - 1] == '/') &&
	       (route->body_max == 0) == (route->body == NULL);
}

void http_router_add(struct http_router *router, const struct http_route *route)
{
	check(is_declared(route));
	check(router->count < HTTP_ROUTES_MAX);
	for (size_t i = 0; i < router->count; i++)
		check(strcmp(router->routes[i]->path, route->path) != 0);
	router->routes[router->count++] = route;
}

/* The longest path that fits. */
const struct http_route *http_router_find(const struct http_router *router, struct bytes path)
{
	const struct http_route *best = NULL;

	for (size_t i = 0; i < router->count; i++) {
		const struct http_route *route = router->routes[i];

		if (bytes_is(path, route->path))
			return route;
		if (route->is_prefix && bytes_has_prefix(path, bytes_of(route->path)) &&
		    (!best || strlen(route->path) > strlen(best->path)))
			best = route;
	}
	return best;
}
