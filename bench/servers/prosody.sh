# Prosody from Debian, in the foreground, with its own configuration and data directory on
# loopback. Modules: those that Debian's configuration enables, but without mod_limits (which
# would throttle the load) and mod_posix's daemon.
prosody_port=27222
prosody_tls_port=27223

prosody_version() {
	dpkg-query -W -f '${Version}' prosody
}

prosody_prepare() { # DIR
	mkdir -p "$1/data" "$1/certs"
	cp "$cert" "$1/certs/localhost.crt"
	cp "$key" "$1/certs/localhost.key"
	sed -e "s|@DIR@|$1|g" -e "s|@PORT@|$prosody_port|" -e "s|@TLS_PORT@|$prosody_tls_port|" \
		"$bench/servers/prosody.cfg.lua" >"$1/prosody.cfg.lua"
	chown -R prosody: "$1"
}

prosody_start() { # DIR
	as_user prosody "$1" taskset -c "$server_core" prosody --config "$1/prosody.cfg.lua" -F \
		>"$1/out.log" 2>&1 &
	launched $!
	wait_port "$prosody_port"
	wait_port "$prosody_tls_port"
}

prosody_fill() { # DIR
	python3 "$bench/servers/accounts.py" prosody "$1/data" localhost
	chown -R prosody: "$1/data"
}
