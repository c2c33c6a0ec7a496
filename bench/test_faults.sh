#!/bin/sh
# The generator must notice every kind of damage. usage: test_faults.sh LOAD RELAY
set -eu
load=$1
relay=$2
port=$((20000 + $$ % 10000))
out=$(mktemp)
pid=
trap 'rm -f "$out"; [ -z "$pid" ] || kill "$pid"' EXIT

# run FAULT: leaves the generator's result in $out and its exit code in $rc.
run() {
	port=$((port + 1))
	"$relay" --port "$port" --fault "$1" --every 50 >"$out" &
	pid=$!
	until grep -q ready "$out"; do
		kill -0 "$pid"
	done
	rc=0
	"$load" rate --relay --server relay --port "$port" --pid "$pid" --users 20 --rate 2000 \
		--seconds 0.3 --patience 1 >"$out" 2>/dev/null || rc=$?
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	pid=
}

count() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$out"
}

run none
[ "$rc" -eq 0 ] && [ "$(count received)" -gt 300 ] || {
	echo "an honest relay was accused:"
	cat "$out"
	exit 1
}
for pair in drop:lost double:duplicate swap:reordered misroute:misrouted harm:corrupted; do
	run "${pair%:*}"
	[ "$rc" -eq 1 ] && [ "$(count "${pair#*:}")" -gt 0 ] || {
		echo "${pair%:*} was not noticed (exit code $rc):"
		cat "$out"
		exit 1
	}
done
