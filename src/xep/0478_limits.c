/*
 * XEP-0478 Stream Limits Advertisement: clients learn how large a stanza may be before the server
 * closes the stream over it. Version 0.2.0. No idle time is told: the server ends no idle stream.
 */
#include "core/feature.h"

static void limits_write(const struct domain *domain, const char *option, struct buf *out)
{
	buf_printf(
		out,
		"<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%lld</max-bytes></limits>",
		(long long)settings_int(domain_settings(domain),
					option_find(bytes_of(option))));
}

/* Section 5: the limits change with the login. */
static void limits_before_login(const struct domain *domain, struct buf *out)
{
	limits_write(domain, "limits.preauth_bytes", out);
}

static void limits_after_login(const struct domain *domain, struct buf *out)
{
	limits_write(domain, "limits.stanza_bytes", out);
}

const struct feature feature_limits = {
	FEATURE_ABI,
	.name = "limits",
	.xep = "0478",
	.version = "0.2.0",
	.summary = "Tell clients how large a stanza may be.",
	.preauth_features = limits_before_login,
	.stream_features = limits_after_login,
};
