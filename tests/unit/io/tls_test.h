/* An OpenSSL client in the same thread as the shards, and certificates in a temporary folder.
 */
#ifndef TLS_TEST_H
#define TLS_TEST_H

#include "io_test.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "io/tls.h"

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	SSL_SESSION *session; /* the newest ticket */
};

static char certificate_dir[] = "/tmp/hearth-tls-XXXXXX";
static const char *const xmpp_client[] = { "xmpp-client", NULL };

static inline const char *in_dir(const char *file)
{
	return arena_printf(scratch(), "%s/%s", certificate_dir, file).ptr;
}

static inline void write_rsa_pair(const char *domain)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	FILE *file;

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
				   (const unsigned char *)domain, -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha384()) > 0);
	file = fopen(in_dir("rsa.pem"), "w");
	PEM_write_X509(file, certificate);
	fclose(file);
	file = fopen(in_dir("rsa.key"), "w");
	PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static inline int make_certificates(void **state)
{
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(certificate_dir));
	assert_int_equal(tls_make_self_signed(BYTES_LIT("a.example"), certificate_dir, &err),
			 0);
	assert_int_equal(tls_make_self_signed(BYTES_LIT("b.example"), certificate_dir, &err),
			 0);
	write_rsa_pair("a.example");
	return 0;
}

static inline int remove_certificates(void **state)
{
	static const char *const files[] = { "a.example.pem", "a.example.key", "b.example.pem",
					     "b.example.key", "rsa.pem",       "rsa.key",
					     "garbage" };

	(void)state;
	for (size_t i = 0; i < array_len(files); i++)
		unlink(in_dir(files[i]));
	assert_int_equal(rmdir(certificate_dir), 0);
	scratch_fini();
	return 0;
}

static inline struct tls_set *new_set(struct tls_tickets *tickets)
{
	struct tls_set *set;
	struct err err = { 0 };

	assert_int_equal(tls_set_new(tickets, &set, &err), 0);
	assert_int_equal(tls_set_add(set, BYTES_LIT("a.example"), in_dir("a.example.pem"),
				     in_dir("a.example.key"), &err),
			 0);
	assert_int_equal(tls_set_add(set, BYTES_LIT("A.example"), in_dir("rsa.pem"),
				     in_dir("rsa.key"), &err),
			 0);
	assert_int_equal(tls_set_add(set, BYTES_LIT("b.example"), in_dir("b.example.pem"),
				     in_dir("b.example.key"), &err),
			 0);
	return set;
}

static inline int client_session_came(SSL *ssl, SSL_SESSION *session)
{
	struct client *client = SSL_get_app_data(ssl);

	SSL_SESSION_free(client->session);
	client->session = session;
	return 1;
}

/* version 0: what both like best. */
static inline void client_init(struct client *client, int fd, int version, const char *name)
{
	*client = (struct client){ .fd = fd, .ctx = SSL_CTX_new(TLS_client_method()) };
	SSL_CTX_set_min_proto_version(client->ctx, version);
	SSL_CTX_set_max_proto_version(client->ctx, version);
	SSL_CTX_set_session_cache_mode(client->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->ctx, client_session_came);
	client->ssl = SSL_new(client->ctx);
	SSL_set_app_data(client->ssl, client);
	SSL_set_fd(client->ssl, fd);
	SSL_set_connect_state(client->ssl);
	if (name)
		SSL_set_tlsext_host_name(client->ssl, (void *)(uintptr_t)name);
}

static inline void client_fini(struct client *client)
{
	SSL_SESSION_free(client->session);
	/* OpenSSL forbids to resume a session that was freed without a goodbye. */
	SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	close(client->fd);
}

/* Client and shards in turn; 1 or 0. */
static inline int client_connect(struct client *client)
{
	for (int i = 0; i < 20; i++) {
		int r = SSL_do_handshake(client->ssl);
		if (r == 1)
			return 1;
		if (SSL_get_error(client->ssl, r) != SSL_ERROR_WANT_READ)
			return 0;
		run();
	}
	return 0;
}

static inline void client_put(struct client *client, const void *ptr, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		int r = SSL_write(client->ssl, (const char *)ptr + sent,
				  len - sent < 16384 ? (int)(len - sent) : 16384);
		if (r > 0)
			sent += (size_t)r;
		else
			assert_int_equal(SSL_get_error(client->ssl, r), SSL_ERROR_WANT_WRITE);
		run();
	}
}

/* Reads all there is; returns SSL_get_error's word for why it stopped. */
static inline int client_take(struct client *client, struct buf *buf)
{
	int r;

	do {
		buf_reserve(buf, 16384);
		r = SSL_read(client->ssl, buf->ptr + buf->len, 16384);
		if (r > 0)
			buf->len += (size_t)r;
	} while (r > 0);
	return SSL_get_error(client->ssl, r);
}

#endif
