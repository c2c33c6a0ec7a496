# Sourced by script/bench and script/bench-peers: starting servers on loopback and running the
# cases against them. POSIX sh. Needs: $bench (this directory), $work (a new directory for
# data), $results (the JSON lines file), $load_program, $relay_program; for Hearth also
# $hearthd_program and $hearthctl_program.
#
# $words, if not empty, selects the cases whose names begin so.
#
# The server is pinned to one core and the generator to another; each figure is CPU time of the
# server's processes.

server_core=0
all_cores=0-$(($(nproc) - 1))
load_core=$(($(nproc) > 1 ? 1 : 0))
seconds=${BENCH_SECONDS:-8}
rate_seconds=${BENCH_RATE_SECONDS:-6}
idle_sessions=${BENCH_IDLE:-10000}
cert=$work/cert.pem
key=$work/key.pem
failures=0

for _file in "$bench"/servers/*.sh; do
	. "$_file"
done

say() {
	echo "bench: $*" >&2
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$key" -out "$cert" 2>/dev/null
	chmod 644 "$key" # servers run as users of their own, and it is worth nothing
}

# as_user USER HOME COMMAND…: replaces the (sub)shell, so that $! is the server.
as_user() {
	_user=$1
	_home=$2
	shift 2
	exec setpriv --reuid "$_user" --regid "$_user" --clear-groups \
		env HOME="$_home" "$@"
}

# wait_port PORT: up to a minute.
wait_port() {
	_tries=0
	while ! python3 -c "import socket; socket.create_connection(('127.0.0.1', $1), 1)" \
		2>/dev/null; do
		_tries=$((_tries + 1))
		if [ "$_tries" -gt 200 ] || ! kill -0 "$server_pid" 2>/dev/null; then
			say "nothing listens on port $1"
			tail -n 20 "$work"/*/out.log >&2 || true
			return 1
		fi
		sleep 0.3
	done
}

# launched PID: remembers it at once, so that it is stopped whatever happens next.
launched() {
	server_pid=$1
	pids="$pids $1"
}

# start_server NAME: on its data directory, which is made the first time.
start_server() {
	if [ ! -d "$work/$1" ]; then
		mkdir -p "$work/$1"
		"${1}_prepare" "$work/$1"
	fi
	"${1}_start" "$work/$1"
	pid=$server_pid
}

stop_server() { # PID
	kill -TERM "$1" 2>/dev/null || true
	_tries=0
	while kill -0 "$1" 2>/dev/null; do
		_tries=$((_tries + 1))
		[ "$_tries" -gt 100 ] && kill -KILL "$1" 2>/dev/null
		sleep 0.1
	done
	_left=
	for _pid in $pids; do
		[ "$_pid" = "$1" ] || _left="$_left $_pid"
	done
	pids=$_left
}

stop_all() {
	for _each in $pids; do
		stop_server "$_each"
	done
}

# measure CASE SCENARIO [option…]: against $server at $port, $pid.
measure() {
	_case=$1
	shift
	wanted "$_case" || return 0
	say "$server $_case"
	# shellcheck disable=SC2086 # $server_options is a list
	if ! taskset -c "$load_core" "$load_program" --case "$_case" --server "$server" \
		--version "$version" --port "$port" --pid "$pid" --seconds "$seconds" --patience 30 \
		--out "$results" --cache "$work/salted" $server_options "$@" >/dev/null; then
		failures=$((failures + 1))
	fi
}

# A case is wanted if no words were given or one of them is the beginning of its name.
wanted() {
	[ -z "$words" ] && return 0
	for _word in $words; do
		case $1 in
		"$_word"*) return 0 ;;
		esac
	done
	return 1
}

# The rates at which a server's latency is taken. Peers get those that they can follow and one
# beyond; asking for more would only measure how long their queues get.
rates() {
	case $server in
	hearth) echo 1000 2500 5000 20000 50000 ;;
	*) echo 1000 2500 5000 ;;
	esac
}

# Three rounds, each with the relay in the same minute, because the machine changes with time.
run_rates() {
	wanted rate || return 0
	_pid=$pid _port=$port _server=$server _version=$version _options=$server_options
	start_server relay
	_relay=$pid
	for _rate in $(rates); do
		for _round in 1 2 3; do
			server=relay version=$(relay_version) port=$relay_port pid=$_relay
			server_options="--relay --seconds $rate_seconds"
			measure "rate-$_rate-beside-$_server" rate --rate "$_rate"
			server=$_server version=$_version port=$_port pid=$_pid
			server_options="$_options --seconds $rate_seconds"
			measure "rate-$_rate" rate --rate "$_rate"
		done
	done
	server_options=$_options
	stop_server "$_relay"
}

# Memory needs a fresh process: what earlier cases left in the allocator would be used again.
measure_fresh() { # CASE SCENARIO [option…]
	wanted "$1" || return 0
	stop_server "$pid"
	start_server "$_start"
	measure "$@"
}

run_relay() {
	server=relay version=$(relay_version) server_options=--relay port=$relay_port _start=relay
	start_server relay
	measure process process
	measure login login
	measure chat-1 chat --window 1
	measure chat-8 chat --window 8
	measure_fresh idle idle --users "$idle_sessions" --concurrency 64
	stop_server "$pid"
	port=$relay_tls_port _start=relay_tls server_options='--relay --tls direct'
	start_server relay_tls
	measure login-tls login
	measure chat-1-tls chat --window 1
	measure chat-8-tls chat --window 8
	measure_fresh idle-tls idle --users 2000 --concurrency 64
	stop_server "$pid"
}

run_server() { # NAME
	server=$1 version=$("${1}_version") server_options= _start=$1
	eval "_plain_port=\$${1}_port _tls_port=\$${1}_tls_port"
	port=$_plain_port
	say "starting $server $version"
	_core=$server_core server_core=$all_cores
	start_server "$server"
	measure process process
	say "making accounts"
	BENCH_IDLE=$idle_sessions "${server}_fill" "$work/$server"
	stop_server "$pid"
	server_core=$_core
	start_server "$server"
	measure login login
	measure chat-1 chat --window 1
	measure chat-8 chat --window 8
	measure login-starttls login --tls starttls
	run_rates
	measure subscribe subscribe --prefix s --users 100 --contacts 20
	measure collect collect --prefix s --users 20 --contacts 100
	measure presence presence --prefix r --users 1000 --contacts 50 --window 20
	measure roster-50 roster --prefix r --users 100 --contacts 50
	measure roster-1000 roster --prefix l --users 20 --contacts 1000
	port=$_tls_port server_options='--tls direct'
	measure login-tls login
	measure chat-1-tls chat --window 1
	measure chat-8-tls chat --window 8
	measure_fresh idle-tls idle --users 2000 --concurrency 64
	port=$_plain_port server_options=
	measure_fresh idle idle --users "$idle_sessions" --concurrency 64
	measure_fresh idle-present idle --prefix r --users 1000 --setup roster,presence
	measure_fresh idle-full idle --prefix r --users 1000 --setup roster,carbons,sm,presence
	stop_server "$pid"
}
