/*
 * The blob shape: large values as streams, per owner and key, with an end of life. The bytes of
 * the embedded engine are files in data_dir/blobs, moved by workers in chunks; what is known of
 * them (size, kind, expiry) is committed like any write, and only then is the blob there.
 *
 * A put or get is one struct blob_stream: one operation in flight at a time, on one shard.
 *
 * 	stream = blob_put_new(store, &uploads, owner, slot, &info);
 * 	blob_write(stream, chunk, wrote, upload);	(again after each callback)
 * 	blob_commit(&stream, stored, upload);
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "store/store.h"

enum { BLOB_CHUNK_BYTES_MAX = 256 << 10 };

struct blob_stream;

struct blob_info {
	uint64_t size_bytes;
	uint64_t expires_ms; /* wall clock; 0: never */
	struct bytes kind;   /* MIME type or what the feature likes; at most 255 bytes */
};

/* status: 0 or negative (-ENOSPC, -EIO, -ENOENT). bytes: of a read; borrowed in the call. */
typedef void blob_fn(int status, struct bytes bytes, void *context);

/* Starts a put of a blob of info->size_bytes; it replaces what key had. Does not block. */
struct blob_stream *blob_put_new(struct store *store, const struct store_decl *decl,
				 struct bytes owner, struct bytes key,
				 const struct blob_info *info);
/*
 * Appends a chunk of at most BLOB_CHUNK_BYTES_MAX, which is copied. -EMSGSIZE: more than
 * announced. After a failure only blob_free is of use.
 */
void blob_write(struct blob_stream *stream, struct bytes chunk, blob_fn *done, void *context);
/*
 * Makes it durable and visible; takes the stream. Fails with -EINVAL if fewer bytes were
 * written than announced. When its bytes are durable it joins the order of its owner's batches.
 */
void blob_commit(struct blob_stream **stream, store_done_fn *done, void *context);

/*
 * Opens for reading: done tells 0 or -ENOENT, and blob_stream_info is known then. A blob that
 * is deleted or replaced while it is open can be read to its end.
 */
struct blob_stream *blob_get_new(struct store *store, const struct store_decl *decl,
				 struct bytes owner, struct bytes key, blob_fn *done,
				 void *context);
const struct blob_info *blob_stream_info(const struct blob_stream *stream);
/* At most max_bytes (bounded by BLOB_CHUNK_BYTES_MAX) from offset; an empty chunk is the end.
 */
void blob_read(struct blob_stream *stream, uint64_t offset, size_t max_bytes, blob_fn *done,
	       void *context);

/*
 * Ends a get, or gives a put up. No callback comes after it, even if one was outstanding.
 * Before the store is closed every stream has to be ended.
 */
void blob_free(struct blob_stream **stream);

/* Keys, with their blob_info (blob_item_info), as a part of a read: store_read_items. */
uint32_t blob_read_list(struct store_read *read, const struct store_decl *decl);
struct blob_info blob_item_info(const struct store_item *item);

/*
 * Deletes what expired before now_ms, of all owners; done's status counts nothing. Any shard;
 * a single blob is deleted by store_del().
 */
uint64_t blob_expire(struct store *store, uint64_t now_ms, store_done_fn *done, void *context);

#endif
