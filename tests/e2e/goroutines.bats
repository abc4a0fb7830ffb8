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

@test "goroutine?debug=2 of a runtime in motion has no goroutine twice" {
	target_start goroutine_churn loops=8 leak_per_s=1000
	target_send "$TARGET" go
	"$PARKSCOPE" dump -f go -p "$TARGET" >"$BATS_TEST_TMPDIR/moving"
	# The format is whole, and each number is there once: else this exits with 2.
	"$BATS_TEST_DIRNAME/compare-with-debug2" "$BATS_TEST_TMPDIR/moving" "$BATS_TEST_TMPDIR/moving"
	target_quit "$TARGET"
}
