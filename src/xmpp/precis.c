#include "xmpp/precis.h"

#include <errno.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/check.h"
#include "xmpp/precis_class.h"

/* A text on its way through a profile; every mapping writes into a second one. */
struct ustring {
	int32_t len;
	UChar text[PRECIS_RAW_MAX_BYTES];
};

/*
 * RFC 8264 section 7: some texts change again when the rules are applied again; after so many
 * rounds without rest they are refused (RFC 8265 section 3.3.3).
 */
enum { PRECIS_ROUNDS = 4 };

static int error_of(UErrorCode status)
{
	if (U_SUCCESS(status))
		return 0;
	return status == U_BUFFER_OVERFLOW_ERROR ? -E2BIG : -EINVAL;
}

static int ustring_load(struct ustring *out, struct bytes raw)
{
	UErrorCode status = U_ZERO_ERROR;

	if (raw.len == 0)
		return -EINVAL;
	if (raw.len > PRECIS_RAW_MAX_BYTES)
		return -E2BIG;
	u_strFromUTF8(out->text, PRECIS_RAW_MAX_BYTES, &out->len, raw.ptr, (int32_t)raw.len,
		      &status);
	return error_of(status);
}

static int ustring_store(const struct ustring *in, struct arena *arena, struct bytes *ret)
{
	char utf8[PRECIS_MAX_BYTES];
	int32_t len = 0;
	UErrorCode status = U_ZERO_ERROR;

	if (in->len == 0)
		return -EINVAL;
	u_strToUTF8(utf8, sizeof(utf8), &len, in->text, in->len, &status);
	if (U_FAILURE(status))
		return error_of(status);
	*ret = arena_copy(arena, bytes_make(utf8, (size_t)len));
	return 0;
}

static void ustring_copy(struct ustring *to, const struct ustring *from)
{
	to->len = from->len;
	u_memcpy(to->text, from->text, from->len);
}

static bool ustring_equal(const struct ustring *a, const struct ustring *b)
{
	return a->len == b->len && u_memcmp(a->text, b->text, a->len) == 0;
}

/* Fullwidth and halfwidth forms to what they are forms of (RFC 8264 section 5.2.1). */
static int map_width(const struct ustring *in, struct ustring *out)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&status);

	out->len = 0;
	for (int32_t i = 0; i < in->len && U_SUCCESS(status);) {
		UChar mapped[U16_MAX_LENGTH * 4];
		int32_t len = -1;
		UChar32 c;
		U16_NEXT(in->text, i, in->len, c);
		int32_t type = u_getIntPropertyValue(c, UCHAR_DECOMPOSITION_TYPE);
		if (type == U_DT_WIDE || type == U_DT_NARROW)
			len = unorm2_getRawDecomposition(nfkc, c, mapped, array_len(mapped),
							 &status);
		if (len < 0) {
			len = 0;
			U16_APPEND_UNSAFE(mapped, len, c);
		}
		if (out->len + len > PRECIS_RAW_MAX_BYTES)
			return -E2BIG;
		u_memcpy(out->text + out->len, mapped, len);
		out->len += len;
	}
	return error_of(status);
}

static int map_case(const struct ustring *in, struct ustring *out)
{
	UErrorCode status = U_ZERO_ERROR;
	out->len =
		u_strToLower(out->text, PRECIS_RAW_MAX_BYTES, in->text, in->len, "", &status);
	return error_of(status);
}

static int map_spaces(const struct ustring *in, struct ustring *out)
{
	/* All characters of category Zs are in the BMP. */
	for (int32_t i = 0; i < in->len; i++)
		out->text[i] = u_charType(in->text[i]) == U_SPACE_SEPARATOR ? ' ' : in->text[i];
	out->len = in->len;
	return 0;
}

static int normalize(const struct ustring *in, struct ustring *out)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	out->len = unorm2_normalize(nfc, in->text, in->len, out->text, PRECIS_RAW_MAX_BYTES,
				    &status);
	return error_of(status);
}

/* One round of RFC 8265 sections 3.3.2 and 3.3.3; the result is in *text, *spare is
 * overwritten. */
static int username_round(struct ustring *text, struct ustring *spare)
{
	int r = map_width(text, spare);
	if (r == 0 && !precis_conforms(PRECIS_IDENTIFIER_CLASS, spare->text, spare->len))
		r = -EINVAL;
	if (r == 0)
		r = map_case(spare, text);
	if (r == 0)
		r = normalize(text, spare);
	if (r == 0 && !precis_obeys_bidi_rule(spare->text, spare->len))
		r = -EINVAL;
	if (r == 0)
		ustring_copy(text, spare);
	return r;
}

/* One round of RFC 8265 sections 4.2.1 and 4.2.2. */
static int opaque_round(struct ustring *text, struct ustring *spare)
{
	int r = 0;
	if (!precis_conforms(PRECIS_FREEFORM_CLASS, text->text, text->len))
		return -EINVAL;
	r = map_spaces(text, spare);
	return r < 0 ? r : normalize(spare, text);
}

static int enforce(struct arena *arena, struct bytes raw, struct bytes *ret,
		   int (*round)(struct ustring *, struct ustring *))
{
	struct ustring text, before, spare;
	int r = ustring_load(&text, raw);

	for (int rounds = 0; r == 0 && rounds < PRECIS_ROUNDS; rounds++) {
		ustring_copy(&before, &text);
		r = round(&text, &spare);
		if (r == 0 && ustring_equal(&before, &text))
			return ustring_store(&text, arena, ret);
	}
	return r < 0 ? r : -EINVAL;
}

int precis_username_case_mapped(struct arena *arena, struct bytes raw, struct bytes *ret)
{
	return enforce(arena, raw, ret, username_round);
}

int precis_opaque_string(struct arena *arena, struct bytes raw, struct bytes *ret)
{
	return enforce(arena, raw, ret, opaque_round);
}
