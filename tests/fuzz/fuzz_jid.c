/* Addresses: whatever is accepted is in normal form, and stays what it is when parsed again. */
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/utf8.h"
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stable(struct arena *arena, struct jid jid)
{
	struct jid again, made;

	check(jid_parse_borrowed(arena, jid.full, &again, NULL) == 0);
	check(jid_equal(jid, again));
	check(jid_equal(jid, jid_from_normal(jid.full)));
	check(jid_make(arena, jid_local(jid), jid_domain(jid), jid_resource(jid), &made,
		       NULL) == 0);
	check(jid_equal(jid, made));
}

static void check_limits(struct jid jid)
{
	check(jid.domain_len > 0 && jid.domain_len <= JID_PART_MAX_BYTES);
	check(jid.local_len <= JID_PART_MAX_BYTES && jid.resource_len <= JID_PART_MAX_BYTES);
	check(jid.full.len <= JID_MAX_BYTES && utf8_is_valid(jid.full));
	check(bytes_find_byte(jid_bare(jid), '/') < 0 &&
	      bytes_find_byte(jid_domain(jid), '@') < 0);
	check(bytes_find_byte(jid.full, '\0') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	enum jid_fault fault = JID_FAULT_NONE;
	struct jid jid;

	arena_init(&arena, 4096);
	if (jid_parse(&arena, bytes_make(data, size), &jid, &fault) == 0) {
		check_limits(jid);
		check_stable(&arena, jid);
	} else {
		check(fault != JID_FAULT_NONE);
	}
	arena_fini(&arena);
	return 0;
}
