/* What the TLS layer needs of the sets. Internal to io. */
#ifndef IO_TLS_IMPL_H
#define IO_TLS_IMPL_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* What a handshake may choose from; the app data of an SSL object until it is freed. */
struct tls_choice {
	struct tls_set *set;
	const char *const *alpn; /* NULL: any */
};

/*
 * A server session that begins with the certificate of name, or the default if there is none;
 * the callbacks find *choice. NULL: no memory.
 */
SSL *tls_set_session(struct tls_choice *choice, struct bytes name);

/* tls_ticket.c: makes ctx use the tickets' keys; tickets must outlive ctx. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx);
void tls_tickets_ref(struct tls_tickets *tickets);
/*
 * Hash of the certificate that the peer knows this session by: of a resumed session the one it
 * saw then, which its ticket carries. 0 or -ENOTSUP.
 */
int tls_end_point(SSL *ssl, uint8_t *ret_value, size_t *ret_len);

/* The first reason in OpenSSL's queue of errors, which is emptied; never NULL. */
const char *tls_take_reason(void);

#endif
