#!/bin/sh
# tools/layers passes a clean tree and refuses each kind of wrong include, with file, line, reason.
# Use: test_layers.sh path/of/tools/layers
set -eu

layers=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# put FILE LINE…
put() {
	file=$tree/src/$1
	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' "$@" >"$file"
}

clean_tree() {
	rm -rf "$tree/src"
	put base/bytes.c '#include "base/bytes.h"' '#include <string.h>'
	put core/user.c '#include "stream/stream.h"' '#include "core/gate.h"' '#include "io/loop.h"'
	put xep/0199_ping.c '#include "core/feature.h"' '#include "core/service.h"' \
		'#include "xmpp/jid.h"' '#include "xml/edit.h"' '#include "store/store.h"' \
		'#include "base/log.h"'
	put muc/room.c '#include "muc/room.h"'
	put main/main.c '#include "admin/admin.h"' '#include "core/user.h"'
}

fail() {
	echo "test_layers: $1" >&2
	exit 1
}

# refuses FILE:LINE WORDS FILE TEXT…: the clean tree with this file in it is refused, with words.
refuses() {
	where=$1 words=$2
	shift 2
	clean_tree
	put "$@"
	if said=$("$layers" "$tree" 2>&1); then
		fail "accepted $where"
	fi
	case $said in
	"src/$where: "*"$words"*) ;;
	*) fail "expected $where: $words, got: $said" ;;
	esac
}

clean_tree
"$layers" "$tree" || fail 'refused a clean tree'

up='includes point down'
refuses base/x.c:2 "$up" base/x.c '/* why */' '#include "io/loop.h"'
refuses io/x.h:1 "$up" io/x.h '#include "xml/stanza.h"'
refuses stream/x.c:1 "$up" stream/x.c '#include "core/user.h"'
refuses core/x.c:3 "$up" core/x.c '' '' '  #  include  "xep/0199_ping.h" // no'
refuses core/x.c:1 "$up" core/x.c '#include "main/config.h"'
refuses base/x.def:1 "$up" base/x.def '#include "core/feature.h"'
only='a feature includes only'
refuses xep/x.c:1 "$only" xep/x.c '#include "io/loop.h"'
refuses xep/x.c:1 "$only" xep/x.c '#include "stream/stream.h"'
refuses xep/x.c:1 "$only" xep/x.c '#include "core/user.h"'
refuses xep/x.c:1 "$only" xep/x.c '#include "store/engine.h"'
refuses xep/x.c:1 "$only" xep/x.c '#include "muc/room.h"'
refuses pubsub/x.c:1 "$only" pubsub/x.c '#include "xep/0199_ping.h"'
refuses muc/x.c:1 "$only" muc/x.c '#include "main/config.h"'
refuses io/x.c:1 'write the room' io/x.c '#include "loop.h"'
refuses io/x.c:1 'no room is called attic' io/x.c '#include "attic/loop.h"'
refuses attic/x.c:1 'no room is called attic' attic/x.c '#include "base/log.h"'

if "$layers" "$tree/none" 2>/dev/null; then
	fail 'accepted a tree without src/'
fi
echo 'ok'
