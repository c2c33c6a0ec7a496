#include "xmpp/scram.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/secret.h"
#include "base/utf8.h"

void scram_init(struct scram *scram, struct arena *arena, enum hash hash, bool is_plus,
		bool is_plus_offered)
{
	*scram = (struct scram){
		.arena = arena,
		.hash = hash,
		.is_plus = is_plus,
		.is_plus_offered = is_plus_offered,
	};
}

/* --- syntax of RFC 5802 section 7 ------------------------------------------------------------
 */

/* Cuts the next attribute "x=value" off *rest. False if it is not one of that letter. */
static bool attribute_cut(struct bytes *rest, char letter, struct bytes *ret_value)
{
	struct bytes attribute;

	if (bytes_is_none(*rest))
		return false;
	attribute = bytes_cut(rest, ',');
	if (attribute.len < 2 || attribute.ptr[0] != letter || attribute.ptr[1] != '=')
		return false;
	*ret_value = bytes_skip(attribute, 2);
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* extensions: optional attributes of any letter, which may be ignored. */
static bool are_extensions(struct bytes rest)
{
	while (!bytes_is_none(rest)) {
		struct bytes attribute = bytes_cut(&rest, ',');
		if (attribute.len < 3 || !is_letter(attribute.ptr[0]) ||
		    attribute.ptr[1] != '=')
			return false;
	}
	return true;
}

/* printable: 1*(%x21-2B / %x2D-7E) */
static bool is_nonce(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e || text.ptr[i] == ',')
			return false;
	}
	return text.len > 0;
}

/* saslname: "=2C" and "=3D" stand for ',' and '='; another '=' is a fault. */
static bool saslname_unescape(struct arena *arena, struct bytes name, struct bytes *ret_text)
{
	char *text = arena_alloc_raw(arena, name.len);
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (c == '=') {
			struct bytes code = bytes_first(bytes_skip(name, i + 1), 2);
			if (!bytes_is(code, "2C") && !bytes_is(code, "3D"))
				return false;
			c = code.ptr[0] == '2' ? ',' : '=';
			i += 2;
		}
		text[len++] = c;
	}
	*ret_text = bytes_make(text, len);
	return len > 0;
}

/* gs2-cbind-flag; fills binding_name for p=. */
static enum scram_fault take_binding_flag(struct scram *scram, struct bytes flag)
{
	if (bytes_has_prefix(flag, BYTES_LIT("p="))) {
		scram->binding_name = bytes_skip(flag, 2);
		if (!is_nonce(scram->binding_name))
			return SCRAM_FAULT_MALFORMED;
		return scram->is_plus ? SCRAM_FAULT_NONE : SCRAM_FAULT_BINDING_MISSING;
	}
	if (!bytes_is(flag, "n") && !bytes_is(flag, "y"))
		return SCRAM_FAULT_MALFORMED;
	if (scram->is_plus)
		return SCRAM_FAULT_BINDING_MISSING;
	/* RFC 5802 section 6: the client could bind and thinks that we cannot, but we offered
	 * it: somebody between us has taken the offer away. */
	if (flag.ptr[0] == 'y' && scram->is_plus_offered)
		return SCRAM_FAULT_BINDING_DOWNGRADE;
	return SCRAM_FAULT_NONE;
}

/* gs2-header = gs2-cbind-flag "," [authzid] ","; *rest is left at client-first-message-bare. */
static enum scram_fault take_gs2_header(struct scram *scram, struct bytes message,
					struct bytes *rest)
{
	struct bytes flag, authzid, value;
	enum scram_fault fault;

	*rest = message;
	flag = bytes_cut(rest, ',');
	if (bytes_is_none(*rest))
		return SCRAM_FAULT_MALFORMED;
	authzid = bytes_cut(rest, ',');
	if (bytes_is_none(*rest))
		return SCRAM_FAULT_MALFORMED;
	fault = take_binding_flag(scram, flag);
	if (fault != SCRAM_FAULT_NONE)
		return fault;
	if (authzid.len > 0) {
		if (!attribute_cut(&authzid, 'a', &value))
			return SCRAM_FAULT_MALFORMED;
		if (!saslname_unescape(scram->arena, value, &scram->authzid))
			return SCRAM_FAULT_USERNAME;
	}
	scram->gs2_header = bytes_first(message, (size_t)(rest->ptr - message.ptr));
	return SCRAM_FAULT_NONE;
}

enum scram_fault scram_client_first(struct scram *scram, struct bytes message)
{
	struct bytes rest, username;
	enum scram_fault fault;

	if (message.len > SCRAM_MESSAGE_MAX_BYTES || !utf8_is_valid(message) ||
	    bytes_find_byte(message, '\0') >= 0)
		return SCRAM_FAULT_MALFORMED;
	message = arena_copy(scram->arena, message);
	fault = take_gs2_header(scram, message, &rest);
	if (fault != SCRAM_FAULT_NONE)
		return fault;
	scram->client_first_bare = rest;
	if (bytes_has_prefix(rest, BYTES_LIT("m=")))
		return SCRAM_FAULT_EXTENSION;
	if (!attribute_cut(&rest, 'n', &username))
		return SCRAM_FAULT_MALFORMED;
	if (!saslname_unescape(scram->arena, username, &scram->username))
		return SCRAM_FAULT_USERNAME;
	if (!attribute_cut(&rest, 'r', &scram->client_nonce) ||
	    !is_nonce(scram->client_nonce) || !are_extensions(rest))
		return SCRAM_FAULT_MALFORMED;
	return SCRAM_FAULT_NONE;
}

/* --- server-first ----------------------------------------------------------------------------
 */

struct bytes scram_nonce(struct arena *arena)
{
	uint8_t raw[SCRAM_NONCE_BYTES];
	random_fill(raw, sizeof(raw));
	return base64_encode(arena, bytes_make(raw, sizeof(raw)));
}

struct bytes scram_server_first(struct scram *scram, const struct scram_keys *keys,
				struct bytes server_nonce, struct bytes downgrade_hash)
{
	struct bytes salt = base64_encode(scram->arena, keys->salt);
	size_t size = hash_bytes(scram->hash);

	check(is_nonce(server_nonce));
	check(keys->stored_key.len == size && keys->server_key.len == size);
	memcpy(scram->stored_key, keys->stored_key.ptr, size);
	memcpy(scram->server_key, keys->server_key.ptr, size);
	scram->is_simulated = keys->is_simulated;
	scram->nonce = arena_printf(scram->arena, "%.*s%.*s", BYTES_ARG(scram->client_nonce),
				    BYTES_ARG(server_nonce));
	scram->server_first = arena_printf(
		scram->arena, "r=%.*s,s=%.*s,i=%u%s%.*s", BYTES_ARG(scram->nonce),
		BYTES_ARG(salt), keys->iterations,
		bytes_is_none(downgrade_hash) ? "" : ",h=", BYTES_ARG(downgrade_hash));
	return scram->server_first;
}

static void sort_octets(const struct bytes **sorted, const struct bytes *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && bytes_compare(*sorted[at - 1], names[i]) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &names[i];
	}
}

static char *append_sorted(char *out, const struct bytes *names, size_t count)
{
	const struct bytes *sorted[32];

	check(count <= array_len(sorted));
	sort_octets(sorted, names, count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = '\x1e';
		out = mempcpy(out, sorted[i]->ptr, sorted[i]->len);
	}
	return out;
}

static size_t joined_bytes(const struct bytes *names, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += names[i].len + 1;
	return sum;
}

struct bytes scram_downgrade_hash(struct arena *arena, enum hash hash,
				  const struct bytes *mechs, size_t mech_count,
				  const struct bytes *bindings, size_t binding_count)
{
	uint8_t digest[HASH_MAX_BYTES];
	char *text = arena_alloc_raw(arena, joined_bytes(mechs, mech_count) +
						    joined_bytes(bindings, binding_count) + 1);
	char *end = append_sorted(text, mechs, mech_count);

	if (bindings) {
		*end++ = '\x1f';
		end = append_sorted(end, bindings, binding_count);
	}
	hash_digest(hash, bytes_make(text, (size_t)(end - text)), digest);
	return base64_encode(arena, bytes_make(digest, hash_bytes(hash)));
}

/* --- client-final ----------------------------------------------------------------------------
 */

/* c= is the base64 of the gs2 header as it came and the binding's data (RFC 5802 section 7). */
static bool binding_matches(struct scram *scram, struct bytes encoded,
			    struct bytes binding_data)
{
	struct bytes sent, header = scram->gs2_header;

	if (base64_decode(scram->arena, encoded, &sent) < 0)
		return false;
	if (!bytes_has_prefix(sent, header))
		return false;
	return secret_equal(bytes_skip(sent, header.len), binding_data);
}

static bool proof_matches(struct scram *scram, struct bytes auth_message, const uint8_t *proof)
{
	size_t size = hash_bytes(scram->hash);
	uint8_t signature[HASH_MAX_BYTES], client_key[HASH_MAX_BYTES],
		stored_key[HASH_MAX_BYTES];
	bool is_equal;

	hash_hmac(scram->hash, bytes_make(scram->stored_key, size), auth_message, signature);
	for (size_t i = 0; i < size; i++)
		client_key[i] = proof[i] ^ signature[i];
	hash_digest(scram->hash, bytes_make(client_key, size), stored_key);
	is_equal =
		secret_equal(bytes_make(stored_key, size), bytes_make(scram->stored_key, size));
	secret_wipe(client_key, sizeof(client_key));
	return is_equal && !scram->is_simulated;
}

static struct bytes server_final(struct scram *scram, struct bytes auth_message)
{
	size_t size = hash_bytes(scram->hash);
	uint8_t signature[HASH_MAX_BYTES];
	struct bytes encoded;

	hash_hmac(scram->hash, bytes_make(scram->server_key, size), auth_message, signature);
	encoded = base64_encode(scram->arena, bytes_make(signature, size));
	return arena_printf(scram->arena, "v=%.*s", BYTES_ARG(encoded));
}

/* Offset of the last comma, behind which p= stands, or -1. */
static ptrdiff_t proof_offset(struct bytes message)
{
	for (size_t i = message.len; i > 0; i--) {
		if (message.ptr[i - 1] == ',')
			return (ptrdiff_t)i - 1;
	}
	return -1;
}

/* The two parts of client-final-message, its binding and its proof. */
struct client_final {
	struct bytes without_proof;
	struct bytes binding;
	struct bytes proof;
};

static bool client_final_parse(struct scram *scram, struct bytes message,
			       struct client_final *ret)
{
	struct bytes rest, last, nonce, proof;
	ptrdiff_t comma = proof_offset(message);

	if (message.len > SCRAM_MESSAGE_MAX_BYTES || !utf8_is_valid(message) || comma < 0)
		return false;
	ret->without_proof = rest = bytes_first(message, (size_t)comma);
	last = bytes_skip(message, (size_t)comma + 1);
	if (!attribute_cut(&rest, 'c', &ret->binding) || !attribute_cut(&rest, 'r', &nonce) ||
	    !are_extensions(rest) || !attribute_cut(&last, 'p', &proof))
		return false;
	if (!bytes_equal(nonce, scram->nonce))
		return false;
	return base64_decode(scram->arena, proof, &ret->proof) == 0 &&
	       ret->proof.len == hash_bytes(scram->hash);
}

enum scram_fault scram_client_final(struct scram *scram, struct bytes message,
				    struct bytes binding_data, struct bytes *ret_server_final)
{
	struct client_final final;
	struct bytes auth_message, signed_by_server;

	check(!bytes_is_none(scram->server_first));
	if (!client_final_parse(scram, message, &final))
		return SCRAM_FAULT_MALFORMED;
	if (!bytes_is_none(scram->binding_name) && bytes_is_none(binding_data))
		return SCRAM_FAULT_BINDING_MISMATCH;
	if (!binding_matches(scram, final.binding, binding_data))
		return SCRAM_FAULT_BINDING_MISMATCH;
	auth_message = arena_printf(
		scram->arena, "%.*s,%.*s,%.*s", BYTES_ARG(scram->client_first_bare),
		BYTES_ARG(scram->server_first), BYTES_ARG(final.without_proof));
	/* Both signatures are made before the verdict, so that it takes the same time either
	 * way. */
	signed_by_server = server_final(scram, auth_message);
	if (!proof_matches(scram, auth_message, (const uint8_t *) final.proof.ptr))
		return SCRAM_FAULT_PROOF;
	*ret_server_final = signed_by_server;
	return SCRAM_FAULT_NONE;
}

/* --- nobody ----------------------------------------------------------------------------------
 */

static struct bytes derive(struct arena *arena, enum hash hash, struct bytes secret,
			   const char *purpose, struct bytes name, size_t len)
{
	uint8_t out[HASH_MAX_BYTES];
	struct bytes text =
		arena_printf(arena, "%s %d %.*s", purpose, (int)hash, BYTES_ARG(name));

	hash_hmac(HASH_SHA512, secret, text, out);
	return arena_copy(arena, bytes_make(out, len));
}

struct scram_keys scram_simulate(struct arena *arena, enum hash hash, struct bytes secret,
				 struct bytes name, uint32_t iterations)
{
	enum { SALT_BYTES = 16 };
	size_t size = hash_bytes(hash);

	return (struct scram_keys){
		.salt = derive(arena, hash, secret, "salt", name, SALT_BYTES),
		.iterations = iterations,
		.stored_key = derive(arena, hash, secret, "stored", name, size),
		.server_key = derive(arena, hash, secret, "server", name, size),
		.is_simulated = true,
	};
}
