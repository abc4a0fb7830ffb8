#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The formats of dump that other tools read.

load common.bash

# Total of a pprof profile, and what one function has, as go tool pprof counts.
pprof_total() {
	go tool pprof -top -sample_index="$2" "$1" 2>/dev/null |
		sed -n 's/^Showing nodes accounting for .* of \([0-9]*\) total$/\1/p'
}

pprof_cumulated() {
	go tool pprof -top -sample_index="$2" "$1" 2>/dev/null |
		awk -v name="$3" '$NF == name { print $4 }'
}

@test "pprof: go tool pprof opens it and counts the threads" {
	local profile=$BATS_TEST_TMPDIR/profile.pb.gz

	need go golang-go
	target_start leak_threads initial=20
	echo "what a profile replaces" >"$profile"
	run --separate-stderr "$PARKSCOPE" dump -p "$TARGET" -f pprof -o "$profile"
	assert_success
	assert_equal "$output$stderr" ""
	run gzip -t "$profile"
	assert_success
	# Main stands in ppoll().
	assert_equal "$(pprof_total "$profile" threads)" 21
	assert_equal "$(pprof_cumulated "$profile" threads wait_for_reply)" 20
	run go tool pprof -raw "$profile"
	assert_success
	assert_line --regexp '^goroutines/count threads/count\[dflt\]$'
	assert_output --partial 'reason:[futex]'
	run go tool pprof -top "$profile"
	assert_line "File: leak_threads"

	# And by a pipe.
	"$PARKSCOPE" dump -p "$TARGET" -f pprof | cat >"$profile.2"
	assert_equal "$(pprof_total "$profile.2" threads)" 21
	target_quit "$TARGET"
}

@test "pprof: several processes have labels; one unit only" {
	local profile=$BATS_TEST_TMPDIR/profile.pb.gz first

	need go golang-go
	target_start leak_threads initial=3
	first=$TARGET
	target_start leak_threads initial=4
	"$PARKSCOPE" dump -p "$TARGET,$first" -f pprof -o "$profile"
	assert_equal "$(pprof_cumulated "$profile" threads wait_for_reply)" 7
	run go tool pprof -tags "$profile"
	assert_output --partial "$first"
	assert_output --partial "$TARGET"
	"$PARKSCOPE" dump -p "$TARGET,$first" -f pprof --unit goroutine -o "$profile"
	run go tool pprof -raw "$profile"
	assert_line --regexp '^goroutines/count\[dflt\] threads/count$'
	refute_output --partial 'reason:'
}

@test "pprof is not for a terminal, one document is not for watch" {
	need script bsdutils
	run script -qec "'$PARKSCOPE' dump -p $$ -f pprof" /dev/null
	assert_failure 1
	assert_output --partial "not to a terminal"
	for format in go pprof; do
		run --separate-stderr "$PARKSCOPE" watch -f "$format"
		assert_failure 2
		assert_equal "$output" ""
		assert_regex "$stderr" "dump -f $format"
	done
}

@test "go: a process without Go says so, and nothing else" {
	target_start leak_threads initial=3
	run --separate-stderr "$PARKSCOPE" dump -p "$TARGET" -f go
	assert_success
	assert_equal "$stderr" ""
	assert_output "# leak_threads $TARGET is no Go program"
}

@test "--unit goroutine leaves the threads out, --unit thread changes nothing here" {
	target_start leak_threads initial=3
	run "$PARKSCOPE" dump -p "$TARGET" --unit goroutine
	assert_success
	assert_line "there is no Go in it"
	refute_output --partial wait_for_reply
	run "$PARKSCOPE" dump -p "$TARGET" --unit thread
	assert_output --partial wait_for_reply
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -p "$TARGET" --unit goroutine -f jsonl >"$RECORDS"
	assert_equal "$(pick park_site '1' | wc -l)" 0
	assert_equal "$(pick process '.p.threads.now')" 4
	assert_complete
}
