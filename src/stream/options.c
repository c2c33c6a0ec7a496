/* The options and metrics of streams. */
#include "base/secret.h"
#include "stream/inside.h"
#include "stream/web.h"

struct option stream_opt_preauth_bytes =
	OPTION_INT("limits.preauth_bytes", OPTION_SERVER, 10000, 1000, 1048576,
		   "Largest element that a client may send before it has logged in, in bytes; "
		   "RFC 6120 section 13.12 asks for at least 10000.");
struct option stream_opt_preauth_per_address = OPTION_INT(
	"limits.preauth_per_address", OPTION_SERVER, 200, 1, 1000000,
	"How many connections of one address (IPv6: one /64) may be logging in at the "
	"same time; raise it for many users behind one address.");
struct option stream_opt_preauth_seconds =
	OPTION_INT("limits.preauth_seconds", OPTION_SERVER, 60, 1, 3600,
		   "Seconds that a client has from connecting until it is logged in.");
struct option stream_opt_preauth_total = OPTION_INT(
	"limits.preauth_total", OPTION_SERVER, 20000, 1, 10000000,
	"How many connections of all addresses together may be logging in at the same "
	"time; bounds what a flood can take.");
struct option stream_opt_queue_bytes =
	OPTION_INT("limits.queue_bytes", OPTION_DOMAIN, 4194304, 65536, 1073741824,
		   "Bytes that may wait for a client that does not read before it is cut off.");
struct option stream_opt_stanza_bytes =
	OPTION_INT("limits.stanza_bytes", OPTION_DOMAIN, 262144, 10000, 16777216,
		   "Largest stanza that a logged-in client may send, in bytes.");
struct option stream_opt_sasl_mechanisms = OPTION_LIST(
	"sasl.mechanisms", OPTION_DOMAIN, "SCRAM-SHA-512,SCRAM-SHA-256,SCRAM-SHA-1,PLAIN",
	"How clients may prove who they are; each SCRAM stands for its -PLUS form too, and "
	"PLAIN lets accounts with imported passwords log in.");
struct option stream_opt_tls_certificate =
	OPTION_LIST("tls.certificate", OPTION_DOMAIN, NULL,
		    "PEM files of the domain's certificate chains, one for each type of key "
		    "(ECDSA, RSA); without any, a self-signed one is made.");
struct option stream_opt_tls_key =
	OPTION_LIST("tls.key", OPTION_DOMAIN, NULL,
		    "PEM files of the private keys, in the order of tls.certificate; a key may "
		    "also stand in its certificate's file.");
struct option stream_opt_tls_required =
	OPTION_BOOL("tls.required", OPTION_DOMAIN, true,
		    "Whether clients must encrypt before they log in; no lets SCRAM and PLAIN "
		    "pass in the clear and is meant for loopback and measurements.");

struct option stream_opt_web_origins = OPTION_LIST(
	"web.origins", OPTION_DOMAIN, NULL,
	"Web pages of other servers that may connect by WebSocket, such as "
	"https://chat.example.org, or * for all; a page that this server itself shows always "
	"may. The domain is the host that the browser asks for.");
struct option stream_opt_web_websocket_url =
	OPTION_STRING("web.websocket_url", OPTION_DOMAIN, NULL,
		      "The wss:// address that clients are told (XEP-0156) if it is not "
		      "wss://HOST/xmpp-websocket "
		      "at the host they asked, such as behind a proxy.");

struct metric stream_metric_open =
	METRIC_GAUGE("streams", "Client streams that are open, logged in or not.");
struct metric stream_metric_refused = METRIC_COUNTER(
	"streams_refused", "Connections cut at once because too many were logging in.");
struct metric stream_metric_errors =
	METRIC_COUNTER("stream_errors", "Streams closed with a stream error.");
struct metric stream_metric_auth_ok = METRIC_COUNTER("auth_successes", "Successful logins.");
struct metric stream_metric_auth_failed =
	METRIC_COUNTER("auth_failures", "Logins that failed, for whatever reason.");
struct metric stream_metric_timeouts =
	METRIC_COUNTER("preauth_timeouts", "Clients that did not log in in time.");

void stream_register(void)
{
	uint8_t secret[SASL_SECRET_BYTES];

	random_fill(secret, sizeof(secret));
	stream_set_secret(secret);
#define STREAM_OPTION(name) option_register(&stream_opt_##name);
#include "stream/options.def"
#undef STREAM_OPTION
	web_register();
	metric_register(&stream_metric_open);
	metric_register(&stream_metric_refused);
	metric_register(&stream_metric_errors);
	metric_register(&stream_metric_auth_ok);
	metric_register(&stream_metric_auth_failed);
	metric_register(&stream_metric_timeouts);
}
