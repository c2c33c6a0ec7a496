/*
 * The client's side of SCRAM-SHA-1 (RFC 5802) without channel binding. PBKDF2 is paid once per
 * password, salt and iteration count and kept in a file between runs, so that the generator
 * costs little while the server is measured. The server's signature is checked.
 */
#ifndef BENCH_SCRAM_H
#define BENCH_SCRAM_H

#include "base/arena.h"
#include "base/bytes.h"

struct scram_cache;

/* Reads the file if it is there; path may be NULL: nothing is kept. Ends with _close. */
struct scram_cache *scram_cache_open(const char *path);
/* Writes new entries back and frees. */
void scram_cache_close(struct scram_cache **cache);

/* One login attempt; all slices live in `arena`. */
struct scram {
	struct arena *arena;
	struct bytes first_bare;
	struct bytes signature; /* what the server must answer with, base64 */
};

/* Starts an attempt; the result is the base64 text of the <auth/> element. */
struct bytes scram_first(struct scram *scram, struct arena *arena, const char *user);
/* Answers the challenge (base64 text): 0 and the <response/>'s base64 text, or -EINVAL. */
int scram_answer(struct scram *scram, struct scram_cache *cache, const char *password,
		 struct bytes challenge, struct bytes *ret_response);
/* True if the <success/> text (base64) carries the right signature. */
bool scram_is_server(const struct scram *scram, struct bytes success);

#endif
