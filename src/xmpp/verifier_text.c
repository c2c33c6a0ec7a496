#include <errno.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/codec.h"
#include "xmpp/verifier_impl.h"

#define HEADER "hearth-verifiers 1"

/* --- writing ---------------------------------------------------------------------------------
 */

static void append_base64(struct buf *out, struct bytes raw)
{
	struct arena arena;
	arena_init(&arena, 512);
	buf_append_byte(out, ' ');
	buf_append(out, base64_encode(&arena, raw));
	arena_fini(&arena);
}

static void append_verifier(struct buf *out, const struct verifier *verifier)
{
	const struct verifier_scheme_info *info = verifier_scheme_info(verifier->scheme);

	buf_append_cstr(out, info->word);
	if (info->kind == VERIFIER_KIND_CRYPT) {
		buf_append_byte(out, ' ');
		buf_append(out, verifier->value);
	} else {
		buf_printf(out, " %u", verifier->iterations);
		append_base64(out, verifier->salt);
		append_base64(out, verifier->value);
	}
	if (info->kind == VERIFIER_KIND_SCRAM)
		append_base64(out, verifier->server_key);
	buf_append_byte(out, '\n');
}

struct bytes verifier_list_format(struct arena *arena, const struct verifier_list *list)
{
	struct buf out;
	struct bytes text;

	buf_init(&out, 0);
	buf_append_cstr(&out, HEADER "\n");
	for (size_t i = 0; i < list->count; i++)
		append_verifier(&out, &list->items[i]);
	text = arena_copy(arena, buf_bytes(&out));
	buf_fini(&out);
	return text;
}

/* --- reading ---------------------------------------------------------------------------------
 */

int verifier_parse_iterations(struct bytes text, uint32_t *ret_iterations)
{
	uint64_t value;

	if (bytes_to_u64(text, &value) < 0 || value < 1 || value > VERIFIER_ITERATIONS_MAX)
		return -EINVAL;
	*ret_iterations = (uint32_t)value;
	return 0;
}

bool verifier_is_crypt_string(struct bytes text)
{
	static const char *const methods[] = { "$1$",  "$5$",  "$6$", "$y$",
					       "$2a$", "$2b$", "$2y$" };

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == ':')
			return false;
	}
	for (size_t i = 0; i < array_len(methods); i++) {
		if (bytes_has_prefix(text, bytes_of(methods[i])))
			return text.len < 256;
	}
	return false;
}

bool verifier_is_sound(const struct verifier *verifier)
{
	const struct verifier_scheme_info *info = verifier_scheme_info(verifier->scheme);
	size_t size = hash_bytes(info->hash);

	if (info->kind == VERIFIER_KIND_CRYPT)
		return verifier_is_crypt_string(verifier->value);
	if (verifier->salt.len == 0 || verifier->salt.len > VERIFIER_SALT_MAX_BYTES)
		return false;
	if (verifier->iterations == 0 || verifier->iterations > VERIFIER_ITERATIONS_MAX)
		return false;
	if (info->kind == VERIFIER_KIND_SCRAM)
		return verifier->value.len == size && verifier->server_key.len == size;
	return verifier->value.len >= 16 && verifier->value.len <= HASH_MAX_BYTES;
}

static int scheme_find(struct bytes word, enum verifier_scheme *ret_scheme)
{
	for (int i = 0; i < VERIFIER_SCHEMES; i++) {
		if (bytes_is(word, verifier_scheme_name((enum verifier_scheme)i))) {
			*ret_scheme = (enum verifier_scheme)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The fields that the scheme has, and no more. */
static int parse_fields(struct arena *arena, struct bytes line, struct verifier *verifier)
{
	enum verifier_kind kind = verifier_scheme_info(verifier->scheme)->kind;

	if (kind == VERIFIER_KIND_CRYPT) {
		verifier->value = arena_copy(arena, line);
		return 0;
	}
	if (verifier_parse_iterations(bytes_cut(&line, ' '), &verifier->iterations) < 0 ||
	    base64_decode(arena, bytes_cut(&line, ' '), &verifier->salt) < 0 ||
	    base64_decode(arena, bytes_cut(&line, ' '), &verifier->value) < 0)
		return -EINVAL;
	if (kind == VERIFIER_KIND_SCRAM &&
	    base64_decode(arena, bytes_cut(&line, ' '), &verifier->server_key) < 0)
		return -EINVAL;
	return bytes_is_none(line) ? 0 : -EINVAL;
}

static int parse_line(struct arena *arena, struct bytes line, struct verifier *ret_verifier)
{
	struct verifier verifier = { 0 };

	if (scheme_find(bytes_cut(&line, ' '), &verifier.scheme) < 0 || bytes_is_none(line) ||
	    parse_fields(arena, line, &verifier) < 0 || !verifier_is_sound(&verifier))
		return -EINVAL;
	*ret_verifier = verifier;
	return 0;
}

int verifier_list_parse(struct arena *arena, struct bytes text, struct verifier_list *ret_list)
{
	struct verifier *items = arena_alloc(arena, VERIFIER_LIST_MAX * sizeof(*items));
	size_t count = 0;

	if (!bytes_is(bytes_cut(&text, '\n'), HEADER) || bytes_is_none(text))
		return -EINVAL;
	while (text.len > 0) {
		struct bytes line = bytes_cut(&text, '\n');
		if (bytes_is_none(text) || count == VERIFIER_LIST_MAX ||
		    parse_line(arena, line, &items[count++]) < 0)
			return -EINVAL;
	}
	*ret_list = (struct verifier_list){ items, count };
	return 0;
}
