# The relay (bench/relay.c): what the kernel and TLS cost, with no server in between.
relay_port=28222
relay_tls_port=28223

relay_version() {
	uname -r
}

relay_prepare() { # DIR
	:
}

relay_start() { # DIR
	taskset -c "$server_core" "$relay_program" --port "$relay_port" >"$1/plain.log" 2>&1 &
	launched $!
	wait_port "$relay_port"
}

relay_tls_prepare() { # DIR
	:
}

# TLS needs a process of its own, because the relay does not look at what comes in.
relay_tls_start() { # DIR
	taskset -c "$server_core" "$relay_program" --port "$relay_tls_port" \
		--cert "$cert" --key "$key" >"$1/tls.log" 2>&1 &
	launched $!
	wait_port "$relay_tls_port"
}
