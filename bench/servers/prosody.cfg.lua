-- Prosody for the benchmark: Debian's modules, nothing throttled, TLS optional.
data_path = "@DIR@/data"
pidfile = "@DIR@/prosody.pid"
certificates = "@DIR@/certs"
admin_socket = "@DIR@/admin.sock"

modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls";
	"blocklist"; "bookmarks"; "carbons"; "dialback"; "pep"; "private"; "smacks";
	"vcard4"; "vcard_legacy";
	"csi_simple"; "invites"; "invites_adhoc"; "invites_register"; "ping"; "register"; "time";
	"uptime"; "version";
	"admin_adhoc"; "admin_shell";
	"posix";
}
modules_disabled = { "s2s" }

interfaces = { "127.0.0.1" }
c2s_ports = { @PORT@ }
c2s_direct_tls_ports = { @TLS_PORT@ }
http_ports = {}
https_ports = {}
c2s_require_encryption = false
authentication = "internal_hashed"
storage = "internal"
log = { warn = "@DIR@/prosody.log" }

VirtualHost "localhost"
