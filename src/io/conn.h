/*
 * A connection: a byte stream over a descriptor through a chain of layers (tcp, then tls). It
 * belongs to one shard; its owner (a stream, an HTTP exchange) gets bytes by callbacks.
 *
 * While idle it holds no buffer: input is read into the shard's buffer, an incomplete tail is
 * kept in a pooled block until it is consumed; output waits in pooled chunks until the end of
 * the turn and leaves by one writev, or in TLS records as full as they can be.
 *
 * 	conn = conn_new(fd, &peer, &stream_conn_ops, stream);
 * 	conn_send(conn, BYTES_LIT("<proceed …/>"));
 * 	conn_start_tls(conn, set, alpn);
 *
 * States: OPEN -> (SECURING -> OPEN) -> CLOSING -> gone; OPEN -> MOVING -> OPEN elsewhere.
 * Every function but conn_attach is called on the connection's own shard.
 */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "base/arena.h"
#include "io/peer.h"

struct conn;
struct tls_set;

enum {
	CONN_READ_BYTES = 65536,   /* most that is read from one connection per turn (plain) */
	CONN_COPY_MAX = 1024,	   /* shared output shorter than this is copied */
	CONN_LINGER_MS = 5000,	   /* conn_close(FLUSH): then it is cut */
	CONN_INPUT_MAX = 33554432, /* a kept tail never grows over this, whatever data() says */
};

/* Why closed() was called. */
enum conn_reason {
	CONN_REASON_EOF,       /* the peer ended its side */
	CONN_REASON_RESET,     /* the network or the peer broke it */
	CONN_REASON_TLS,       /* the handshake or a record failed */
	CONN_REASON_TOO_LARGE, /* data() let more than CONN_INPUT_MAX stand */
};

enum conn_close {
	CONN_CLOSE_FLUSH, /* send what is queued, end our side, wait for the peer's end a while
			   */
	CONN_CLOSE_ABORT, /* now; what is queued is lost */
};

struct conn_ops {
	/*
	 * Bytes arrived, or those left over are presented again (with more behind them, or
	 * after conn_resume, conn_attach and conn_set_owner), always contiguous and writable.
	 * Returns how many are done with (<= len). May send, pause, close, start TLS (the rest
	 * is thrown away) or move the connection (the rest moves).
	 */
	size_t (*data)(struct conn *conn, char *ptr, size_t len);
	/*
	 * The connection ended by itself; called once, and conn is freed after it returns.
	 * Never called after conn_close or conn_move, and never from inside a conn_ function.
	 */
	void (*closed)(struct conn *conn, enum conn_reason reason);
	/* May be NULL. Asked for by conn_want_drained: the queue fell to the mark. */
	void (*drained)(struct conn *conn);
	/* May be NULL. The TLS handshake is done. */
	void (*secured)(struct conn *conn);
	/*
	 * May be NULL: then the peer's end is closed(CONN_REASON_EOF). The peer ended its side,
	 * ours still works; the owner has to call conn_close.
	 */
	void (*ended)(struct conn *conn);
};

/*
 * Takes fd (any connected stream socket; made non-blocking, TCP_NODELAY and keepalive set) and
 * begins to read on the calling shard. ops must be static. If the loop refuses the descriptor,
 * closed() is called later in the turn.
 */
struct conn *conn_new(int fd, const struct peer *peer, const struct conn_ops *ops, void *owner);

void *conn_owner(const struct conn *conn);
/* Gives the connection another owner, on the same shard. */
void conn_set_owner(struct conn *conn, const struct conn_ops *ops, void *owner);
/* Borrowed; lives as long as conn. */
const struct peer *conn_peer(const struct conn *conn);

/*
 * Queues a copy; it leaves at the end of the turn. Ignored once the connection has broken, and
 * between conn_start_tls and secured().
 */
void conn_send(struct conn *conn, struct bytes bytes);
/*
 * Queues bytes that live as long as ref is held; unref(ref) is called when they have left or
 * never will, perhaps before this returns, on this shard or the one the connection moved to.
 * The caller's reference is taken. Less than CONN_COPY_MAX is copied.
 */
void conn_send_shared(struct conn *conn, struct bytes bytes, void *ref,
		      void (*unref)(void *ref));
/* Queued here and not yet taken by the kernel. */
size_t conn_queued_bytes(const struct conn *conn);
/* Asks once for drained(): at the end of a turn in which at most mark bytes are queued. */
void conn_want_drained(struct conn *conn, size_t mark);

/*
 * Positions in the output, counted in bytes given to conn_send since the connection began. What
 * has position <= conn_written_position() was taken by the kernel. To know what the peer's
 * kernel has acknowledged, ask SIOCOUTQ on top when a timer of the owner fires: a mark is one
 * number, so nothing is kept per mark.
 */
uint64_t conn_position(const struct conn *conn);
uint64_t conn_written_position(const struct conn *conn);

/* Back-pressure: stops reading (TCP does the rest). May be called in data(). Idempotent. */
void conn_pause(struct conn *conn);
/* Reads again; bytes left over are presented first, later in this turn or in the next. */
void conn_resume(struct conn *conn);
bool conn_is_paused(const struct conn *conn);

/* Takes conn: no callback comes any more and conn must not be used again. */
void conn_close(struct conn *conn, enum conn_close how);

/*
 * Begins a TLS handshake as the server once what is queued has left in plain. Bytes that
 * arrived before are thrown away, also those left over by the data() this is called from (RFC
 * 6120 section 5.4.3.3: nothing from before TLS may be trusted). Refs set. alpn:
 * NULL-terminated static list of the protocols of this listener, or NULL for any; a client that
 * offers only others is refused (RFC 7301 section 3.2), one that offers none is not. Ends in
 * secured() or closed().
 */
void conn_start_tls(struct conn *conn, struct tls_set *set, const char *const *alpn);
/*
 * The same; a client that sends no or an unknown server name gets the certificate of `name`
 * (the stream header's `to`), if the set has one, instead of the default.
 */
void conn_start_tls_as(struct conn *conn, struct tls_set *set, const char *const *alpn,
		       struct bytes name);

/*
 * Moves the connection to another shard (or this one): descriptor, layers, input not consumed
 * and output not sent travel. Not during a handshake. After this the caller may not touch conn;
 * in data() the value returned still says how many bytes were consumed, and the rest moves.
 * arrived(conn, cargo) is called on the target and must call conn_attach or conn_close.
 */
void conn_move(struct conn *conn, unsigned shard,
	       void (*arrived)(struct conn *conn, void *cargo), void *cargo);
/* On the target: the connection lives again. Bytes that travelled are presented soon after. */
void conn_attach(struct conn *conn, const struct conn_ops *ops, void *owner);

bool conn_is_secure(const struct conn *conn);
/* "TLSv1.3" and "TLS_AES_128_GCM_SHA256", static; NULL if not secure. */
const char *conn_tls_version(const struct conn *conn);
const char *conn_tls_cipher(const struct conn *conn);
/* The name the client asked for (SNI) and the protocol chosen (ALPN); BYTES_NONE if none. */
struct bytes conn_tls_server_name(const struct conn *conn);
struct bytes conn_tls_alpn(const struct conn *conn);
bool conn_tls_is_resumed(const struct conn *conn);

enum { CONN_EXPORTER_BYTES = 32, CONN_END_POINT_MAX = 64 };
/*
 * Channel binding tls-unique (RFC 5929 section 3) as CPython's ssl module computes it, for
 * every TLS version: the client's Finished of a full handshake, the server's of a resumed one.
 * 0, or -ENOTSUP if not secure or TLS 1.2 without extended master secret.
 */
int conn_tls_unique(const struct conn *conn, uint8_t ret_value[CONN_END_POINT_MAX],
		    size_t *ret_len);
/*
 * Channel binding tls-exporter (RFC 9266). 0, or -ENOTSUP if not secure or TLS 1.2 without
 * extended master secret.
 */
int conn_tls_exporter(const struct conn *conn, uint8_t ret_value[CONN_EXPORTER_BYTES]);
/*
 * Channel binding tls-server-end-point (RFC 5929 section 4): hash of the certificate used. 0,
 * or -ENOTSUP if not secure or its signature names no hash.
 */
int conn_tls_server_end_point(const struct conn *conn, uint8_t ret_value[CONN_END_POINT_MAX],
			      size_t *ret_len);

#endif
