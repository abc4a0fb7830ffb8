#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Goroutines, read from outside: the same that the runtime says about itself, and what it does not say.
#
# PARKSCOPE_GO_VERSIONS: besides the Go that the targets are built with, these (scripts/lib/fetch-go
# has a list), separated by blanks.

load common.bash

setup_file() {
	local version

	for version in ${PARKSCOPE_GO_VERSIONS:-}; do
		GOCACHE=$TARGETS/../go-cache "$BATS_TEST_DIRNAME/build-go-variants" "$version" \
			"$BATS_FILE_TMPDIR/go-$version"
	done
}

# with_each_go COMMAND...: with TARGETS as the folder of each Go's programs.
with_each_go() {
	local version

	echo "Go of the targets"
	"$@"
	for version in ${PARKSCOPE_GO_VERSIONS:-}; do
		echo "Go $version"
		TARGETS=$BATS_FILE_TMPDIR/go-$version "$@"
	done
}

# own_stacks FILE: what the runtime of the target says, when all its goroutines stand.
own_stacks() {
	target_send "$TARGET" "stacks $1"
	target_wait "$TARGET" "^stacks=$1\$"
}

# Of the target, into $RECORDS
dump() {
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
}

### Against the runtime

# compare_stacks PROGRAM [ARGUMENT]...
compare_stacks() {
	local base=$BATS_TEST_TMPDIR/stacks.${#STARTED[@]}

	target_start "$@"
	own_stacks "$base.before"
	"$PARKSCOPE" dump -f go -p "$TARGET" >"$base.parkscope"
	own_stacks "$base.after"
	# Else the comparison proves nothing.
	"$BATS_TEST_DIRNAME/compare-with-debug2" "$base.before" "$base.after"
	"$BATS_TEST_DIRNAME/compare-with-debug2" "$base.parkscope" "$base.before"
	target_quit "$TARGET"
}

@test "every goroutine's stack is the runtime's" {
	with_each_go compare_stacks goroutines
}

@test "stripped: every goroutine's stack is the runtime's" {
	with_each_go compare_stacks goroutines-stripped
}

@test "position-independent: every goroutine's stack is the runtime's" {
	with_each_go compare_stacks goroutines-pie
}

@test "cgo: every goroutine's stack is the runtime's, also in C and called from C" {
	with_each_go compare_stacks goroutines-cgo
}

@test "library in a C program: every goroutine's stack is the runtime's" {
	compare_stacks goroutines-cshared
}

### What a goroutine profile does not say

# Of the goroutines that stand in a function of the target: sites_in FUNCTION EXPRESSION
sites_in() {
	pick park_site "select(.p.unit == \"goroutine\" and any(.p.stack[]; startswith(\"main.$1 (\"))) | ($2)"
}

crowd_in() {
	sites_in "$1" '.p.crowd.now' | awk '{ sum += $1 } END { print sum + 0 }'
}

# check_crowd FUNCTION REASON CAPACITY SHARING CREATOR: one site with all 500 of them
check_crowd() {
	assert_equal "$1: $(sites_in "$1" '.p.crowd.now')" "$1: 500"
	assert_equal "$1: $(sites_in "$1" '.p.reason')" "$1: $2"
	assert_equal "$1: $(sites_in "$1" '.p.channel | "\(.capacity) \(.sharing)"')" "$1: $3 $4"
	assert_equal "$1: $(sites_in "$1" ".p.created_by | tostring | contains(\"main.$5\")")" "$1: true"
}

# check_semaphores FUNCTION REASONS SHARING: what all 500 of them wait for; the reason of one of REASONS, a
# regular expression, as it depends on the version
check_semaphores() {
	assert_equal "$1: $(sites_in "$1" '.p.crowd.now')" "$1: 500"
	assert_equal "$1: $(sites_in "$1" ".p.reason | test(\"^($2)\$\")")" "$1: true"
	assert_equal "$1: $(sites_in "$1" '.p.channel | "\(.kind) \(.sharing) \(.looked_at)"')" "$1: semaphore $3 32"
}

check_crowds() {
	target_start "$1" crowd=500
	dump
	assert_equal "losses $(last end '.p.losses | tojson')" "losses {}"
	check_crowd work chan_receive 0 one startWorkers
	check_crowd answer chan_send 0 alone startLeak
	check_crowd submit chan_send 16 one startBackPressure
	check_semaphores enter 'semacquire|sync_mutex_lock' one
	check_semaphores join 'semacquire|sync_waitgroup_wait' alone
	target_quit "$TARGET"
}

@test "crowds: a pool, a leak and back-pressure are told apart by their channels, a convoy by its mutex" {
	with_each_go check_crowds goroutines
}

@test "crowds: also in a stripped program" {
	with_each_go check_crowds goroutines-stripped
}

@test "crowds: also in a position-independent program" {
	with_each_go check_crowds goroutines-pie
}

# check_sharing FUNCTION SHARING
check_sharing() {
	assert_equal "$1: $(sites_in "$1" '.p.channel | select(.) | "\(.kind) \(.sharing)"')" "$1: semaphore $2"
}

check_locks() {
	target_start goroutines per=3 crowd=1
	dump
	check_sharing lockMutex alone
	check_sharing lockForReading alone
	check_sharing lockForWriting alone
	check_sharing waitForGroup alone
	check_sharing doOnce one
	assert_equal "$(sites_in waitForCondition '.p.channel')" null
	target_quit "$TARGET"
}

@test "locks and groups: who waits alone for its own, and who with others" {
	with_each_go check_locks
}

# check_reason FUNCTION REASON
check_reason() {
	assert_equal "$1: $(sites_in "$1" '.p.reason' | sort -u)" "$1: $2"
	assert_equal "$1: $(crowd_in "$1")" "$1: 3"
}

check_reasons() {
	target_start "$1" per=3 crowd=1
	dump
	check_reason sendFull chan_send
	check_reason receiveBuffered chan_receive
	check_reason rangeOver chan_receive
	check_reason selectMany select
	check_reason sleepForAges sleep
	check_reason acceptConnection io_wait
	check_reason readConnection io_wait
	check_reason writePipe io_wait
	target_quit "$TARGET"
}

@test "reasons" {
	with_each_go check_reasons goroutines
}

### A runtime in motion

@test "the collector at work and goroutines that come and go: the leaked ones are all counted" {
	local i before

	export GOGC=1
	target_start goroutine_churn loops=8 leak_per_s=1000
	unset GOGC
	target_send "$TARGET" go
	for i in 1 2 3 4 5; do
		target_report "$TARGET"
		before=$(target_counter "$TARGET" leaked)
		dump
		target_report "$TARGET"
		# A goroutine is created before it is counted, and counted before it stands.
		assert_between "leaked goroutines, dump $i" "$((before * 999 / 1000 - 50))" "$(crowd_in waitForReply)" \
			"$(($(target_counter "$TARGET" leaked) + 1))"
	done
	target_send "$TARGET" stop
	own_stacks "$BATS_TEST_TMPDIR/own"
	target_report "$TARGET"
	dump
	assert_equal "leaked $(crowd_in waitForReply)" "leaked $(target_counter "$TARGET" leaked)"
	assert_equal "losses $(last end '.p.losses | tojson')" "losses {}"
	target_quit "$TARGET"
}

@test "watched under the collector and churn: every stack is one of the program's, who stands still is always there, hardly a read is lost" {
	GOGC=1 target_start goroutine_churn loops=8 leak_per_s=1000 standing=20000
	target_send "$TARGET" go
	parkscope_launch churn watch -f jsonl --full -i 200ms -d 12s -p "$TARGET"
	parkscope_wait
	"$BATS_TEST_DIRNAME/check-churn" 20000 "$RECORDS"
	assert_between "goroutine reads" 500000 "$(sum process '.p.goroutines.now')" 10000000
	# Here every goroutine's stack is read.
	"$PARKSCOPE" dump -f go -p "$TARGET" >"$BATS_TEST_TMPDIR/each"
	"$BATS_TEST_DIRNAME/check-churn" go "$BATS_TEST_TMPDIR/each"
	target_quit "$TARGET"
}

@test "goroutine?debug=2 of a runtime in motion has no goroutine twice" {
	target_start goroutine_churn loops=8 leak_per_s=1000
	target_send "$TARGET" go
	"$PARKSCOPE" dump -f go -p "$TARGET" >"$BATS_TEST_TMPDIR/moving"
	# The format is whole, and each number is there once: else this exits with 2.
	"$BATS_TEST_DIRNAME/compare-with-debug2" "$BATS_TEST_TMPDIR/moving" "$BATS_TEST_TMPDIR/moving"
	target_quit "$TARGET"
}

### Wherever the program is

# check_found FOLDER PROGRAM: the program there is read as the same one elsewhere
check_found() {
	TARGETS=$1 target_start "$2" crowd=100
	dump
	assert_equal "$2: $(last process '.p.go_version')" "$2: go$(last_version)"
	assert_equal "$2: $(sites_in answer '"\(.p.crowd.now) \(.p.reason)"')" "$2: 100 chan_send"
}

# Of the machine's Go: "1.19.8"
last_version() {
	sed -n 's/^go=go//p' "${TARGET_OUTPUT[$TARGET]}"
}

@test "a program without section table, and then without a name" {
	local folder=$BATS_TEST_TMPDIR/programs

	mkdir "$folder"
	cp "$TARGETS/goroutines-stripped" "$folder/no-sections"
	# e_shoff, and e_shentsize, e_shnum and e_shstrndx, of elf(5)
	printf '%08d' 0 | tr 0 '\0' | dd of="$folder/no-sections" bs=1 seek=40 conv=notrunc status=none
	printf '%06d' 0 | tr 0 '\0' | dd of="$folder/no-sections" bs=1 seek=58 conv=notrunc status=none
	check_found "$folder" no-sections
	mv "$folder/no-sections" "$folder/renamed"
	dump
	assert_equal "renamed $(sites_in answer '.p.crowd.now')" "renamed 100"
	rm "$folder/renamed"
	dump
	assert_equal "deleted $(sites_in answer '.p.crowd.now')" "deleted 100"
	target_quit "$TARGET"
}

@test "a process that ends leaves no goroutine behind" {
	target_start goroutines crowd=100
	parkscope_start watch -p "$TARGET" -i 500ms --full
	wait_until "two reports" has_reports 2
	target_quit "$TARGET"
	parkscope_wait
	assert_equal "now $(last process '.p.goroutines.now')" "now 0"
	assert_equal "crowd $(sites_in answer '.p.crowd.now' | tail -n 1)" "crowd 0"
}

# with_version FILE COPY VERSION: a copy that says that another Go has built it
with_version() {
	python3 - "$@" <<'PYTHON'
import re, sys
data = open(sys.argv[1], "rb").read()
start = data.index(b"\xff Go buildinf:")
found = re.compile(rb"go1\.[0-9.]+").search(data, start, start + 64)
version = sys.argv[3].encode()
assert len(version) == len(found[0]), found[0]
open(sys.argv[2], "wb").write(data[:found.start()] + version + data[found.end():])
PYTHON
	chmod +x "$2"
}

@test "an unknown version: its DWARF tells, or it is refused by name" {
	local version

	target_start goroutines crowd=100
	version=go1.99.$(last_version | sed 's/^[0-9]*\.[0-9]*\.//')
	target_quit "$TARGET"
	with_version "$TARGETS/goroutines" "$BATS_TEST_TMPDIR/with-dwarf" "$version"
	with_version "$TARGETS/goroutines-stripped" "$BATS_TEST_TMPDIR/without-dwarf" "$version"

	TARGETS=$BATS_TEST_TMPDIR target_start with-dwarf crowd=100
	dump
	assert_equal "$(last process '.p.go_version')" "$version"
	assert_equal "with DWARF $(sites_in answer '"\(.p.crowd.now) \(.p.reason)"')" "with DWARF 100 chan_send"
	target_quit "$TARGET"

	TARGETS=$BATS_TEST_TMPDIR target_start without-dwarf crowd=100
	dump
	assert_equal "$(last process '.p.goroutines_unavailable')" \
		"$version is not a version that parkscope knows, and the program has no DWARF to tell its layouts"
	assert_equal "without DWARF $(sites_in answer .p.crowd.now)" "without DWARF "
	assert_equal "losses $(last end '.p.losses | tojson')" 'losses {"go_version_unknown":1}'
	"$PARKSCOPE" dump -p "$TARGET" >"$BATS_TEST_TMPDIR/text"
	grep -q "^goroutines: not read: $version is not a version" "$BATS_TEST_TMPDIR/text"
	target_quit "$TARGET"
}

@test "panicparse reads the format go" {
	target_start goroutines crowd=123
	"$PARKSCOPE" dump -f go -p "$TARGET" | panicparse >"$BATS_TEST_TMPDIR/parsed"
	# Three crowds of that size, each in one bucket.
	assert_equal "$(grep -c '^123: chan ' "$BATS_TEST_TMPDIR/parsed")" 3
	grep -A1 '^123: chan send .*main.startLeak' "$BATS_TEST_TMPDIR/parsed" | grep -q 'answer('
	target_quit "$TARGET"
}
