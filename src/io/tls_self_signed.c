/* A certificate of our own for a domain that has none yet. */
#include "io/tls.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/secret.h"
#include "io/tls_impl.h"

enum { YEARS_10_S = 10 * 365 * 86400, DOMAIN_MAX = 253 };

static bool is_host_name(struct bytes domain)
{
	if (domain.len == 0 || domain.len > DOMAIN_MAX || domain.ptr[0] == '.' ||
	    domain.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		unsigned char c = (unsigned char)domain.ptr[i];
		if (c >= 0x80 || !(isalnum(c) || c == '-' || c == '.'))
			return false;
	}
	return true;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool is_ok;

	X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_ok = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_ok;
}

static bool set_subject(X509 *certificate, struct bytes domain)
{
	/* A common name holds 64 bytes; longer domains stand in subjectAltName alone. */
	struct bytes common = domain.len <= 64 ? domain : BYTES_LIT("hearth");
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)common.ptr, (int)common.len,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1;
}

static bool set_names(X509 *certificate, struct bytes domain)
{
	/* id-on-xmppAddr, RFC 6120 section 13.7.1.4 */
	struct bytes names =
		arena_printf(scratch(), "DNS:%.*s,otherName:1.3.6.1.5.5.7.8.5;UTF8:%.*s",
			     BYTES_ARG(domain), BYTES_ARG(domain));

	return set_subject(certificate, domain) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_subject_alt_name, names.ptr);
}

static X509 *make_certificate(struct bytes domain, EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	uint64_t serial = random_u64() >> 1;

	if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(certificate), YEARS_10_S) &&
	    X509_set_pubkey(certificate, key) == 1 && set_names(certificate, domain) &&
	    X509_sign(certificate, key, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* Creates the file anew with this mode and lets write_pem fill it. */
static int write_file(const char *path, mode_t mode, bool (*write_pem)(FILE *file, void *what),
		      void *what, struct err *ret_err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool is_ok;

	if (!file) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return err_set(ret_err, -error, "%s: %s", path, strerror(error));
	}
	is_ok = write_pem(file, what) && fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) != 0 || !is_ok) {
		unlink(path);
		return err_set(ret_err, -EIO, "%s: cannot be written", path);
	}
	return 0;
}

static bool write_key(FILE *file, void *key)
{
	return PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool write_certificate(FILE *file, void *certificate)
{
	return PEM_write_X509(file, certificate) == 1;
}

static int write_pair(const char *key_path, const char *certificate_path, EVP_PKEY *key,
		      X509 *certificate, struct err *ret_err)
{
	int r = write_file(key_path, 0600, write_key, key, ret_err);

	if (r < 0)
		return r;
	r = write_file(certificate_path, 0644, write_certificate, certificate, ret_err);
	if (r < 0)
		unlink(key_path);
	return r;
}

int tls_make_self_signed(struct bytes domain, const char *dir, struct err *ret_err)
{
	struct bytes key_path, certificate_path;
	EVP_PKEY *key;
	X509 *certificate;
	int r;

	if (!is_host_name(domain))
		return err_set(ret_err, -EINVAL, "'%.*s' is not a host name",
			       BYTES_ARG(domain));
	key_path = arena_printf(scratch(), "%s/%.*s.key", dir, BYTES_ARG(domain));
	certificate_path = arena_printf(scratch(), "%s/%.*s.pem", dir, BYTES_ARG(domain));
	if (access(key_path.ptr, F_OK) == 0 && access(certificate_path.ptr, F_OK) == 0)
		return 0;
	key = EVP_EC_gen("P-256");
	certificate = key ? make_certificate(domain, key) : NULL;
	if (certificate)
		r = write_pair(key_path.ptr, certificate_path.ptr, key, certificate, ret_err);
	else
		r = err_set(ret_err, -EIO, "no certificate for %.*s (%s)", BYTES_ARG(domain),
			    tls_take_reason());
	X509_free(certificate);
	EVP_PKEY_free(key);
	return r;
}
