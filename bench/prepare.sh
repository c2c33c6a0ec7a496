# Sourced by script/bench and script/bench-peers, in the repository's top directory: packages,
# builds, places for data and results. POSIX sh.

bench=$PWD/bench
build=$PWD/build-bench
policy=/usr/sbin/policy-rc.d
has_policy=

clean_up() {
	stop_all
	[ -z "$has_policy" ] || rm -f "$policy"
	rm -rf "$work"
}

need_root() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "$0: needs root" >&2
		exit 2
	fi
}

# Debian starts a service when it installs it, unless this file says no. One that exists is
# somebody's decision and stays as it is.
forbid_services() {
	[ ! -e "$policy" ] || return 0
	has_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_missing() {
	_missing=
	for _package in "$@"; do
		is_installed "$_package" || _missing="$_missing $_package"
	done
	[ -n "$_missing" ] || return 0
	DEBIAN_FRONTEND=noninteractive apt-get update -q
	# shellcheck disable=SC2086 # one word per package
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $_missing
}

prepare_peers() {
	need_root
	forbid_services
	install_missing ejabberd prosody lua-event lua-readline lua-unbound
	if [ -n "$has_policy" ]; then
		rm -f "$policy"
		has_policy=
	fi
}

# Hearth is measured as script/build makes it for users.
prepare_build() {
	need_root
	script/deps build
	install_missing python3 openssl util-linux procps
	case " ${servers-hearth} " in
	*" hearth "*) script/build ;;
	esac
	[ -f "$build/build.ninja" ] ||
		meson setup "$build" --buildtype=debugoptimized -Dtests=false -Dbench=true
	ninja -C "$build" bench/load bench/relay bench/bench_xml
}

prepare_results() { # NAME
	mkdir -p "$build/results"
	results=$build/results/$1-$(date -u +%Y%m%dT%H%M%S).jsonl
	load_program=$build/bench/load
	relay_program=$build/bench/relay
	hearthd_program=$PWD/build/hearthd
	hearthctl_program=$PWD/build/hearthctl
	ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
	make_certificate
	python3 "$bench/report.py" conditions "$results"
}

finish() {
	if [ "$failures" -gt 0 ]; then
		echo "$failures cases failed their checks" >&2
		exit 1
	fi
}

work=$(mktemp -d)
chmod 711 "$work" # servers run as users of their own
pids=
. "$bench/suite.sh"
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
