/*
 * Session tickets: the keys, and what a ticket remembers of us. Keys are shared by all shards
 * under a mutex that is held for a copy of 80 bytes per handshake.
 */
#include "io/tls.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <errno.h>

#include "base/check.h"
#include "base/secret.h"
#include "io/tls_impl.h"

enum { TICKET_KEYS = 3, TICKET_NAME_BYTES = 16, TICKET_IV_BYTES = 16 };

struct ticket_key {
	uint8_t name[TICKET_NAME_BYTES];
	uint8_t cipher[32];
	uint8_t mac[32];
};

struct tls_tickets {
	atomic_uint refs;
	pthread_mutex_t mutex;
	struct ticket_key keys[TICKET_KEYS]; /* newest first */
};

struct tls_tickets *tls_tickets_new(void)
{
	struct tls_tickets *tickets = calloc(1, sizeof(*tickets));

	check(tickets != NULL);
	atomic_init(&tickets->refs, 1);
	pthread_mutex_init(&tickets->mutex, NULL);
	random_fill(tickets->keys, sizeof(tickets->keys));
	return tickets;
}

void tls_tickets_ref(struct tls_tickets *tickets)
{
	atomic_fetch_add_explicit(&tickets->refs, 1, memory_order_relaxed);
}

void tls_tickets_unref(struct tls_tickets **tickets)
{
	struct tls_tickets *t = *tickets;

	*tickets = NULL;
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&t->mutex);
	secret_wipe(t->keys, sizeof(t->keys));
	free(t);
}

void tls_tickets_rotate(struct tls_tickets *tickets)
{
	struct ticket_key fresh;

	random_fill(&fresh, sizeof(fresh));
	pthread_mutex_lock(&tickets->mutex);
	memmove(tickets->keys + 1, tickets->keys, sizeof(fresh) * (TICKET_KEYS - 1));
	tickets->keys[0] = fresh;
	pthread_mutex_unlock(&tickets->mutex);
	secret_wipe(&fresh, sizeof(fresh));
}

/* Index of the key (0: the newest), or -1. name NULL: the newest. */
static int copy_key(struct tls_tickets *tickets, const uint8_t *name,
		    struct ticket_key *ret_key)
{
	int found = -1;

	pthread_mutex_lock(&tickets->mutex);
	for (int i = 0; i < TICKET_KEYS && found < 0; i++)
		if (!name || memcmp(tickets->keys[i].name, name, TICKET_NAME_BYTES) == 0)
			found = i;
	if (found >= 0)
		*ret_key = tickets->keys[found];
	pthread_mutex_unlock(&tickets->mutex);
	return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
						  sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int use_key(struct ticket_key *key, uint8_t *iv, EVP_CIPHER_CTX *cipher,
		   EVP_MAC_CTX *mac, int is_new)
{
	if (!set_mac(mac, key) ||
	    EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, is_new) != 1)
		return -1;
	return 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb wants it: -1 error, 0 unknown, 1 good, 2 renew. */
static int ticket_key_needed(SSL *ssl, unsigned char *name, unsigned char *iv,
			     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key key;
	int found = copy_key(tickets, is_new ? NULL : name, &key);
	int r;

	if (found < 0)
		return 0;
	if (is_new) {
		memcpy(name, key.name, TICKET_NAME_BYTES);
		random_fill(iv, TICKET_IV_BYTES);
	}
	r = use_key(&key, iv, cipher, mac, is_new);
	secret_wipe(&key, sizeof(key));
	/* A ticket of TLS 1.3 is used once (RFC 8446 appendix C.4), so each use gives a new
	 * one. */
	return r == 1 && (found > 0 || SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : r;
}

/*
 * RFC 5929 section 4.1: the hash is that of the certificate's signature, or SHA-256 where that
 * is MD5 or SHA-1. Signatures without a hash (Ed25519) are undefined there.
 */
static int certificate_hash(const X509 *certificate, uint8_t *ret_value, size_t *ret_len)
{
	int digest = NID_undef;
	unsigned len = 0;
	const EVP_MD *md;

	if (!certificate ||
	    !X509_get_signature_info((X509 *)(uintptr_t)certificate, &digest, NULL, NULL,
				     NULL) ||
	    digest == NID_undef)
		return -ENOTSUP;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	md = EVP_get_digestbynid(digest);
	if (!md || X509_digest(certificate, md, ret_value, &len) != 1)
		return -ENOTSUP;
	*ret_len = len;
	return 0;
}

int tls_end_point(SSL *ssl, uint8_t *ret_value, size_t *ret_len)
{
	void *kept = NULL;
	size_t len = 0;

	if (!SSL_session_reused(ssl))
		return certificate_hash(SSL_get_certificate(ssl), ret_value, ret_len);
	if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &kept, &len) != 1 ||
	    len == 0 || len > EVP_MAX_MD_SIZE)
		return -ENOTSUP;
	memcpy(ret_value, kept, len);
	*ret_len = len;
	return 0;
}

/* A resumed session shows no certificate, so its ticket says which one the client knows. */
static int ticket_is_made(SSL *ssl, void *unused)
{
	uint8_t value[EVP_MAX_MD_SIZE];
	size_t len;

	(void)unused;
	if (tls_end_point(ssl, value, &len) < 0)
		return 1;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), value, len);
}

static SSL_TICKET_RETURN ticket_is_opened(SSL *ssl, SSL_SESSION *session,
					  const unsigned char *name, size_t len,
					  SSL_TICKET_STATUS status, void *unused)
{
	(void)ssl;
	(void)session;
	(void)name;
	(void)len;
	(void)unused;
	switch (status) {
	case SSL_TICKET_SUCCESS:
		return SSL_TICKET_RETURN_USE;
	case SSL_TICKET_SUCCESS_RENEW:
		return SSL_TICKET_RETURN_USE_RENEW;
	default:
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx)
{
	SSL_CTX_set_app_data(ctx, tickets);
	check(SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key_needed) == 1);
	check(SSL_CTX_set_session_ticket_cb(ctx, ticket_is_made, ticket_is_opened, NULL) == 1);
}
