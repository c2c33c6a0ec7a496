# ejabberd from Debian, in the foreground, with its own configuration, Mnesia directory and node
# name on loopback. Modules: those that Debian's configuration enables, less what listens on other
# ports (MQTT, STUN); shapers off. The Erlang VM gets no busy waiting, which at fixed rates would
# be charged to ejabberd as work.
ejabberd_port=26222
ejabberd_tls_port=26223
ejabberd_node=hearthbench@localhost
ejabberd_dist_port=26299

ejabberd_version() {
	dpkg-query -W -f '${Version}' ejabberd
}

ejabberd_erl() { # DIR argument…
	_dir=$1
	shift
	as_user ejabberd "$_dir" taskset -c "$server_core" env ERL_LIBS="$(dirname "$(dirname "$(ejabberd_beams)")")" \
		EJABBERD_CONFIG_PATH="$_dir/ejabberd.yml" EJABBERD_LOG_PATH="$_dir/ejabberd.log" \
		ERL_CRASH_DUMP="$_dir/erl_crash.dump" ERL_EPMD_ADDRESS=127.0.0.1 \
		ERL_MAX_PORTS=100000 \
		erl -noinput -start_epmd false -erl_epmd_port "$ejabberd_dist_port" \
		-kernel inet_dist_use_interface '{127,0,0,1}' "$@"
}

# The directory of ejabberd's own code, whatever the architecture.
ejabberd_beams() {
	dirname "$(dpkg -L ejabberd | grep '/ejabberd_c2s\.beam$')"
}

# Enters the records of a file into Mnesia. `ejabberdctl load` does it in one transaction, which
# takes minutes for so many.
ejabberd_load() { # DIR FILE
	ejabberd_erl "$1" -sname "load$$@localhost" -hidden -dist_listen false -eval "
		{ok, [_Tables | Records]} = file:consult(\"$2\"),
		ok = rpc:call('$ejabberd_node', lists, foreach,
			[fun mnesia:dirty_write/1, Records], infinity),
		halt()."
}

ejabberd_prepare() { # DIR
	mkdir -p "$1/mnesia"
	cat "$cert" "$key" >"$1/cert.pem"
	sed -e "s|@DIR@|$1|g" -e "s|@PORT@|$ejabberd_port|" \
		-e "s|@TLS_PORT@|$ejabberd_tls_port|" \
		"$bench/servers/ejabberd.yml" >"$1/ejabberd.yml"
	chown -R ejabberd: "$1"
}

ejabberd_start() { # DIR
	(cd "$1" && ejabberd_erl "$1" -sname "$ejabberd_node" \
		+K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none \
		-mnesia dir "\"$1/mnesia\"" -s ejabberd) >"$1/out.log" 2>&1 &
	launched $!
	wait_port "$ejabberd_port"
	wait_port "$ejabberd_tls_port"
}

ejabberd_fill() { # DIR
	python3 "$bench/servers/accounts.py" ejabberd "$1/accounts.txt" localhost
	(ejabberd_load "$1" "$1/accounts.txt")
}
