#include "stream/c2s.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/block.h"
#include "base/log.h"
#include "io/listen.h"
#include "stream/carrier_tcp.h"
#include "stream/inside.h"
#include "stream/local.h"
#include "stream/web.h"

struct c2s_gate {
	struct listener listener;
	bool is_direct_tls;
	bool is_web;
};

struct c2s_entrance {
	size_t count;
	struct c2s_gate gates[];
};

/* --- certificates */

/* The i-th key file; NULL if the key stands in the certificate's file. */
static const char *key_file(const struct settings *settings, size_t i)
{
	size_t count;
	const struct bytes *keys = settings_list(settings, &stream_opt_tls_key, &count);

	return i < count ? arena_cstr(scratch(), keys[i]) : NULL;
}

/* As clients name it in the handshake (RFC 6066 section 3). */
static struct bytes tls_name(const struct c2s_domain *domain)
{
	return jid_domain_to_ascii(scratch(), domain->name);
}

static int add_configured(struct tls_set *set, const struct c2s_domain *domain,
			  const struct bytes *files, size_t count, struct err *ret_err)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = tls_set_add(set, tls_name(domain), arena_cstr(scratch(), files[i]),
				     key_file(domain->settings, i), ret_err);
	return result;
}

static int add_self_signed(struct tls_set *set, const struct c2s_domain *domain,
			   const char *dir, struct err *ret_err)
{
	struct bytes name = tls_name(domain);
	struct bytes stem = arena_printf(scratch(), "%s/%.*s", dir, BYTES_ARG(name));
	int result;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(ret_err, -errno, "%s: %s", dir, strerror(errno));
	result = tls_make_self_signed(name, dir, ret_err);
	if (result < 0)
		return result;
	return tls_set_add(set, name, arena_printf(scratch(), "%.*s.pem", BYTES_ARG(stem)).ptr,
			   arena_printf(scratch(), "%.*s.key", BYTES_ARG(stem)).ptr, ret_err);
}

static int add_domain(struct tls_set *set, const struct c2s_domain *domain, const char *dir,
		      struct err *ret_err)
{
	size_t count;
	const struct bytes *files =
		settings_list(domain->settings, &stream_opt_tls_certificate, &count);

	return count > 0 ? add_configured(set, domain, files, count, ret_err)
			 : add_self_signed(set, domain, dir, ret_err);
}

int c2s_tls_load(const struct c2s_domain *domains, size_t count, const char *data_dir,
		 struct tls_tickets *tickets, struct tls_set **ret_set, struct err *ret_err)
{
	struct arena_mark mark = arena_mark(scratch());
	const char *dir = arena_printf(scratch(), "%s/certificates", data_dir).ptr;
	struct tls_set *set = NULL;
	int result = tls_set_new(tickets, &set, ret_err);

	for (size_t i = 0; i < count && result == 0; i++)
		result = add_domain(set, &domains[i], dir, ret_err);
	if (result == 0)
		*ret_set = set;
	else
		tls_set_unref(&set);
	arena_release(scratch(), mark);
	return result;
}

/* --- listeners of a shard */

static void serve_web(int fd, const struct peer *peer, bool is_tls)
{
	struct tls_set *set = stream_local_get()->tls;

	if (is_tls && !set)
		close(fd);
	else
		web_serve(fd, peer, is_tls ? set : NULL);
	stream_local_release();
}

static void accepted(struct listener *listener, int fd, const struct peer *peer)
{
	const struct c2s_gate *gate = container_of(listener, struct c2s_gate, listener);

	if (gate->is_web)
		serve_web(fd, peer, gate->is_direct_tls);
	else
		c2s_serve(fd, peer, gate->is_direct_tls);
}

void c2s_serve(int fd, const struct peer *peer, bool is_direct_tls)
{
	struct tls_set *set = stream_local_get()->tls;

	if (is_direct_tls && !set)
		close(fd);
	else
		tcp_carrier_serve(fd, peer, is_direct_tls, set);
	stream_local_release();
}

static const char *tag_of(const struct c2s_gate *gate)
{
	if (gate->is_web)
		return gate->is_direct_tls ? "https" : "http";
	return gate->is_direct_tls ? "c2s_tls" : "c2s";
}

/* The first of each kind is what people are told. */
static void note_port(struct stream_local *local, const struct c2s_listen *listen)
{
	uint16_t *port = listen->is_direct_tls ? &local->c2s_tls_port : &local->c2s_port;

	if (!listen->is_web && *port == 0)
		*port = listen_bound(listen->fd).port;
}

int c2s_shard_start(const struct c2s_listen *listens, size_t count, struct tls_set *set)
{
	struct stream_local *local = stream_local_get();
	struct c2s_entrance *entrance =
		block_alloc_zeroed(sizeof(*entrance) + count * sizeof(entrance->gates[0]));
	int result = 0;

	check(!local->entrance);
	local->entrance = entrance;
	entrance->count = count;
	for (size_t i = 0; i < count; i++) {
		struct c2s_gate *gate = &entrance->gates[i];

		gate->is_direct_tls = listens[i].is_direct_tls;
		gate->is_web = listens[i].is_web;
		note_port(local, &listens[i]);
		listener_init(&gate->listener, listens[i].fd, tag_of(gate), accepted, NULL);
		if (result == 0)
			result = listener_start(&gate->listener);
	}
	if (result < 0)
		c2s_shard_stop();
	else
		c2s_shard_set_tls(set);
	return result;
}

void c2s_shard_set_tls(struct tls_set *set)
{
	struct stream_local *local = stream_local_get();
	struct tls_set *before = local->tls;

	local->tls = set ? tls_set_ref(set) : NULL;
	tls_set_unref(&before);
	stream_local_release();
}

void c2s_shard_stop(void)
{
	struct stream_local *local = stream_local_get();

	if (local->entrance) {
		for (size_t i = 0; i < local->entrance->count; i++)
			listener_stop(&local->entrance->gates[i].listener);
		block_free(local->entrance);
		local->entrance = NULL;
	}
	web_stop();
	c2s_shard_set_tls(NULL);
}
