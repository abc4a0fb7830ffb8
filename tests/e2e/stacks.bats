#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# User stacks: whole, and the same that gdb and jstack see.

load common.bash

# dump [OPTION]...: of the target, into $RECORDS
dump() {
	RECORDS=$BATS_TEST_TMPDIR/dump.out
	"$PARKSCOPE" dump -f jsonl -p "$TARGET" "$@" >"$RECORDS"
	assert_complete
}

# A dump that missed nobody: no thread ran while its stack was read.
dump_at_rest() {
	dump && [ "$(last end '.p.losses.thread_moved // 0')" = 0 ]
}

# program_start COMMAND...: any program, in the background; sets TARGET
program_start() {
	"$@" >"$BATS_TEST_TMPDIR/program.out" 2>"$BATS_TEST_TMPDIR/program.err" 3>&- &
	TARGET=$!
	STARTED+=("$TARGET")
}

program_end() {
	kill "$TARGET"
	wait "$TARGET" || true
}

# The user frames of each site with threads, one stack a line, without offsets and modules.
stacks_of_sites() {
	pick park_site 'select(.p.crowd.now > 0 or .p.waits.count > 0) | .p.stack
		| map(select(endswith(" [k]") | not) | sub("\\+0x[0-9a-f]+( \\(.*\\))?( \\[\\?\\])?$"; "")) | join("; ")'
}

### Against gdb

# check_against_gdb TARGET ARGUMENTS...: while all its threads stand still
check_against_gdb() {
	target_start "$@"
	dump --no-demangle
	assert_no_loss
	"$BATS_TEST_DIRNAME/compare-with-gdb" "$TARGET" "$RECORDS"
	target_quit "$TARGET"
}

@test "C: every thread's stack is gdb's" {
	check_against_gdb leak_threads initial=50
}

@test "C, joins: every thread's stack is gdb's" {
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

### Names

@test "C++ and Rust names are readable, and raw with --no-demangle" {
	target_start cpp_threads per=1
	dump
	stacks_of_sites >"$BATS_TEST_TMPDIR/stacks"
	run ! grep -q _ZN "$BATS_TEST_TMPDIR/stacks"
	grep -q 'parking::Waiter::wait_for_condition' "$BATS_TEST_TMPDIR/stacks"
	dump --no-demangle
	stacks_of_sites | grep -q '_ZN7parking6Waiter18wait_for_condition'
	target_quit "$TARGET"

	target_start rust_threads per=1
	dump
	stacks_of_sites >"$BATS_TEST_TMPDIR/stacks"
	run ! grep -qE '_ZN|_RNv|::h[0-9a-f]{16}' "$BATS_TEST_TMPDIR/stacks"
	grep -q 'std::.*Condvar.*wait' "$BATS_TEST_TMPDIR/stacks"
	target_quit "$TARGET"
}

@test "--lines: the target's own source lines" {
	local line

	target_start leak_threads initial=3
	dump --lines
	line=$(grep -n 'pthread_cond_wait(' "$BATS_TEST_DIRNAME/../targets/leak_threads.c" | head -n 1 | cut -d : -f 1)
	pick park_site 'select(.p.reason == "futex") | .p.stack[]' >"$BATS_TEST_TMPDIR/stack"
	grep -qx "wait_for_reply (leak_threads.c:$line)" "$BATS_TEST_TMPDIR/stack"
	target_quit "$TARGET"
}

@test "dump says which threads stand there" {
	target_start cpp_threads per=3
	dump
	assert_equal "$(pick park_site 'select(.p.stack | tostring | contains("wait_for_condition"))
		| .p.crowd.threads | map("\(.name) \(.count)") | join(",")')" "cpp_condition 3"
	"$PARKSCOPE" dump -p "$TARGET" | grep -q '^ *threads: cpp_condition (3)$'
	target_quit "$TARGET"
}

### In the kernel

# Of the walks at switch-out, at least 99.9 % are whole, but for what the machine's neighbours
# stretch beyond the deadline; walks [OPTION]... prints "stacks whole slow".
assert_whole() {
	local stacks whole slow

	stacks=$(last end '.p.cost.unwind.stacks')
	whole=$(last end '.p.cost.unwind.whole')
	slow=$(last end '.p.losses.stack_cut_too_slow // 0')
	echo "$stacks stacks, $whole whole, $slow too slow; losses $(last end '.p.losses | tojson')"
	assert_between "stacks" "$1" "$stacks" 1e9
	assert_between "whole stacks of $stacks, $slow too slow" \
		"$(awk "BEGIN { print $stacks * 0.999 - $slow }")" "$whole" "$stacks"
	assert_few_slow_walks
}

@test "stacks of waits are whole: C" {
	target_start timed_waits threads=4 count=200 ms=2
	parkscope_start watch -p "$TARGET" -i 500ms --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	parkscope_stop
	assert_complete
	assert_whole 790
	stacks_of_sites | grep -q 'pthread_cond_timedwait; wait_until_timeout; wait_often; .*start_thread; clone3'
	target_quit "$TARGET"
}

@test "stacks of waits are whole: Python" {
	program_start python3 -c '
import threading, time
def nap():
    while True:
        time.sleep(0.002)
for _ in range(3):
    threading.Thread(target=nap, daemon=True).start()
nap()'
	wait_until "four threads" has_tasks "$TARGET" 4
	parkscope_start watch -p "$TARGET" -d 2s --full
	parkscope_wait
	assert_whole 1000
	stacks_of_sites | grep -q '_PyEval_EvalFrameDefault.*clone3'
	program_end
}

@test "stacks of waits are whole: Node, and every thread reaches its start" {
	program_start node -e '
const { Worker } = require("worker_threads");
for (let i = 0; i < 3; i++)
	new Worker("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", { eval: true });
setInterval(() => { for (let i = 0, s = 0; i < 1000; i++) s += Math.sqrt(i); }, 2);'
	wait_until "the workers wait" node_workers_wait
	parkscope_start watch -p "$TARGET" -d 3s --full
	parkscope_wait
	assert_whole 1000
	dump
	stacks_of_sites >"$BATS_TEST_TMPDIR/stacks"
	assert_between "sites" 3 "$(wc -l <"$BATS_TEST_TMPDIR/stacks")" 100
	# All but the main thread come from clone3.
	run grep -vE '(; |^)(clone3|_start)$' "$BATS_TEST_TMPDIR/stacks"
	assert_output ""
	grep -q 'Builtin_AtomicsWait.*clone3$' "$BATS_TEST_TMPDIR/stacks"
	program_end
}

node_workers_wait() {
	dump
	[ "$(pick park_site 'select(.p.stack | tostring | contains("AtomicsWait")) | .p.crowd.now' |
		jq -s 'add // 0')" = 3 ]
}

@test "a library that is opened after attach is walked through" {
	local waits

	target_start late_library count=200 ms=5
	parkscope_start watch -p "$TARGET" -i 500ms --full
	target_send "$TARGET" go
	target_wait "$TARGET" '^done=1$'
	target_report "$TARGET"
	parkscope_stop
	assert_complete
	waits=$(sum park_site 'select(.p.stack | tostring
		| test("clock_nanosleep.*allocate_slowly.*deflateInit_.*compress_slowly.*main.*_start")) | .p.waits.count')
	# The first one asks for the tables.
	assert_between "waits through zlib" 190 "$waits" "$(target_counter "$TARGET" waits)"
	assert_equal "$(waits_of sleep count)" "$(target_counter "$TARGET" waits)"
	target_quit "$TARGET"
}

@test "a process that executes another program is walked by the new one's tables" {
	local go=$BATS_TEST_TMPDIR/go

	mkfifo "$go"
	# shellcheck disable=SC2016 # for that shell
	program_start sh -c 'read -r word <"$1"; exec python3 -c "
import time
while True:
    time.sleep(0.005)"' sh "$go"
	parkscope_start watch -p "$TARGET" -i 300ms --full
	echo go >"$go"
	wait_until "python's own stack" has_python_stack
	parkscope_stop
	assert_complete
	program_end
}

has_python_stack() {
	stacks_of_sites | grep -q 'Py_RunMain.*main.*_start$'
}

### Without tables

# -Xcomp: the methods are compiled at their first call, not after many.
@test "JVM, 200 parked threads: every method is jstack's" {
	local map

	export JAVA_TOOL_OPTIONS="-XX:+PreserveFramePointer -Xcomp -XX:TieredStopAtLevel=1"
	target_start java_threads per=40
	unset JAVA_TOOL_OPTIONS
	map=/tmp/perf-$TARGET.map
	jcmd "$TARGET" Compiler.perfmap >/dev/null
	[ -s "$map" ]
	jstack "$TARGET" >"$BATS_TEST_TMPDIR/jstack.txt"
	# The safepoint of jstack wakes threads, which may take a moment to park again.
	wait_until "a dump of threads at rest" dump_at_rest
	rm -f "$map"
	"$BATS_TEST_DIRNAME/compare-with-jstack" "$RECORDS" "$BATS_TEST_TMPDIR/jstack.txt" 200
	target_quit "$TARGET"
}

@test "musl: return addresses are guesses, and marked" {
	program_start "${TARGETS:?}/musl_threads"
	wait_until "musl_threads is ready" file_has "$BATS_TEST_TMPDIR/program.out" '^ready$'
	dump
	pick park_site 'select(.p.reason == "futex") | .p.stack[]' >"$BATS_TEST_TMPDIR/stack"
	assert_equal "$(pick park_site 'select(.p.reason == "futex") | .p.crowd.now')" 3
	grep -q '^wait_for_ever+0x.* (musl_threads) \[?\]$' "$BATS_TEST_TMPDIR/stack"
	grep -q '^run+0x.* (musl_threads) \[?\]$' "$BATS_TEST_TMPDIR/stack"
	"$PARKSCOPE" dump -p "$TARGET" | grep -q '^ *3 .* futex *wait_for_ever+0x'
	program_end
}
