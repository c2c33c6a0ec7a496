/*
 * Cuts a server's XML stream into top-level elements without parsing it: tags are counted,
 * quoted values skipped, nothing is checked. Good enough for a load generator, which reads what
 * a working server writes; a malformed stream shows up as a stanza that never ends.
 *
 * The state survives between reads, so that bytes are looked at once.
 */
#ifndef BENCH_SCAN_H
#define BENCH_SCAN_H

#include "base/bytes.h"

enum scan_kind {
	SCAN_MORE,   /* nothing whole yet */
	SCAN_HEADER, /* <stream:stream …> */
	SCAN_STANZA, /* one whole top-level element */
	SCAN_CLOSE,  /* </stream:stream> */
};

struct scan {
	size_t pos;	  /* where to look next */
	size_t tag_start; /* offset of the '<' of the open tag, while in_tag */
	size_t start;	  /* offset of the first '<' of the element */
	uint32_t depth;
	char quote; /* the quote we are inside of, or 0 */
	bool in_tag;
	bool has_start;
};

/* Forgets everything: a new connection or a stream restart. */
void scan_reset(struct scan *scan);

/*
 * Looks at `data`, which starts where the last whole element ended and holds everything since.
 * Unless SCAN_MORE: *ret_element borrows the element from data and *ret_used says how many
 * bytes to drop before the next call.
 */
enum scan_kind scan_next(struct scan *scan, struct bytes data, struct bytes *ret_element,
			 size_t *ret_used);

/* The value of an attribute in the element's first tag, still escaped; BYTES_NONE if absent. */
struct bytes scan_attr(struct bytes element, struct bytes name);

/* What stands between `<name>` or `<name …>` and `</`, first occurrence; BYTES_NONE if absent.
 */
struct bytes scan_text(struct bytes element, struct bytes open);

/* True if the element's name is exactly `name`. */
bool scan_is(struct bytes element, const char *name);

#endif
