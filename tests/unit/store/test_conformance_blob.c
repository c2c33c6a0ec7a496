/* What blobs mean, on the engine that the first argument names. */
#include "harness.h"
#include "io/shard.h"

static struct store_decl uploads = STORE_DECL("uploads", STORE_BLOB, 1, "Uploads.");
static struct store_decl avatars = STORE_DECL("avatars", STORE_BLOB, 1, "Avatars.");

static const char alice[] = "alice@example.org";
static const char bob[] = "bob@example.org";

static void note(int status, struct bytes bytes, void *context)
{
	int *place = context;

	(void)bytes;
	*place = status;
}

static struct blob_stream *start(struct world *world, const char *owner, const char *key,
				 size_t size, uint64_t expires_ms)
{
	const struct blob_info info = { size, expires_ms, BYTES_LIT("image/png") };

	return blob_put_new(world->store, &uploads, bytes_of(owner), bytes_of(key), &info);
}

static int write_chunk(struct blob_stream *stream, struct bytes chunk)
{
	int status = PENDING;

	blob_write(stream, chunk, note, &status);
	turn_until(&status);
	return status;
}

static int finish(struct blob_stream **stream)
{
	int status = PENDING;

	blob_commit(stream, note_status, &status);
	assert_null(*stream);
	turn_until(&status);
	return status;
}

static void put_blob(struct world *world, const char *owner, const char *key, const char *text,
		     uint64_t expires_ms)
{
	struct blob_stream *stream = start(world, owner, key, strlen(text), expires_ms);

	if (*text)
		assert_int_equal(write_chunk(stream, bytes_of(text)), 0);
	assert_int_equal(finish(&stream), 0);
}

static struct blob_stream *open_blob(struct world *world, const char *owner, const char *key,
				     int *ret_status)
{
	struct blob_stream *stream;

	*ret_status = PENDING;
	stream = blob_get_new(world->store, &uploads, bytes_of(owner), bytes_of(key), note,
			      ret_status);
	turn_until(ret_status);
	return stream;
}

struct chunk {
	int status;
	char text[64];
	size_t len;
};

static void keep_chunk(int status, struct bytes bytes, void *context)
{
	struct chunk *chunk = context;

	assert_true(bytes.len < sizeof(chunk->text));
	if (bytes.len > 0)
		memcpy(chunk->text, bytes.ptr, bytes.len);
	chunk->text[bytes.len] = '\0';
	chunk->len = bytes.len;
	chunk->status = status;
}

static const char *read_chunk(struct blob_stream *stream, uint64_t offset, size_t max_bytes)
{
	static struct chunk chunk;

	chunk.status = PENDING;
	blob_read(stream, offset, max_bytes, keep_chunk, &chunk);
	turn_until(&chunk.status);
	assert_int_equal(chunk.status, 0);
	return chunk.text;
}

/* The whole text in a static buffer, or NULL if there is no such blob. */
static const char *blob_text(struct world *world, const char *owner, const char *key)
{
	int status;
	struct blob_stream *stream = open_blob(world, owner, key, &status);
	const char *text = status == 0 ? read_chunk(stream, 0, 60) : NULL;

	assert_true(status == 0 || status == -ENOENT);
	blob_free(&stream);
	return text;
}

static void a_blob_is_streamed_in_and_out(void **state)
{
	struct world *world = *state;
	struct blob_stream *stream = start(world, alice, "slot", 10, 99);
	int status;

	assert_int_equal(write_chunk(stream, BYTES_LIT("hello")), 0);
	assert_null(blob_text(world, alice, "slot"));
	assert_int_equal(write_chunk(stream, BYTES_LIT("world")), 0);
	assert_null(blob_text(world, alice, "slot"));
	assert_int_equal(finish(&stream), 0);
	assert_null(blob_text(world, bob, "slot"));
	stream = open_blob(world, alice, "slot", &status);
	assert_int_equal(status, 0);
	assert_int_equal(blob_stream_info(stream)->size_bytes, 10);
	assert_int_equal(blob_stream_info(stream)->expires_ms, 99);
	assert_bytes(blob_stream_info(stream)->kind, "image/png");
	assert_string_equal(read_chunk(stream, 0, 4), "hell");
	assert_string_equal(read_chunk(stream, 8, 50), "ld");
	assert_string_equal(read_chunk(stream, 10, 50), "");
	blob_free(&stream);
	assert_null(stream);
}

static void an_empty_blob_is_a_blob(void **state)
{
	struct world *world = *state;

	put_blob(world, alice, "empty", "", 0);
	assert_string_equal(blob_text(world, alice, "empty"), "");
}

static void sizes_must_be_as_announced(void **state)
{
	struct world *world = *state;
	struct blob_stream *stream = start(world, alice, "k", 3, 0);

	assert_int_equal(write_chunk(stream, BYTES_LIT("four")), -EMSGSIZE);
	blob_free(&stream);
	stream = start(world, alice, "k", 3, 0);
	assert_int_equal(write_chunk(stream, BYTES_LIT("ab")), 0);
	assert_int_equal(finish(&stream), -EINVAL);
	assert_null(blob_text(world, alice, "k"));
}

static void a_put_can_be_given_up(void **state)
{
	struct world *world = *state;
	struct blob_stream *stream = start(world, alice, "k", 8, 0);
	int status = PENDING;

	put_blob(world, alice, "k", "old", 0);
	assert_int_equal(write_chunk(stream, BYTES_LIT("half")), 0);
	blob_write(stream, BYTES_LIT("rest"), note, &status);
	blob_free(&stream);
	shards_run_until_idle(world->shards);
	assert_int_equal(status, PENDING);
	assert_string_equal(blob_text(world, alice, "k"), "old");
}

static void a_reader_keeps_what_it_opened(void **state)
{
	struct world *world = *state;
	struct blob_stream *stream;
	struct store_batch *batch;
	int status;

	put_blob(world, alice, "k", "old", 0);
	stream = open_blob(world, alice, "k", &status);
	put_blob(world, alice, "k", "newer", 0);
	assert_string_equal(blob_text(world, alice, "k"), "newer");
	assert_string_equal(read_chunk(stream, 0, 50), "old");
	batch = store_batch_new(world->store, bytes_of(alice));
	store_del(batch, &uploads, BYTES_LIT("k"));
	assert_int_equal(commit(world, &batch), 0);
	assert_null(blob_text(world, alice, "k"));
	assert_string_equal(read_chunk(stream, 0, 50), "old");
	blob_free(&stream);
}

static void blobs_go_with_their_owner(void **state)
{
	struct world *world = *state;
	struct store_batch *batch = store_batch_new(world->store, bytes_of(alice));

	put_blob(world, alice, "k", "a", 0);
	put_blob(world, bob, "k", "b", 0);
	store_delete_owner(batch);
	assert_int_equal(commit(world, &batch), 0);
	assert_null(blob_text(world, alice, "k"));
	assert_string_equal(blob_text(world, bob, "k"), "b");
	batch = store_batch_new(world->store, BYTES_LIT("example.org"));
	store_delete_domain(batch, BYTES_LIT("example.org"));
	assert_int_equal(commit(world, &batch), 0);
	assert_null(blob_text(world, bob, "k"));
}

static void blobs_expire(void **state)
{
	struct world *world = *state;
	int status = PENDING;

	put_blob(world, alice, "past", "a", 999);
	put_blob(world, alice, "now", "b", 1000);
	put_blob(world, bob, "past", "c", 1);
	put_blob(world, bob, "never", "d", 0);
	blob_expire(world->store, 1000, note_status, &status);
	turn_until(&status);
	assert_int_equal(status, 0);
	assert_null(blob_text(world, alice, "past"));
	assert_string_equal(blob_text(world, alice, "now"), "b");
	assert_null(blob_text(world, bob, "past"));
	assert_string_equal(blob_text(world, bob, "never"), "d");
}

static void blobs_are_listed(void **state)
{
	struct world *world = *state;
	struct store_read *read = store_read_new(world->store, bytes_of(alice));
	const struct store_item *item;
	int status;

	put_blob(world, alice, "b", "12345", 7);
	put_blob(world, alice, "a", "1", 0);
	put_blob(world, bob, "c", "1", 0);
	blob_read_list(read, &uploads);
	blob_read_list(read, &avatars);
	read = read_wait(&read, &status);
	assert_int_equal(status, 0);
	item = store_read_items(read, 0);
	assert_bytes(item->key, "a");
	item = item->next;
	assert_bytes(item->key, "b");
	assert_int_equal(blob_item_info(item).size_bytes, 5);
	assert_int_equal(blob_item_info(item).expires_ms, 7);
	assert_bytes(blob_item_info(item).kind, "image/png");
	assert_null(item->next);
	assert_null(store_read_items(read, 1));
	store_read_free(&read);
}

static void a_large_blob_comes_back_whole(void **state)
{
	enum { CHUNKS = 5 };
	struct world *world = *state;
	struct blob_stream *stream =
		start(world, alice, "large", (size_t)CHUNKS * BLOB_CHUNK_BYTES_MAX, 0);
	char *chunk = malloc(BLOB_CHUNK_BYTES_MAX);
	int status;

	for (int i = 0; i < CHUNKS; i++) {
		memset(chunk, 'a' + i, BLOB_CHUNK_BYTES_MAX);
		assert_int_equal(write_chunk(stream, bytes_make(chunk, BLOB_CHUNK_BYTES_MAX)),
				 0);
	}
	free(chunk);
	assert_int_equal(finish(&stream), 0);
	stream = open_blob(world, alice, "large", &status);
	assert_string_equal(read_chunk(stream, BLOB_CHUNK_BYTES_MAX - 2, 4), "aabb");
	assert_string_equal(read_chunk(stream, (uint64_t)CHUNKS * BLOB_CHUNK_BYTES_MAX - 3, 10),
			    "eee");
	blob_free(&stream);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST_OF(a_blob_is_streamed_in_and_out),
		TEST_OF(an_empty_blob_is_a_blob),
		TEST_OF(sizes_must_be_as_announced),
		TEST_OF(a_put_can_be_given_up),
		TEST_OF(a_reader_keeps_what_it_opened),
		TEST_OF(blobs_go_with_their_owner),
		TEST_OF(blobs_expire),
		TEST_OF(blobs_are_listed),
		TEST_OF(a_large_blob_comes_back_whole),
	};

	harness_engine = argc > 1 ? argv[1] : "memory";
	store_register(&uploads);
	store_register(&avatars);
	return cmocka_run_group_tests_name(harness_engine, tests, NULL, NULL);
}
