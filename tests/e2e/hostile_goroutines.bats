#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Processes that lie about their goroutines: they cost bounded time and memory, what could not be
# believed is counted, and what is honest beside the lies is right.

load common.bash

# What was measured is about half of that.
DUMP_CPU_S=5
WATCH_CPU_S=10
MEMORY_KB=131072
MEMORY_OF_MILLIONS_KB=262144

setup_file() {
	[ -x /usr/bin/time ] || fail "/usr/bin/time is missing: install the package time"
}

# bounded NAME CPU_S KB ARGUMENT...: runs parkscope on the target, output to NAME.out
bounded() {
	local name=$1 cpu_s=$2 kb=$3 cost=$BATS_TEST_TMPDIR/$1.cost

	shift 3
	RECORDS=$BATS_TEST_TMPDIR/$name.out
	/usr/bin/time -o "$cost" -f '%U %S %M' timeout 60 "$PARKSCOPE" "$@" -p "$TARGET" \
		>"$RECORDS" 2>"$BATS_TEST_TMPDIR/$name.err" || fail "status $? of $*: $(cat "$BATS_TEST_TMPDIR/$name.err")"
	assert_equal "$name says $(cat "$BATS_TEST_TMPDIR/$name.err")" "$name says "
	echo "$name: $(awk '{ print $1 + $2 " s of CPU, " $3 " KB" }' "$cost"), $(wc -c <"$RECORDS") bytes"
	assert_between "$name: seconds of CPU" 0 "$(awk '{ print $1 + $2 }' "$cost")" "$cpu_s"
	assert_between "$name: memory" 0 "$(awk '{ print $3 }' "$cost")" "$kb"
}

assert_valid() {
	run "$BATS_TEST_DIRNAME/validate-jsonl" "$RECORDS"
	# shellcheck disable=SC2154
	assert_equal "status $status $output" "status 0 $(wc -l <"$RECORDS") records valid"
}

# Text for people has no byte that a terminal obeys, C1 controls in UTF-8 included.
assert_harmless() {
	run env LC_ALL=C grep -anP '[^\t\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]' "$RECORDS"
	assert_equal "control characters: $(cat -v <<<"$output" | head -n 3)" "control characters: "
}

# start_liar KIND COUNT
start_liar() {
	target_start lying_goroutines "count=$2"
	tell "$1"
}

tell() {
	target_send "$TARGET" "lie $1"
	target_wait "$TARGET" "^lie=$1\$"
}

loss() {
	last end ".p.losses.$1 // 0"
}

# Of the last report: those who stand in waitForReply, where the honest ones were started.
honest_crowd() {
	jq -rs '(map(select(.event.dataset == "parkscope.process")) | last.parkscope.seq // 0) as $seq
		| [.[] | select(.event.dataset == "parkscope.park_site") | .parkscope
		| select(.seq > $seq and .unit == "goroutine" and (.stack[0] | startswith("main.waitForReply ("))
			and (.created_by | tostring | contains("main.startHonest"))) | .crowd.now] | max // 0' "$RECORDS"
}

# endure KIND COUNT KB LOSSES HONEST_MAX: dump and watch; one of LOSSES is counted
endure() {
	local kind=$1 count=$2 kb=$3 losses=$4 most=$5

	start_liar "$kind" "$count"
	bounded "$kind-dump" "$DUMP_CPU_S" "$kb" dump -f jsonl
	assert_valid
	assert_between "$kind: losses $losses of $(last end '.p.losses | tojson')" 1 \
		"$(last end "[.p.losses | to_entries[] | select(.key | IN($losses)) | .value] | add // 0")" "$((4 * count + 1000))"
	[ "$most" = 0 ] || assert_between "$kind: honest goroutines" 500 "$(honest_crowd)" "$most"
	bounded "$kind-text" "$DUMP_CPU_S" "$kb" dump -v
	assert_harmless
	bounded "$kind-watch" "$WATCH_CPU_S" "$kb" watch -f jsonl --full -n 2 -i 500ms
	assert_valid
	[ "$most" = 0 ] || assert_between "$kind: honest goroutines, watched" 500 "$(honest_crowd)" "$most"
	target_quit "$TARGET"
}

### The list of goroutines

@test "a list of five million: one goroutine again and again" {
	endure same 5000000 "$MEMORY_OF_MILLIONS_KB" '"goroutine_damaged"' 500
	assert_between "beyond the limit, at each look" 806206 "$(loss goroutines_beyond_limit)" $((4 * 806206))
}

@test "a list of five million numbers that are no pointers" {
	endure no_pointers 5000000 "$MEMORY_OF_MILLIONS_KB" '"goroutine_damaged"' 500
}

@test "a list of five million pointers to unmapped pages, behind the heap and before it" {
	endure unmapped_behind 5000000 "$MEMORY_OF_MILLIONS_KB" '"goroutine_unreadable"' 500
	# The honest ones come after the failures: they are counted as unreadable.
	endure unmapped_before 5000000 "$MEMORY_OF_MILLIONS_KB" '"goroutine_unreadable"' 0
}

@test "a million invented goroutines, all different" {
	endure fakes 1000000 "$MEMORY_OF_MILLIONS_KB" '"sites_full"' 500
}

@test "a list that moves a thousand times a second" {
	endure moving 1000000 "$MEMORY_OF_MILLIONS_KB" '"sites_full", "goroutine_sweep_failed"' 0
}

@test "a list that cannot be one is not found: the process is refused, and its threads are shown" {
	local kind

	for kind in length_huge length_beyond_capacity array_unmapped array_misaligned; do
		start_liar "$kind" 1
		bounded "$kind" "$DUMP_CPU_S" "$MEMORY_KB" dump -f jsonl
		assert_valid
		assert_equal "$kind: $(last process '.p.goroutines_unavailable')" \
			"$kind: go1.19.8: the list of goroutines was not found"
		assert_equal "$kind: losses $(last end '.p.losses | tojson')" "$kind: losses {\"go_version_unknown\":1}"
		assert_between "threads" 1 "$(last process '.p.threads.now')" 100
		target_quit "$TARGET"
	done
}

@test "a length beyond the limit: the rest is counted, and zeros end the list" {
	start_liar length_beyond_limit 1
	bounded beyond "$DUMP_CPU_S" "$MEMORY_KB" dump -f jsonl
	assert_equal "losses $(last end '.p.losses | tojson')" \
		"losses {\"goroutines_beyond_limit\":$(((1 << 24) + 5 - (4 << 20)))}"
	assert_equal "honest $(honest_crowd)" "honest 500"
	target_quit "$TARGET"
}

# In a report after so many
crowd_again() {
	[ "$(reports)" -gt "$1" ] && [ "$(honest_crowd)" = 500 ]
}

sweeps_failed() {
	sum loss '.p.losses.goroutine_sweep_failed // 0'
}

more_failed() {
	[ "$(sweeps_failed)" -gt "$1" ]
}

@test "a list that becomes nonsense and is mended: the sweep is a loss, and then all are there again" {
	local kind before

	target_start lying_goroutines
	parkscope_start moods --full -i 500ms -p "$TARGET"
	wait_until "the honest ones are there" crowd_again 0
	# What is known of goroutines that stand still needs no list.
	tell array_unmapped
	wait_until "all are still there" crowd_again "$(($(reports) + 2))"
	assert_equal "failed sweeps $(sweeps_failed)" "failed sweeps 0"
	for kind in length_beyond_capacity array_misaligned length_huge; do
		before=$(sweeps_failed)
		tell "$kind"
		# Its length is not believed, but what stands in the list is.
		[ "$kind" = length_huge ] || wait_until "$kind is a loss" more_failed "$before"
		target_send "$TARGET" "lie none"
		wait_until "all are there again" crowd_again "$(($(reports) + 2))"
	done
	parkscope_stop
	assert_valid
	target_quit "$TARGET"
}

### Goroutines

@test "a hundred thousand invented goroutines in a hundred thousand places" {
	endure code 100000 "$MEMORY_KB" '"sites_full"' 510
}

@test "a hundred thousand deep stacks, all different" {
	endure deep 100000 "$MEMORY_KB" '"goroutine_too_slow", "sites_full"' 500
}

@test "frame pointers that lead back" {
	endure cyclic 100000 "$MEMORY_KB" '"goroutine_stack_cut"' 500
}

@test "stacks of absurd size" {
	endure stack_huge 100000 "$MEMORY_KB" '"goroutine_stack_cut"' 500
	endure stack_tiny 100000 "$MEMORY_KB" '"goroutine_stack_cut"' 500
}

@test "places outside of code" {
	endure pc_outside 100000 "$MEMORY_KB" '"goroutine_stack_cut"' 500
}

@test "system calls of threads that are not there" {
	endure system_calls 100000 "$MEMORY_KB" '"sites_full"' 510
}

# count_sites PREDICATE: of the sites with 20,000 goroutines that it selects
count_sites() {
	pick park_site "select(.p.unit == \"goroutine\" and .p.crowd.now == 20000 and ($1)) | 1" | wc -l
}

@test "channels: circles, more elements than room, more room than there is" {
	start_liar channels 100000
	bounded channels "$DUMP_CPU_S" "$MEMORY_KB" dump -f jsonl
	assert_valid
	assert_equal "honest $(honest_crowd)" "honest 500"
	assert_equal "sites $(count_sites true)" "sites 5"
	# Only the circle is something that can be: a select of many times the same channel.
	assert_equal "selects $(count_sites '.p.channel.kind == "select"')" "selects 1"
	assert_equal "others $(count_sites '.p.channel != null and .p.channel.kind != "select"')" "others 0"
	target_quit "$TARGET"
}

@test "labels: maps without end, strings of 2^40 bytes, control characters" {
	start_liar labels 10000
	bounded labels "$DUMP_CPU_S" "$MEMORY_KB" dump -f go -v
	assert_harmless
	assert_equal "goroutines with their labels $(grep -c '^goroutine [0-9]* \[chan send\] {\\x1b\\x0acba' "$RECORDS")" \
		"goroutines with their labels 3333"
	assert_equal "honest $(grep -c '^main.waitForReply(...)$' "$RECORDS")" "honest 500"
	target_quit "$TARGET"
}

### Files

# A copy of a stripped program whose line table has names as long as before with bytes for terminals.
patch_names() {
	python3 - "$1" "$2" <<-'PYTHON'
		import sys
		data = open(sys.argv[1], "rb").read()
		for old, new in ((b"main.answer\0", b"ma.\x1b[2J\n\xc2\x9b\xff\0"), (b"crowds.go\0", b"c\x1b]0;\x07\r\n\t\0")):
		    assert data.count(old) >= 1 and len(old) == len(new), (old, len(old), len(new))
		    data = data.replace(old, new)
		open(sys.argv[2], "wb").write(data)
	PYTHON
	chmod +x "$2"
}

@test "names of functions and files with escape sequences and newlines" {
	local folder=$BATS_TEST_TMPDIR/patched

	mkdir "$folder"
	patch_names "$TARGETS/goroutines-stripped" "$folder/patched"
	TARGETS=$folder target_start patched crowd=500
	bounded names-text "$DUMP_CPU_S" "$MEMORY_KB" dump -v
	assert_harmless
	grep -qF 'ma.\x1b[2J\x0a' "$RECORDS" || fail "the name is not there, escaped"
	bounded names-go "$DUMP_CPU_S" "$MEMORY_KB" dump -f go
	assert_harmless
	assert_equal "go $(grep -cF 'ma.\x1b[2J\x0a' "$RECORDS")" "go 500"
	bounded names-jsonl "$DUMP_CPU_S" "$MEMORY_KB" dump -f jsonl
	assert_valid
	assert_equal "lines with control characters $(LC_ALL=C grep -c '[^ -~]' "$RECORDS")" "lines with control characters 0"
	assert_equal "crowd $(pick park_site 'select(any(.p.stack[]; startswith("ma.\u001b[2J\n"))) | .p.crowd.now')" "crowd 500"
	target_quit "$TARGET"
}

# refuses PROGRAM WHY
refuses() {
	target_start "$1"
	bounded "$1" "$DUMP_CPU_S" "$MEMORY_KB" dump -f jsonl
	assert_valid
	assert_equal "$1: $(last process '.p.goroutines_unavailable')" "$1: $2"
	assert_equal "$1: losses $(last end '.p.losses | tojson')" "$1: losses {\"go_version_unknown\":1}"
	assert_equal "$1: threads $(last process '.p.threads.now')" "$1: threads 1"
	bounded "$1-text" "$DUMP_CPU_S" "$MEMORY_KB" dump
	assert_harmless
	assert_equal "$1: $(grep -cF "not read: $2" "$RECORDS")" "$1: 1"
	target_quit "$TARGET"
}

@test "build info of Go in a program that is not" {
	refuses fake_go-unknown \
		"go1.99 is not a version that parkscope knows, and the program has no DWARF to tell its layouts"
	refuses fake_go-bare "go1.19: the program has no line table (.gopclntab)"
	refuses fake_go-garbage "the version of Go in its build info is damaged"
}
