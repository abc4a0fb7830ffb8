#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# User stacks: whole, and the same that gdb sees.

load common.bash

# check_against_gdb TARGET ARGUMENTS...: while all its threads stand still
check_against_gdb() {
	target_start "$@"
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" >"$RECORDS"
	assert_complete
	assert_no_loss
	"$BATS_TEST_DIRNAME/compare-with-gdb" "$TARGET" "$RECORDS"
	target_quit "$TARGET"
}

@test "C: every thread's stack is gdb's" {
	check_against_gdb leak_threads initial=50
}

@test "C, semaphores, mutexes, joins: every thread's stack is gdb's" {
	check_against_gdb joins threads=3
}

@test "C++: every thread's stack is gdb's" {
	check_against_gdb cpp_threads per=3
}

@test "Rust: every thread's stack is gdb's" {
	check_against_gdb rust_threads per=3
}

@test "Python: every thread's stack is gdb's" {
	check_against_gdb python_threads per=3
}

