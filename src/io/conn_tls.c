/*
 * The TLS layer: OpenSSL over a BIO of ours. During one call (a step of the handshake, a read,
 * a write) input is a window on the shard's cipher_in, which OpenSSL consumes to its end, and
 * output goes to the shard's cipher_out, which is passed on at the end of the call. Only what
 * the socket did not take is kept, in a block, and nothing more is encrypted before it has
 * left.
 */
#include "io/conn_impl.h"
#include "io/tls_impl.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>

#include "base/block.h"
#include "base/log.h"
#include "io/metrics.h"

struct metric io_metric_handshakes = METRIC_COUNTER("tls_handshakes", "TLS handshakes done.");
struct metric io_metric_handshakes_failed =
	METRIC_COUNTER("tls_handshakes_failed", "TLS handshakes that failed.");

enum {
	HANDSHAKE_BUDGET = 4, /* steps per turn of a shard, 0.2 to 0.7 ms each */
};

/* Ciphertext that the socket did not take. */
struct held {
	size_t start;
	size_t len;
	size_t plain; /* bytes of the layer above that it stands for */
	char data[];
};

struct tls_layer {
	struct layer layer;
	struct list link; /* shard->handshakes */
	SSL *ssl;
	struct tls_choice choice;
	struct held *held;
	const char *in; /* the window, while a call runs */
	size_t in_len;
	size_t out_len; /* in cipher_out, while a call runs */
	int ended;	/* what the next read has to say: 0 nothing, 1 the end, or an error */
};

static struct tls_layer *tls_of(struct layer *layer)
{
	return container_of(layer, struct tls_layer, layer);
}

/* --- our BIO ------------------------------------------------------------------------------ */

static BIO_METHOD *bio_method;

static int bio_read(BIO *bio, char *to, int max)
{
	struct tls_layer *tls = BIO_get_data(bio);
	size_t n = tls->in_len < (size_t)max ? tls->in_len : (size_t)max;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, tls->in, n);
	tls->in += n;
	tls->in_len -= n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int len)
{
	struct tls_layer *tls = BIO_get_data(bio);
	char *out = conn_buffers(tls->layer.conn->shard)->cipher_out;

	BIO_clear_retry_flags(bio);
	if ((size_t)len > TLS_OUTPUT_BYTES - tls->out_len) {
		BIO_set_retry_write(bio);
		return -1;
	}
	memcpy(out + tls->out_len, from, (size_t)len);
	tls->out_len += (size_t)len;
	return len;
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
	(void)bio;
	(void)number;
	(void)ptr;
	return command == BIO_CTRL_FLUSH;
}

static void make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hearth");
	check(bio_method != NULL);
	BIO_meth_set_read(bio_method, bio_read);
	BIO_meth_set_write(bio_method, bio_write);
	BIO_meth_set_ctrl(bio_method, bio_control);
}

static BIO *new_bio(struct tls_layer *tls)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_bio_method);
	bio = BIO_new(bio_method);
	check(bio != NULL);
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	return bio;
}

/* --- output ------------------------------------------------------------------------------- */

static void hold(struct tls_layer *tls, const char *ptr, size_t len, size_t plain)
{
	struct held *old = tls->held, *held;
	size_t before = old ? old->len : 0;

	held = block_alloc(sizeof(*held) + before + len);
	held->start = 0;
	held->len = before + len;
	held->plain = (old ? old->plain : 0) + plain;
	if (before > 0)
		memcpy(held->data, old->data + old->start, before);
	memcpy(held->data + before, ptr, len);
	block_free(old);
	tls->held = held;
}

static int tls_push(struct layer *layer)
{
	struct tls_layer *tls = tls_of(layer);
	struct held *held = tls->held;

	while (held && held->len > 0) {
		struct iovec iov = { held->data + held->start, held->len };
		ssize_t n = layer_write(layer->conn, layer->below, &iov, 1);
		if (n < 0)
			return (int)n;
		held->start += (size_t)n;
		held->len -= (size_t)n;
	}
	block_free(held);
	tls->held = NULL;
	return layer_push(layer->below);
}

/* Passes on what the call has put in cipher_out; 0 also if it is held, or an error. */
static int pass_on(struct tls_layer *tls, size_t plain)
{
	struct conn *conn = tls->layer.conn;
	char *out = conn_buffers(conn->shard)->cipher_out;
	struct iovec iov = { out, tls->out_len };
	size_t left = tls->out_len;
	ssize_t n = 0;

	tls->out_len = 0;
	if (left == 0)
		return 0;
	if (!tls->held)
		n = layer_write(conn, tls->layer.below, &iov, 1);
	if (n < 0 && n != -EAGAIN)
		return (int)n;
	if (n > 0)
		left -= (size_t)n;
	if (left > 0)
		hold(tls, out + iov.iov_len - left, left, plain);
	return 0;
}

/* Up to one record of plain bytes, in one piece. */
static struct bytes gather(struct tls_layer *tls, const struct iovec *iov, int count)
{
	char *to = conn_buffers(tls->layer.conn->shard)->gather;
	size_t len = 0;

	if (count == 1 || iov->iov_len >= TLS_RECORD_MAX)
		return bytes_first(bytes_make(iov->iov_base, iov->iov_len), TLS_RECORD_MAX);
	for (int i = 0; i < count && len < TLS_RECORD_MAX; i++) {
		struct bytes part = bytes_first(bytes_make(iov[i].iov_base, iov[i].iov_len),
						TLS_RECORD_MAX - len);
		memcpy(to + len, part.ptr, part.len);
		len += part.len;
	}
	return bytes_make(to, len);
}

static ssize_t tls_write(struct layer *layer, const struct iovec *iov, int count)
{
	struct tls_layer *tls = tls_of(layer);
	struct bytes plain;
	int r = tls_push(layer);

	if (r < 0)
		return r;
	plain = gather(tls, iov, count);
	ERR_clear_error();
	if (SSL_write(tls->ssl, plain.ptr, (int)plain.len) != (int)plain.len)
		return -EPROTO;
	r = pass_on(tls, plain.len);
	return r < 0 ? r : (ssize_t)plain.len;
}

static size_t tls_held(const struct layer *layer)
{
	const struct tls_layer *tls = tls_of((struct layer *)(uintptr_t)layer);

	return (tls->held ? tls->held->plain : 0) + layer_held(layer->below);
}

static void tls_end(struct layer *layer)
{
	struct tls_layer *tls = tls_of(layer);

	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	pass_on(tls, 0);
}

/* --- input -------------------------------------------------------------------------------- */

/* Fills the window from below: > 0, 0 at the peer's end, or a negative errno. */
static ssize_t fill_window(struct tls_layer *tls)
{
	struct conn *conn = tls->layer.conn;
	struct iovec iov = { conn_buffers(conn->shard)->cipher_in, TLS_INPUT_BYTES };
	ssize_t n = layer_read(conn, tls->layer.below, &iov, 1);

	tls->in = iov.iov_base;
	tls->in_len = n > 0 ? (size_t)n : 0;
	return n;
}

/* Decrypts all of the window; what SSL_read says at last goes to tls->ended. */
static size_t decrypt(struct tls_layer *tls, const struct iovec *iov, int count)
{
	size_t total = 0, room = 0;
	char *to = NULL;
	int n;

	ERR_clear_error();
	for (;;) {
		while (room == 0 && count > 0) {
			to = iov->iov_base;
			room = iov->iov_len;
			iov++;
			count--;
		}
		check(room > 0);
		n = SSL_read(tls->ssl, to, (int)room);
		if (n <= 0)
			break;
		to += n;
		room -= (size_t)n;
		total += (size_t)n;
	}
	switch (SSL_get_error(tls->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		tls->ended = 0;
		break;
	case SSL_ERROR_ZERO_RETURN:
		tls->ended = 1;
		break;
	default:
		tls->ended = -EPROTO;
	}
	return total;
}

static ssize_t tls_read(struct layer *layer, const struct iovec *iov, int count)
{
	struct tls_layer *tls = tls_of(layer);
	size_t plain;
	ssize_t n;
	int r;

	if (tls->ended != 0)
		return tls->ended < 0 ? tls->ended : 0;
	n = fill_window(tls);
	if (n <= 0)
		return n;
	plain = decrypt(tls, iov, count);
	r = pass_on(tls, 0); /* key updates, alerts */
	if (r < 0)
		return r;
	if (tls->held)
		loop_flush(&layer->conn->shard->loop, &layer->conn->flush);
	if (plain > 0 && tls->ended != 0)
		conn_read_again(layer->conn);
	if (plain > 0)
		return (ssize_t)plain;
	if (tls->ended != 0)
		return tls->ended < 0 ? tls->ended : 0;
	return -EAGAIN;
}

/* --- handshake ---------------------------------------------------------------------------- */

static void tls_free(struct layer *layer)
{
	struct tls_layer *tls = tls_of(layer);

	list_del(&tls->link);
	SSL_free(tls->ssl);
	tls_set_unref(&tls->choice.set);
	block_free(tls->held);
	block_free(tls);
}

static const struct layer_ops tls_layer_ops = {
	.name = "tls",
	.read = tls_read,
	.write = tls_write,
	.push = tls_push,
	.held = tls_held,
	.end = tls_end,
	.free = tls_free,
};

static struct tls_layer *tls_find(const struct conn *conn)
{
	for (struct layer *layer = conn->layer; layer; layer = layer->below)
		if (layer->ops == &tls_layer_ops)
			return tls_of(layer);
	return NULL;
}

static struct tls_layer *new_layer(struct conn *conn, struct tls_set *set,
				   const char *const *alpn, struct bytes name)
{
	struct tls_layer *tls = block_alloc_zeroed(sizeof(*tls));
	BIO *bio = new_bio(tls);

	tls->layer = (struct layer){ &tls_layer_ops, conn->layer, conn };
	list_init(&tls->link);
	tls->choice = (struct tls_choice){ tls_set_ref(set), alpn };
	tls->ssl = tls_set_session(&tls->choice, name);
	check(tls->ssl != NULL);
	SSL_set_bio(tls->ssl, bio, bio);
	return tls;
}

void conn_start_tls(struct conn *conn, struct tls_set *set, const char *const *alpn)
{
	conn_start_tls_as(conn, set, alpn, BYTES_NONE);
}

void conn_start_tls_as(struct conn *conn, struct tls_set *set, const char *const *alpn,
		       struct bytes name)
{
	check_magic(conn, CONN_MAGIC);
	check(conn->shard == shard_self() && !tls_find(conn));
	conn_drop_input(conn);
	if (conn->state != CONN_OPEN)
		return;
	conn->layer = &new_layer(conn, set, alpn, name)->layer;
	conn->state = CONN_SECURING;
	conn->starts_tls = true;
	conn_update_events(conn);
	loop_flush(&conn->shard->loop, &conn->flush);
}

void conn_tls_begin(struct conn *conn)
{
	conn->starts_tls = false;
	conn_update_events(conn);
}

void conn_tls_ready(struct conn *conn)
{
	struct tls_layer *tls = tls_of(conn->layer);

	if (!list_is_empty(&tls->link))
		return;
	list_add_tail(&conn->shard->handshakes, &tls->link);
	loop_defer(&conn->shard->loop, &conn->shard->handshake_call);
}

/* SSL_do_handshake until it wants to read: 1 done, -EAGAIN, or a negative errno. */
static int shake_hands(struct tls_layer *tls)
{
	int r, error;

	do {
		int passed;
		ERR_clear_error();
		r = SSL_do_handshake(tls->ssl);
		error = r == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, r);
		passed = pass_on(tls, 0); /* also an alert */
		if (passed < 0)
			return passed;
	} while (error == SSL_ERROR_WANT_WRITE);
	if (error == SSL_ERROR_NONE)
		return 1;
	return error == SSL_ERROR_WANT_READ ? -EAGAIN : -EPROTO;
}

static void log_failure(const struct conn *conn)
{
	const char *reason = tls_take_reason();

	metric_add(&io_metric_handshakes_failed, 1);
	log_event(LOG_IO, LOG_DEBUG, "tls.failed",
		  LOG_BYTES("peer", peer_text(&conn->peer, scratch())),
		  LOG_STR("reason", reason));
}

/* Bytes that came right behind the handshake are decrypted now: the window is only lent. */
static void handshake_done(struct conn *conn, struct tls_layer *tls)
{
	struct shard_buffers *buffers = conn_buffers(conn->shard);
	struct iovec iov = { buffers->plain, sizeof(buffers->plain) };

	metric_add(&io_metric_handshakes, 1);
	conn->state = CONN_OPEN;
	conn_keep_input(conn, buffers->plain, decrypt(tls, &iov, 1));
	if (pass_on(tls, 0) < 0)
		tls->ended = -EIO;
	if (tls->ended != 0)
		conn_read_again(conn);
	conn_update_events(conn);
	conn_present_later(conn);
	if (conn->state == CONN_OPEN && conn->ops->secured)
		conn->ops->secured(conn);
}

static void step(struct conn *conn, struct tls_layer *tls)
{
	ssize_t n = fill_window(tls);
	int r;

	if (n == 0)
		conn_break(conn, CONN_REASON_EOF);
	else if (n < 0 && n != -EAGAIN)
		conn_break(conn, conn_reason_of((int)n));
	if (n <= 0)
		return;
	r = shake_hands(tls);
	if (tls->held)
		loop_flush(&conn->shard->loop, &conn->flush);
	if (r == 1) {
		handshake_done(conn, tls);
	} else if (r != -EAGAIN) {
		log_failure(conn);
		conn_break(conn, conn_reason_of(r));
	}
}

void conn_run_handshakes(struct call *call)
{
	struct shard *shard = container_of(call, struct shard, handshake_call);

	for (int i = 0; i < HANDSHAKE_BUDGET && !list_is_empty(&shard->handshakes); i++) {
		struct tls_layer *tls = list_first(&shard->handshakes, struct tls_layer, link);
		list_del(&tls->link);
		if (tls->layer.conn->state == CONN_SECURING)
			step(tls->layer.conn, tls);
	}
	if (!list_is_empty(&shard->handshakes))
		loop_defer(&shard->loop, call);
}

/* --- what others may know ----------------------------------------------------------------- */

static SSL *session_of(const struct conn *conn)
{
	struct tls_layer *tls = tls_find(conn);

	return tls && conn->state != CONN_SECURING ? tls->ssl : NULL;
}

bool conn_is_secure(const struct conn *conn)
{
	return session_of(conn) != NULL;
}

const char *conn_tls_version(const struct conn *conn)
{
	SSL *ssl = session_of(conn);

	return ssl ? SSL_get_version(ssl) : NULL;
}

const char *conn_tls_cipher(const struct conn *conn)
{
	SSL *ssl = session_of(conn);

	return ssl ? SSL_get_cipher_name(ssl) : NULL;
}

struct bytes conn_tls_server_name(const struct conn *conn)
{
	SSL *ssl = session_of(conn);

	return ssl ? bytes_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) : BYTES_NONE;
}

struct bytes conn_tls_alpn(const struct conn *conn)
{
	SSL *ssl = session_of(conn);
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (ssl)
		SSL_get0_alpn_selected(ssl, &name, &len);
	return name ? bytes_make(name, len) : BYTES_NONE;
}

bool conn_tls_is_resumed(const struct conn *conn)
{
	SSL *ssl = session_of(conn);

	return ssl && SSL_session_reused(ssl);
}

/* Without it a TLS 1.2 handshake can be mirrored between two sessions (RFC 7627 section 1). */
static bool has_unique_secret(SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;
}

int conn_tls_exporter(const struct conn *conn, uint8_t ret_value[CONN_EXPORTER_BYTES])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	SSL *ssl = session_of(conn);

	if (!ssl || !has_unique_secret(ssl))
		return -ENOTSUP;
	/* The context is a zero-length value, which TLS 1.2 tells from none (RFC 5705). */
	if (SSL_export_keying_material(ssl, ret_value, CONN_EXPORTER_BYTES, label,
				       sizeof(label) - 1, (const uint8_t *)"", 0, 1) != 1)
		return -ENOTSUP;
	return 0;
}

int conn_tls_unique(const struct conn *conn, uint8_t ret_value[CONN_END_POINT_MAX],
		    size_t *ret_len)
{
	SSL *ssl = session_of(conn);
	size_t len;

	if (!ssl || !has_unique_secret(ssl))
		return -ENOTSUP;
	len = SSL_session_reused(ssl)
		      ? SSL_get_finished(ssl, ret_value, CONN_END_POINT_MAX)
		      : SSL_get_peer_finished(ssl, ret_value, CONN_END_POINT_MAX);
	if (len == 0 || len > CONN_END_POINT_MAX)
		return -ENOTSUP;
	*ret_len = len;
	return 0;
}

int conn_tls_server_end_point(const struct conn *conn, uint8_t ret_value[CONN_END_POINT_MAX],
			      size_t *ret_len)
{
	SSL *ssl = session_of(conn);

	return ssl ? tls_end_point(ssl, ret_value, ret_len) : -ENOTSUP;
}
