# Sourced by script/test, script/check and script/check-long: named steps, counted.
# Each step is one test; a step that runs many tests adds their numbers instead (add_counts).

passed=0
failed=0
skipped=0
logs=build-test/logs
jobs=$(nproc)
mkdir -p "$logs"

# step NAME COMMAND…: one test. Exit code 77 means skipped.
step() {
	name=$1
	shift
	log=$logs/$name.log
	start=$(date +%s)
	status=0
	"$@" >"$log" 2>&1 </dev/null || status=$?
	seconds=$(($(date +%s) - start))
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok      $name ($seconds s)"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skipped $name ($(tail -n 1 "$log"))"
		;;
	*)
		failed=$((failed + 1))
		echo "FAILED  $name ($seconds s), exit code $status; $log ends with:"
		tail -n 40 "$log" | sed 's/^/        /'
		;;
	esac
	return 0
}

# meson_tests NAME BUILD_DIR [arguments of meson test]: every test of meson's counts as one.
meson_tests() {
	name=$1
	dir=$2
	shift 2
	start=$(date +%s)
	rm -f "$dir/meson-logs/testlog.json"
	meson test -C "$dir" --no-rebuild --timeout-multiplier 6 --print-errorlogs "$@" >"$logs/$name.log" 2>&1 </dev/null
	counts=$(python3 tools/count_tests.py "$dir/meson-logs/testlog.json") || counts='0 1 0'
	# shellcheck disable=SC2086 # three numbers
	set -- $counts
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
	word=ok
	if [ "$2" -gt 0 ]; then
		word=FAILED
		grep -v '^ *[0-9]*/[0-9]* .* OK ' "$logs/$name.log" | tail -n 120 | sed 's/^/        /'
	fi
	printf '%-7s %s: %s passed, %s failed, %s skipped (%s s)\n' \
		"$word" "$name" "$1" "$2" "$3" $(($(date +%s) - start))
}

# configure DIR [arguments of meson setup]: only the first time.
configure() {
	dir=$1
	shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"
}

# The last line of every script here; the exit code says the same.
summary() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
