/*
 * TLS for servers: which certificates, protocols and ticket keys a handshake uses. The bytes go
 * through the layer in io/conn_tls.c; nothing above io sees an SSL object.
 *
 * A struct tls_set maps names (SNI) to certificates. It is built once, then immutable, counted
 * and shared by all shards; reload builds another and starts new handshakes with it, while
 * connections keep what they have. struct tls_tickets outlives reloads, so that resumption
 * does.
 *
 * 	tickets = tls_tickets_new();
 * 	tls_set_new(tickets, &set, &err);
 * 	tls_set_add(set, BYTES_LIT("example.org"), "ec.pem", "ec.key", &err);
 * 	tls_set_add(set, BYTES_LIT("example.org"), "rsa.pem", "rsa.key", &err);
 * 	conn_start_tls(conn, set, alpn_of_the_listener);
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/bytes.h"
#include "base/err.h"

struct tls_set;
struct tls_tickets;

/* Keys of session tickets, shared by all shards; counted by the sets that use them. */
struct tls_tickets *tls_tickets_new(void);
void tls_tickets_unref(struct tls_tickets **tickets);
/*
 * A new key for new tickets; the two before it still open old ones. Call it every few hours.
 * Any thread.
 */
void tls_tickets_rotate(struct tls_tickets *tickets);

/* An empty set; refs tickets. 0 or -ENOMEM. */
int tls_set_new(struct tls_tickets *tickets, struct tls_set **ret_set, struct err *ret_err);
/*
 * Adds a certificate chain (PEM, leaf first) and its key for a name; the first name added is
 * also the default, for clients that send no or an unknown name. Adding the same name again
 * adds a certificate of another key type (ECDSA beside RSA). key_file NULL: in the certificate
 * file. 0, -ENOENT, -EACCES or -EINVAL with the reason and the file in *ret_err. Not after the
 * first handshake.
 */
int tls_set_add(struct tls_set *set, struct bytes name, const char *certificate_file,
		const char *key_file, struct err *ret_err);
/* Any thread. */
struct tls_set *tls_set_ref(struct tls_set *set);
/* Any thread; NULL is accepted. */
void tls_set_unref(struct tls_set **set);
/* True if this very name (ASCII case ignored) has a certificate. */
bool tls_set_has(const struct tls_set *set, struct bytes name);

/*
 * Makes an ECDSA P-256 key (mode 0600) and a self-signed certificate for 10 years in directory
 * dir: <domain>.key and <domain>.pem, with subjectAltName dNSName and id-on-xmppAddr (RFC 6120
 * section 13.7.1.4). Existing files are kept and used. domain must be a host name (letters,
 * digits, '.', '-'). 0 or a negative errno. Blocks: not on a shard.
 */
int tls_make_self_signed(struct bytes domain, const char *dir, struct err *ret_err);

#endif
