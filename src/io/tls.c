/* Sets of certificates by name, and what every SSL_CTX of ours is like. */
#include "io/tls.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/table.h"
#include "io/tls_impl.h"

enum {
	TLS_SET_MAGIC = 0x544c5353,
	TICKET_LIFE_S = 6 * 3600, /* of a session */
	NAME_MAX_BYTES = 255,
};

/* Measured: AES-128 is the cheapest here; ChaCha20 only for peers that put it first. */
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_12                                                   \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519:P-256:P-384"

struct tls_name {
	SSL_CTX *ctx;
	char *name; /* lower case, NUL-terminated */
};

struct tls_set {
	uint32_t magic;
	atomic_uint refs;
	struct tls_tickets *tickets;
	struct tls_name *first; /* the default */
	struct table names;
};

const char *tls_take_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return reason ? reason : "unknown";
}

int tls_set_new(struct tls_tickets *tickets, struct tls_set **ret_set, struct err *ret_err)
{
	struct tls_set *set = calloc(1, sizeof(*set));

	if (!set)
		return err_set(ret_err, -ENOMEM, "out of memory");
	set->magic = TLS_SET_MAGIC;
	atomic_init(&set->refs, 1);
	set->tickets = tickets;
	tls_tickets_ref(tickets);
	table_init(&set->names);
	*ret_set = set;
	return 0;
}

struct tls_set *tls_set_ref(struct tls_set *set)
{
	check_magic(set, TLS_SET_MAGIC);
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

static void free_set(struct tls_set *set)
{
	struct tls_name *name;
	uint32_t cursor = 0;

	while ((name = table_next(&set->names, &cursor)) != NULL) {
		SSL_CTX_free(name->ctx);
		free(name->name);
		free(name);
	}
	table_fini(&set->names);
	tls_tickets_unref(&set->tickets);
	set->magic = 0;
	free(set);
}

void tls_set_unref(struct tls_set **set)
{
	struct tls_set *s = *set;

	*set = NULL;
	if (!s)
		return;
	check_magic(s, TLS_SET_MAGIC);
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		free_set(s);
}

static size_t lower_case(struct bytes name, char out[NAME_MAX_BYTES + 1])
{
	size_t len = name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES;

	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)name.ptr[i]);
	out[len] = 0;
	return len;
}

static struct tls_name *find(const struct tls_set *set, struct bytes name)
{
	char lower[NAME_MAX_BYTES + 1];

	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return NULL;
	return table_find(&set->names, bytes_make(lower, lower_case(name, lower)));
}

bool tls_set_has(const struct tls_set *set, struct bytes name)
{
	check_magic(set, TLS_SET_MAGIC);
	return find(set, name) != NULL;
}

/* The host name in the extension's bytes (RFC 6066 section 3): one name, of type 0. */
static struct bytes host_name_of(const unsigned char *ext, size_t len)
{
	size_t name_len;

	if (len < 5 || ext[2] != TLSEXT_NAMETYPE_host_name)
		return BYTES_NONE;
	name_len = (size_t)ext[3] << 8 | ext[4];
	return name_len <= len - 5 ? bytes_make(ext + 5, name_len) : BYTES_NONE;
}

/*
 * Chooses the certificate before OpenSSL opens tickets, so that the session id context it
 * compares them with is this domain's: in TLS 1.3 the server name callback would come too late.
 * No or an unknown name keeps what the session began with: the client will judge it.
 */
static int hello_seen(SSL *ssl, int *alert, void *unused)
{
	const struct tls_choice *choice = SSL_get_app_data(ssl);
	const struct tls_name *name = NULL;
	const unsigned char *ext;
	size_t len;

	(void)alert;
	(void)unused;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) == 1)
		name = find(choice->set, host_name_of(ext, len));
	if (name)
		SSL_set_SSL_CTX(ssl, name->ctx);
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Says whether the name was known; the certificate is chosen already. */
static int server_name_seen(SSL *ssl, int *alert, void *unused)
{
	const struct tls_choice *choice = SSL_get_app_data(ssl);
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)unused;
	return find(choice->set, bytes_of(asked)) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool is_offered(const char *protocol, const unsigned char *offered, unsigned len,
		       const unsigned char **ret_at)
{
	size_t want = strlen(protocol);

	for (unsigned i = 0; i < len; i += 1u + offered[i]) {
		if (offered[i] == want && memcmp(offered + i + 1, protocol, want) == 0) {
			*ret_at = offered + i + 1;
			return true;
		}
	}
	return false;
}

/* RFC 7301 section 3.2: a client that offers only others gets no_application_protocol. */
static int protocols_seen(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
			  const unsigned char *offered, unsigned len, void *unused)
{
	const struct tls_choice *choice = SSL_get_app_data(ssl);

	(void)unused;
	if (!choice->alpn)
		return SSL_TLSEXT_ERR_NOACK;
	for (const char *const *ours = choice->alpn; *ours; ours++) {
		if (is_offered(*ours, offered, len, ret_protocol)) {
			*ret_len = (unsigned char)strlen(*ours);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *new_ctx(struct tls_set *set, const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	unsigned char id[SHA256_DIGEST_LENGTH];

	check(ctx != NULL);
	check(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	check(SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1);
	check(SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1);
	check(SSL_CTX_set1_groups_list(ctx, GROUPS) == 1);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_client_hello_cb(ctx, hello_seen, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, server_name_seen);
	SSL_CTX_set_alpn_select_cb(ctx, protocols_seen, NULL);
	tls_tickets_use(set->tickets, ctx);
	/* A ticket of one domain does not open a session of another. */
	check(EVP_Digest(name, strlen(name), id, NULL, EVP_sha256(), NULL) == 1);
	check(SSL_CTX_set_session_id_context(ctx, id, sizeof(id)) == 1);
	return ctx;
}

static struct tls_name *add_name(struct tls_set *set, struct bytes text)
{
	struct tls_name *name = calloc(1, sizeof(*name));
	char lower[NAME_MAX_BYTES + 1];

	check(name != NULL);
	lower_case(text, lower);
	name->name = strdup(lower);
	check(name->name != NULL);
	name->ctx = new_ctx(set, lower);
	table_put(&set->names, bytes_of(name->name), name);
	if (!set->first)
		set->first = name;
	return name;
}

static void remove_name(struct tls_set *set, struct tls_name *name)
{
	table_del(&set->names, bytes_of(name->name));
	if (set->first == name)
		set->first = NULL;
	SSL_CTX_free(name->ctx);
	free(name->name);
	free(name);
}

static int check_readable(const char *file, struct err *ret_err)
{
	if (access(file, R_OK) == 0)
		return 0;
	return err_set(ret_err, -errno, "%s: %s", file, strerror(errno));
}

static int load(SSL_CTX *ctx, const char *certificate, const char *key, struct err *ret_err)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return err_set(ret_err, -EINVAL, "%s: no usable certificate in PEM (%s)",
			       certificate, tls_take_reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return err_set(ret_err, -EINVAL,
			       "%s: no usable private key in PEM, or not the key of %s (%s)",
			       key, certificate, tls_take_reason());
	if (SSL_CTX_check_private_key(ctx) != 1)
		return err_set(ret_err, -EINVAL, "%s: not the key of %s (%s)", key, certificate,
			       tls_take_reason());
	return 0;
}

int tls_set_add(struct tls_set *set, struct bytes name, const char *certificate_file,
		const char *key_file, struct err *ret_err)
{
	struct tls_name *entry = find(set, name);
	bool is_new = !entry;
	int r;

	check_magic(set, TLS_SET_MAGIC);
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return err_set(ret_err, -EINVAL, "a certificate needs a name of 1 to %d bytes",
			       NAME_MAX_BYTES);
	if (!key_file)
		key_file = certificate_file;
	r = check_readable(certificate_file, ret_err);
	if (r == 0)
		r = check_readable(key_file, ret_err);
	if (r < 0)
		return r;
	if (is_new)
		entry = add_name(set, name);
	ERR_clear_error();
	r = load(entry->ctx, certificate_file, key_file, ret_err);
	if (r < 0 && is_new)
		remove_name(set, entry);
	return r;
}

SSL *tls_set_session(struct tls_choice *choice, struct bytes name)
{
	const struct tls_name *entry;
	SSL *ssl;

	check_magic(choice->set, TLS_SET_MAGIC);
	check(choice->set->first != NULL);
	entry = find(choice->set, name);
	ssl = SSL_new(entry ? entry->ctx : choice->set->first->ctx);
	if (!ssl)
		return NULL;
	SSL_set_app_data(ssl, choice);
	SSL_set_accept_state(ssl);
	return ssl;
}
