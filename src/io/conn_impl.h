/*
 * What the files of io share about connections: the struct, its output queue, the layers and
 * the buffers that a shard lends. Internal to io.
 */
#ifndef IO_CONN_IMPL_H
#define IO_CONN_IMPL_H

#include <sys/types.h>
#include <sys/uio.h>

#include "io/conn.h"
#include "io/shard.h"

enum {
	CONN_MAGIC = 0x434f4e4e,
	CONN_HEADROOM = 4096,	 /* kept tails up to this are put before what is read next */
	TLS_RECORD_MAX = 16384,	 /* plain bytes of one record */
	TLS_INPUT_BYTES = 32768, /* read from the socket at once */
	TLS_OUTPUT_BYTES =
		65536, /* what one call of OpenSSL may write: record or server flight */
};

/*
 * Lent to one connection at a time, for one call. `plain` follows `headroom` without a gap. A
 * step of OpenSSL consumes all of cipher_in: at most 32 KiB and what it held of one record, so
 * the plain bytes always fit.
 */
struct shard_buffers {
	char headroom[CONN_HEADROOM];
	char plain[CONN_READ_BYTES];
	char cipher_in[TLS_INPUT_BYTES];
	char cipher_out[TLS_OUTPUT_BYTES];
	char gather[TLS_RECORD_MAX];
};

/*
 * 	OPEN ---- conn_start_tls ----> SECURING ---- handshake done ----> OPEN
 * 	OPEN, BROKEN -- conn_move ---> MOVING ------ conn_attach -------> OPEN, BROKEN
 * 	OPEN ---- conn_close(FLUSH) -> CLOSING ----- peer's end, time --> GONE
 * 	OPEN, SECURING, CLOSING ------ error ------> BROKEN ---- closed() -> freed
 * 	any ----- conn_close(ABORT) -> GONE -------- end of turn -------> freed
 */
enum conn_state {
	CONN_OPEN,
	CONN_SECURING,
	CONN_MOVING,
	CONN_CLOSING,
	CONN_BROKEN,
	CONN_GONE,
};

/* A step of the transport: bytes pass through the chain from conn->layer down to the socket. */
struct layer {
	const struct layer_ops *ops;
	struct layer *below; /* NULL: the socket */
	struct conn *conn;
};

struct layer_ops {
	const char *name;
	/* Fills iov: > 0 bytes, 0 for the peer's end, -EAGAIN, another negative errno if
	 * broken. */
	ssize_t (*read)(struct layer *layer, const struct iovec *iov, int count);
	/* Takes bytes: > 0, or -EAGAIN if what it took before has not left, or broken. */
	ssize_t (*write)(struct layer *layer, const struct iovec *iov, int count);
	/* Passes on what it holds. 0 when nothing is held any more, -EAGAIN, or broken. */
	int (*push)(struct layer *layer);
	/* How many of the bytes it took have not reached the socket. */
	size_t (*held)(const struct layer *layer);
	/* Says goodbye to the peer's layer (close_notify); the bytes leave by push. */
	void (*end)(struct layer *layer);
	void (*free)(struct layer *layer);
};

/* Input that data() left over. */
struct conn_tail {
	size_t start;
	size_t len; /* from start */
	char data[];
};

struct out_chunk {
	struct out_chunk *next;
	const char *ptr; /* not yet taken by the layer */
	uint32_t len;
	uint32_t room; /* behind ptr + len, in data[]; 0 for shared bytes */
	void *ref;
	void (*unref)(void *ref);
	char data[];
};

struct conn {
	uint32_t magic;
	uint8_t state;	    /* enum conn_state */
	uint8_t reason;	    /* enum conn_reason, when it broke */
	bool is_broken : 1; /* also while MOVING */
	bool is_paused : 1;
	bool is_in_data : 1;
	bool drops_input : 1;	/* data() started TLS: nothing from before counts */
	bool waits_for_out : 1; /* the socket was full */
	bool wants_drained : 1;
	bool has_ended : 1;    /* the peer ended its side */
	bool reads_again : 1;  /* the layer below has more, the socket perhaps not */
	bool starts_tls : 1;   /* SECURING, but plain output has not left yet */
	bool has_said_end : 1; /* CLOSING: close_notify is out */
	bool has_shut : 1;     /* CLOSING: our side is ended */
	struct watch watch;
	struct call flush;   /* at the end of the turn */
	struct call wake;    /* deferred: present the tail, report closed, free */
	struct shard *shard; /* NULL while it travels */
	const struct conn_ops *ops;
	void *owner; /* CLOSING: struct closing */
	struct layer *layer;
	struct conn_tail *tail;
	struct out_chunk *out_first;
	struct out_chunk *out_last;
	uint64_t position; /* bytes given to conn_send */
	uint64_t taken;	   /* bytes taken by the layer */
	uint32_t drain_mark;
	struct peer peer;
};

/* A connection without an owner that flushes and waits for the peer's end. */
struct closing {
	struct list link; /* shard->closings */
	struct timer deadline;
	struct conn *conn;
};

/* conn.c */
struct shard_buffers *conn_buffers(struct shard *shard);
/* Reports closed() later in the turn; or frees, if nobody owns it any more. */
void conn_break(struct conn *conn, enum conn_reason reason);
/* Nobody owns it: freed later in the turn. */
void conn_vanish(struct conn *conn);
/* Asks the loop for the events that the state needs. */
void conn_update_events(struct conn *conn);
/* Appends to the tail; for bytes that came before the owner could take them. */
void conn_keep_input(struct conn *conn, const char *ptr, size_t len);
/* Throws kept input away; in data(), also what it is looking at, once it returns. */
void conn_drop_input(struct conn *conn);
/* Reads once more without waiting for the socket: a layer has something to say. */
void conn_read_again(struct conn *conn);
/* Presents kept input later in the turn. */
void conn_present_later(struct conn *conn);
enum conn_reason conn_reason_of(int error);

/* conn_layer.c: through the chain, NULL is the socket. */
ssize_t layer_read(struct conn *conn, struct layer *layer, const struct iovec *iov, int count);
ssize_t layer_write(struct conn *conn, struct layer *layer, const struct iovec *iov, int count);
int layer_push(struct layer *layer);
size_t layer_held(const struct layer *layer);

/* conn_out.c */
void conn_out_flush(struct call *call);
/* Writes what the socket takes. */
void conn_out_write(struct conn *conn);
void conn_out_drop(struct conn *conn);
static inline bool conn_out_is_empty(const struct conn *conn)
{
	return conn->out_first == NULL;
}

/* conn_close.c */
void conn_closing_ready(struct conn *conn, uint32_t events);
void conn_closing_written(struct conn *conn);
void conn_cut_closings(struct shard *shard);

/* conn_tls.c */
/* The plain output has left: installs the layer and begins to read. */
void conn_tls_begin(struct conn *conn);
/* Queues the connection for a step of its handshake. */
void conn_tls_ready(struct conn *conn);
void conn_run_handshakes(struct call *call);

#endif
