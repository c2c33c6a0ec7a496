# Hearth as the build made it: release, one shard, TLS optional.
hearth_port=25222
hearth_tls_port=25223

hearth_version() {
	_version=$("$hearthd_program" --version | head -n 1)
	_commit=$(git -C "$bench" rev-parse --short=10 HEAD 2>/dev/null || true)
	echo "$_version $_commit"
}

hearth_prepare() { # DIR
	mkdir -p "$1/data"
	sed -e "s|@CERT@|$cert|" -e "s|@KEY@|$key|" -e "s|@PORT@|$hearth_port|" \
		-e "s|@TLS_PORT@|$hearth_tls_port|" \
		"$bench/servers/hearth.yaml" >"$1/hearth.yaml"
}

hearth_start() { # DIR
	taskset -c "$server_core" "$hearthd_program" -c "$1/hearth.yaml" --data-dir "$1/data" \
		>"$1/out.log" 2>&1 &
	launched $!
	wait_port "$hearth_port"
	wait_port "$hearth_tls_port"
}

hearth_fill() { # DIR
	python3 "$bench/servers/accounts.py" hearth localhost |
		"$hearthctl_program" --data-dir "$1/data" user import --hashed - >&2
	if wanted presence || wanted roster || wanted idle-full; then
		say "making rosters through XMPP"
		"$load_program" subscribe --server hearth --case fill --port "$hearth_port" \
			--pid "$server_pid" --cache "$work/salted" --prefix r --users 1000 \
			--contacts 50 >&2
		"$load_program" collect --server hearth --case fill --port "$hearth_port" \
			--pid "$server_pid" --cache "$work/salted" --prefix l --users 20 \
			--contacts 1000 >&2
	fi
}
