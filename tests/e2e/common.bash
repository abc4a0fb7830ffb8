# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2119,SC2120 # arguments that the tests pass
#
# What every end-to-end test shares: programs to trace (tests/targets/README.md), parkscope in the
# background, and sums over its records. Nothing here sleeps for luck: each wait is for a condition
# and fails after a timeout.
#
# PARKSCOPE is the program under test, TARGETS the folder of the programs to trace.

bats_require_minimum_version 1.8.0
bats_load_library bats-support || echo "install the package bats-support" >&2
bats_load_library bats-assert || echo "install the package bats-assert" >&2

# Generous, for a loaded machine with two cores: a test that passes never waits that long.
PATIENCE_S=60

# Processes that the test started, to be ended by teardown.
STARTED=()
declare -A TARGET_INPUT TARGET_OUTPUT

need() {
	command -v "$1" >/dev/null || fail "$1 is missing: install the package $2"
}

setup() {
	[ -x "${PARKSCOPE:-}" ] || fail "PARKSCOPE must name the program under test"
	[ -x "${TARGETS:-}/leak_threads" ] || fail "TARGETS must name the folder of the built targets"
	[ "$(id -u)" = 0 ] || fail "these tests must run as root"
	need jq jq
	need awk mawk
	export LC_ALL=C.UTF-8
	if declare -F setup_test >/dev/null; then
		setup_test
	fi
}

teardown() {
	local pid

	if declare -F teardown_test >/dev/null; then
		teardown_test
	fi
	for pid in "${STARTED[@]}"; do
		kill -CONT "$pid" 2>/dev/null || true
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		show_files
	fi
}

# Of a test that failed: everything that could say why.
show_files() {
	local file

	for file in "$BATS_TEST_TMPDIR"/*; do
		if [ ! -f "$file" ] || [ ! -s "$file" ]; then
			continue
		fi
		echo "--- ${file##*/}, the last lines"
		tail -n 25 "$file" | cut -c 1-1500 | cat -v
	done
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# wait_until DESCRIPTION COMMAND...: until the command succeeds; status 99 means that it never will.
wait_until() {
	local what=$1 end=$(($(now_ms) + PATIENCE_S * 1000)) status

	shift
	while true; do
		status=0
		"$@" || status=$?
		case $status in
		0) return 0 ;;
		99) fail "in vain: $what" || return ;;
		esac
		[ "$(now_ms)" -lt "$end" ] || fail "waited $PATIENCE_S s in vain: $what" || return
		sleep 0.02
	done
}

file_has() {
	grep -q -e "$2" "$1" 2>/dev/null
}

is_gone() {
	# A zombie has gone, too: only its parent has not looked yet.
	local state

	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
	[ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ]
}

task_count() {
	local tasks=("/proc/$1/task"/*)

	echo ${#tasks[@]}
}

has_tasks() {
	[ "$(task_count "$1")" = "$2" ]
}

### Programs to trace

# target_launch NAME [ARGUMENT]...: starts it and sets TARGET to its PID, without waiting.
target_launch() {
	local name=$1 count=${#STARTED[@]} base fd

	shift
	[ -x "$TARGETS/$name" ] || fail "$TARGETS/$name is not built"
	base=$BATS_TEST_TMPDIR/$name.$count
	mkfifo "$base.in"
	exec {fd}<>"$base.in"
	"$TARGETS/$name" "$@" <"$base.in" >"$base.out" 2>"$base.err" {fd}>&- 3>&- &
	TARGET=$!
	STARTED+=("$TARGET")
	TARGET_INPUT[$TARGET]=$fd
	TARGET_OUTPUT[$TARGET]=$base.out
}

# The same, and waits until its threads stand where they should.
target_start() {
	target_launch "$@"
	target_wait "$TARGET" '^ready$'
	if file_has "${TARGET_OUTPUT[$TARGET]}" '^unsupported='; then
		fail "this kernel lacks what $1 needs: $(grep '^unsupported=' "${TARGET_OUTPUT[$TARGET]}")"
	fi
}

target_said() {
	local status=1

	# Asked before the look, so that what it said last is not missed.
	if is_gone "$1"; then
		status=99
	fi
	file_has "${TARGET_OUTPUT[$1]}" "$2" || return "$status"
}

# target_wait PID PATTERN
target_wait() {
	wait_until "target says $2" target_said "$1" "$2"
}

# target_send PID WORD
target_send() {
	echo "$2" >&"${TARGET_INPUT[$1]}"
}

target_ends_count() {
	[ "$(grep -c '^end$' "${TARGET_OUTPUT[$1]}")" -gt "$2" ]
}

# target_report PID: a fresh report, for target_counter.
target_report() {
	local before

	before=$(grep -c '^end$' "${TARGET_OUTPUT[$1]}") || true
	target_send "$1" report
	wait_until "target reports" target_ends_count "$1" "$before"
}

# target_counter PID KEY: as the last report says.
target_counter() {
	local value

	value=$(sed -n "s/^$2=//p" "${TARGET_OUTPUT[$1]}" | tail -n 1)
	[ -n "$value" ] || fail "target $1 has no counter $2"
	echo "$value"
}

# Ends it and insists on a clean end: a target that failed proves nothing.
target_quit() {
	local status=0

	target_send "$1" quit
	wait "$1" || status=$?
	assert_equal "target $1 exit status $status" "target $1 exit status 0"
}

### parkscope

# parkscope_launch NAME [ARGUMENT]...: in the background, output to NAME.out and NAME.err of the
# test's folder; sets SCOPE (PID), RECORDS (output) and ERRORS (messages).
parkscope_launch() {
	RECORDS=$BATS_TEST_TMPDIR/$1.out
	ERRORS=$BATS_TEST_TMPDIR/$1.err
	shift
	"$PARKSCOPE" "$@" >"$RECORDS" 2>"$ERRORS" 3>&- &
	SCOPE=$!
	STARTED+=("$SCOPE")
}

is_attached() {
	local status=1

	if is_gone "$SCOPE"; then
		status=99
	fi
	file_has "$RECORDS" '"parkscope.start"' || return "$status"
}

# The same as jsonl, and waits until it is attached.
parkscope_start() {
	local name=$1

	shift
	parkscope_launch "$name" watch -f jsonl "$@"
	wait_until "parkscope is attached" is_attached
}

# parkscope_wait [STATUS]: until it ends, which must be with this status and without a message.
parkscope_wait() {
	local status=0

	wait_until "parkscope ends" is_gone "$SCOPE"
	wait "$SCOPE" || status=$?
	assert_equal "parkscope exit status $status" "parkscope exit status ${1:-0}"
	if [ "$status" = 0 ]; then
		assert_equal "$(cat "$ERRORS")" ""
	fi
}

parkscope_stop() {
	kill -INT "$SCOPE"
	parkscope_wait
	assert_equal "$(ended_because)" interrupted
}

### Records; each function reads $RECORDS

# pick DATASET EXPRESSION: of each such record, `.p` being what stands under parkscope.
pick() {
	jq -r --arg dataset "parkscope.$1" \
		"select(.event.dataset == \$dataset) | . + {p: .parkscope} | ($2)" "$RECORDS"
}

# sum DATASET EXPRESSION: of all records; an expression may give several numbers, or none.
sum() {
	pick "$1" "$2" | jq -s 'add // 0'
}

# last DATASET EXPRESSION
last() {
	pick "$1" "$2" | tail -n 1
}

# Waits of a reason over the whole run: waits_of REASON FIELD.
waits_of() {
	sum process ".p.waits[] | select(.reason == \"$1\") | .$2"
}

ended_because() {
	last end '.p.reason'
}

# Units at the sites of a reason, in the newest report (of --full, or of a dump).
crowd_of() {
	jq -rs --arg reason "$1" '(map(select(.event.dataset == "parkscope.process")) | last.parkscope.seq // 0) as $seq
		| [.[] | select(.event.dataset == "parkscope.park_site" and .parkscope.seq > $seq
			and .parkscope.reason == $reason) | .parkscope.crowd.now] | add // 0' "$RECORDS"
}

is_crowd() {
	[ "$(crowd_of "$1")" = "$2" ]
}

# How many reports are there; with --full each has a process record.
reports() {
	pick process '1' | wc -l
}

has_reports() {
	[ "$(grep -cs '"parkscope.process"' "$RECORDS")" -ge "$1" ]
}

# Complete: it began, it ended, no record is missing or cut, and nothing was lost.
assert_complete() {
	local count

	count=$(wc -l <"$RECORDS")
	assert_equal "seq $(jq -r .parkscope.seq "$RECORDS" | tr '\n' ' ')" \
		"seq $(seq 0 $((count - 1)) | tr '\n' ' ')"
	assert_equal "first $(head -n 1 "$RECORDS" | jq -r .event.dataset)" "first parkscope.start"
	assert_equal "last $(tail -n 1 "$RECORDS" | jq -r .event.dataset)" "last parkscope.end"
}

# A neighbour of this virtual machine can stretch a walk in the scheduler over its deadline, and some
# switches of its kernel fire no tracepoint, so that the end of a wait is missed
# (doc/architecture.md): that is told, is rare (CI has seen 7 of 1,233), and costs no count.
assert_no_loss() {
	assert_equal "losses $(last end '.p.losses | del(.stack_cut_too_slow, .wait_end_missed) | tojson')" \
		"losses {}"
	assert_between "missed ends of waits" 0 "$(last end '.p.losses.wait_end_missed // 0')" \
		"$(last end '.p.totals.waits / 100 + 2')"
	assert_few_slow_walks
}

assert_few_slow_walks() {
	assert_between "walks that took too long" 0 "$(last end '.p.losses.stack_cut_too_slow // 0')" \
		"$(last end '.p.cost.unwind.stacks / 500 + 3')"
}

# assert_between WHAT LOW VALUE HIGH
assert_between() {
	awk -v low="$2" -v value="$3" -v high="$4" \
		'BEGIN { exit !(low != "" && high != "" && value != "" && value + 0 >= low + 0 && value + 0 <= high + 0) }' ||
		fail "$1: $3 is not between $2 and $4"
}

# assert_within WHAT VALUE EXPECTED PERCENT
assert_within() {
	local bounds

	bounds=$(awk -v e="$3" -v p="$4" 'BEGIN { printf "%.9f %.9f", e * (1 - p / 100), e * (1 + p / 100) }')
	assert_between "$1 ($4 % of $3)" "${bounds% *}" "$2" "${bounds#* }"
}

### BPF objects

# Ids of the programs, maps and links that a process holds, as "prog_id 12" lines.
# bpf_held_by PID, or bpf_held_by with none: by all processes.
bpf_held_by() {
	local files=(/proc/[0-9]*/fdinfo)

	[ -z "${1:-}" ] || files=("/proc/$1/fdinfo")
	grep -rhsE '^(prog_id|map_id|link_id):' "${files[@]}" | tr -d ':' | awk '{ print $1, $2 }' | sort -u
}

# What the kernel has loaded now, in the same form.
bpf_loaded() {
	local kind

	for kind in prog map link; do
		bpftool -j "$kind" show | jq -r ".[]? | \"${kind}_id \\(.id)\""
	done | sort -u
}

# What is loaded but held by no process: left behind, or just being taken down.
bpf_orphans() {
	comm -23 <(bpf_loaded) <(bpf_held_by)
}

no_new_orphans() {
	[ -z "$(comm -13 "$1" <(bpf_orphans))" ]
}

none_loaded() {
	[ -z "$(comm -12 "$1" <(bpf_loaded))" ]
}
