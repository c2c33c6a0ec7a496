#!/bin/sh
# A feature built outside the tree, with nothing but the headers, is loaded and works; and what
# claims a thing that another feature has, or was built for another version, stops the start
# with a sentence that names both.
# Usage: test_plugin.sh TALK SOURCE_ROOT CC
set -eu
talk=$(realpath "$1") root=$(realpath "$2") cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

build() { # OUT SOURCE FLAGS…
	out=$1 source=$2
	shift 2
	$cc -std=gnu17 -D_GNU_SOURCE -O1 -fPIC -shared -I "$root/src" "$@" -o "$out" \
		"$root/tests/plugin/$source"
}

works() {
	"$talk" --shards "$1" --plugin "$dir/test.so" "$root"/tests/scripts/plugin-*.talk \
		>out 2>&1 || { cat out; exit 1; }
	grep -q ' 0 failed, 0 skipped$' out || { echo "skipped:"; cat out; exit 1; }
}

refused() { # EXPECTED FLAGS…
	expected=$1
	shift
	build clash.so clash.c "$@"
	if "$talk" --plugin "$dir/test.so" --plugin "$dir/clash.so" \
		"$root"/tests/scripts/xep0199-ping.talk >out 2>&1; then
		echo "not refused: $*"
		exit 1
	fi
	got=$(sed 's/of [0-9]* bytes/of N bytes/g' out)
	[ "$got" = "$expected" ] || {
		printf 'expected: %s\ngot:      %s\n' "$expected" "$got"
		exit 1
	}
}

build test.so plugin_test.c
works 1
works 4

# What is new is welcome beside the other.
build other.so clash.c
"$talk" --plugin "$dir/test.so" --plugin "$dir/other.so" \
	"$root"/tests/scripts/xep0199-ping.talk >out 2>&1 || { cat out; exit 1; }

refused "talk: features: features clash and ping both answer <ping xmlns='urn:xmpp:ping'/>" \
	-DCLASH_IQ=IQ_GET
refused "talk: features: features clash and test both claim <poke xmlns='urn:hearth:test'/>" \
	-DCLASH_NONZA
refused "talk: features: features clash and test both claim rewrite" -DCLASH_REWRITE
refused "talk: features: features clash and test both claim wire count" -DCLASH_COUNT
refused "talk: features: features clash and ping both announce urn:xmpp:ping" -DCLASH_DISCO
refused "talk: features: features clash and test both announce urn:hearth:test" \
	-DCLASH_DISCO_ACCOUNT
refused 'talk: features: two features are named "ping"' '-DCLASH_NAME="ping"'
refused 'talk: plugin: two features are named "test"' '-DCLASH_NAME="test"'
refused "talk: plugin: the feature was built for another version of Hearth (ABI 2 of N bytes, this server has ABI 1 of N bytes)" \
	-DCLASH_ABI=2
refused "talk: plugin: the feature was built for another version of Hearth (ABI 1 of N bytes, this server has ABI 1 of N bytes)" \
	-DCLASH_SIZE=8
refused "talk: plugin: $dir/clash.so exports no hearth_feature" -DCLASH_SYMBOL=other_feature
# The same element of another type is another request.
build clash.so clash.c -DCLASH_IQ=IQ_SET
"$talk" --plugin "$dir/clash.so" "$root"/tests/scripts/xep0199-ping.talk >out 2>&1 ||
	{ cat out; exit 1; }
rm clash.so
if "$talk" --plugin "$dir/clash.so" x.talk >out 2>&1; then exit 1; fi
grep -q '^talk: plugin: cannot load the plugin: .*clash.so' out
echo "all plugins behaved"
