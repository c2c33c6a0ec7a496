#include "xmpp/domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <unicode/uidna.h>

#include "base/check.h"
#include "base/utf8.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"

enum { LABEL_MAX_BYTES = 63 };

static bool is_lower_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* RFC 5890 section 2.3.1: an NR-LDH label; one with "--" in third place is left to ICU. */
static enum domain_shape label_shape(struct bytes label)
{
	if (label.len == 0 || label.len > LABEL_MAX_BYTES || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-')
		return DOMAIN_BROKEN;
	if (label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-')
		return DOMAIN_OTHER;
	return DOMAIN_NORMAL;
}

enum domain_shape domain_shape(struct bytes domain)
{
	size_t start = 0;
	enum domain_shape shape = DOMAIN_NORMAL;

	for (size_t i = 0; i <= domain.len; i++) {
		if (i < domain.len && is_lower_ldh(domain.ptr[i]))
			continue;
		if (i < domain.len && domain.ptr[i] != '.')
			return DOMAIN_OTHER;
		shape = label_shape(bytes_make(domain.ptr + start, i - start));
		if (shape != DOMAIN_NORMAL)
			return shape;
		start = i + 1;
	}
	return DOMAIN_NORMAL;
}

static int prepare_ipv6(struct arena *arena, struct bytes raw, struct bytes *ret_domain)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (raw.len < 2 || raw.ptr[raw.len - 1] != ']' || raw.len - 2 >= sizeof(text))
		return -EINVAL;
	memcpy(text, raw.ptr + 1, raw.len - 2);
	text[raw.len - 2] = '\0';
	if (strlen(text) != raw.len - 2 || inet_pton(AF_INET6, text, &address) != 1)
		return -EINVAL;
	inet_ntop(AF_INET6, &address, text, sizeof(text));
	*ret_domain = arena_printf(arena, "[%s]", text);
	return 0;
}

static UIDNA *idna;
static pthread_once_t idna_once = PTHREAD_ONCE_INIT;

/* Lives as long as the process; ICU's object is immutable and may be shared. */
static void idna_open(void)
{
	UErrorCode status = U_ZERO_ERROR;
	idna = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
				       UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
				       UIDNA_NONTRANSITIONAL_TO_UNICODE,
			       &status);
	check(U_SUCCESS(status));
}

/*
 * UTS #46 lets symbols and emoji through that IDNA2008 forbids (RFC 5892). What it maps to is
 * lower case and compatibility-normal, and for such characters IdentifierClass is the same as
 * being valid in IDNA2008.
 */
static bool has_only_idna2008(struct bytes name)
{
	for (uint32_t c; name.len > 0; name = bytes_skip(name, utf8_decode(name, &c))) {
		if (utf8_decode(name, &c) == 0)
			return false;
		if (c < 0x80 ? c != '.' && !is_lower_ldh((char)c)
			     : precis_property(c) > PRECIS_CONTEXTO)
			return false;
	}
	return true;
}

/* The A-form must fit into DNS labels; how long the whole name is, is RFC 7622's to say. */
static bool has_a_labels(struct bytes name)
{
	char ascii[4 * JID_PART_MAX_BYTES];
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;

	uidna_nameToASCII_UTF8(idna, name.ptr, (int32_t)name.len, ascii, sizeof(ascii), &info,
			       &status);
	return U_SUCCESS(status) &&
	       !(info.errors & ~(uint32_t)UIDNA_ERROR_DOMAIN_NAME_TOO_LONG);
}

struct bytes jid_domain_to_ascii(struct arena *arena, struct bytes normal)
{
	char ascii[4 * JID_PART_MAX_BYTES];
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;
	int32_t len;

	if (domain_shape(normal) != DOMAIN_OTHER || normal.ptr[0] == '[')
		return normal;
	pthread_once(&idna_once, idna_open);
	len = uidna_nameToASCII_UTF8(idna, normal.ptr, (int32_t)normal.len, ascii,
				     sizeof(ascii), &info, &status);
	check(U_SUCCESS(status));
	return arena_copy(arena, bytes_make(ascii, (size_t)len));
}

static int prepare_idn(struct arena *arena, struct bytes raw, struct bytes *ret_domain)
{
	char text[PRECIS_RAW_MAX_BYTES];
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode status = U_ZERO_ERROR;
	int32_t len;

	if (raw.len > PRECIS_RAW_MAX_BYTES)
		return -E2BIG;
	if (!utf8_is_valid(raw))
		return -EINVAL;
	pthread_once(&idna_once, idna_open);
	len = uidna_nameToUnicodeUTF8(idna, raw.ptr, (int32_t)raw.len, text, sizeof(text),
				      &info, &status);
	if (status == U_BUFFER_OVERFLOW_ERROR)
		return -E2BIG;
	if (U_FAILURE(status) || info.errors)
		return -EINVAL;
	struct bytes name = bytes_make(text, (size_t)len);
	/* An ideographic full stop at the end has become a dot. */
	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || !has_only_idna2008(name) || !has_a_labels(name))
		return -EINVAL;
	if (name.len > JID_PART_MAX_BYTES)
		return -E2BIG;
	*ret_domain = arena_copy(arena, name);
	return 0;
}

int domain_prepare(struct arena *arena, struct bytes raw, struct bytes *ret_domain)
{
	if (raw.len > 0 && raw.ptr[0] == '[')
		return prepare_ipv6(arena, raw, ret_domain);
	return prepare_idn(arena, raw, ret_domain);
}
